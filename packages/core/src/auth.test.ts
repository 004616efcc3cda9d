import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createAuth, principalOf } from './auth.ts'
import type { Access } from './authorize.ts'
import type { Awaitable } from './awaitable.ts'
import type { Answer } from './contract.ts'
import { bearer, header } from './credential.ts'
import { defineContract } from './define-contract.ts'
import { digestKey } from './digest.ts'
import type { Allowance } from './ledger.ts'
import { memoryLedger } from './memory-ledger.ts'
import { memoryLimiter } from './memory-limiter.ts'
import { type MemoryStore, memoryStore } from './memory-store.ts'
import type { AuthOptions, Host } from './options.ts'
import type { Denied } from './outcome.ts'
import { sealer } from './seal.ts'
import type { Account, AuditEntry, ChangeFeed, KeyMatch, KeyReader, KeyRecord, KeyUse, SigningSecret } from './store.ts'

const NOW = 1_790_000_000_000
const PEPPER = 'pepper-pepper-pepper-pepper-32-b'
const MASTER_KEY = 'master-key-master-key-master-32b'
const REF = { service: 'acme', id: 'key_1' }
const AUDIT: AuditEntry = { at: NOW, by: 'test', action: 'key.changed', details: {} }
const TEXT = 'acme_0123456789abcdefghijklmnopqrstuv'
const FREE_TEXT = 'acme_0123456789abcdefghijklmnopqrstuw'

const answer = (status: number): Answer => ({ status, body: { error: status } })

const CONTRACT = defineContract({
  name: 'acme',
  carriers: [header('x-api-key'), bearer()],
  key: { prefix: 'acme_', length: 32, alphabet: 'base36' },
  plans: ['free', 'pro'],
  features: { video: ['pro'] },
  permissions: { read: [], write: [], admin: ['*'] },
  limits: [{ name: 'minute', seconds: 60, limit: 3, per: 'key' }],
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
})

const ACCOUNT: Account = { id: 'account_1', plan: 'pro', status: 'active', email: null, metadata: {} }
const FREE: Account = { id: 'account_2', plan: 'free', status: 'active', email: null, metadata: {} }
const KEY: KeyRecord = {
  id: 'key_1',
  service: 'acme',
  accountId: 'account_1',
  name: 'ci',
  environment: null,
  permissions: ['read'],
  createdAt: 0,
  expiresAt: null,
  revokedAt: null,
  revokedReason: null,
  metadata: {},
}

const secretOf = (text: string) => ({
  kind: 'key' as const,
  digest: digestKey(text),
  display: '…',
  createdAt: 0,
  expiresAt: null,
})

function filled() {
  const store = memoryStore()
  store.insertAll({
    accounts: [ACCOUNT, FREE],
    keys: [
      { key: KEY, secrets: [secretOf(TEXT)] },
      { key: { ...KEY, id: 'key_2', accountId: 'account_2' }, secrets: [secretOf(FREE_TEXT)] },
    ],
  })
  return store
}

type Options = Omit<AuthOptions<'free' | 'pro', 'read' | 'write' | 'admin', 'video'>, 'contract'>
const authOf = (options: Partial<Options> = {}) =>
  createAuth({ contract: CONTRACT, store: filled(), now: () => NOW, ...options })

/** A store that answers as the memory store does, a turn later. */
function asynchronous(store = filled()): KeyReader {
  return {
    findByDigest: async (service, digest) => store.findByDigest(service, digest),
    findSigningKey: async (service, id) => store.findSigningKey(service, id),
  }
}

const GOOD = new Headers({ 'x-api-key': TEXT })
const NONE = new Headers()
const BAD = new Headers({ 'x-api-key': 'garbage' })
const UNKNOWN_KEY = new Headers({ 'x-api-key': `acme_${'0'.repeat(32)}` })
const missing = { kind: 'denied', code: 'missing' }
const allowedBy = (via: string) => ({ kind: 'allowed', principal: { via } })

describe('createAuth', () => {
  it.each([
    ['no contract', { contract: undefined }, /contract/],
    ['a contract that is null', { contract: null }, /contract/],
    ['a contract that is not whole', { contract: { ...CONTRACT, carriers: [] } }, /contract\.carriers/],
    ['no store', { store: undefined }, /store/],
    ['a store that is none', { store: {} }, /store/],
    ['accounts that are none', { accounts: {} }, /accounts/],
    ['an empty pepper', { pepper: '' }, /pepper/],
    ['a pepper of 31 bytes', { pepper: PEPPER.slice(1) }, /pepper/],
    ['a pepper that is no text', { pepper: new Uint8Array(32) }, /pepper/],
    ['an empty master key', { masterKey: '' }, /masterKey/],
    ['a master key of 31 bytes', { masterKey: MASTER_KEY.slice(1) }, /masterKey/],
    ['a second master key of 31 bytes', { masterKey: `${MASTER_KEY},${MASTER_KEY.slice(1)}` }, /masterKey/],
    ['a master key that is no text', { masterKey: new Uint8Array(32) }, /masterKey/],
    ['a master key that is null', { masterKey: null }, /masterKey/],
    ['token rules without a master key', { contract: { ...CONTRACT, token: { issuer: 'sdk' } } }, /masterKey/],
    [
      'an option that is misspelt',
      { chache: false },
      /^options: unknown member "chache"; it must be one of contract, store, /,
    ],
    ['a size of the cache that is misspelt', { cache: { size: 10 } }, /^cache: unknown member "size"; /],
    ['a rule of the brake that is misspelt', { brake: { failure: 3 } }, /^brake: unknown member "failure"; /],
    ['a cache of true', { cache: true }, /cache/],
    ['a cache that is null', { cache: null }, /cache/],
    ['a cache of no keys', { cache: { keys: 0 } }, /cache\.keys/],
    ['a cache of half a key', { cache: { keys: 0.5 } }, /cache\.keys/],
    ['a cache without end', { cache: { keys: Infinity } }, /cache\.keys/],
    ['a cache of nothing unknown', { cache: { unknown: 0 } }, /cache\.unknown/],
    [
      'cached accounts beside a store that announces nothing',
      { accounts: { find: (): undefined => undefined, cached: true }, store: asynchronous() },
      /accounts\.cached/,
    ],
    [
      'cached accounts without a cache',
      { accounts: { find: (): undefined => undefined, cached: true }, cache: false },
      /accounts\.cached/,
    ],
    ['a timeout of 0', { timeout: 0 }, /timeout/],
    ['a negative timeout', { timeout: -1 }, /timeout/],
    ['a timeout of NaN', { timeout: NaN }, /timeout/],
    ['a timeout without end', { timeout: Infinity }, /timeout/],
    ['a text for a timeout', { timeout: '2000' }, /timeout/],
    ['"true" for insecureAllowEveryone', { insecureAllowEveryone: 'true' }, /insecureAllowEveryone/],
    ['1 for insecureAllowEveryone', { insecureAllowEveryone: 1 }, /insecureAllowEveryone/],
    ['null for insecureAllowEveryone', { insecureAllowEveryone: null }, /insecureAllowEveryone/],
    ['"" for insecureAllowEveryone', { insecureAllowEveryone: '' }, /insecureAllowEveryone/],
  ])('refuses %s, and names the option', (_what, change, option) => {
    const creating = () => createAuth({ contract: CONTRACT, store: filled(), ...(change as object) })
    expect(creating).toThrow(TypeError)
    expect(creating).toThrow(option)
  })

  it('refuses a limiter that is none', () => {
    expect(() => authOf({ limiter: {} as Options['limiter'] & object })).toThrow(/limiter/)
  })

  it('refuses a store that cannot find signing keys, where the contract has tokens', () => {
    const { findByDigest } = filled()
    const contract = { ...CONTRACT, token: { issuer: 'sdk' } }
    const store = { findByDigest } as KeyReader
    expect(() => createAuth({ contract, store, masterKey: MASTER_KEY })).toThrow(/store/)
  })

  it('refuses a timeout that timers cannot hold, because it would be over at once', () => {
    expect(() => authOf({ timeout: 2 ** 31 })).toThrow(/timeout/)
  })

  it('takes a pepper of 32 bytes', () => {
    expect(() => authOf({ pepper: PEPPER })).not.toThrow()
  })

  it('takes a master key of 32 bytes, several of them, or a function that is not called yet', () => {
    const contract = { ...CONTRACT, token: { issuer: 'sdk' } }
    const fetch = () => {
      throw new Error('called')
    }
    for (const masterKey of [MASTER_KEY, 'é'.repeat(16), `${MASTER_KEY},${MASTER_KEY}!`, fetch]) {
      expect(() => createAuth({ contract, store: filled(), masterKey })).not.toThrow()
    }
  })

  it('asks for no master key where no token is looked at', () => {
    const contract = { ...CONTRACT, token: { issuer: 'sdk' } }
    expect(() => createAuth({ contract, store: filled(), insecureAllowEveryone: true })).not.toThrow()
    expect(() => createAuth({ contract: CONTRACT, store: filled() })).not.toThrow()
  })

  it('does not read the store', () => {
    const fail = () => {
      throw new Error('read')
    }
    expect(() => authOf({ store: { findByDigest: fail, findSigningKey: fail } })).not.toThrow()
  })
})

