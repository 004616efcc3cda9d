/** What an auth counts: by address, for whom it does not know, on routes, and in front of the store. */
import { describe, expect, it } from 'vitest'
import { createAuth } from './auth.ts'
import type { Answer, Contract } from './contract.ts'
import { header } from './credential.ts'
import { defineContract } from './define-contract.ts'
import { digestKey } from './digest.ts'
import { manageAccounts } from './manage-accounts.ts'
import { manageBalances } from './manage-balances.ts'
import { memoryLedger } from './memory-ledger.ts'
import { memoryLimiter } from './memory-limiter.ts'
import { type MemoryStore, memoryStore } from './memory-store.ts'
import type { AuthOptions, Host } from './options.ts'
import type { Denied } from './outcome.ts'
import type { Account, KeyRecord } from './store.ts'
import type { Ending } from './take.ts'

const NOW = 1_790_000_000_000
const TEXT = 'acme_0123456789abcdefghijklmnopqrstuv'
const OTHER_TEXT = 'acme_0123456789abcdefghijklmnopqrstuw'
const GUESS = 'acme_00000000000000000000000000000000'
const answer = (status: number): Answer => ({ status, body: { error: status } })

const CONTRACT = defineContract({
  name: 'acme',
  carriers: [header('x-api-key')],
  key: { prefix: 'acme_', length: 32, alphabet: 'base36' },
  plans: ['free', 'pro'],
  features: { video: ['pro'] },
  permissions: { read: [], write: [] },
  quota: { name: 'month', limit: { free: 5, pro: 10 }, period: { months: 1 } },
  denials: {
    missing: answer(401),
    malformed: answer(401),
    unknown: answer(401),
    revoked: answer(401),
    expired: answer(401),
    token_invalid: answer(401),
    suspended: answer(403),
    plan: answer(403),
    rate_limited: answer(429),
    concurrency: answer(429),
    forbidden: answer(403),
    exhausted: answer(402),
    hidden: answer(404),
    unavailable: answer(503),
  },
  allowed: (limits) => ({ 'X-Limits': limits.map(({ name, remaining }) => `${name} ${remaining}`).join(', ') }),
})

const ACCOUNT: Account = { id: 'account_1', plan: 'free', status: 'active', email: null, metadata: {} }

function keyRecord(id: string): KeyRecord {
  return {
    id,
    service: 'acme',
    accountId: 'account_1',
    name: 'ci',
    environment: null,
    permissions: ['read'],
    createdAt: NOW,
    expiresAt: null,
    revokedAt: null,
    revokedReason: null,
    metadata: {},
  }
}

function filled(): MemoryStore {
  const store = memoryStore()
  const entry = (id: string, text: string) => ({
    key: keyRecord(id),
    secrets: [{ kind: 'key' as const, digest: digestKey(text), display: '…', createdAt: NOW, expiresAt: null }],
  })
  store.insertAll({ accounts: [ACCOUNT], keys: [entry('key_1', TEXT), entry('key_2', OTHER_TEXT)] })
  return store
}

/** A request: who is connected, and how it ends. */
interface Call {
  readonly peer?: string
  end?: (how: Ending) => void
}

const HOST: Host<Call> = {
  peerOf: ({ peer }) => peer,
  onEnd: (call, ended) => {
    call.end = ended
  },
}

type Options = AuthOptions<'free' | 'pro', 'read' | 'write', 'video'>

function authOf(options: Partial<Options> & { readonly limits?: Contract['limits'] } = {}) {
  const { limits = [], ...rest } = options
  const contract: typeof CONTRACT = { ...CONTRACT, limits }
  return createAuth({ contract, store: filled(), now: () => NOW, ...rest })
}

const fields = (key?: string, forwarded?: string) =>
  new Headers({ ...(key && { 'x-api-key': key }), ...(forwarded && { 'x-forwarded-for': forwarded }) })
const perIp = [{ name: 'ip', seconds: 60, limit: 2, per: 'ip' }] as const

