import { describe, expect, it } from 'vitest'
import { admit } from './admit.ts'
import type { Contract, DenialTable } from './contract.ts'
import { bearer } from './credential.ts'
import type { Limiter, Taken, Window } from './limiter.ts'
import { memoryLimiter } from './memory-limiter.ts'
import type { KeyPrincipal } from './principal.ts'

const NOW = 1_790_000_000_000

const CONTRACT: Contract = {
  name: 'acme',
  carriers: [bearer()],
  plans: ['free', 'pro', 'enterprise'],
  features: { video: ['pro'] },
  limits: [
    { name: 'minute', seconds: 60, limit: { free: 1, pro: 2 }, per: 'key' },
    { name: 'hour', seconds: 3600, limit: 3, per: 'account' },
  ],
  // Nothing is rendered here.
  denials: {} as DenialTable,
}

const PRINCIPAL: KeyPrincipal = {
  via: 'key',
  account: { id: 'account_1', plan: 'pro', status: 'active', email: null, metadata: {} },
  key: {
    id: 'key_1',
    service: 'acme',
    accountId: 'account_1',
    name: 'ci',
    environment: null,
    permissions: [],
    createdAt: 0,
    expiresAt: null,
    revokedAt: null,
    revokedReason: null,
    metadata: {},
  },
  plan: 'pro',
  permissions: [],
}

const suspended: KeyPrincipal = { ...PRINCIPAL, account: { ...PRINCIPAL.account, status: 'suspended' } }
const counting = (limiter: Limiter = memoryLimiter()) => ({ limiter, timeout: 50 })
/** A limiter whose `take` is given and that has no balances. */
const taking = (take: Limiter['take']): Limiter => ({ ...memoryLimiter(), take })
const unavailable = { kind: 'denied', code: 'unavailable', cause: expect.anything() }

