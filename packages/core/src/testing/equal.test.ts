import { describe, expect, it } from 'vitest'
import { equal, holds, mentions, rejection } from './equal.ts'

describe('equal', () => {
  it.each([
    [1, 1],
    ['', ''],
    [null, null],
    [undefined, undefined],
    [Number.NaN, Number.NaN],
    [0, -0],
    [{}, {}],
    [[], []],
    [
      { a: [1, { b: null }], c: 'x' },
      { c: 'x', a: [1, { b: null }] },
    ],
    [{ a: 1, b: undefined }, { a: 1 }],
    [Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
    [JSON.parse('{ "__proto__": 1 }'), JSON.parse('{ "__proto__": 1 }')],
  ])('takes values for equal that JSON keeps alike (%#)', (actual, expected) => {
    expect(() => equal(actual, expected)).not.toThrow()
    expect(() => equal(expected, actual)).not.toThrow()
  })

  it.each([
    [1, 2],
    [1, '1'],
    [0, null],
    [null, undefined],
    [false, undefined],
    [1n, 1],
    [{}, []],
    [{}, null],
    [{ 0: 'a', length: 1 }, ['a']],
    [[1], [1, 2]],
    [[1], [1, undefined]],
    [
      [1, 2],
      [2, 1],
    ],
    [{ a: null }, {}],
    [{ a: 1 }, { a: 1, b: 2 }],
    [{}, new Date(0)],
    [{}, JSON.parse('{ "__proto__": 1 }')],
    [{}, { toString: 1 }],
    [{ a: { b: [1] } }, { a: { b: [2] } }],
  ])('tells values apart (%#)', (actual, expected) => {
    expect(() => equal(actual, expected)).toThrow(/^not as expected\n {2}/)
    expect(() => equal(expected, actual)).toThrow(/^not as expected\n {2}/)
  })

  it('says where values differ, and how', () => {
    const actual = { key: { id: 'key_1', revokedAt: null, tags: ['a', 'b'] }, extra: 1n }
    const expected = { key: { id: 'key_1', revokedAt: 5, tags: ['a'] } }
    expect(() => equal(actual, expected)).toThrow(
      new Error(
        [
          'not as expected',
          '  .key.revokedAt is null, and must be 5',
          '  .key.tags.1 is "b", and must be undefined',
          '  .key.tags.length is 2, and must be 1',
          '  .extra is 1n, and must be undefined',
        ].join('\n'),
      ),
    )
    expect(() => equal(true, false)).toThrow(new Error('not as expected\n  it is true, and must be false'))
  })

  it('cuts long values', () => {
    const message = `not as expected\n  .a is "${'x'.repeat(299)}…, and must be 1`
    expect(() => equal({ a: 'x'.repeat(400) }, { a: 1 })).toThrow(new Error(message))
  })
})

it('holds says what does not hold', () => {
  expect(() => holds(true, 'it rains')).not.toThrow()
  expect(() => holds(false, 'it rains')).toThrow(new Error('does not hold: it rains'))
})

describe('rejection', () => {
  const reason = new Error('down')

  it('is what a call throws or rejects with', async () => {
    expect(await rejection(() => Promise.reject(reason))).toBe(reason)
    const throws = () => {
      throw reason
    }
    expect(await rejection(throws)).toBe(reason)
  })

  it('rejects where the call does not', async () => {
    await expect(rejection(() => ({ a: 1 }))).rejects.toThrow(new Error('it did not reject, but answered {"a":1}'))
    const late = rejection(() => Promise.resolve(undefined))
    await expect(late).rejects.toThrow(new Error('it did not reject, but answered undefined'))
  })
})

describe('mentions', () => {
  it('reads the message of an error and of its causes', () => {
    const error = new Error('the store failed', { cause: new Error('key_1 is damaged') })
    expect([mentions(error, 'store'), mentions(error, 'key_1'), mentions(error, 'key_2')]).toEqual([true, true, false])
  })

  it.each([undefined, null, 'key_1', { message: ['key_1'] }])('finds nothing in %j', (error) => {
    expect(mentions(error, 'key_1')).toBe(false)
  })
})