describe('a limit by address', () => {
  it('is shared by a /64, and by the forms of one IPv4 address', () => {
    const authenticate = authOf({ limits: perIp }).authenticator({}, HOST)
    expect(authenticate({ peer: '2001:db8::1' }, fields(TEXT))).toMatchObject({ limits: [{ remaining: 1 }] })
    expect(authenticate({ peer: '2001:db8::ffff:2' }, fields(OTHER_TEXT))).toMatchObject({ limits: [{ remaining: 0 }] })
    expect(authenticate({ peer: '2001:db8::3' }, fields(TEXT))).toMatchObject({ code: 'rate_limited' })
    expect(authenticate({ peer: '192.0.2.1' }, fields(TEXT))).toMatchObject({ limits: [{ remaining: 1 }] })
    expect(authenticate({ peer: '::ffff:192.0.2.1' }, fields(TEXT))).toMatchObject({ limits: [{ remaining: 0 }] })
  })

  it('goes by the proxies that are trusted, and not by what a client writes', () => {
    const authenticate = authOf({ limits: perIp, trustedHops: 1 }).authenticator({}, HOST)
    for (const spoofed of ['6.6.6.1', '6.6.6.2']) {
      expect(authenticate({ peer: '10.0.0.1' }, fields(TEXT, `${spoofed}, 192.0.2.1`))).toMatchObject({
        kind: 'allowed',
      })
    }
    expect(authenticate({ peer: '10.0.0.1' }, fields(TEXT, '6.6.6.3, 192.0.2.1'))).toMatchObject({
      code: 'rate_limited',
    })
    const direct = authOf({ limits: perIp }).authenticator({}, HOST)
    for (const spoofed of ['6.6.6.1', '6.6.6.2']) direct({ peer: '192.0.2.1' }, fields(TEXT, spoofed))
    expect(direct({ peer: '192.0.2.1' }, fields(TEXT, '6.6.6.3'))).toMatchObject({ code: 'rate_limited' })
  })

  it('counts who is anonymous too, once for each request', () => {
    const auth = authOf({ limits: perIp })
    const authenticate = auth.authenticator({ optional: true }, HOST)
    for (let i = 0; i < 2; i++) {
      const call = { peer: '192.0.2.1' }
      for (let mount = 0; mount < 3; mount++) expect(authenticate(call, fields())).toEqual({ kind: 'anonymous' })
    }
    expect(authenticate({ peer: '192.0.2.1' }, fields())).toMatchObject({ code: 'rate_limited' })
    expect(authenticate({ peer: '192.0.2.1' }, fields(TEXT))).toMatchObject({ code: 'rate_limited' })
    expect(authenticate({ peer: '192.0.2.2' }, fields())).toEqual({ kind: 'anonymous' })
  })

  it('of a route is counted on the route', () => {
    const authorize = authOf().authorizer({ limits: perIp }, HOST)
    for (let i = 0; i < 2; i++)
      expect(authorize({ peer: '192.0.2.1' }, fields(TEXT))).toMatchObject({ kind: 'allowed' })
    expect(authorize({ peer: '192.0.2.1' }, fields(TEXT))).toMatchObject({ code: 'rate_limited' })
    expect(authorize({ peer: '192.0.2.2' }, fields(TEXT))).toMatchObject({ kind: 'allowed' })
  })

  it('is nothing for a check, which knows no address', () => {
    const auth = authOf()
    auth.authenticator()({}, fields(TEXT))
    expect(() => auth.check({ via: 'none' } as never, { limits: perIp })).toThrow(/requirement\.limits/)
  })
})

describe('a route with limits of its own', () => {
  it('tells of them beside those of the mount', () => {
    const auth = authOf({ limits: [{ name: 'minute', seconds: 60, limit: 9, per: 'account' }] })
    const authorize = auth.authorizer({ limits: [{ name: 'generate', seconds: 60, limit: 1, per: 'key' }] })
    const outcome = authorize({}, fields(TEXT))
    expect(outcome).toMatchObject({
      limits: [
        { name: 'minute', remaining: 8 },
        { name: 'generate', remaining: 0 },
      ],
    })
    expect(authorize({}, fields(TEXT))).toMatchObject({ code: 'rate_limited', limits: [{ name: 'generate' }] })
    expect(authorize({}, fields(OTHER_TEXT))).toMatchObject({ limits: [{ remaining: 6 }, { remaining: 0 }] })
  })

  it('counts nothing for who may not use it', () => {
    const limiter = memoryLimiter()
    const auth = authOf({ limiter })
    const limits = [{ name: 'generate', seconds: 60, limit: 1, per: 'key' }] as const
    const hidden = auth.authorizer({ limits, resource: () => 'hide' })
    const forbidden = auth.authorizer({ limits, permission: 'write' })
    for (let i = 0; i < 3; i++) {
      expect(hidden({}, fields(TEXT))).toMatchObject({ code: 'hidden' })
      expect(forbidden({}, fields(TEXT))).toMatchObject({ code: 'forbidden' })
    }
    expect(auth.authorizer({ limits })({}, fields(TEXT))).toMatchObject({ limits: [{ remaining: 0 }] })
  })

  it('is shared by an auth.check that names it alike', () => {
    const auth = authOf()
    const limits = [{ name: 'generate', seconds: 60, limit: 1, per: 'key' }] as const
    const outcome = auth.authorizer({ limits })({}, fields(TEXT))
    if ('then' in outcome || outcome.kind !== 'allowed') throw new Error('it was denied')
    expect(auth.check(outcome.principal, { limits })).toMatchObject({ code: 'rate_limited' })
  })
})