describe('authenticator', () => {
  it('refuses options that the contract does not know, when it is made', () => {
    const auth = authOf()
    expect(() => auth.authenticator({ plan: 'gold' as 'pro' })).toThrow(/requirement\.plan/)
    expect(() => auth.authenticator({ feature: 'audio' as 'video' })).toThrow(/requirement\.feature/)
  })

  it('allows synchronously where the store answers so', () => {
    const outcome = authOf().authenticator()({}, GOOD)
    expect(outcome).toEqual({
      kind: 'allowed',
      principal: { via: 'key', account: ACCOUNT, key: KEY, plan: 'pro', permissions: ['read'] },
      limits: [{ name: 'minute', limit: 3, seconds: 60, remaining: 2, resetAt: NOW + 60_000 }],
    })
  })

  it('denies synchronously where the store answers so', () => {
    expect(authOf().authenticator()({}, UNKNOWN_KEY)).toEqual({ kind: 'denied', code: 'unknown' })
  })

  it('answers with a promise only where the store does', async () => {
    const authenticate = authOf({ store: asynchronous() }).authenticator()
    expect(authenticate({}, NONE)).toEqual(missing)
    expect(authenticate({}, BAD)).toEqual({ kind: 'denied', code: 'malformed' })
    const outcome = authenticate({}, GOOD)
    expect(outcome).toBeInstanceOf(Promise)
    expect(await outcome).toMatchObject(allowedBy('key'))
  })

  it('asks the clock of the options', () => {
    const store = filled()
    store.changeKey(REF, { expiresAt: NOW }, AUDIT)
    expect(authOf({ store, now: () => NOW - 1 }).authenticator()({}, GOOD)).toMatchObject(allowedBy('key'))
    expect(authOf({ store, now: () => NOW }).authenticator()({}, GOOD)).toMatchObject({ code: 'expired' })
  })

  it('sees a revocation and a suspension at the next request', () => {
    const store = filled()
    const authenticate = authOf({ store }).authenticator()
    expect(authenticate({}, GOOD)).toMatchObject(allowedBy('key'))
    store.changeAccount('account_1', { status: 'suspended' }, AUDIT)
    expect(authenticate({}, GOOD)).toEqual({ kind: 'denied', code: 'suspended', accountId: 'account_1' })
    store.revokeKey(REF, null, AUDIT)
    expect(authenticate({}, GOOD)).toMatchObject({ code: 'revoked' })
  })

  it('asks for the plan and the feature', () => {
    const auth = authOf()
    const free = new Headers({ 'x-api-key': FREE_TEXT })
    expect(auth.authenticator({ plan: 'pro' })({}, free)).toMatchObject({ code: 'plan', needs: 'pro' })
    expect(auth.authenticator({ feature: 'video' })({}, free)).toMatchObject({ code: 'plan', feature: 'video' })
    expect(auth.authenticator({ plan: 'pro', feature: 'video' })({}, GOOD)).toMatchObject(allowedBy('key'))
  })

  it('uses the pepper', () => {
    expect(authOf({ pepper: PEPPER }).authenticator()({}, GOOD)).toMatchObject({ code: 'unknown' })
  })

  it('is unavailable when the store hangs past the timeout', async () => {
    const hang = () => new Promise<never>(() => {})
    const auth = authOf({ store: { findByDigest: hang, findSigningKey: hang }, timeout: 5 })
    await expect(auth.authenticator()({}, GOOD)).resolves.toMatchObject({ code: 'unavailable' })
  })

  describe('optional', () => {
    const authenticate = authOf().authenticator({ optional: true })

    it('forgives an absent credential', () => {
      expect(authenticate({}, NONE)).toEqual({ kind: 'anonymous' })
      expect(authenticate({}, new Headers({ 'x-api-key': '', authorization: 'Basic Zm9v' }))).toEqual({
        kind: 'anonymous',
      })
    })

    it('forgives nothing else', async () => {
      expect(authenticate({}, BAD)).toMatchObject({ code: 'malformed' })
      expect(authenticate({}, UNKNOWN_KEY)).toMatchObject({ code: 'unknown' })
      expect(authenticate({}, { get: () => 'a, b' })).toMatchObject({ code: 'malformed' })
      const store = filled()
      store.revokeKey(REF, null, AUDIT)
      expect(authOf({ store }).authenticator({ optional: true })({}, GOOD)).toMatchObject({ code: 'revoked' })
      store.changeAccount('account_2', { status: 'suspended' }, AUDIT)
      const suspended = new Headers({ 'x-api-key': FREE_TEXT })
      expect(authOf({ store }).authenticator({ optional: true })({}, suspended)).toMatchObject({ code: 'suspended' })
      const broken = { findByDigest: () => Promise.reject(new Error('gone')), findSigningKey: () => undefined }
      const outcome = await authOf({ store: broken }).authenticator({ optional: true })({}, GOOD)
      expect(outcome).toMatchObject({ code: 'unavailable' })
    })

    it('is off by default, and on only by true', () => {
      expect(authOf().authenticator()({}, NONE)).toEqual(missing)
      expect(authOf().authenticator({ optional: false })({}, NONE)).toEqual(missing)
      expect(authOf().authenticator({ optional: 'yes' as unknown as boolean })({}, NONE)).toEqual(missing)
    })

    it('establishes nobody', () => {
      const auth = authOf()
      const request = {}
      auth.authenticator({ optional: true })(request, NONE)
      expect(auth.established(request)).toBeUndefined()
      expect(() => principalOf(auth, request)).toThrow(TypeError)
      expect(principalOf(auth, request, { optional: true })).toBeUndefined()
    })
  })
})

