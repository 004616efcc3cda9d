import { describe, expect, it } from 'vitest'
import { type Column, digest, object, oneOf, orNull, readAll, text, texts, time, whole, writeAll } from './columns.ts'

interface Case {
  readonly column: Column<unknown>
  /** Values, and how they are written. */
  readonly kept: readonly (readonly [value: unknown, text: string])[]
  /** What is none, as it might lie there. */
  readonly damaged: readonly (string | undefined)[]
}

const untyped = (column: Column<never> | Column<string>) => column as Column<unknown>

const CASES: Readonly<Record<string, Case>> = {
  text: {
    column: untyped(text),
    kept: [
      ['', ''],
      ['null', 'null'],
    ],
    damaged: [undefined],
  },
  time: {
    column: time as Column<unknown>,
    kept: [
      [0, '0'],
      [-1, '-1'],
      [8.64e15, '8640000000000000'],
      [-8.64e15, '-8640000000000000'],
    ],
    damaged: [undefined, '', ' ', 'x', 'NaN', '1.5', '1e3', '+1', '0x10', '1 ', '8640000000000001', '1'.repeat(20)],
  },
  whole: {
    column: whole as Column<unknown>,
    kept: [
      [0, '0'],
      [Number.MAX_SAFE_INTEGER, '9007199254740991'],
    ],
    damaged: [undefined, '', ' ', 'x', 'NaN', 'inf', '-1', '1.5', '1e3', '+1', '0x10', '1 ', '9007199254740992'],
  },
  digest: {
    column: untyped(digest),
    kept: [['0123456789abcdef'.repeat(4), '0123456789abcdef'.repeat(4)]],
    damaged: [undefined, '', 'a'.repeat(63), 'a'.repeat(65), 'A'.repeat(64), 'g'.repeat(64), `${'a'.repeat(64)}\n`],
  },
  texts: {
    column: texts as Column<unknown>,
    kept: [
      [[], '[]'],
      [['', '1'], '["","1"]'],
    ],
    damaged: [undefined, '', '{}', 'null', '["a"', '["a",1]', '"a"', '[null]'],
  },
  object: {
    column: object as Column<unknown>,
    kept: [
      [{}, '{}'],
      [{ a: [], b: {}, c: 0.1, d: 9007199254740991 }, '{"a":[],"b":{},"c":0.1,"d":9007199254740991}'],
    ],
    damaged: [undefined, '', '[]', 'null', '1', '{"a":', '"{}"'],
  },
  'one of': { column: oneOf('a', 'b') as Column<unknown>, kept: [['b', 'b']], damaged: [undefined, '', 'c', 'A'] },
}

describe.each(Object.entries(CASES))('a column of %s', (_, { column, kept, damaged }) => {
  it.each(kept)('keeps %j', (value, written) => {
    expect(writeAll({ column }, { column: value })).toEqual({ set: ['column', written], unset: [] })
    expect(readAll({ column }, { column: written }, 'it')).toEqual({ column: value })
  })

  it.each(damaged)('throws for %j, and does not repeat it', (found) => {
    const fields = found === undefined ? {} : { column: found }
    expect(() => readAll({ column }, fields, 'key x')).toThrow(new Error('key x: its column is damaged'))
  })
})

it('null is a field that is not there', () => {
  const column = orNull(time)
  expect(writeAll({ column }, { column: null })).toEqual({ set: [], unset: ['column'] })
  expect(readAll({ column }, {}, 'it')).toEqual({ column: null })
  expect(() => readAll({ column }, { column: '' }, 'it')).toThrow('its column is damaged')
})

it('what is not given stays as it is, and what there is no column for is not written', () => {
  const given = JSON.parse('{ "name": "x", "id": "other", "__proto__": "y" }') as {
    readonly name: string
    readonly at?: number
  }
  expect(writeAll<{ readonly name: string; readonly at: number }>({ name: text, at: time }, given)).toEqual({
    set: ['name', 'x'],
    unset: [],
  })
})

it.each([Number.NaN, 0.5, 9e15])('a time that is %j is not written', (at) => {
  expect(() => writeAll({ at: time }, { at })).toThrow(new TypeError('at is not as it must be'))
})
