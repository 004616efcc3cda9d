import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Answer, Contract, DenialTable } from './contract.ts'
import { bearer } from './credential.ts'
import { checkBy, checkMetadata, checkText, checkTime, pageQuery, settled } from './manage.ts'
import { manageAccounts } from './manage-accounts.ts'
import { manageKeys } from './manage-keys.ts'
import { memoryStore } from './memory-store.ts'
import type { KeyStore } from './store.ts'

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

describe('a change of what is there', () => {
  const LEASE = 400
  const contract = problemsOf('acme')
  const account = { id: 'account_1', plan: 'pro' }

  beforeEach(() => {
    vi.useFakeTimers()
  })

  afterEach(() => {
    vi.useRealTimers()
  })

  /** A store whose processes may go on for a lease with what they have read. */
  function leasing(lease = LEASE): KeyStore {
    const store = memoryStore()
    return { ...store, capabilities: { ...store.capabilities, lease } }
  }

  async function made(store: KeyStore, wait?: boolean) {
    const accounts = manageAccounts({ store, by: 'test', wait })
    await accounts.create(account)
    const keys = manageKeys({ contract, store, by: 'test', wait })
    const { key } = await keys.create({ accountId: 'account_1', name: 'ci' })
    return { accounts, keys, id: key.id }
  }

  /** Whether it has been answered by now. */
  async function isAnswered(answer: Promise<unknown>): Promise<boolean> {
    let answered = false
    const settle = () => {
      answered = true
    }
    answer.then(settle, settle)
    await vi.advanceTimersByTimeAsync(0)
    return answered
  }

  type Made = Awaited<ReturnType<typeof made>>
  const CHANGES: Readonly<Record<string, (made: Made) => Promise<unknown>>> = {
    'a revocation': ({ keys, id }) => keys.revoke(id),
    'a revocation of a key that is not there': ({ keys }) => keys.revoke('key_none'),
    'a deletion': ({ keys, id }) => keys.delete(id),
    'a deletion of a key that is not there': ({ keys }) => keys.delete('key_none'),
    'a change of a key': ({ keys, id }) => keys.change(id, { permissions: [] }),
    'a rotation': ({ keys, id }) => keys.rotate(id),
    'a change of an account': ({ accounts }) => accounts.change('account_1', { status: 'suspended' }),
  }

  it.each(Object.entries(CHANGES))('%s is answered when the store’s lease has passed', async (_, change) => {
    const answer = change(await made(leasing()))
    expect(await isAnswered(answer)).toBe(false)
    await vi.advanceTimersByTimeAsync(LEASE)
    // Two clocks need not run at the same speed.
    expect(await isAnswered(answer)).toBe(false)
    await vi.advanceTimersByTimeAsync(LEASE / 100 + 1)
    expect(await isAnswered(answer)).toBe(true)
  })

  it.each(Object.entries(CHANGES))('%s is answered at once where nobody is to wait', async (_, change) => {
    expect(await isAnswered(change(await made(leasing(), false)))).toBe(true)
  })

  it.each(Object.entries(CHANGES))('%s is answered at once where the store has no lease', async (_, change) => {
    expect(await isAnswered(change(await made(leasing(0))))).toBe(true)
  })

  it('waits by a clock that nobody can set, and again where a timer is early', async () => {
    const { keys, id } = await made(leasing())
    const answer = keys.revoke(id)
    vi.setSystemTime(Date.now() + 3_600_000)
    expect(await isAnswered(answer)).toBe(false)
    const early = vi.spyOn(performance, 'now').mockReturnValue(performance.now())
    await vi.advanceTimersByTimeAsync(LEASE + 5)
    expect(await isAnswered(answer)).toBe(false)
    early.mockRestore()
    await vi.advanceTimersByTimeAsync(LEASE + 5)
    expect(await isAnswered(answer)).toBe(true)
  })

  it('rejects at once when the store fails', async () => {
    const store: KeyStore = { ...leasing(), revokeKey: () => Promise.reject(new Error('away')) }
    const { keys, id } = await made(store)
    await expect(keys.revoke(id)).rejects.toThrow('away')
  })

  it('is none where a key or an account is made', async () => {
    await expect(made(leasing())).resolves.toBeDefined()
  })

  it.each(['yes', 1, null])('waits or does not: %j is a TypeError', (wait) => {
    const options = { store: memoryStore(), by: 'test', wait: wait as never }
    expect(() => manageAccounts(options)).toThrow(/^wait must be/)
    expect(() => manageKeys({ contract, ...options })).toThrow(/^wait must be/)
  })
})

function problemsOf(name: string): Contract {
  const answer: Answer = { status: 401, body: {} }
  const codes = ['missing', 'malformed', 'unknown', 'revoked', 'expired', 'token_invalid', 'suspended', 'plan'] as const
  const others = ['rate_limited', 'concurrency', 'forbidden', 'exhausted', 'hidden', 'unavailable'] as const
  const denials = Object.fromEntries([...codes, ...others].map((code) => [code, answer])) as DenialTable
  return { name, carriers: [bearer()], key: { prefix: 'acme_', length: 32, alphabet: 'base62' }, denials }
}
