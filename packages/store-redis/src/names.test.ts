import { expect, it } from 'vitest'
import { namesUnder, placeOf } from './names.ts'

const { meta, changes, of } = namesUnder('acme')

it('every name begins with one hash tag', () => {
  expect([meta, changes, of('accounts')]).toEqual(['{acme}:meta', '{acme}:changes', '{acme}:accounts'])
  expect(of('key', 'viesus', 'key_1')).toBe('{acme}:key:6:viesus:5:key_1')
  // In bytes, as Lua counts.
  expect(of('account', 'ß日👩')).toBe('{acme}:account:9:ß日👩')
})

it('no text makes a name another one', () => {
  const texts = ['', 'a', ':', '1:a', 'a:1:b', ':1:a', '}', '{b}', '0:']
  const names = texts.flatMap((a) => [of('keys', a), ...texts.map((b) => of('keys', a, b))])
  expect(new Set(names).size).toBe(names.length)
})

it('places sort by time and then by id, byte by byte', () => {
  const times = [-8.64e15, -8.64e15 + 1, -1000, -1, 0, 1, 999, 1000, 1_790_000_000_000, 8.64e15 - 1, 8.64e15]
  const places = times.flatMap((at) => ['', 'A', 'a', 'ab', 'b'].map((id) => placeOf(at, id)))
  expect([...places].sort()).toEqual(places)
  expect(new Set(places.map((place) => place.slice(0, 17))).size).toBe(times.length)
})