describe('the principal', () => {
  it('is established for the request that was authenticated, and for no other', () => {
    const auth = authOf()
    const request = {}
    auth.authenticator()(request, GOOD)
    expect(principalOf(auth, request)).toMatchObject({ via: 'key', key: { id: 'key_1' } })
    expect(auth.established(request)).toMatchObject(allowedBy('key'))
    expect(() => principalOf(auth, {})).toThrow(TypeError)
    expect(() => principalOf(auth, { ...request })).toThrow(TypeError)
    expect(() => principalOf(auth, Object.create(request))).toThrow(TypeError)
  })

  it('is established for this auth alone', () => {
    const [a, b] = [authOf(), authOf()]
    const request = {}
    a.authenticator()(request, GOOD)
    expect(b.established(request)).toBeUndefined()
    expect(() => principalOf(b, request)).toThrow(TypeError)
    expect(b.authorizer({})(request, NONE)).toEqual(missing)
  })

  it('is not read from the request', () => {
    const auth = authOf()
    const forged = { auth: { via: 'key', account: ACCOUNT, key: KEY, plan: 'pro', permissions: ['admin'] } }
    expect(() => principalOf(auth, forged)).toThrow(TypeError)
    expect(auth.authorizer({})(forged, NONE)).toEqual(missing)
  })

  it('is not established by a denial', async () => {
    const store = filled()
    store.changeAccount('account_1', { status: 'suspended' }, AUDIT)
    for (const auth of [authOf({ store }), authOf({ store: asynchronous(store) })]) {
      const request = {}
      expect(await auth.authenticator()(request, GOOD)).toMatchObject({ code: 'suspended' })
      expect(auth.established(request)).toBeUndefined()
    }
  })

  it('is established once a promise has answered', async () => {
    const auth = authOf({ store: asynchronous() })
    const request = {}
    await auth.authenticator()(request, GOOD)
    expect(principalOf(auth, request)).toMatchObject({ via: 'key' })
  })

  it('stays the one that was proven first', () => {
    const auth = authOf()
    const request = {}
    auth.authenticator()(request, GOOD)
    const free = new Headers({ 'x-api-key': FREE_TEXT })
    expect(auth.authenticator()(request, free)).toMatchObject({ principal: { key: { id: 'key_1' } } })
  })
})

/** Of account_1, where nothing is refilled and no plan has a limit. */
const ALLOWANCE: Allowance = { balanceId: 'acme:account_1', limit: undefined, start: 0, end: Infinity }

describe('authenticating twice', () => {
  it('counts the rate once for one request', () => {
    const limiter = memoryLimiter()
    const auth = authOf({ limiter })
    const authenticate = auth.authenticator()
    const authorize = auth.authorizer({ permission: 'read' })
    for (let i = 0; i < 3; i++) {
      const request = {}
      for (let mount = 0; mount < 3; mount++) {
        expect(authenticate(request, GOOD)).toMatchObject({ kind: 'allowed', limits: [{ remaining: 2 - i }] })
        expect(authorize(request, GOOD)).toMatchObject({ kind: 'allowed' })
      }
    }
    expect(authenticate({}, GOOD)).toMatchObject({ code: 'rate_limited', retryAfter: 60 })
  })

  it('asks for the plan of each mount', () => {
    const reported: Denied[] = []
    const auth = authOf({ on: { denied: ({ denied }) => reported.push(denied) } })
    const request = {}
    const free = new Headers({ 'x-api-key': FREE_TEXT })
    const denied = { kind: 'denied', code: 'plan', plan: 'free', needs: 'pro', upgrades: ['pro'] }
    expect(auth.authenticator()(request, free)).toMatchObject(allowedBy('key'))
    expect(auth.authenticator({ plan: 'pro' })(request, free)).toEqual(denied)
    expect(auth.authenticator({ feature: 'video' })(request, free)).toMatchObject({ code: 'plan', feature: 'video' })
    expect(reported[0]).toEqual(denied)
    expect(reported.length).toBe(2)
  })
})

describe('authorizer', () => {
  it('refuses options that the contract does not know, when it is made', () => {
    const auth = authOf()
    expect(() => auth.authorizer({ permission: 'delete' as 'read' })).toThrow(/requirement\.permission/)
    expect(() => auth.authorizer({ cost: -1 })).toThrow(/requirement\.cost/)
    expect(() => auth.authorizer({ plan: 'gold' as 'pro' })).toThrow(/requirement\.plan/)
  })

  it('authenticates by itself when the mount was forgotten', async () => {
    for (const auth of [authOf(), authOf({ store: asynchronous() })]) {
      expect(await auth.authorizer({})({}, NONE)).toEqual(missing)
      expect(await auth.authorizer({})({}, BAD)).toMatchObject({ code: 'malformed' })
      const request = {}
      expect(await auth.authorizer({ permission: 'read' })(request, GOOD)).toMatchObject(allowedBy('key'))
      expect(principalOf(auth, request)).toMatchObject({ via: 'key' })
    }
  })

  it('asks for a credential after an optional mount', () => {
    const auth = authOf()
    const request = {}
    expect(auth.authenticator({ optional: true })(request, NONE)).toEqual({ kind: 'anonymous' })
    expect(auth.authorizer({})(request, NONE)).toEqual(missing)
  })

  it('is synchronous where the store and the resource rule are', () => {
    const authorize = authOf().authorizer({ permission: 'read', resource: () => 'allow' })
    expect(authorize({}, GOOD)).toMatchObject(allowedBy('key'))
  })

  it('asks for plan and permission', () => {
    const auth = authOf()
    const free = new Headers({ 'x-api-key': FREE_TEXT })
    expect(auth.authorizer({ permission: 'write' })({}, GOOD)).toEqual({
      kind: 'denied',
      code: 'forbidden',
      permission: 'write',
    })
    expect(auth.authorizer({ plan: 'pro' })({}, free)).toMatchObject({ code: 'plan' })
  })

  describe('resource', () => {
    it('is given the principal and the request', () => {
      const asked: unknown[] = []
      const request = { id: 'dataset_1' }
      const resource = (principal: { readonly via: string }, { id }: { readonly id: string }): Access => {
        asked.push([principal.via, id])
        return 'allow'
      }
      expect(authOf().authorizer({ resource })(request, GOOD)).toMatchObject(allowedBy('key'))
      expect(asked).toEqual([['key', 'dataset_1']])
    })

    it.each<[Access, string]>([
      ['forbid', 'forbidden'],
      ['hide', 'hidden'],
    ])('that says %s is answered %s', async (access, code) => {
      expect(authOf().authorizer({ resource: () => access })({}, GOOD)).toEqual({ kind: 'denied', code })
      await expect(authOf().authorizer({ resource: async () => access })({}, GOOD)).resolves.toEqual({
        kind: 'denied',
        code,
      })
    })

    it.each([[undefined], [null], [true], [{}], ['Allow']])('that returns %j is forbidden', async (access) => {
      const said = access as unknown as Access
      expect(authOf().authorizer({ resource: () => said })({}, GOOD)).toMatchObject({ code: 'forbidden' })
      await expect(authOf().authorizer({ resource: async () => said })({}, GOOD)).resolves.toMatchObject({
        code: 'forbidden',
      })
    })

    it('is asked only once authentication, plan and permission have passed', () => {
      const resource = (): Access => {
        throw new Error('asked')
      }
      const auth = authOf()
      const free = new Headers({ 'x-api-key': FREE_TEXT })
      expect(auth.authorizer({ resource })({}, NONE)).toEqual(missing)
      expect(auth.authorizer({ resource })({}, UNKNOWN_KEY)).toMatchObject({ code: 'unknown' })
      expect(auth.authorizer({ resource, permission: 'write' })({}, GOOD)).toMatchObject({ code: 'forbidden' })
      expect(auth.authorizer({ resource, plan: 'pro' })({}, free)).toMatchObject({ code: 'plan' })
      expect(auth.authorizer({ resource, feature: 'video' })({}, free)).toMatchObject({ code: 'plan' })
    })

    it('passes on what it throws or rejects with', async () => {
      const cause = new Error('the application')
      const throwing = authOf().authorizer({
        resource: () => {
          throw cause
        },
      })
      expect(() => throwing({}, GOOD)).toThrow(cause)
      await expect(authOf().authorizer({ resource: () => Promise.reject(cause) })({}, GOOD)).rejects.toBe(cause)
    })
  })

  describe('cost', () => {
    function metered(remaining: number) {
      const ledger = memoryLedger()
      ledger.change(ALLOWANCE, { limit: remaining })
      return { ledger, auth: authOf({ ledger }) }
    }

    it('is taken once all else has allowed', () => {
      const { ledger, auth } = metered(10)
      expect(auth.authorizer({ permission: 'read', cost: 3, resource: () => 'allow' })({}, GOOD)).toMatchObject(
        allowedBy('key'),
      )
      expect(ledger.read(ALLOWANCE)).toEqual({ limit: 10, used: 3, start: 0 })
    })

    it('is not taken for a request that is denied', () => {
      const { ledger, auth } = metered(10)
      const request = {}
      auth.authorizer({ cost: 1 })(request, NONE)
      auth.authorizer({ cost: 1 })(request, UNKNOWN_KEY)
      auth.authorizer({ cost: 1, permission: 'write' })(request, GOOD)
      auth.authorizer({ cost: 1, resource: () => 'hide' })(request, GOOD)
      auth.authorizer({ cost: 1, resource: () => 'forbid' })(request, GOOD)
      expect(ledger.read(ALLOWANCE)).toEqual({ limit: 10, used: 0, start: 0 })
    })

    it('that the balance does not cover is exhausted, after the resource rule', () => {
      const { ledger, auth } = metered(2)
      expect(auth.authorizer({ cost: 3 })({}, GOOD)).toEqual({
        kind: 'denied',
        code: 'exhausted',
        quota: 'quota',
        cost: 3,
        limit: 2,
        remaining: 2,
        refillsAt: null,
      })
      expect(auth.authorizer({ cost: 3, resource: () => 'hide' })({}, GOOD)).toMatchObject({ code: 'hidden' })
      expect(ledger.read(ALLOWANCE)).toEqual({ limit: 2, used: 0, start: 0 })
    })

    it('is not taken where the rate is spent', () => {
      const { ledger, auth } = metered(10)
      for (let i = 0; i < 5; i++) auth.authorizer({ cost: 1 })({}, GOOD)
      expect(ledger.read(ALLOWANCE)).toEqual({ limit: 10, used: 3, start: 0 })
    })
  })
})