describe('a store that counts', () => {
  const limits = [{ name: 'minute', seconds: 60, limit: 9, per: 'account' }] as const
  const counting = () => ({ ...filled(), limiter: memoryLimiter(), ledger: memoryLedger() })

  it('keeps the balances for every auth on it', () => {
    const store = counting()
    const [one, other] = [authOf({ store }), authOf({ store })]
    expect(one.authorizer({ cost: 3 })({}, fields(TEXT))).toMatchObject({ kind: 'allowed' })
    expect(other.authorizer({ cost: 3 })({}, fields(TEXT))).toMatchObject({ code: 'exhausted' })
  })

  it('counts limits for those that are given its limiter', () => {
    const store = counting()
    const { limiter } = store
    const [one, other, alone] = [{ limiter }, { limiter }, {}].map((its) => authOf({ store, limits, ...its }))
    expect(one?.authenticator()({}, fields(TEXT))).toMatchObject({ limits: [{ remaining: 8 }] })
    expect(other?.authenticator()({}, fields(TEXT))).toMatchObject({ limits: [{ remaining: 7 }] })
    expect(alone?.authenticator()({}, fields(TEXT))).toMatchObject({ limits: [{ remaining: 8 }] })
  })

  it('keeps no balances where another ledger is given', () => {
    const store = counting()
    authOf({ store }).authorizer({ cost: 3 })({}, fields(TEXT))
    const auth = authOf({ store, ledger: memoryLedger() })
    expect(auth.authorizer({ cost: 3 })({}, fields(TEXT))).toMatchObject({ kind: 'allowed' })
  })
})

describe('an end of a request', () => {
  const concurrency = { name: 'requests', limit: 1, per: 'account' } as const

  it('gives the slots of mount and route back', () => {
    const contract: typeof CONTRACT = { ...CONTRACT, concurrency }
    const auth = createAuth({ contract, store: filled(), now: () => NOW })
    const authenticate = auth.authenticator({}, HOST)
    const first: Call = {}
    expect(authenticate(first, fields(TEXT))).toMatchObject({ kind: 'allowed' })
    expect(authenticate({}, fields(OTHER_TEXT))).toEqual({ kind: 'denied', code: 'concurrency', limit: 1 })
    first.end?.('finished')
    const second: Call = {}
    expect(authenticate(second, fields(OTHER_TEXT))).toMatchObject({ kind: 'allowed' })
    const route = auth.authorizer({ concurrency: { ...concurrency, name: 'jobs' } }, HOST)
    second.end?.('broken')
    expect(route({}, fields(TEXT))).toMatchObject({ kind: 'allowed' })
  })

  it('keeps the cost that was said, and else gives it back when it broke', async () => {
    const ledger = memoryLedger()
    const auth = authOf({ ledger })
    const balances = manageBalances({ contract: CONTRACT, ledger, now: () => NOW })
    const authorize = auth.authorizer({ cost: 4 }, HOST)
    const settled: Call = {}
    authorize(settled, fields(TEXT))
    await auth.settle(settled, 1)
    settled.end?.('broken')
    expect(await balances.find(ACCOUNT)).toMatchObject({ used: 1 })
    const broken: Call = {}
    authorize(broken, fields(TEXT))
    expect(await balances.find(ACCOUNT)).toMatchObject({ used: 5, remaining: 0 })
    broken.end?.('broken')
    expect(await balances.find(ACCOUNT)).toMatchObject({ used: 1 })
  })

  it('is said of a request that was proven, or it is a mistake', async () => {
    const ledger = memoryLedger()
    const auth = authOf({ ledger })
    const request: Call = {}
    auth.authorizer({ cost: 4 }, HOST)(request, fields(TEXT))
    await expect(auth.settle({ request }, 1)).rejects.toThrow(
      new TypeError('request must be one that was proven: see principalOf'),
    )
    await auth.settle(request, 1)
    // Without a cost there is nothing to give back.
    const free: Call = {}
    auth.authorizer({}, HOST)(free, fields(TEXT))
    await auth.settle(free, 3)
    const balances = manageBalances({ contract: CONTRACT, ledger, now: () => NOW })
    expect(await balances.find(ACCOUNT)).toMatchObject({ used: 1 })
  })

  it('is for who asked where auth.check took the cost', async () => {
    const ledger = memoryLedger()
    const auth = authOf({ ledger })
    const balances = manageBalances({ contract: CONTRACT, ledger, now: () => NOW })
    const proven = auth.authenticator()({}, fields(TEXT))
    if ('then' in proven || proven.kind !== 'allowed') throw new Error('it was denied')
    const outcome = auth.check(proven.principal, { cost: 3 })
    if ('then' in outcome || outcome.kind !== 'allowed') throw new Error('it was denied')
    expect(await balances.find(ACCOUNT)).toMatchObject({ used: 3 })
    await outcome.reservation?.release()
    expect(await balances.find(ACCOUNT)).toMatchObject({ used: 0 })
  })
})