describe('admit', () => {
  it('allows an active account, without limits where the contract has none', () => {
    expect(admit({ ...CONTRACT, limits: [] }, counting(), PRINCIPAL, {}, NOW)).toEqual({
      kind: 'allowed',
      principal: PRINCIPAL,
      limits: [],
    })
  })

  it('refuses a suspended account', () => {
    expect(admit(CONTRACT, counting(), suspended, {}, NOW)).toEqual({
      kind: 'denied',
      code: 'suspended',
      accountId: 'account_1',
    })
  })

  it('refuses an account whose status is any other word', () => {
    const odd = { ...PRINCIPAL, account: { ...PRINCIPAL.account, status: 'Active' as 'active' } }
    expect(admit(CONTRACT, counting(), odd, {}, NOW)).toMatchObject({ code: 'suspended' })
  })

  it('refuses a plan that does not reach', () => {
    expect(admit(CONTRACT, counting(), PRINCIPAL, { plan: 'enterprise' }, NOW)).toEqual({
      kind: 'denied',
      code: 'plan',
      plan: 'pro',
      needs: 'enterprise',
    })
  })

  it('asks for status, plan and rate in this order, and counts only what passed the first two', () => {
    const limiter = memoryLimiter()
    expect(admit(CONTRACT, counting(limiter), suspended, { plan: 'enterprise' }, NOW)).toMatchObject({
      code: 'suspended',
    })
    expect(admit(CONTRACT, counting(limiter), PRINCIPAL, { plan: 'enterprise' }, NOW)).toMatchObject({ code: 'plan' })
    expect(admit(CONTRACT, counting(limiter), PRINCIPAL, {}, NOW)).toMatchObject({
      limits: [
        { name: 'minute', remaining: 1 },
        { name: 'hour', remaining: 2 },
      ],
    })
  })

  it('counts one for each request, and refuses with the window and whole seconds to wait', () => {
    const limiter = memoryLimiter()
    for (let i = 0; i < 2; i++)
      expect(admit(CONTRACT, counting(limiter), PRINCIPAL, {}, NOW)).toMatchObject({ kind: 'allowed' })
    expect(admit(CONTRACT, counting(limiter), PRINCIPAL, {}, NOW + 30_001)).toEqual({
      kind: 'denied',
      code: 'rate_limited',
      limit: { name: 'minute', limit: 2, seconds: 60, remaining: 0, resetAt: NOW + 60_000 },
      retryAfter: 30,
    })
    expect(admit(CONTRACT, counting(limiter), PRINCIPAL, {}, NOW + 59_999)).toMatchObject({ retryAfter: 1 })
    expect(admit(CONTRACT, counting(limiter), PRINCIPAL, {}, NOW + 60_000)).toMatchObject({ kind: 'allowed' })
  })

  it('asks to wait a second at least', () => {
    const limit = { name: 'minute', limit: 2, seconds: 60, remaining: 0, resetAt: NOW - 5000 }
    const limiter = taking(() => ({ taken: false, states: [limit], refusedBy: limit }))
    expect(admit(CONTRACT, counting(limiter), PRINCIPAL, {}, NOW)).toMatchObject({ retryAfter: 1 })
  })

  it('counts per key or per account, and apart for each service', () => {
    const asked: Window[] = []
    const limiter = taking((windows) => {
      asked.push(...windows)
      return { taken: true, states: [] }
    })
    admit(CONTRACT, counting(limiter), PRINCIPAL, {}, NOW)
    admit({ ...CONTRACT, name: 'other' }, counting(limiter), PRINCIPAL, {}, NOW)
    expect(asked).toEqual([
      { name: 'minute', seconds: 60, limit: 2, bucket: 'acme:key:key_1' },
      { name: 'hour', seconds: 3600, limit: 3, bucket: 'acme:account:account_1' },
      { name: 'minute', seconds: 60, limit: 2, bucket: 'other:key:key_1' },
      { name: 'hour', seconds: 3600, limit: 3, bucket: 'other:account:account_1' },
    ])
  })

  it('has no such limit for a plan without a number', () => {
    const enterprise = { ...PRINCIPAL, plan: 'enterprise' }
    expect(admit(CONTRACT, counting(memoryLimiter()), enterprise, {}, NOW)).toMatchObject({
      limits: [{ name: 'hour' }],
    })
  })

  it.each(['toString', 'constructor', '__proto__', 'Pro'])(
    'counts the tightest limit for an unknown plan %s',
    (plan) => {
      const odd = { ...PRINCIPAL, plan }
      const limits = [{ name: 'minute', seconds: 60, limit: { free: 2, pro: 9 }, per: 'key' }] as const
      const contract = { ...CONTRACT, plans: ['free', 'pro', 'enterprise'], limits }
      expect(admit(contract, counting(memoryLimiter()), odd, {}, NOW)).toMatchObject({ limits: [{ limit: 2 }] })
      const known = { ...PRINCIPAL, plan: 'enterprise' }
      expect(admit(contract, counting(memoryLimiter()), known, {}, NOW)).toMatchObject({ limits: [] })
    },
  )

  it('does not ask the limiter where the contract has no limits', () => {
    const limiter = taking(() => {
      throw new Error('asked')
    })
    expect(admit({ ...CONTRACT, limits: [] }, counting(limiter), PRINCIPAL, {}, NOW)).toMatchObject({ kind: 'allowed' })
  })

  it('is unavailable, and not open, when the limiter throws, rejects or hangs', async () => {
    const cause = new Error('gone')
    const throwing = taking(() => {
      throw cause
    })
    expect(admit(CONTRACT, counting(throwing), PRINCIPAL, {}, NOW)).toEqual({ ...unavailable, cause })
    const rejecting = taking(() => Promise.reject(cause))
    await expect(admit(CONTRACT, counting(rejecting), PRINCIPAL, {}, NOW)).resolves.toEqual({ ...unavailable, cause })
    const hanging = taking(() => new Promise(() => {}))
    await expect(admit(CONTRACT, counting(hanging), PRINCIPAL, {}, NOW)).resolves.toEqual(unavailable)
  })

  it('waits for a limiter that answers with a promise', async () => {
    const memory = memoryLimiter()
    const limiter = taking(async (windows, cost, now) => memory.take(windows, cost, now))
    for (let i = 0; i < 2; i++) {
      expect(await admit(CONTRACT, counting(limiter), PRINCIPAL, {}, NOW)).toMatchObject({ kind: 'allowed' })
    }
    expect(await admit(CONTRACT, counting(limiter), PRINCIPAL, {}, NOW)).toMatchObject({ code: 'rate_limited' })
  })

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['an empty object', {}],
    ['a refusal without the window that refused', { taken: false, states: [] }],
    ['no states', { taken: true }],
    ['a word for a truth', { taken: 'no', states: [] }],
    ['a text', 'OK'],
    ['a number', 1],
  ])('is unavailable, and not open, when the limiter returns %s', async (_what, garbage) => {
    const limiter = taking(() => garbage as unknown as Taken)
    expect(await admit(CONTRACT, counting(limiter), PRINCIPAL, {}, NOW)).toEqual(unavailable)
  })
})