describe('check', () => {
  function proven(options: Partial<Options> = {}) {
    const auth = authOf(options)
    const request = {}
    auth.authenticator()(request, GOOD)
    return { auth, principal: principalOf(auth, request) }
  }

  it('answers for a proven principal, synchronously', () => {
    const { auth, principal } = proven()
    expect(auth.check(principal, { permission: 'read' })).toEqual({ kind: 'allowed', principal, limits: [] })
    expect(auth.check(principal, { permission: 'write' })).toMatchObject({ code: 'forbidden', permission: 'write' })
    expect(auth.check(principal, { permission: 'read' }, 'hide')).toEqual({ kind: 'denied', code: 'hidden' })
    expect(auth.check(principal, { permission: 'write' }, 'hide')).toMatchObject({ code: 'forbidden' })
  })

  it('takes the cost when it allows', () => {
    const ledger = memoryLedger()
    ledger.change(ALLOWANCE, { limit: 5 })
    const { auth, principal } = proven({ ledger })
    auth.check(principal, { cost: 2 }, 'forbid')
    expect(ledger.read(ALLOWANCE)).toEqual({ limit: 5, used: 0, start: 0 })
    auth.check(principal, { cost: 2 })
    expect(ledger.read(ALLOWANCE)).toEqual({ limit: 5, used: 2, start: 0 })
    expect(auth.check(principal, { cost: 4 })).toMatchObject({ code: 'exhausted', cost: 4, remaining: 3 })
  })

  it('refuses a requirement that the contract does not know', () => {
    const { auth, principal } = proven()
    expect(() => auth.check(principal, { permission: 'delete' as 'read' })).toThrow(/requirement\.permission/)
    expect(() => auth.check(principal, { cost: NaN })).toThrow(/requirement\.cost/)
  })

  it('refuses what it has not proven: the principal of another contract, or none', () => {
    const { principal } = proven()
    if (principal.via === 'none') throw new Error('somebody was proven')
    const contract: typeof CONTRACT = { ...CONTRACT, name: 'other' }
    const others = createAuth({ contract, store: memoryStore() })
    const refused = new TypeError('principal must be one that was proven for other')
    expect(() => others.check(principal, { permission: 'read' })).toThrow(refused)
    const identity = { via: 'identity', issuer: 'https://id.example', account: {}, plan: 'pro', permissions: ['*'] }
    for (const none of [undefined, null, {}, 'key', { via: 'key' }, { via: 'other' }, { via: 'none' }, identity]) {
      expect(() => others.check(none as unknown as typeof principal, {})).toThrow(refused)
    }
  })

  it('takes the principal of a provider that its contract has, and of no other', () => {
    const jwks = 'https://id.example/jwks.json'
    const identity = [{ issuer: 'https://id.example', audience: 'api', algorithms: ['ES256'], jwks }] as const
    const auth = createAuth({ contract: { ...CONTRACT, identity }, store: memoryStore(), masterKey: MASTER_KEY })
    const of = (issuer: string) => {
      const account = { id: 'a', plan: 'pro', status: 'active', email: null, metadata: {} } as const
      return { via: 'identity', issuer, subject: 'a', account, plan: 'pro', permissions: ['read'], claims: {} } as const
    }
    expect(auth.check(of('https://id.example'), { permission: 'read' })).toMatchObject({ kind: 'allowed' })
    expect(() => auth.check(of('https://other.example'), { permission: 'read' })).toThrow(
      new TypeError('principal must be one that was proven for acme'),
    )
  })

  it('forbids where the resource’s rule forgot to answer', () => {
    const { auth, principal } = proven()
    const ruleOf = (): Access | undefined => undefined
    expect(auth.check(principal, {}, ruleOf())).toMatchObject({ code: 'forbidden' })
    expect(auth.check(principal, {}, null as unknown as Access)).toMatchObject({ code: 'forbidden' })
  })

  it('reports a denial', () => {
    const reported: Denied[] = []
    const { auth, principal } = proven({ on: { denied: ({ denied }) => reported.push(denied) } })
    auth.check(principal, {}, 'hide')
    expect(reported).toEqual([{ kind: 'denied', code: 'hidden' }])
  })
})