describe('an upgrade', () => {
  it('works on the next request, also where the key is cached: plan, limits and quota', async () => {
    const store = filled()
    const limits = [{ name: 'minute', seconds: 60, limit: { free: 2, pro: 9 }, per: 'account' }] as const
    const contract: typeof CONTRACT = { ...CONTRACT, limits }
    const auth = createAuth({ contract, store, now: () => NOW })
    const video = auth.authorizer({ feature: 'video', cost: 6 })
    expect(await video({}, fields(TEXT))).toMatchObject({ code: 'plan', upgrades: ['pro'] })
    const cheap = auth.authorizer({ cost: 6 })
    expect(await cheap({}, fields(TEXT))).toMatchObject({ code: 'exhausted', limit: 5 })
    expect(await cheap({}, fields(TEXT))).toMatchObject({ code: 'rate_limited', limit: { limit: 2 } })
    await manageAccounts({ store, by: 'test' }).change('account_1', { plan: 'pro' })
    expect(await video({}, fields(TEXT))).toMatchObject({ kind: 'allowed', limits: [{ limit: 9, remaining: 6 }] })
    await auth.close()
  })
})

describe('a record that is changed in place, by a store that announces nothing', () => {
  it('is believed as it is by now', () => {
    const account: { -readonly [Name in keyof Account]: Account[Name] } = { ...ACCOUNT }
    const key: { -readonly [Name in keyof KeyRecord]: KeyRecord[Name] } = keyRecord('key_1')
    const secret = { kind: 'key' as const, digest: digestKey(TEXT), display: '…', createdAt: NOW, expiresAt: null }
    const store = { findByDigest: () => ({ key, account, secret }), findSigningKey: () => undefined }
    const authorize = authOf({ store, cache: false }).authorizer({ feature: 'video', permission: 'write', cost: 6 })
    expect(authorize({}, fields(TEXT))).toMatchObject({ code: 'plan' })
    account.plan = 'pro'
    expect(authorize({}, fields(TEXT))).toMatchObject({ code: 'forbidden' })
    key.permissions = ['write']
    expect(authorize({}, fields(TEXT))).toMatchObject({ kind: 'allowed' })
    account.plan = 'free'
    expect(authorize({}, fields(TEXT))).toMatchObject({ code: 'plan' })
  })
})

