import { describe, expect, it } from 'vitest'
import { checkBy, checkMetadata, checkText, checkTime, pageQuery, settled } from './manage.ts'
import { memoryStore } from './memory-store.ts'

describe('checkText', () => {
  it.each([
    'a',
    'ci',
    ' a blank before',
    'a'.repeat(255),
    'Grüße, 世界',
    '🔑',
    '#-+~"\'`,;$<>{}',
    '\u00a0a blank that does not break',
  ])('gives back the text %j', (text) => {
    expect(checkText('name', text)).toBe(text)
  })

  it.each([
    ['nothing', ''],
    ['a blank', ' '],
    ['a tab and a line break', '\t\n'],
    ['a blank of another kind', '\u2003'],
    ['256 characters', 'a'.repeat(256)],
    ['NUL', 'a\u0000b'],
    ['a line break', 'a\nb'],
    ['an escape', 'a\u001b[31mb'],
    ['DEL', 'a\u007fb'],
    ['the first of the upper control characters', 'a\u0080b'],
    ['the control sequence introducer', 'a\u009b31mb'],
    ['the last of the upper control characters', 'a\u009fb'],
    ['the first half of a surrogate pair', 'a\ud83d'],
    ['the second half of a surrogate pair', '\udd11a'],
    ['two halves in the wrong order', '\udd11\ud83d'],
    ['no text', undefined],
    ['null', null],
    ['a number', 7],
    ['a list of a text', ['ci']],
    ['a String', Object('ci')],
  ])('refuses %s, by the name of the option', (_what, text) => {
    expect(() => checkText('name', text)).toThrow(TypeError)
    expect(() => checkText('name', text)).toThrow(/^name must be /)
  })
})

describe('checkTime', () => {
  it.each([0, 1, -1, 1_790_000_000_000, 8.64e15, -8.64e15])('takes %s', (time) => {
    expect(checkTime('expiresAt', time)).toBeUndefined()
  })

  it.each([
    ['part of a millisecond', 0.5],
    ['a millisecond more than a Date can hold', 8.64e15 + 1],
    ['a millisecond less than a Date can hold', -8.64e15 - 1],
    ['NaN', NaN],
    ['Infinity', Infinity],
    ['-Infinity', -Infinity],
    ['a text', '1790000000000'],
    ['a Date', new Date(0)],
    ['a bigint', 1n],
    ['null', null],
    ['nothing', undefined],
    ['true', true],
    ['a list', [1]],
  ])('refuses %s, by the name of the option', (_what, time) => {
    expect(() => checkTime('expiresAt', time as number)).toThrow(TypeError)
    expect(() => checkTime('expiresAt', time as number)).toThrow(/^expiresAt must be /)
  })
})

describe('checkMetadata', () => {
  it.each([
    ['nothing', {}],
    ['values of each kind', { a: 'b', c: 1, d: true, e: null, f: [1, { g: [] }], h: undefined }],
    ['names that every object has', JSON.parse('{"__proto__":1,"constructor":2}')],
    ['an object without a prototype', Object.assign(Object.create(null), { a: 1 })],
  ])('takes %s', (_what, metadata) => {
    expect(checkMetadata(metadata)).toBeUndefined()
  })

  const circle: Record<string, unknown> = {}
  circle.self = circle
  it.each([
    ['null', null],
    ['a text', 'ci'],
    ['a text that is written as JSON', '{}'],
    ['a number', 7],
    ['true', true],
    ['a list', [{}]],
    ['a function', () => ({})],
    ['an object that is a text in JSON', new Date(0)],
    ['an object that is nothing in JSON', { toJSON: () => undefined }],
    ['a circle', circle],
    ['a bigint', { id: 1n }],
  ])('refuses %s, by its name', (_what, metadata) => {
    expect(() => checkMetadata(metadata as Record<string, unknown>)).toThrow(TypeError)
    expect(() => checkMetadata(metadata as Record<string, unknown>)).toThrow(/^metadata must be /)
  })
})

describe('pageQuery', () => {
  it('asks for 100 from the start by default', () => {
    expect(pageQuery({})).toEqual({ after: undefined, limit: 100 })
  })

  it('asks for what is given', () => {
    expect(pageQuery({ after: 'place', limit: 1 })).toEqual({ after: 'place', limit: 1 })
    expect(pageQuery({ limit: 1000 })).toEqual({ after: undefined, limit: 1000 })
  })

  it.each([0, -1, 1001, 1.5, NaN, Infinity, '10', null])('refuses a limit of %s', (limit) => {
    expect(() => pageQuery({ limit: limit as number })).toThrow(TypeError)
    expect(() => pageQuery({ limit: limit as number })).toThrow(/^limit must be /)
  })
})

describe('settled', () => {
  it('gives the answer, there already or later', async () => {
    expect(await settled(() => 42, 50)).toBe(42)
    expect(await settled(() => Promise.resolve(42), 50)).toBe(42)
    expect(await settled(() => undefined, 50)).toBeUndefined()
    expect(await settled(() => null, 50)).toBeNull()
  })

  it('rejects with what the store threw or rejected with', async () => {
    const cause = new Error('disk full')
    const throws = () => {
      throw cause
    }
    await expect(settled(throws, 50)).rejects.toBe(cause)
    await expect(settled(() => Promise.reject(cause), 50)).rejects.toBe(cause)
  })

  it('rejects when the store has not answered in time', async () => {
    await expect(settled(() => new Promise(() => {}), 20)).rejects.toThrow('no answer within 20 ms')
  })

  it('takes no denial for an answer', async () => {
    await expect(settled(() => ({ kind: 'denied', code: 'missing' }), 50)).rejects.toThrow(Error)
  })
})

describe('checkBy', () => {
  it('takes a store and who makes the changes', () => {
    expect(checkBy({ store: memoryStore(), by: 'user_1' })).toBeUndefined()
  })

  it.each([
    ['store', { by: 'user_1' }],
    ['store', { store: {}, by: 'user_1' }],
    ['by', { store: memoryStore() }],
    ['by', { store: memoryStore(), by: '' }],
    ['by', { store: memoryStore(), by: 'user\n1' }],
  ])('refuses a wrong %s (%#)', (option, options) => {
    expect(() => checkBy(options as Parameters<typeof checkBy>[0])).toThrow(TypeError)
    expect(() => checkBy(options as Parameters<typeof checkBy>[0])).toThrow(new RegExp(`^${option} must be `))
  })
})