describe('insecureAllowEveryone', () => {
  const fail = () => {
    throw new Error('read')
  }
  const everyone = (options: Partial<Options> = {}) =>
    createAuth({
      contract: CONTRACT,
      store: { findByDigest: fail, findSigningKey: fail },
      insecureAllowEveryone: true,
      ...options,
    })

  it('is off by default', () => {
    expect(authOf().authenticator()({}, NONE)).toEqual(missing)
    expect(authOf({ insecureAllowEveryone: false }).authenticator()({}, NONE)).toEqual(missing)
  })

  it('makes every request everyone’s, with whatever credential, and reads no store', () => {
    for (const fields of [NONE, BAD, GOOD]) {
      const auth = everyone()
      const request = {}
      const outcome = { kind: 'allowed', principal: { via: 'none' }, limits: [] }
      expect(auth.authenticator({ plan: 'pro', feature: 'video' })(request, fields)).toEqual(outcome)
      expect(principalOf(auth, request)).toEqual({ via: 'none' })
      expect(auth.authenticator({ plan: 'pro' })(request, fields)).toEqual(outcome)
    }
  })

  it('passes plan, permission and cost, and counts nothing', () => {
    const limiter = memoryLimiter()
    const auth = everyone({ limiter: { ...limiter, take: fail }, ledger: { ...memoryLedger(), reserve: fail } })
    const authorize = auth.authorizer({ plan: 'pro', permission: 'admin', cost: 5 })
    for (let i = 0; i < 10; i++) expect(authorize({}, NONE)).toMatchObject(allowedBy('none'))
  })

  it('still asks the resource’s own rule', () => {
    const asked: unknown[] = []
    const authorize = everyone().authorizer({
      permission: 'admin',
      resource(principal) {
        asked.push(principal)
        return 'hide'
      },
    })
    expect(authorize({}, NONE)).toEqual({ kind: 'denied', code: 'hidden' })
    expect(asked).toEqual([{ via: 'none' }])
    expect(everyone().check({ via: 'none' }, { permission: 'admin' }, 'forbid')).toMatchObject({ code: 'forbidden' })
  })

  it('is decided when the auth is made', () => {
    const options: { contract: typeof CONTRACT; store: KeyReader; insecureAllowEveryone: boolean } = {
      contract: CONTRACT,
      store: filled(),
      insecureAllowEveryone: false,
    }
    const authenticate = createAuth(options).authenticator()
    options.insecureAllowEveryone = true
    expect(authenticate({}, NONE)).toEqual(missing)
  })
})

describe('the event of a denial', () => {
  it('is told of each denial once, with its private facts', async () => {
    const store = filled()
    store.revokeKey(REF, 'leaked', { ...AUDIT, at: 5 })
    for (const reader of [store, asynchronous(store)]) {
      const reported: Denied[] = []
      const auth = authOf({ store: reader, on: { denied: ({ denied }) => reported.push(denied) } })
      await auth.authenticator()({}, GOOD)
      await auth.authorizer({ permission: 'write', resource: () => 'allow' })({}, GOOD)
      const free = new Headers({ 'x-api-key': FREE_TEXT })
      await auth.authorizer({ permission: 'write' })({}, free)
      await auth.authorizer({ permission: 'write', resource: () => 'allow' })({}, free)
      await auth.authorizer({ resource: () => 'hide' })({}, free)
      await auth.authorizer({})({}, NONE)
      const revoked = { kind: 'denied', code: 'revoked', keyId: 'key_1', revokedAt: 5 }
      const forbidden = { kind: 'denied', code: 'forbidden', permission: 'write' }
      expect(reported).toEqual([revoked, revoked, forbidden, forbidden, { kind: 'denied', code: 'hidden' }, missing])
    }
  })

  it('tells whose request it was, where that is proven', async () => {
    const told: unknown[] = []
    const auth = authOf({ on: { denied: ({ denied, ...about }) => told.push([denied.code, about]) } })
    const requests = [{}, {}, {}] as const
    auth.authenticator()(requests[0], NONE)
    auth.authenticator({ plan: 'pro' })(requests[1], new Headers({ 'x-api-key': FREE_TEXT }))
    auth.authorizer({ permission: 'write' })(requests[2], GOOD)
    const principal = auth.established(requests[2])?.principal
    await auth.check(principal as never, { permission: 'write' })
    expect(told).toEqual([
      ['missing', { service: 'acme', principal: undefined, leftOut: 0 }],
      ['plan', { service: 'acme', principal: expect.objectContaining({ plan: 'free' }), leftOut: 0 }],
      ['forbidden', { service: 'acme', principal, leftOut: 0 }],
      ['forbidden', { service: 'acme', principal, leftOut: 0 }],
    ])
  })

  it('is not told of what is allowed or anonymous', () => {
    const denied = () => {
      throw new Error('told')
    }
    const auth = authOf({ on: { denied } })
    expect(auth.authenticator({ optional: true })({}, NONE)).toEqual({ kind: 'anonymous' })
    expect(auth.authorizer({ permission: 'read' })({}, GOOD)).toMatchObject(allowedBy('key'))
  })

  it('changes nothing when it throws', async () => {
    const denied = () => {
      throw new Error('the log is full')
    }
    const auth = authOf({ on: { denied } })
    expect(auth.authenticator()({}, NONE)).toEqual(missing)
    expect(auth.authorizer({ permission: 'write' })({}, GOOD)).toMatchObject({ code: 'forbidden' })
    const later = authOf({ store: asynchronous(), on: { denied } })
    await expect(later.authenticator()({}, UNKNOWN_KEY)).resolves.toMatchObject({ code: 'unknown' })
  })

  it('changes nothing when it rejects: no rejection is left unhandled', async () => {
    const unhandled: unknown[] = []
    const before = process.rawListeners('unhandledRejection') as ((reason: unknown) => void)[]
    process.removeAllListeners('unhandledRejection')
    process.on('unhandledRejection', (reason) => unhandled.push(reason))
    try {
      const auth = authOf({
        on: { denied: () => Promise.reject(new Error('the log is full')) as unknown as undefined },
      })
      expect(auth.authenticator()({}, NONE)).toEqual(missing)
      await new Promise((resolve) => setTimeout(resolve, 20))
    } finally {
      process.removeAllListeners('unhandledRejection')
      for (const listener of before) process.on('unhandledRejection', listener)
    }
    expect(unhandled).toEqual([])
  })
})