describe('a brake', () => {
  const brake = { failures: 2, seconds: 60 }
  const attacker = { peer: '192.0.2.1' }

  it('is off by default', () => {
    const authenticate = authOf().authenticator({}, HOST)
    for (let i = 0; i < 100; i++)
      expect(authenticate({ ...attacker }, fields(GUESS))).toMatchObject({ code: 'unknown' })
  })

  it('refuses in front of the store, and no other address', () => {
    let reads = 0
    const store = filled()
    const counted = {
      findByDigest(service: string, digest: string) {
        reads++
        return store.findByDigest(service, digest)
      },
      findSigningKey: () => undefined,
    }
    const reported: Denied[] = []
    const auth = authOf({ store: counted, brake, on: { denied: ({ denied }) => reported.push(denied) } })
    const authenticate = auth.authenticator({}, HOST)
    for (let i = 0; i < 5; i++) authenticate({ ...attacker }, fields(GUESS))
    expect(reads).toBe(2)
    expect(reported.map(({ code }) => code)).toEqual(['unknown', 'unknown', ...Array(3).fill('rate_limited')])
    expect(authenticate({ ...attacker }, fields(TEXT))).toMatchObject({ code: 'rate_limited' })
    expect(authenticate({ ...attacker }, fields())).toMatchObject({ code: 'missing' })
    expect(authenticate({ peer: '192.0.2.2' }, fields(TEXT))).toMatchObject({ kind: 'allowed' })
    expect(authenticate({ peer: '192.0.2.2' }, fields(GUESS))).toMatchObject({ code: 'unknown' })
  })

  it('never touches a good credential that is cached, and counts nothing for it', async () => {
    const auth = authOf({ brake })
    const authenticate = auth.authenticator({}, HOST)
    for (let i = 0; i < 9; i++)
      expect(await authenticate({ ...attacker }, fields(TEXT))).toMatchObject({ kind: 'allowed' })
    for (let i = 0; i < 3; i++) await authenticate({ ...attacker }, fields(GUESS))
    expect(await authenticate({ ...attacker }, fields(GUESS))).toMatchObject({ code: 'rate_limited' })
    expect(await authenticate({ ...attacker }, fields(OTHER_TEXT))).toMatchObject({ code: 'rate_limited' })
    for (let i = 0; i < 9; i++)
      expect(await authenticate({ ...attacker }, fields(TEXT))).toMatchObject({ kind: 'allowed' })
    await auth.close()
  })

  it('holds nobody whose address is not known', () => {
    const authenticate = authOf({ brake }).authenticator({}, HOST)
    for (let i = 0; i < 9; i++) expect(authenticate({}, fields(GUESS))).toMatchObject({ code: 'unknown' })
  })

  it.each([{ failures: 0 }, { seconds: 0.5 }, { addresses: 1e9 }, 'on', 1])('is not %j', (wrong) => {
    expect(() => authOf({ brake: wrong as never })).toThrow(/^brake/)
  })
})

describe('a limiter that is down', () => {
  const down = {
    ...memoryLimiter(),
    take() {
      throw new Error('gone')
    },
  }
  const limits = [{ name: 'minute', seconds: 60, limit: 1, per: 'key' }] as const

  it('closes, unless it was decided otherwise, which is told and stands in the way of nothing', () => {
    expect(authOf({ limits, limiter: down }).authenticator()({}, fields(TEXT))).toMatchObject({ code: 'unavailable' })
    const told: unknown[] = []
    const auth = authOf({
      limits,
      limiter: down,
      whenLimiterDown: 'allow-uncounted',
      on: {
        uncounted(event) {
          told.push(event)
          throw new Error('the log is down too')
        },
      },
    })
    expect(auth.authenticator()({}, fields(TEXT))).toMatchObject({ kind: 'allowed', limits: [] })
    expect(told).toMatchObject([{ cause: { message: 'gone' }, leftOut: 0 }])
    const quiet = authOf({ limits, limiter: down, whenLimiterDown: 'allow-uncounted' })
    expect(quiet.authenticator()({}, fields(TEXT))).toMatchObject({ kind: 'allowed', limits: [] })
  })

  it.each([
    ['whenLimiterDown', { whenLimiterDown: 'open' }],
    ['on.uncounted', { on: { uncounted: 'log' } }],
    ['trustedHops', { trustedHops: -1 }],
    ['trustedHops', { trustedHops: true }],
    ['ledger', { ledger: {} }],
    ['limiter', { limiter: {} }],
  ])('%s is not what it must be', (option, wrong) => {
    expect(() => authOf(wrong as never)).toThrow(new RegExp(`^${option}`))
  })
})
