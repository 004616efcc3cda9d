import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createAuth } from './auth.ts'
import type { Answer, RateLimit } from './contract.ts'
import { bearer, header } from './credential.ts'
import { defineContract } from './define-contract.ts'
import type { AccountEvents, AuthEvents, KeyEvents, Listeners } from './events.ts'
import { manageAccounts } from './manage-accounts.ts'
import { manageKeys } from './manage-keys.ts'
import { memoryStore } from './memory-store.ts'
import type { AuthOptions } from './options.ts'

const NOW = 1_790_000_000_000
const DAY = 86_400_000
const MASTER_KEY = 'the master key that nobody is told'
const PEPPER = 'the pepper that nobody is ever told'

const answer = (status: number): Answer => ({ status, body: { error: status } })

const contractWith = (limits: readonly RateLimit<'free' | 'pro'>[] = []) =>
  defineContract({
    name: 'acme',
    carriers: [header('x-api-key'), bearer()],
    key: { prefix: 'acme_', length: 32, alphabet: 'base62' },
    token: { issuer: 'sdk' },
    plans: ['free', 'pro'],
    permissions: { read: [], write: [] },
    quota: { name: 'credits', limit: { free: 20, pro: 20 } },
    limits,
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

const NAMES = [
  ['allowed', 'denied', 'keyExpiring', 'quotaLow', 'uncounted', 'storeDown', 'storeUp'],
  ['keyCreated', 'keyImported', 'keyChanged', 'keyRotated', 'keyRevoked', 'keyDeleted', 'secretRevealed'],
  ['accountCreated', 'accountChanged'],
] as const

type Told = readonly [name: string, event: object]

/** A store with one account, and everything that is told from the beginning. */
async function world(others: Partial<AuthOptions<'free' | 'pro', 'read' | 'write', never>> = {}) {
  const told: Told[] = []
  const telling = (names: readonly string[]): object =>
    Object.fromEntries(names.map((name) => [name, (event: object) => told.push([name, event])]))
  const onAuth: Listeners<AuthEvents> = telling(NAMES[0])
  const onKeys: Listeners<KeyEvents> = telling(NAMES[1])
  const onAccounts: Listeners<AccountEvents> = telling(NAMES[2])
  const clock = { at: NOW }
  const now = () => clock.at
  const store = memoryStore()
  const contract = contractWith()
  const common = { store, by: 'test', now }
  const accounts = manageAccounts({ ...common, on: onAccounts })
  const keys = manageKeys({ ...common, contract, masterKey: MASTER_KEY, pepper: PEPPER, on: onKeys })
  await accounts.create({ id: 'customer', plan: 'free' })
  const auth = createAuth({ contract, store, masterKey: MASTER_KEY, pepper: PEPPER, now, on: onAuth, ...others })
  const names = () => told.map(([name]) => name)
  return { told, names, clock, store, contract, accounts, keys, auth }
}

const DETAILS = { accountId: 'customer', name: 'test', kind: 'key', permissions: ['read'] } as const
const keyIn = (text: string) => new Headers({ 'x-api-key': text })

describe('what is done to keys and accounts', () => {
  it('is told once it holds, with who did it', async () => {
    const { told, names, keys, accounts, clock } = await world()
    const { key } = await keys.create(DETAILS)
    expect(told.at(-1)).toEqual(['keyCreated', { service: 'acme', by: 'test', key }])
    const changed = await keys.change(key.id, { name: 'renamed' })
    expect(told.at(-1)).toEqual(['keyChanged', { service: 'acme', by: 'test', key: changed }])
    await keys.rotate(key.id)
    clock.at++
    const revoked = await keys.revoke(key.id, 'leaked')
    expect(told.at(-1)).toEqual(['keyRevoked', { service: 'acme', by: 'test', key: revoked }])
    await keys.delete(key.id)
    expect(told.at(-1)).toEqual(['keyDeleted', { service: 'acme', by: 'test', keyId: key.id }])
    await keys.import({ ...DETAILS, digest: 'a'.repeat(64) })
    const signing = await keys.create({ ...DETAILS, kind: 'signing' })
    await keys.reveal(signing.key.id)
    const account = await accounts.change('customer', { plan: 'pro' })
    expect(told.at(-1)).toEqual(['accountChanged', { by: 'test', account }])
    const ofKeys = ['keyCreated', 'keyChanged', 'keyRotated', 'keyRevoked', 'keyDeleted', 'keyImported']
    expect(names()).toEqual(['accountCreated', ...ofKeys, 'keyCreated', 'secretRevealed', 'accountChanged'])
  })

  it('is not told where nothing was done', async () => {
    const { told, keys, accounts, clock } = await world()
    const call = { idempotencyKey: 'call' }
    const { key } = await keys.create(DETAILS, call)
    await keys.revoke(key.id)
    const before = told.length
    clock.at++
    await keys.create(DETAILS, call)
    await keys.revoke(key.id)
    await keys.rotate(key.id)
    await keys.change('key_none', { name: 'x' })
    await keys.revoke('key_none')
    await keys.delete('key_none')
    await accounts.create({ id: 'customer', plan: 'free' })
    await accounts.change('nobody', { plan: 'pro' })
    expect(told.slice(before)).toEqual([])
  })

  it('is done all the same where a listener throws', async () => {
    const { store, contract } = await world()
    const fail = () => {
      throw new Error('full')
    }
    const common = { store, by: 'test' }
    const keys = manageKeys({ ...common, contract, masterKey: MASTER_KEY, on: { keyCreated: fail, keyRevoked: fail } })
    const { key } = await keys.create(DETAILS)
    expect((await keys.revoke(key.id))?.revokedAt).toBeTypeOf('number')
    const accounts = manageAccounts({ ...common, on: { accountCreated: fail } })
    expect(await accounts.create({ id: 'other', plan: 'free' })).toMatchObject({ id: 'other' })
  })

  it('is listened to by functions alone', async () => {
    const { store, contract } = await world()
    const on = { keyCreated: 'log' } as never
    const wrong = new TypeError('on.keyCreated must be a function')
    expect(() => manageKeys({ store, by: 'test', contract, masterKey: MASTER_KEY, on })).toThrow(wrong)
    expect(() => manageAccounts({ store, by: 'test', on })).toThrow(wrong)
    expect(() => createAuth({ store, contract, masterKey: MASTER_KEY, on })).toThrow(wrong)
  })
})

describe('a request that is allowed', () => {
  it('is told once, however often it is looked at, and one that is denied is not', async () => {
    const { told, names, keys, auth } = await world()
    const { secret } = await keys.create(DETAILS)
    const before = told.length
    const request = {}
    auth.authenticator()(request, keyIn(secret))
    auth.authenticator()(request, keyIn(secret))
    auth.authorizer({ permission: 'read' })(request, keyIn(secret))
    const principal = auth.established(request)?.principal
    expect(told.slice(before)).toEqual([['allowed', { service: 'acme', principal }]])
    auth.authenticator({ plan: 'pro' })({}, keyIn(secret))
    expect(names().slice(before)).toEqual(['allowed', 'denied'])
  })
})

describe('a balance', () => {
  it('is said to be low by the one request that makes it so', async () => {
    const { told, keys, auth } = await world()
    const { secret } = await keys.create(DETAILS)
    const spend = (cost: number) => auth.authorizer({ cost })({}, keyIn(secret))
    const low = () => told.filter(([name]) => name === 'quotaLow').map(([, event]) => event)
    spend(18)
    expect(low()).toEqual([])
    spend(1)
    const about = { service: 'acme', accountId: 'customer', quota: 'credits', limit: 20, refillsAt: null }
    expect(low()).toEqual([{ ...about, remaining: 1 }])
    spend(1)
    expect(spend(1)).toMatchObject({ code: 'exhausted' })
    expect(low()).toHaveLength(1)
  })
})

describe('a store', () => {
  it.each(['cached', 'read each time'])('is said to be down and up by what reading it comes to: %s', async (how) => {
    const { store, keys, told, names, contract } = await world()
    const { secret } = await keys.create(DETAILS)
    const before = told.length
    let isDown = true
    const auth = createAuth({
      contract,
      masterKey: MASTER_KEY,
      pepper: PEPPER,
      on: {
        storeDown: (event) => told.push(['storeDown', event]),
        storeUp: (event) => told.push(['storeUp', event]),
      },
      ...(how !== 'cached' && { cache: false }),
      store: {
        findByDigest(service, digest) {
          if (isDown) throw new Error('gone')
          return store.findByDigest(service, digest)
        },
        findSigningKey: () => undefined,
        changes: store.changes,
      },
    })
    for (let i = 0; i < 3; i++) {
      expect(await auth.authenticator()({}, keyIn(secret))).toMatchObject({ code: 'unavailable' })
    }
    isDown = false
    expect(await auth.authenticator()({}, keyIn(secret))).toMatchObject({ kind: 'allowed' })
    expect(names().slice(before)).toEqual(['storeDown', 'storeUp'])
    await auth.close()
  })
})

describe('in all that is told', () => {
  it('there is no secret, digest, token or header value, whatever happens', async () => {
    const it = await world()
    const { keys, auth, accounts, clock, told } = it
    const planted: string[] = [MASTER_KEY, PEPPER]
    const header = 'a header value that is nobody’s business'
    planted.push(header)
    const ask = async (credential: string, scheme = '') => {
      planted.push(credential)
      const fields = new Headers({ 'user-agent': encodeURIComponent(header), cookie: encodeURIComponent(header) })
      fields.set(scheme === '' ? 'x-api-key' : 'authorization', `${scheme}${credential}`)
      const request = { headers: fields, header }
      await auth.authenticator()(request, fields)
      for (const requirement of [{ permission: 'write' }, { plan: 'pro' }, { permission: 'read', cost: 10 }] as const) {
        await auth.authorizer(requirement)(request, fields)
      }
    }
    const first = await keys.create({ ...DETAILS, expiresAt: NOW + DAY })
    await ask(first.secret)
    const rotated = await keys.rotate(first.key.id)
    await ask(first.secret)
    await ask(rotated?.secret ?? '')
    const imported = 'acme_kR8vQ2zLw9TnX4bYc7JmP1sDf6Hg3Ue5'
    await keys.import({ ...DETAILS, text: imported })
    await ask(imported)
    await ask('acme_unknownunknownunknownunknown0000')
    await ask('not a key at all')
    const signing = await keys.create({ ...DETAILS, kind: 'signing' })
    planted.push(signing.secret, ...((await keys.reveal(signing.key.id)) ?? []))
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const input = `${encode({ alg: 'HS256', kid: signing.key.id })}.${encode({ iss: 'sdk', iat: NOW / 1000, exp: NOW / 1000 + 60 })}`
    for (const secret of [signing.secret, 'another secret']) {
      await ask(`${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`, 'Bearer ')
    }
    await accounts.change('customer', { status: 'suspended' })
    await ask(rotated?.secret ?? '')
    await accounts.change('customer', { status: 'active', plan: 'pro' })
    clock.at += 2 * DAY
    await ask(rotated?.secret ?? '')
    await keys.revoke(first.key.id, 'leaked')
    await ask(rotated?.secret ?? '')
    await keys.delete(first.key.id)

    const { keys: kept } = it.store.records()
    for (const { secrets } of kept) {
      for (const secret of secrets) planted.push(secret.kind === 'key' ? secret.digest : secret.sealed)
    }
    const everything = JSON.stringify(told)
    for (const name of ['allowed', 'denied', 'keyExpiring', 'quotaLow', 'keyRotated', 'secretRevealed']) {
      expect(everything).toContain(`"${name}"`)
    }
    for (const text of planted) {
      expect(everything).not.toContain(text)
      expect(everything).not.toContain(encodeURIComponent(text))
    }
    expect(planted.length).toBeGreaterThan(15)
  })
})