describe('the last use of a key', () => {
  const lastUse = (store: ReturnType<typeof filled>, id = 'key_1') => store.findKey({ service: 'acme', id })?.lastUsedAt

  /** What a prover reads of a store, and the uses that it is told of. */
  function told(store = filled(), answer: () => Awaitable<boolean> = () => true) {
    const batches: (readonly KeyUse[])[] = []
    const reader: KeyReader = {
      findByDigest: (service, digest) => store.findByDigest(service, digest),
      findSigningKey: (service, id) => store.findSigningKey(service, id),
      recordUses: (uses) => {
        batches.push(uses)
        return answer()
      },
    }
    return { reader, batches }
  }

  it('is the time of the request that was proven, once the auth is closed', async () => {
    const store = filled()
    const clock = { now: NOW }
    const auth = authOf({ store, now: () => clock.now })
    auth.authenticator()({}, GOOD)
    expect(lastUse(store)).toBeNull()
    clock.now += 60_000
    await auth.close()
    expect(lastUse(store)).toBe(NOW)
    expect(lastUse(store, 'key_2')).toBeNull()
  })

  it('is that of the latest request, and each key is written once', async () => {
    const { reader, batches } = told()
    const clock = { now: NOW }
    const auth = authOf({ store: reader, now: () => clock.now })
    for (const fields of [GOOD, new Headers({ 'x-api-key': FREE_TEXT }), GOOD]) {
      auth.authenticator()({}, fields)
      clock.now += 10
    }
    await auth.close()
    expect(batches).toEqual([
      [
        expect.objectContaining({ service: 'acme', keyId: 'key_1', count: 2, firstAt: NOW, lastAt: NOW + 20 }),
        expect.objectContaining({ service: 'acme', keyId: 'key_2', count: 1, firstAt: NOW + 10, lastAt: NOW + 10 }),
      ],
    ])
  })

  it('is written once: closed again, there is nothing to write', async () => {
    const { reader, batches } = told()
    const auth = authOf({ store: reader })
    auth.authenticator()({}, GOOD)
    await auth.close()
    await auth.close()
    expect(batches).toHaveLength(1)
  })

  it('is noted of a key that signs tokens, too', async () => {
    const contract = { ...CONTRACT, token: { issuer: 'sdk' } }
    const text = 'a-secret-of-at-least-thirty-two-bytes-000001'
    const store = filled()
    const secret: SigningSecret = {
      kind: 'signing',
      version: '1',
      ...(await sealer(MASTER_KEY).seal(text, { service: 'acme', keyId: 'key_3', version: '1' })),
      createdAt: 0,
      expiresAt: null,
    }
    store.insertAll({ accounts: [], keys: [{ key: { ...KEY, id: 'key_3' }, secrets: [secret] }] })
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const claims = { iss: 'sdk', iat: NOW / 1000, exp: NOW / 1000 + 60 }
    const input = `${encode({ alg: 'HS256', kid: 'key_3' })}.${encode(claims)}`
    const tokenOf = (signer: string) =>
      new Headers({
        authorization: `Bearer ${input}.${createHmac('sha256', signer).update(input).digest('base64url')}`,
      })
    const auth = createAuth({ contract, store, masterKey: MASTER_KEY, now: () => NOW })
    expect(auth.authenticator()({}, tokenOf(`${text}!`))).toMatchObject({ code: 'token_invalid' })
    await auth.close()
    expect(lastUse(store, 'key_3')).toBeNull()
    expect(auth.authenticator()({}, tokenOf(text))).toMatchObject(allowedBy('token'))
    await auth.close()
    expect(lastUse(store, 'key_3')).toBe(NOW)
  })

  it('is not noted of a request that proves nobody', async () => {
    const { reader, batches } = told()
    const auth = authOf({ store: reader })
    for (const fields of [NONE, BAD, UNKNOWN_KEY]) auth.authenticator()({}, fields)
    expect(auth.authenticator({ optional: true })({}, NONE)).toEqual({ kind: 'anonymous' })

    const ended = filled()
    ended.revokeKey(REF, null, AUDIT)
    const refusing = told(ended)
    const closed = authOf({ store: refusing.reader })
    expect(closed.authenticator()({}, GOOD)).toMatchObject({ code: 'revoked' })

    await auth.close()
    await closed.close()
    expect([batches, refusing.batches]).toEqual([[], []])
  })

  it('is noted of a request that is proven and denied', async () => {
    const free = new Headers({ 'x-api-key': FREE_TEXT })
    const suspended = filled()
    suspended.changeAccount('account_2', { status: 'suspended' }, AUDIT)
    for (const [store, code] of [
      [filled(), 'plan'],
      [suspended, 'suspended'],
    ] as const) {
      const auth = authOf({ store })
      expect(auth.authenticator({ plan: 'pro' })({}, free)).toMatchObject({ code })
      await auth.close()
      expect(lastUse(store, 'key_2')).toBe(NOW)
    }
  })

  it('is counted once for each request, with the status and the route of its answer', async () => {
    const { reader, batches } = told()
    const auth = authOf({ store: reader })
    const endings: (() => void)[] = []
    const host: Host<{ readonly status: number }> = {
      onAnswer: ({ status }, answered) => endings.push(() => answered({ route: 'GET /things/:id', status })),
    }
    const authenticate = auth.authenticator({}, host)
    const authorize = auth.authorizer({ permission: 'write' }, host)
    for (const status of [200, 403, 403]) {
      const request = { status }
      expect(authenticate(request, GOOD)).toMatchObject(allowedBy('key'))
      if (status === 403) expect(authorize(request, GOOD)).toMatchObject({ code: 'forbidden' })
    }
    expect(endings).toHaveLength(3)
    for (const end of endings) end()
    await auth.close()
    const day = Math.floor(NOW / 86_400_000) * 86_400_000
    const common = { service: 'acme', keyId: 'key_1', route: 'GET /things/:id', day, firstAt: NOW, lastAt: NOW }
    expect(batches).toEqual([
      [
        { ...common, status: 200, count: 1 },
        { ...common, status: 403, count: 2 },
      ],
    ])
  })

  it('is that of the last request, also beyond the rate limit', async () => {
    const store = filled()
    const clock = { now: NOW }
    const auth = authOf({ store, now: () => clock.now })
    for (const code of [undefined, undefined, undefined, 'rate_limited']) {
      clock.now += 1
      expect((auth.authenticator()({}, GOOD) as { code?: string }).code).toBe(code)
    }
    await auth.close()
    expect(lastUse(store)).toBe(NOW + 4)
  })

  it('is not noted where authentication is off', async () => {
    const { reader, batches } = told()
    const auth = createAuth({ contract: CONTRACT, store: reader, insecureAllowEveryone: true })
    expect(auth.authenticator()({}, GOOD)).toMatchObject(allowedBy('none'))
    await auth.close()
    expect(batches).toEqual([])
  })

  it('is lost where the store does not take it, and no request suffers', async () => {
    const fail = () => {
      throw new Error('disk full')
    }
    const hang = () => new Promise<never>(() => {})
    for (const answer of [fail, () => Promise.reject(new Error('gone')), hang]) {
      const auth = authOf({ store: told(filled(), answer).reader, timeout: 5 })
      expect(auth.authenticator()({}, GOOD)).toMatchObject(allowedBy('key'))
      await expect(auth.close()).resolves.toBeUndefined()
      expect(auth.authenticator()({}, GOOD)).toMatchObject(allowedBy('key'))
    }
  })

  it('is not asked of a store that cannot note it', async () => {
    const auth = authOf({ store: asynchronous() })
    await expect(auth.authenticator()({}, GOOD)).resolves.toMatchObject(allowedBy('key'))
    await expect(auth.close()).resolves.toBeUndefined()
  })
})

/** The memory store, and how often it was read. */
function counted(store = filled()) {
  const reads: string[] = []
  const reader: KeyReader = {
    findByDigest(service, digest) {
      reads.push(`digest ${digest}`)
      return store.findByDigest(service, digest)
    },
    findSigningKey(service, id) {
      reads.push(`kid ${id}`)
      return store.findSigningKey(service, id)
    },
    changes: store.changes,
  }
  return { store, reader, reads }
}

const codeOf = (outcome: unknown) => (outcome as { readonly code?: string }).code ?? 'allowed'

describe('what is kept of the store', () => {
  it('is read once, and given to every request', () => {
    const { reader, reads } = counted()
    const auth = createAuth({ contract: CONTRACT, store: reader, now: () => NOW })
    const [first, second] = [{}, {}]
    auth.authenticator()(first, GOOD)
    auth.authenticator()(second, GOOD)
    const [one, other] = [first, second].map((request) => principalOf(auth, request))
    expect(one?.key).toBe(other?.key)
    expect([one?.key, one?.account, one?.permissions].every(Object.isFrozen)).toBe(true)
    expect(reads).toHaveLength(1)
  })

  it('is nothing where the cache is switched off, or the store announces nothing', async () => {
    const { reader, reads } = counted()
    for (const options of [{ store: reader, cache: false }, { store: { ...reader, changes: undefined } }] as const) {
      const auth = authOf(options)
      reads.splice(0)
      await auth.authenticator()({}, GOOD)
      await auth.authenticator()({}, GOOD)
      expect(reads).toHaveLength(2)
    }
  })

  it.each([
    ['revoked', (store: MemoryStore) => store.revokeKey(REF, null, AUDIT), 'revoked'],
    ['deleted', (store: MemoryStore) => store.deleteKey(REF, AUDIT), 'unknown'],
    ['rotated', (store: MemoryStore) => store.rotateKey(REF, secretOf('another'), 0, AUDIT), 'unknown'],
    [
      'suspended',
      (store: MemoryStore) => store.changeAccount('account_1', { status: 'suspended' }, AUDIT),
      'suspended',
    ],
    ['downgraded', (store: MemoryStore) => store.changeAccount('account_1', { plan: 'free' }, AUDIT), 'plan'],
    ['expired', (store: MemoryStore) => store.changeKey(REF, { expiresAt: NOW }, AUDIT), 'expired'],
  ])('is gone with the next request when the key is %s', (_, change, code) => {
    const { store, reader } = counted()
    const auth = authOf({ store: reader })
    expect(codeOf(auth.authenticator({ plan: 'pro' })({}, GOOD))).toBe('allowed')
    change(store)
    expect(codeOf(auth.authenticator({ plan: 'pro' })({}, GOOD))).toBe(code)
  })

  it('is gone with the next request when permissions are taken away', () => {
    const { store, reader } = counted()
    const authorize = authOf({ store: reader, limiter: memoryLimiter() }).authorizer({ permission: 'read' })
    expect(codeOf(authorize({}, GOOD))).toBe('allowed')
    store.changeKey(REF, { permissions: [] }, AUDIT)
    expect(codeOf(authorize({}, GOOD))).toBe('forbidden')
  })

  it('ends by the clock at the millisecond at which the key expires', () => {
    const { store, reader, reads } = counted()
    store.changeKey(REF, { expiresAt: NOW + 1 }, AUDIT)
    let at = NOW
    const authenticate = authOf({ store: reader, now: () => at }).authenticator()
    expect(codeOf(authenticate({}, GOOD))).toBe('allowed')
    at = NOW + 1
    expect(codeOf(authenticate({}, GOOD))).toBe('expired')
    expect(reads).toHaveLength(1)
  })

  it('is that a key is unknown, until one is made', () => {
    const { store, reader, reads } = counted(memoryStore())
    const authenticate = authOf({ store: reader }).authenticator()
    expect([codeOf(authenticate({}, GOOD)), codeOf(authenticate({}, GOOD))]).toEqual(['unknown', 'unknown'])
    expect(reads).toHaveLength(1)
    store.insertAll({ accounts: [ACCOUNT], keys: [{ key: KEY, secrets: [secretOf(TEXT)] }] })
    expect(codeOf(authenticate({}, GOOD))).toBe('allowed')
  })

  it('is no broken record', async () => {
    const { reader, reads } = counted()
    let isBroken = true
    const store: KeyReader = {
      ...reader,
      findByDigest(service, digest) {
        const match = reader.findByDigest(service, digest) as KeyMatch
        return isBroken ? { ...match, account: { ...ACCOUNT, status: 'odd' as 'active' } } : match
      },
    }
    const auth = authOf({ store })
    expect(codeOf(await auth.authenticator()({}, GOOD))).toBe('unavailable')
    isBroken = false
    expect(codeOf(await auth.authenticator()({}, GOOD))).toBe('allowed')
    expect(reads).toHaveLength(2)
  })

  it('is never a malformed credential: no store is asked about one', () => {
    const { reader, reads } = counted()
    const authenticate = authOf({ store: reader }).authenticator()
    for (let i = 0; i < 1000; i++) authenticate({}, new Headers({ 'x-api-key': `garbage-${i}` }))
    expect(reads).toEqual([])
  })

  it('is nothing any more when the auth is closed, also by `await using`', async () => {
    const { reader, reads } = counted()
    const auth = authOf({ store: reader, limiter: memoryLimiter() })
    auth.authenticator()({}, GOOD)
    await auth[Symbol.asyncDispose]()
    auth.authenticator()({}, GOOD)
    auth.authenticator()({}, GOOD)
    expect(reads).toHaveLength(3)
  })

  it('is, of accounts that live elsewhere, nothing unless it is asked for', async () => {
    const asked: string[] = []
    const accounts = {
      find(id: string) {
        asked.push(id)
        return { ...ACCOUNT }
      },
    }
    for (const cached of [false, true]) {
      asked.splice(0)
      const authenticate = authOf({ accounts: { ...accounts, cached } }).authenticator()
      authenticate({}, GOOD)
      expect(codeOf(authenticate({}, GOOD))).toBe('allowed')
      expect(asked).toHaveLength(cached ? 1 : 2)
    }
  })
})

describe('a token that was good', () => {
  const SIGNING = 'signing-secret-of-at-least-32-bytes'
  const contract = defineContract({ ...CONTRACT, token: { issuer: 'sdk', leeway: 5, expiryLeeway: 2 } })
  const IAT = NOW / 1000

  async function world(at: { now: number } = { now: NOW }) {
    const { store, reader, reads } = counted(memoryStore())
    const key = { ...KEY, id: 'kid_1' }
    const sealedAs = async (version: string, text: string): Promise<SigningSecret> => {
      const sealed = await sealer(MASTER_KEY).seal(text, { service: 'acme', keyId: 'kid_1', version })
      return { kind: 'signing', version, ...sealed, createdAt: 0, expiresAt: null }
    }
    const secret = await sealedAs('v1', SIGNING)
    const next = await sealedAs('v2', 'another-signing-secret-of-32-bytes')
    store.insertAll({ accounts: [ACCOUNT], keys: [{ key, secrets: [secret] }] })
    const limiter = memoryLimiter()
    const auth = createAuth({ contract, store: reader, masterKey: MASTER_KEY, limiter, now: () => at.now })
    const once = (token: string, request = {}) =>
      auth.authenticator()(request, new Headers({ authorization: `Bearer ${token}` }))
    // What comes once is not kept, so each has come before.
    const known = new Set<string>()
    const decide = async (token: string, request = {}) => {
      if (!known.has(token)) await once(token)
      known.add(token)
      return once(token, request)
    }
    return { at, auth, store, reads, decide, ref: { service: 'acme', id: 'kid_1' }, next }
  }

  function tokenOf(claims: object = {}, secret: string = SIGNING): string {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const input = `${part({ alg: 'HS256', kid: 'kid_1' })}.${part({ iss: 'sdk', iat: IAT, exp: IAT + 60, ...claims })}`
    return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
  }

  it('has the same principal the next time, whose claims nobody can write to', async () => {
    const { auth, decide } = await world()
    const [first, second] = [{}, {}]
    await decide(tokenOf({ scope: ['a'] }), first)
    await decide(tokenOf({ scope: ['a'] }), second)
    const [one, other] = [first, second].map((request) => principalOf(auth, request))
    expect(one).toBe(other)
    expect(one).toMatchObject({ via: 'token', claims: { scope: ['a'] } })
    expect(
      [one, one?.via === 'token' && one.claims, one?.via === 'token' && one.claims.scope].every(Object.isFrozen),
    ).toBe(true)
  })

  it('is another one when a character of it is', async () => {
    const { decide } = await world()
    const token = tokenOf()
    expect(codeOf(await decide(token))).toBe('allowed')
    expect(codeOf(await decide(`${token.slice(0, -2)}${token.at(-2) === 'A' ? 'B' : 'A'}${token.at(-1)}`))).toBe(
      'token_invalid',
    )
    expect(codeOf(await decide(`${token}.`))).toBe('malformed')
  })

  it('is malformed where it is not carried as it must be, however often it was good', async () => {
    const { auth, decide } = await world()
    const token = tokenOf()
    expect(codeOf(await decide(token))).toBe('allowed')
    for (const authorization of [`Bearer\t${token}`, `Bearer ${token}, Bearer ${token}`, `Bearer ${token} `]) {
      const fields = { get: (name: string) => (name === 'Authorization' ? authorization : null) }
      expect(codeOf(await auth.authenticator()({}, fields))).toBe('malformed')
    }
  })

  it('ends with its exp at the millisecond, leeway included', async () => {
    const { at, decide } = await world()
    const token = tokenOf()
    expect(codeOf(await decide(token))).toBe('allowed')
    at.now = NOW + 62_000 - 1
    expect(codeOf(await decide(token))).toBe('allowed')
    at.now = NOW + 62_000
    expect(codeOf(await decide(token))).toBe('expired')
  })

  it.each([
    ['iat', {}],
    ['nbf', { iat: IAT - 100, nbf: IAT }],
  ])('is refused where the clock is put back to before its %s', async (_, claims) => {
    const { at, decide } = await world()
    const token = tokenOf(claims)
    expect(codeOf(await decide(token))).toBe('allowed')
    at.now = NOW - 5000
    expect(codeOf(await decide(token))).toBe('allowed')
    at.now = NOW - 5001
    expect(codeOf(await decide(token))).toBe('token_invalid')
  })

  type World = Awaited<ReturnType<typeof world>>
  const CHANGES: readonly (readonly [string, (world: World) => unknown, string])[] = [
    ['revoked', ({ store, ref }) => store.revokeKey(ref, null, AUDIT), 'revoked'],
    ['deleted', ({ store, ref }) => store.deleteKey(ref, AUDIT), 'token_invalid'],
    ['rotated', ({ store, ref, next }) => store.rotateKey(ref, next, 0, AUDIT), 'token_invalid'],
    ['expired', ({ store, ref }) => store.changeKey(ref, { expiresAt: NOW }, AUDIT), 'expired'],
  ]

  it.each(CHANGES)('is dead with the next request when its key is %s', async (_, change, code) => {
    const made = await world()
    const token = tokenOf()
    expect(codeOf(await made.decide(token))).toBe('allowed')
    expect(codeOf(await made.decide(token))).toBe('allowed')
    change(made)
    expect(codeOf(await made.decide(token))).toBe(code)
  })

  it('is dead with the next request when its account is suspended', async () => {
    const { store, decide } = await world()
    const token = tokenOf()
    await decide(token)
    store.changeAccount('account_1', { status: 'suspended' }, AUDIT)
    expect(codeOf(await decide(token))).toBe('suspended')
  })

  const ENDS: readonly (readonly [string, (world: World) => unknown, string])[] = [
    ['key', ({ store, ref }) => store.changeKey(ref, { expiresAt: NOW + 1000 }, AUDIT), 'expired'],
    ['secret', ({ store, ref, next }) => store.rotateKey(ref, next, NOW + 1000, AUDIT), 'token_invalid'],
  ]

  it.each(ENDS)('ends with its %s at the millisecond', async (_, change, code) => {
    const made = await world()
    change(made)
    const token = tokenOf()
    for (const now of [NOW, NOW + 999]) {
      made.at.now = now
      expect(codeOf(await made.decide(token))).toBe('allowed')
    }
    made.at.now = NOW + 1000
    expect(codeOf(await made.decide(token))).toBe(code)
  })

  it('is remembered also where an earlier secret of its key has ended', async () => {
    const { auth, store, decide, ref, next } = await world()
    store.rotateKey(ref, { ...next }, 0, AUDIT)
    const token = tokenOf({}, 'another-signing-secret-of-32-bytes')
    const [first, second] = [{}, {}]
    await decide(token, first)
    await decide(token, second)
    expect(principalOf(auth, first)).toBe(principalOf(auth, second))
  })
})

describe('invalidate', () => {
  it('makes every auth over the store ask anew for an account that lives elsewhere', async () => {
    let status: Account['status'] = 'active'
    const accounts = { find: () => ({ ...ACCOUNT, status }), cached: true }
    const store = filled()
    const [a, b] = [authOf({ store, accounts }), authOf({ store, accounts })]
    const decide = () => [a, b].map((auth) => codeOf(auth.authenticator()({}, GOOD)))
    expect(decide()).toEqual(['allowed', 'allowed'])
    status = 'suspended'
    expect(decide()).toEqual(['allowed', 'allowed'])
    await a.invalidate({ account: 'account_1' })
    expect(decide()).toEqual(['suspended', 'suspended'])
  })

  it('answers when the store’s lease has passed since it was announced', async () => {
    const said: string[] = []
    const changes: ChangeFeed = {
      lease: 30,
      subscribe: () => Promise.reject(new Error('away')),
      announce: async (change) => void said.push(JSON.stringify(change)),
    }
    const auth = authOf({ store: { ...asynchronous(), changes } })
    const began = performance.now()
    await auth.invalidate({ account: 'account_1' })
    expect(performance.now() - began).toBeGreaterThanOrEqual(30)
    expect(said).toEqual(['{"kind":"account","id":"account_1"}'])
  })

  it('rejects where it cannot be announced, and where no account is named', async () => {
    const changes: ChangeFeed = {
      lease: 30,
      subscribe: () => Promise.reject(new Error('away')),
      announce: () => Promise.reject(new Error('away')),
    }
    const auth = authOf({ store: { ...asynchronous(), changes } })
    await expect(auth.invalidate({ account: 'account_1' })).rejects.toThrow('away')
    await expect(auth.invalidate({ account: '' })).rejects.toThrow(TypeError)
  })

  it('has nothing to do where nothing is kept', async () => {
    await expect(authOf({ store: asynchronous() }).invalidate({ account: 'account_1' })).resolves.toBeUndefined()
  })
})

describe('render and headersFor', () => {
  it('render a denial as the contract says', () => {
    expect(authOf().render({ kind: 'denied', code: 'missing' }, NONE)).toEqual({
      status: 401,
      body: '{"error":401}',
      headers: {
        'Content-Type': 'application/json',
        'Content-Length': '13',
        'Cache-Control': 'no-store',
        'WWW-Authenticate': 'APIKey, Bearer realm="acme"',
      },
    })
  })

  it('keep shared caches from storing what a carrier other than Authorization opened', () => {
    const allowed = { kind: 'allowed', principal: { via: 'none' }, limits: [] } as const
    const auth = createAuth({ contract: CONTRACT, store: filled(), insecureAllowEveryone: true })
    expect(auth.headersFor(allowed)).toEqual({ 'Cache-Control': 'private', Vary: 'x-api-key, Authorization' })
  })

  it('name a carrier once', () => {
    const contract = defineContract({ ...CONTRACT, carriers: [bearer(), header('Authorization')] })
    const auth = createAuth({ contract, store: filled(), insecureAllowEveryone: true })
    expect(auth.headersFor({ kind: 'allowed', principal: { via: 'none' }, limits: [] }).Vary).toBe('Authorization')
  })

  it('add what the contract says of the limits, at the time of the answer', () => {
    const contract = defineContract({
      ...CONTRACT,
      allowed: (limits, now) => ({ 'X-Left': limits.map((limit) => limit.remaining).join(), 'X-Now': String(now) }),
    })
    const auth = createAuth({ contract, store: filled(), limiter: memoryLimiter(), now: () => NOW })
    const request = {}
    auth.authenticator()(request, GOOD)
    const allowed = auth.established(request)
    expect(allowed && auth.headersFor(allowed)).toEqual({
      'Cache-Control': 'private',
      Vary: 'x-api-key, Authorization',
      'X-Left': '2',
      'X-Now': String(NOW),
    })
  })
})
