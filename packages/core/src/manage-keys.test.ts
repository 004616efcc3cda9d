import { createHash, createHmac, randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createAuth } from './auth.ts'
import type { Answer, Contract } from './contract.ts'
import { bearer, header } from './credential.ts'
import { digestKey } from './digest.ts'
import { keyCodec } from './key-format.ts'
import { type ImportedKey, type Keys, type NewKey, statusOf } from './keys.ts'
import { type ManageKeysOptions, manageKeys } from './manage-keys.ts'
import { type MemoryStore, memoryStore } from './memory-store.ts'
import { type MasterKey, sealer } from './seal.ts'
import type { Account, AuditEntry, Inserted, KeyChange, KeyRecord, KeyStore, Secret, SigningSecret } from './store.ts'

const NOW = 1_790_000_000_000
const PEPPER = 'pepper-pepper-pepper-pepper-32-b'
const MASTER = 'master-key-of-at-least-32-bytes-1'
const NEWER = 'master-key-of-at-least-32-bytes-2'
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

const answer = (status: number): Answer => ({ status, body: { error: status } })

type Permission = 'read' | 'write'
type Acme = Contract<'free' | 'pro', Permission, never>

const FORMAT = { prefix: 'acme_', length: 38, alphabet: 'base36', checksum: true } as const
const ID_FORMAT = { prefix: 'ak_', length: 32, alphabet: 'base62', id: { prefix: 'key_' } } as const
const BASE: Omit<Acme, 'key' | 'token'> = {
  name: 'acme',
  carriers: [header('x-api-key'), bearer()],
  plans: ['free', 'pro'],
  permissions: { read: [], write: [] },
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
}
const KEYS: Acme = { ...BASE, key: FORMAT }
const WITH_ID: Acme = { ...BASE, key: ID_FORMAT }
const IMPORTED: Acme = { ...KEYS, imported: true }
const TOKENS: Acme = { ...BASE, token: { issuer: 'sdk' } }
const BOTH: Acme = { ...KEYS, ...TOKENS }

const ACCOUNT: Account = { id: 'account_1', plan: 'pro', status: 'active', email: null, metadata: {} }
const OTHER: Account = { ...ACCOUNT, id: 'account_2' }
const DETAILS: NewKey<Permission> = { accountId: 'account_1', name: 'ci' }

type Options = Partial<ManageKeysOptions<'free' | 'pro', Permission, never>>

/** A store with two accounts, whoever manages its keys, and the server that asks it. */
function world(contract: Acme = KEYS, options: Options = {}) {
  const store = memoryStore()
  store.insertAll({ accounts: [ACCOUNT, OTHER], keys: [] })
  const clock = { at: NOW }
  const given = { contract, store, by: 'user_1', masterKey: MASTER, now: () => clock.at }
  const keys = manageKeys({ ...given, ...options })
  const manage = (other: Options): Keys<Permission> => manageKeys({ ...given, ...options, ...other })
  const admit = admission(contract, store, () => clock.at, options.masterKey ?? MASTER, options.pepper)
  return { store, clock, keys, manage, admit }
}

/** Says for a key or token which key was let in, or why none was. */
function admission(contract: Acme, store: KeyStore, now: () => number, masterKey: MasterKey, pepper?: string) {
  const auth = createAuth({ contract, store, now, masterKey, ...(pepper === undefined ? {} : { pepper }) })
  const authenticate = auth.authenticator()
  return async (text: string): Promise<string> => {
    const outcome = await authenticate({}, new Headers({ 'x-api-key': text }))
    if (outcome.kind === 'allowed') return outcome.principal.key.id
    return outcome.kind === 'denied' ? outcome.code : outcome.kind
  }
}

function tokenOf(kid: string, secret: string, at: number = NOW): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const seconds = Math.floor(at / 1000)
  const input = `${encode({ alg: 'HS256', kid })}.${encode({ iss: 'sdk', iat: seconds, exp: seconds + 60 })}`
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const randomText = () => randomBytes(24).toString('hex')

/** The secret, where there is one. */
function shown(secret: string | null | undefined): string {
  if (typeof secret !== 'string') throw new Error('no secret')
  return secret
}

async function refusal(call: Promise<unknown>): Promise<Error> {
  const error = await call.then(
    () => undefined,
    (cause: unknown) => cause,
  )
  if (!(error instanceof Error)) throw new Error('nothing was refused')
  return error
}

/** Expects a TypeError that names the option, and nothing in the store. */
async function expectRefused(call: Promise<unknown>, option: string, store: MemoryStore): Promise<void> {
  const error = await refusal(call)
  expect(error).toBeInstanceOf(TypeError)
  expect(error.message).toMatch(new RegExp(`^${option}\\b`))
  expect(store.records().keys).toEqual([])
  expect(store.listAudit({ limit: 10 }).items).toEqual([])
}

const keyRecord = (key: Partial<KeyRecord>): KeyRecord => ({
  id: expect.any(String),
  service: 'acme',
  accountId: 'account_1',
  name: 'ci',
  environment: null,
  permissions: [],
  createdAt: NOW,
  expiresAt: null,
  revokedAt: null,
  revokedReason: null,
  metadata: {},
  ...key,
})

describe('manageKeys', () => {
  const good = { contract: BOTH, store: memoryStore(), by: 'user_1', masterKey: MASTER }

  it.each([
    ['store', { store: undefined }],
    ['store', { store: {} }],
    ['by', { by: '' }],
    ['by', { by: undefined }],
    ['contract', { contract: undefined }],
    ['contract', { contract: null }],
    ['key.length', { contract: { ...KEYS, key: { ...FORMAT, length: 20 } } }],
    ['options', { acountId: 'account_1' }],
    ['accountId', { accountId: '' }],
    ['accountId', { accountId: null }],
    ['accountId', { accountId: undefined }],
    ['accountId', { accountId: 7 }],
    ['accounts', { accounts: null }],
    ['accounts', { accounts: {} }],
    ['pepper', { pepper: 'p'.repeat(31) }],
    ['pepper', { pepper: null }],
    ['masterKey', { masterKey: undefined }],
    ['masterKey', { masterKey: 'm'.repeat(31) }],
    ['masterKey', { masterKey: null }],
    ['timeout', { timeout: 0 }],
    ['timeout', { timeout: NaN }],
    ['timeout', { timeout: 2 ** 31 }],
    ['timeout', { timeout: '2000' }],
  ])('refuses a wrong %s at once (%#)', (option, change) => {
    const options = { ...good, ...change } as typeof good
    expect(() => manageKeys(options)).toThrow(TypeError)
    expect(() => manageKeys(options)).toThrow(new RegExp(`^${option}\\b`))
  })

  it('needs no master key where there are no signing secrets', () => {
    expect(() => manageKeys({ contract: KEYS, store: memoryStore(), by: 'user_1' })).not.toThrow()
  })

  it('takes the time from the clock of the machine', async () => {
    const { manage } = world()
    const before = Date.now()
    const { key } = await manage({ now: undefined }).create(DETAILS)
    expect(key.createdAt).toBeGreaterThanOrEqual(before)
    expect(key.createdAt).toBeLessThanOrEqual(Date.now())
  })
})

describe('create', () => {
  it('makes a key of the format, which then authenticates, and stores it by its digest', async () => {
    const { store, keys, admit } = world()
    const { key, secret } = await keys.create({ ...DETAILS, permissions: ['read'] })
    const text = shown(secret)
    expect(keyCodec(FORMAT).accepts(text)).toBe(true)
    expect(key).toEqual(keyRecord({ id: expect.stringMatching(/^key_[0-9a-f-]{36}$/), permissions: ['read'] }))
    expect(store.findByDigest('acme', sha256(text))).toEqual({
      key,
      account: ACCOUNT,
      secret: {
        kind: 'key',
        digest: sha256(text),
        display: `acme_…${text.slice(-4)}`,
        createdAt: NOW,
        expiresAt: null,
      },
    })
    expect(await admit(text)).toBe(key.id)
  })

  it('makes another key each time', async () => {
    const { keys } = world()
    const all = await Promise.all(Array.from({ length: 50 }, () => keys.create(DETAILS)))
    expect(new Set(all.map(({ secret }) => secret)).size).toBe(50)
    expect(new Set(all.map(({ key }) => key.id)).size).toBe(50)
  })

  it('stores a digest with the pepper, where there is one', async () => {
    const { store, keys, admit } = world(KEYS, { pepper: PEPPER })
    const { key, secret } = await keys.create(DETAILS)
    const text = shown(secret)
    const digest = createHmac('sha256', PEPPER).update(createHash('sha256').update(text).digest()).digest('hex')
    expect(store.findByDigest('acme', digest)?.key).toEqual(key)
    expect(store.findByDigest('acme', sha256(text))).toBeUndefined()
    expect(await admit(text)).toBe(key.id)
  })

  it('keeps environment, end, metadata and each permission once', async () => {
    const { keys } = world()
    const details = { environment: 'test', expiresAt: NOW + 1, metadata: { team: 7 } }
    const { key } = await keys.create({ ...DETAILS, ...details, permissions: ['write', 'read', 'write'] })
    expect(key).toEqual(keyRecord({ ...details, permissions: ['write', 'read'] }))
    expect((await keys.find(key.id))?.key).toEqual(key)
  })

  it('gives a key no permission that was not asked for', async () => {
    expect((await world().keys.create(DETAILS)).key.permissions).toEqual([])
  })

  it('gives the key the id that its text carries', async () => {
    const { key, secret } = await world(WITH_ID).keys.create(DETAILS)
    expect(key.id).toBe(`key_${shown(secret).slice(3, 13)}`)
  })

  it('makes a signing key with a UUID and 32 random bytes in base64url, which then signs tokens', async () => {
    const { store, keys, admit } = world(TOKENS)
    const { key, secret } = await keys.create(DETAILS)
    expect(key).toEqual(keyRecord({ id: expect.stringMatching(UUID) }))
    expect(secret).toMatch(/^[A-Za-z0-9_-]{43}$/)
    expect(Buffer.from(shown(secret), 'base64url').length).toBe(32)
    expect(store.findSigningKey('acme', key.id)).toEqual({
      key,
      account: ACCOUNT,
      secrets: [
        {
          kind: 'signing',
          version: expect.stringMatching(UUID),
          sealed: expect.stringMatching(/^[A-Za-z0-9+/]+=*$/),
          masterKeyId: expect.stringMatching(/^[0-9a-f]{16}$/),
          createdAt: NOW,
          expiresAt: null,
        },
      ],
    })
    expect(await admit(tokenOf(key.id, shown(secret)))).toBe(key.id)
    expect(await admit(tokenOf(key.id, 'another-secret-of-at-least-32-bytes'))).toBe('token_invalid')
  })

  it('makes another signing key and secret each time', async () => {
    const { keys } = world(TOKENS)
    const all = await Promise.all(Array.from({ length: 50 }, () => keys.create(DETAILS)))
    expect(new Set(all.map(({ secret }) => secret)).size).toBe(50)
    expect(new Set(all.map(({ key }) => key.id)).size).toBe(50)
  })

  it('makes the kind that is asked for; an API key where the contract has both and none is', async () => {
    const { keys } = world(BOTH)
    const kinds = ['key', 'signing', undefined] as const
    const made = await Promise.all(kinds.map((kind) => keys.create({ ...DETAILS, kind })))
    const found = await Promise.all(made.map(({ key }) => keys.find(key.id)))
    expect(found.map((details) => details?.kind)).toEqual(['key', 'signing', 'key'])
    expect(made.map(({ secret }) => keyCodec(FORMAT).accepts(shown(secret)))).toEqual([true, false, true])
  })

  it.each([
    ['a signing key of a contract without token rules', KEYS, 'signing'],
    ['an API key of a contract without a key format', TOKENS, 'key'],
    ['a key of a contract that has neither', BASE, undefined],
    ['a key of no kind', BOTH, 'token'],
    ['a key of a kind that every object has', BOTH, 'toString'],
  ])('refuses %s', async (_what, contract, kind) => {
    const { store, keys } = world()
    const own = manageKeys({ contract, store, by: 'user_1', masterKey: MASTER })
    await expectRefused(own.create({ ...DETAILS, kind: kind as 'key' }), 'kind', store)
    await expectRefused(own.import({ ...DETAILS, kind: kind as 'key', text: randomText() }), 'kind', store)
    expect(await keys.list()).toEqual({ items: [], next: null })
  })

  it.each([
    ['a member that is misspelt', { expireAt: 0 }, 'details'],
    ['an empty name', { name: '' }, 'name'],
    ['a blank name', { name: ' \t' }, 'name'],
    ['a name with a line break', { name: 'ci\n' }, 'name'],
    ['no name', { name: undefined }, 'name'],
    ['an unknown permission', { permissions: ['delete'] }, 'permissions'],
    ['a permission that every object has', { permissions: ['toString'] }, 'permissions'],
    ['all permissions, which the contract does not name', { permissions: ['*'] }, 'permissions'],
    ['permissions that are no list', { permissions: 'read' }, 'permissions'],
    ['an environment that is empty', { environment: '' }, 'environment'],
    ['an end that is NaN', { expiresAt: NaN }, 'expiresAt'],
    ['an end that is infinite', { expiresAt: Infinity }, 'expiresAt'],
    ['an end that is a text', { expiresAt: '2030-01-01' }, 'expiresAt'],
    ['metadata that is a list', { metadata: [] }, 'metadata'],
    ['metadata that JSON cannot hold', { metadata: { id: 1n } }, 'metadata'],
    ['no account', { accountId: undefined }, 'accountId'],
    ['an account that is not there', { accountId: 'account_3' }, 'accountId'],
    ['an account that every object has', { accountId: 'constructor' }, 'accountId'],
    ['an account that is no text', { accountId: 7 }, 'accountId'],
  ])('refuses %s, and stores nothing, as does import', async (_what, change, option) => {
    const { store, keys } = world(BOTH)
    const details = { ...DETAILS, ...change } as typeof DETAILS
    await expectRefused(keys.create(details), option, store)
    await expectRefused(keys.create({ ...details, kind: 'signing' }), option, store)
    await expectRefused(keys.import({ ...details, text: keyCodec(FORMAT).mint().text }), option, store)
  })

  it('refuses an option that is misspelt', async () => {
    const { store, keys } = world()
    await expectRefused(keys.create(DETAILS, { idempotentKey: 'a' } as object), 'options', store)
    await expectRefused(keys.list({ acountId: 'account_1' } as object), 'options', store)
    await expectRefused(keys.audit({ keyID: 'key_1' } as object), 'options', store)
    const days = { from: 0, to: 86_400_000 }
    await expectRefused(keys.usage({ ...days, keyID: 'key_1' } as typeof days), 'options', store)
  })

  it.each(['', ' ', 'a\nb', 'k'.repeat(256), 7, null])('refuses the idempotency key %j', async (idempotencyKey) => {
    const { store, keys } = world()
    const options = { idempotencyKey: idempotencyKey as string }
    await expectRefused(keys.create(DETAILS, options), 'idempotencyKey', store)
  })

  it('asks the application for the account where accounts are elsewhere', async () => {
    const asked: string[] = []
    const accounts = {
      find: async (id: string) => {
        asked.push(id)
        return id === 'user_7' ? { ...ACCOUNT, id } : undefined
      },
    }
    const { store, keys } = world(KEYS, { accounts })
    await expectRefused(keys.create(DETAILS), 'accountId', store)
    expect((await keys.create({ ...DETAILS, accountId: 'user_7' })).key.accountId).toBe('user_7')
    expect(asked).toEqual(['account_1', 'user_7'])
  })

  it.each([
    ['nothing', undefined],
    ['null, as some databases do', null],
    ['another account', OTHER],
    ['an empty object', {}],
  ])('makes no key when the application answers %s', async (_what, found) => {
    const { store, keys } = world(KEYS, { accounts: { find: () => found as Account } })
    await expectRefused(keys.create(DETAILS), 'accountId', store)
  })

  it('makes no key when it cannot be told whether there is the account', async () => {
    const cause = new Error('database is down')
    const { store, keys } = world(KEYS, { accounts: { find: () => Promise.reject(cause) } })
    await expect(keys.create(DETAILS)).rejects.toBe(cause)
    expect(store.records().keys).toEqual([])
  })

  it('draws again when an id or a digest is taken, and gives up on a store that calls every one taken', async () => {
    const { store, manage } = world()
    let calls = 0
    const full: KeyStore = {
      ...store,
      insertKey() {
        calls++
        return { kind: 'taken' }
      },
    }
    await expect(manage({ store: full }).create(DETAILS)).rejects.toThrow(Error)
    expect(calls).toBe(8)

    const drawn: [string, string][] = []
    const once: KeyStore = {
      ...store,
      insertKey(...args): Inserted {
        const [key, secret] = args
        drawn.push([key.id, secret.kind === 'key' ? secret.digest : ''])
        return drawn.length === 1 ? { kind: 'taken' } : store.insertKey(...args)
      },
    }
    const { key, secret } = await manage({ store: once }).create(DETAILS)
    expect(drawn.length).toBe(2)
    expect(drawn[0]?.[0]).not.toBe(drawn[1]?.[0])
    expect(drawn[0]?.[1]).not.toBe(drawn[1]?.[1])
    expect(drawn[1]).toEqual([key.id, sha256(shown(secret))])
  })

  it('seals anew for the id that is drawn again', async () => {
    const { store, manage, admit } = world(TOKENS)
    let calls = 0
    const once: KeyStore = {
      ...store,
      insertKey: (...args) => (calls++ === 0 ? { kind: 'taken' } : store.insertKey(...args)),
    }
    const { key, secret } = await manage({ store: once }).create(DETAILS)
    expect(await admit(tokenOf(key.id, shown(secret)))).toBe(key.id)
  })
})

describe('create with an idempotency key', () => {
  it.each([KEYS, TOKENS])('makes one key in parallel calls and shows its secret once (%#)', async (contract) => {
    const { store, keys } = world(contract)
    const idempotencyKey = 'call_1'
    const all = await Promise.all(Array.from({ length: 8 }, () => keys.create(DETAILS, { idempotencyKey })))
    expect(all.filter(({ secret }) => secret !== null).length).toBe(1)
    expect(new Set(all.map(({ key }) => key.id)).size).toBe(1)
    expect(store.records().keys.length).toBe(1)
    expect(await keys.create({ ...DETAILS, name: 'another' }, { idempotencyKey })).toEqual({
      key: all[0]?.key,
      secret: null,
    })
    expect((await keys.audit()).items.length).toBe(1)
  })

  it('makes a key for each idempotency key, and for each call without one', async () => {
    const { store, keys } = world()
    await keys.create(DETAILS, { idempotencyKey: 'call_1' })
    await keys.create(DETAILS, { idempotencyKey: 'call_2' })
    await keys.create(DETAILS)
    await keys.create(DETAILS)
    expect(store.records().keys.length).toBe(4)
  })

  it('never answers with another account’s key', async () => {
    const { keys } = world()
    const mine = await keys.create(DETAILS, { idempotencyKey: 'call_1' })
    const theirs = await keys.create({ ...DETAILS, accountId: 'account_2' }, { idempotencyKey: 'call_1' })
    expect(theirs.secret).not.toBeNull()
    expect(theirs.key).toEqual({ ...mine.key, id: theirs.key.id, accountId: 'account_2' })
    expect(theirs.key.id).not.toBe(mine.key.id)
  })
})

describe('create with onlyFirst', () => {
  it('makes and shows one secret in parallel first calls, and none later', async () => {
    const { store, keys } = world(TOKENS)
    const all = await Promise.all(Array.from({ length: 8 }, () => keys.create(DETAILS, { onlyFirst: true })))
    expect(all.filter(({ secret }) => secret !== null).length).toBe(1)
    expect(new Set(all.map(({ key }) => key.id)).size).toBe(1)
    expect(await keys.create(DETAILS, { onlyFirst: true })).toEqual({ key: all[0]?.key, secret: null })
    expect(store.records().keys.length).toBe(1)
  })

  it('makes each account’s first', async () => {
    const { keys } = world()
    const both = ['account_1', 'account_2'].map((accountId) =>
      keys.create({ ...DETAILS, accountId }, { onlyFirst: true }),
    )
    expect((await Promise.all(both)).map(({ secret }) => secret === null)).toEqual([false, false])
  })
})

describe('import by text', () => {
  it('takes a key of the contract’s own format, which then authenticates', async () => {
    const { keys, admit } = world()
    const { text } = keyCodec(FORMAT).mint()
    const key = await keys.import({ ...DETAILS, text, permissions: ['read'], metadata: { team: 7 } })
    expect(key).toEqual(
      keyRecord({
        id: expect.stringMatching(/^key_[0-9a-f-]{36}$/),
        permissions: ['read'],
        metadata: { team: 7 },
      }),
    )
    expect(await keys.find(key?.id ?? '')).toEqual({
      key,
      kind: 'key',
      versions: [{ display: `acme_…${text.slice(-4)}`, createdAt: NOW, expiresAt: null }],
      firstUsedAt: null,
      lastUsedAt: null,
    })
    expect(await admit(text)).toBe(key?.id)
  })

  it('gives the key the id that its text carries', async () => {
    const { keys } = world(WITH_ID)
    const { text, id } = keyCodec(ID_FORMAT).mint()
    expect((await keys.import({ ...DETAILS, text }))?.id).toBe(id)
  })

  it('gives a key of the format’s form an id where its text carries none', async () => {
    const { keys } = world({ ...WITH_ID, imported: true })
    expect((await keys.import({ ...DETAILS, text: randomText() }))?.id).toMatch(/^key_[0-9]{10}$/)
  })

  it.each([undefined, PEPPER])('takes another text where the contract is imported (pepper %s)', async (pepper) => {
    const { keys, admit } = world(IMPORTED, { pepper })
    const text = `sk_live_${randomText()}`
    const key = await keys.import({ ...DETAILS, text })
    expect(await admit(text)).toBe(key?.id)
    expect((await keys.find(key?.id ?? ''))?.versions[0]?.display).toBe(`…${text.slice(-4)}`)
  })

  it.each([
    ['a text outside the format', randomText()],
    ['a key whose checksum does not hold', `${keyCodec(FORMAT).mint().text.slice(0, -6)}000000`],
  ])('refuses %s where the contract is not imported', async (_what, text) => {
    const { store, keys } = world()
    await expectRefused(keys.import({ ...DETAILS, text }), 'text', store)
    await expectRefused(keys.import({ ...DETAILS, text, dangerouslyAllowGuessableText: true }), 'text', store)
  })

  it.each([
    ['is not there', undefined],
    ['is null', null],
    ['is no text', 12345678],
    ['is empty', ''],
    ['begins with a blank', ` ${randomText()}`],
    ['has a comma', `${randomText()},${randomText()}`],
    ['has a tab', `${randomText()}\t`],
    ['has a line break', `${randomText()}\n`],
    ['has a NUL', `${randomText()}\u0000`],
    ['has a DEL', `${randomText()}\u007f`],
    ['is not ASCII', `${randomText()}ü`],
    ['has 257 characters', randomBytes(129).toString('hex').slice(1)],
  ])('refuses a text that %s: it could never be presented', async (_what, text) => {
    const { store, keys } = world(IMPORTED)
    const imported = { ...DETAILS, text, dangerouslyAllowGuessableText: true } as ImportedKey<Permission>
    await expectRefused(keys.import(imported), 'text', store)
  })

  it('takes every other character, and 256 of them', async () => {
    const { keys, admit } = world(IMPORTED)
    const printable = Array.from({ length: 94 }, (_, i) => String.fromCharCode(i + 0x21)).join('')
    for (const text of [printable.replace(',', ''), randomBytes(128).toString('hex')]) {
      const key = await keys.import({ ...DETAILS, text, dangerouslyAllowGuessableText: true })
      expect(await admit(text)).toBe(key?.id)
    }
  })

  it('refuses a text with a dot where it would be taken for a token', async () => {
    const text = `${randomText()}.${randomText()}`
    const { store, keys } = world({ ...BOTH, imported: true })
    await expectRefused(keys.import({ ...DETAILS, kind: 'key', text }), 'text', store)

    const issuer = 'https://id.example'
    const provider = { issuer, jwks: `${issuer}/keys`, audience: 'acme', algorithms: ['ES256'] } as const
    const own = manageKeys({ contract: { ...IMPORTED, identity: [provider] }, store, by: 'user_1' })
    await expectRefused(own.import({ ...DETAILS, text }), 'text', store)

    const { keys: without, admit } = world(IMPORTED)
    expect(await admit(text)).toBe('unknown')
    const key = await without.import({ ...DETAILS, text })
    expect(await admit(text)).toBe(key?.id)
  })

  it('refuses a text that no Bearer token may be where there is no other carrier', async () => {
    const text = `${randomText()}:${randomText()}`
    const { store, keys } = world({ ...IMPORTED, carriers: [bearer()] })
    await expectRefused(keys.import({ ...DETAILS, text }), 'text', store)
    expect(await keys.import({ ...DETAILS, text: text.replace(':', '-') })).toBeDefined()
    expect(await world(IMPORTED).keys.import({ ...DETAILS, text })).toBeDefined()
  })

  it.each([
    ['a short one', 'hunter2'],
    ['a repeated one', 'a'.repeat(64)],
    ['one that counts', '0123456789'.repeat(6)],
    ['120 bits', randomBytes(15).toString('hex')],
    ['a UUID', crypto.randomUUID()],
    ['a long prefix', `sk_live_${randomBytes(8).toString('hex')}`],
  ])('refuses a text that can perhaps be guessed, unless that is asked for: %s', async (_what, text) => {
    const { store, keys, admit } = world(IMPORTED)
    await expectRefused(keys.import({ ...DETAILS, text }), 'text', store)
    for (const wrong of ['true', 1, {}]) {
      const details = { ...DETAILS, text, dangerouslyAllowGuessableText: wrong as boolean }
      await expectRefused(keys.import(details), 'text', store)
    }
    const key = await keys.import({ ...DETAILS, text, dangerouslyAllowGuessableText: true })
    expect(await admit(text)).toBe(key?.id)
  })

  it('shows nothing of a short text', async () => {
    const { keys } = world(IMPORTED)
    const displays = []
    for (const text of ['abcd', 'hunter2hunter22', 'hunter2hunter222']) {
      const key = await keys.import({ ...DETAILS, text, dangerouslyAllowGuessableText: true })
      displays.push((await keys.find(key?.id ?? ''))?.versions[0]?.display)
    }
    expect(displays).toEqual(['…', '…', '…r222'])
  })

  it('refuses an id: clients present the text alone', async () => {
    const { store, keys } = world()
    const { text } = keyCodec(FORMAT).mint()
    await expectRefused(keys.import({ ...DETAILS, id: 'key_1', text }), 'id', store)
  })

  it('answers a text that is there already with nothing, and changes nothing', async () => {
    const { store, keys } = world(IMPORTED)
    const text = randomText()
    await keys.import({ ...DETAILS, text })
    const before = store.records()
    expect(await keys.import({ ...DETAILS, text, name: 'again' })).toBeUndefined()
    expect(await keys.import({ ...DETAILS, text, accountId: 'account_2' })).toBeUndefined()
    expect(await keys.import({ ...DETAILS, digest: sha256(text) })).toBeUndefined()
    expect(store.records()).toEqual(before)
    expect((await keys.audit()).items.length).toBe(1)
  })

  it('answers the text of a key that was made here with nothing', async () => {
    const { keys } = world()
    const { secret } = await keys.create(DETAILS)
    expect(await keys.import({ ...DETAILS, text: shown(secret) })).toBeUndefined()
  })
})

describe('import by digest', () => {
  it.each([undefined, PEPPER])('takes SHA-256 of a text, which then authenticates (pepper %s)', async (pepper) => {
    const { keys, admit } = world(IMPORTED, { pepper })
    const text = randomText()
    const key = await keys.import({ ...DETAILS, digest: sha256(text).toUpperCase() })
    expect(key).toEqual(keyRecord({ id: expect.stringMatching(/^key_[0-9a-f-]{36}$/) }))
    expect(await keys.find(key?.id ?? '')).toEqual({
      key,
      kind: 'key',
      versions: [{ display: '…', createdAt: NOW, expiresAt: null }],
      firstUsedAt: null,
      lastUsedAt: null,
    })
    expect(await admit(text)).toBe(key?.id)
  })

  it('does not make a key of the digest itself', async () => {
    const { keys, admit } = world(IMPORTED)
    const digest = sha256(randomText())
    await keys.import({ ...DETAILS, digest })
    expect(await admit(digest)).toBe('unknown')
    expect(await admit(digest.toUpperCase())).toBe('unknown')
  })

  it.each([
    ['is too short', '0'.repeat(63)],
    ['is too long', '0'.repeat(65)],
    ['is not hexadecimal', 'g'.repeat(64)],
    ['has a line break', `${'0'.repeat(64)}\n`],
    ['is empty', ''],
    ['is null', null],
    ['is a number', 7],
  ])('refuses a digest that %s', async (_what, digest) => {
    const { store, keys } = world(IMPORTED)
    await expectRefused(keys.import({ ...DETAILS, digest: digest as string }), 'digest', store)
  })

  it('refuses a digest beside a text: it may be another key’s', async () => {
    const { store, keys } = world(IMPORTED)
    const both = { ...DETAILS, text: randomText(), digest: sha256(randomText()) } as unknown as ImportedKey<Permission>
    await expectRefused(keys.import(both), 'digest', store)
  })
})

describe('import of a signing secret', () => {
  const SECRET = 'GBhK7wTq2vYxN4sRzJ9cLmF3pD8eA6uH5iVoXk1jWtQ='

  it('keeps the kid that clients have, and tokens verify with it', async () => {
    const { keys, admit } = world(TOKENS)
    const key = await keys.import({ ...DETAILS, id: 'client 7', text: SECRET })
    expect(key).toEqual(keyRecord({ id: 'client 7' }))
    expect(await admit(tokenOf('client 7', SECRET))).toBe('client 7')
    expect(await admit(tokenOf('client 7', `${SECRET}!`))).toBe('token_invalid')
    expect(await keys.find('client 7')).toEqual({
      key,
      kind: 'signing',
      versions: [{ display: null, createdAt: NOW, expiresAt: null }],
      firstUsedAt: null,
      lastUsedAt: null,
    })
  })

  it('gives a kid where there is none', async () => {
    const { keys, admit } = world(TOKENS)
    const id = (await keys.import({ ...DETAILS, text: SECRET }))?.id ?? ''
    expect(id).toMatch(UUID)
    expect(await admit(tokenOf(id, SECRET))).toBe(id)
  })

  it('takes any text of 32 bytes, as UTF-8', async () => {
    const { keys, admit } = world(TOKENS)
    for (const [i, text] of [
      'a b,c.d\u0000e:fghijklmnopqr1234567890',
      '🔑ü日本語'.repeat(4),
      `\ufeff${SECRET}`,
    ].entries()) {
      await keys.import({ ...DETAILS, id: `k${i}`, text, dangerouslyAllowGuessableText: true })
      expect(await admit(tokenOf(`k${i}`, text))).toBe(`k${i}`)
    }
  })

  it.each([
    ['31 bytes', SECRET.slice(0, 31)],
    ['4097 characters', 'k'.repeat(4097)],
    ['nothing', ''],
    ['no text', undefined],
    ['a number', 7],
  ])('refuses %s for a secret, also where guessable ones are allowed', async (_what, text) => {
    const { store, keys } = world(TOKENS)
    for (const dangerouslyAllowGuessableText of [false, true]) {
      const details = { ...DETAILS, id: 'kid', text: text as string, dangerouslyAllowGuessableText }
      await expectRefused(keys.import(details), 'text', store)
    }
  })

  it('refuses a digest: nothing can be signed with it', async () => {
    const { store, keys } = world(TOKENS)
    await expectRefused(keys.import({ ...DETAILS, digest: sha256(SECRET) }), 'text', store)
  })

  it('refuses a secret that can perhaps be guessed, unless that is asked for', async () => {
    const { store, keys, admit } = world(TOKENS)
    const text = 'secret'.repeat(8)
    await expectRefused(keys.import({ ...DETAILS, text }), 'text', store)
    await keys.import({ ...DETAILS, id: 'kid', text, dangerouslyAllowGuessableText: true })
    expect(await admit(tokenOf('kid', text))).toBe('kid')
  })

  it.each([
    ['is empty', ''],
    ['is blank', ' '],
    ['is not ASCII', 'clé'],
    ['has a control character', 'a\nb'],
    ['has 256 characters', 'k'.repeat(256)],
    ['is null', null],
    ['is a number', 7],
  ])('refuses a kid that %s', async (_what, id) => {
    const { store, keys } = world(TOKENS)
    await expectRefused(keys.import({ ...DETAILS, id: id as string, text: SECRET }), 'id', store)
  })

  it('answers a kid that is there already with nothing, and keeps its secret', async () => {
    const { keys, admit } = world(TOKENS)
    await keys.import({ ...DETAILS, id: 'kid', text: SECRET })
    const other = randomText()
    expect(await keys.import({ ...DETAILS, accountId: 'account_2', id: 'kid', text: other })).toBeUndefined()
    expect(await admit(tokenOf('kid', SECRET))).toBe('kid')
    expect(await admit(tokenOf('kid', other))).toBe('token_invalid')
    expect((await keys.audit()).items.length).toBe(1)
  })
})

describe('find and list', () => {
  it('show a key with its versions and its last use, revoked and expired ones too', async () => {
    const { clock, store, keys } = world()
    const made = []
    for (let i = 0; i < 3; i++) {
      clock.at = NOW + i
      made.push(await keys.create({ ...DETAILS, expiresAt: i === 1 ? NOW + 5 : null }))
    }
    clock.at = NOW + 10
    await keys.revoke(made[2]?.key.id ?? '', 'leaked')
    const use = { service: 'acme', keyId: made[0]?.key.id ?? '', route: 'GET /', status: 200, day: 0, count: 1 }
    store.recordUses([{ ...use, firstAt: NOW + 2, lastAt: NOW + 3 }])
    const versions = made.map(({ key, secret }) => [
      { display: `acme_…${shown(secret).slice(-4)}`, createdAt: key.createdAt, expiresAt: null },
    ])
    const expected = [
      { key: made[0]?.key, kind: 'key', versions: versions[0], firstUsedAt: NOW + 2, lastUsedAt: NOW + 3 },
      { key: made[1]?.key, kind: 'key', versions: versions[1], firstUsedAt: null, lastUsedAt: null },
      {
        key: { ...made[2]?.key, revokedAt: NOW + 10, revokedReason: 'leaked' },
        kind: 'key',
        versions: versions[2],
        firstUsedAt: null,
        lastUsedAt: null,
      },
    ]
    expect(await keys.list()).toEqual({ items: expected, next: null })
    expect(await Promise.all(made.map(({ key }) => keys.find(key.id)))).toEqual(expected)
  })

  it('list page by page', async () => {
    const { clock, keys } = world()
    const ids: string[] = []
    for (let i = 0; i < 5; i++) {
      clock.at = NOW + i
      ids.push((await keys.create(DETAILS)).key.id)
    }
    const pages: string[][] = []
    let after: string | undefined
    do {
      const page = await keys.list({ limit: 2, after })
      pages.push(page.items.map(({ key }) => key.id))
      after = page.next ?? undefined
    } while (after !== undefined)
    expect(pages).toEqual([ids.slice(0, 2), ids.slice(2, 4), ids.slice(4)])
  })

  it('list one account’s keys where it is named', async () => {
    const { keys } = world()
    await keys.create(DETAILS)
    const { key } = await keys.create({ ...DETAILS, accountId: 'account_2' })
    expect((await keys.list({ accountId: 'account_2' })).items.map((item) => item.key)).toEqual([key])
    expect((await keys.list({ accountId: 'account_3' })).items).toEqual([])
  })

  it('find nothing where there is nothing, or another service’s', async () => {
    const { store, keys } = world()
    const { key } = await keys.create(DETAILS)
    const other = manageKeys({ contract: { ...KEYS, name: 'other' }, store, by: 'user_1' })
    expect(await keys.find('key_1')).toBeUndefined()
    expect(await other.find(key.id)).toBeUndefined()
    expect(await other.list()).toEqual({ items: [], next: null })
    expect(await other.audit()).toEqual({ items: [], next: null })
  })
})

describe('statusOf', () => {
  it.each([
    ['active', {}],
    ['active', { expiresAt: NOW + 1 }],
    ['expired', { expiresAt: NOW }],
    ['expired', { expiresAt: NOW - 1 }],
    ['revoked', { revokedAt: NOW }],
    ['revoked', { revokedAt: NOW + 1 }],
    ['revoked', { revokedAt: 0, expiresAt: 0 }],
  ])('is %s (%#)', (status, change) => {
    expect(statusOf(keyRecord({ id: 'key_1', ...change }), NOW)).toBe(status)
  })
})

describe('change', () => {
  it('narrows and widens permissions, from the next request on', async () => {
    const { store, clock, keys } = world()
    const auth = createAuth({ contract: KEYS, store, now: () => clock.at })
    const authorize = auth.authorizer({ permission: 'write' })
    const { key, secret } = await keys.create({ ...DETAILS, permissions: ['read', 'write'] })
    const kind = async () => (await authorize({}, new Headers({ 'x-api-key': shown(secret) }))).kind
    expect(await kind()).toBe('allowed')
    expect(await keys.change(key.id, { permissions: ['read'] })).toEqual({ ...key, permissions: ['read'] })
    expect(await kind()).toBe('denied')
    expect(await keys.change(key.id, { permissions: ['write', 'write'] })).toEqual({ ...key, permissions: ['write'] })
    expect(await kind()).toBe('allowed')
    expect(await keys.change(key.id, { permissions: [] })).toEqual({ ...key, permissions: [] })
    expect(await kind()).toBe('denied')
  })

  it('expires a key and prolongs it', async () => {
    const { clock, keys, admit } = world()
    const { key, secret } = await keys.create(DETAILS)
    await keys.change(key.id, { expiresAt: NOW + 1000 })
    clock.at = NOW + 999
    expect(await admit(shown(secret))).toBe(key.id)
    clock.at = NOW + 1000
    expect(await admit(shown(secret))).toBe('expired')
    expect(await keys.change(key.id, { expiresAt: null })).toEqual(key)
    expect(await admit(shown(secret))).toBe(key.id)
  })

  it.each([
    ['name', { name: 'deploy' }],
    ['environment', { environment: 'test' }],
    ['environment away', { environment: null }],
    ['metadata', { metadata: { team: 7 } }],
    ['all of it', { name: 'deploy', environment: 'test', permissions: [], expiresAt: NOW + 1, metadata: {} }],
    ['nothing', {}],
    ['what is not there', { name: undefined, expiresAt: undefined, permissions: undefined }],
  ] as [string, KeyChange & { permissions?: [] }][])('changes the %s and leaves the rest', async (_what, change) => {
    const { keys } = world()
    const details = { ...DETAILS, environment: 'live', expiresAt: NOW + 9, metadata: { a: 1 } }
    const { key } = await keys.create({ ...details, permissions: ['read'] })
    const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined))
    expect(await keys.change(key.id, change)).toEqual({ ...key, ...given })
    expect((await keys.find(key.id))?.key).toEqual({ ...key, ...given })
  })

  it.each([
    ['an empty name', { name: '' }, 'name'],
    ['null for a name', { name: null }, 'name'],
    ['an unknown permission', { permissions: ['read', 'delete'] }, 'permissions'],
    ['all permissions', { permissions: ['*'] }, 'permissions'],
    ['null for permissions', { permissions: null }, 'permissions'],
    ['a text for permissions', { permissions: 'read' }, 'permissions'],
    ['an empty environment', { environment: '' }, 'environment'],
    ['an end that is NaN', { expiresAt: NaN }, 'expiresAt'],
    ['an end that is a text', { expiresAt: 'tomorrow' }, 'expiresAt'],
    ['metadata that is a text', { metadata: 'x' }, 'metadata'],
    ['null for metadata', { metadata: null }, 'metadata'],
  ])('refuses %s, and changes nothing', async (_what, change, option) => {
    const { store, keys } = world()
    const { key } = await keys.create(DETAILS)
    const changes = { environment: 'test', ...change } as Parameters<typeof keys.change>[1]
    const error = await refusal(keys.change(key.id, changes))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toMatch(new RegExp(`^${option}\\b`))
    expect(store.findKey({ service: 'acme', id: key.id })?.key).toEqual(key)
    expect((await keys.audit()).items.length).toBe(1)
  })

  it('does not undo a revocation, and moves no key', async () => {
    const { store, keys, admit } = world()
    const { key, secret } = await keys.create(DETAILS)
    const revoked = await keys.revoke(key.id, 'leaked')
    const others = { id: 'key_1', service: 'other', accountId: 'account_2', createdAt: 0, revokedAt: null }
    for (const [name, value] of Object.entries({ ...others, revokedReason: null, expireAt: 0 })) {
      const change = { name: 'deploy', [name]: value }
      await expect(keys.change(key.id, change)).rejects.toThrow(
        new TypeError(
          `change: unknown member "${name}"; it must be one of name, environment, permissions, expiresAt, metadata`,
        ),
      )
    }
    expect(store.records().keys.map((entry) => entry.key)).toEqual([revoked])
    expect(await keys.change(key.id, { name: 'deploy' })).toEqual({ ...revoked, name: 'deploy' })
    expect(await admit(shown(secret))).toBe('revoked')
  })

  it('is unknown of a key that is not there, and makes none', async () => {
    const { store, keys } = world()
    expect(await keys.change('key_1', { name: 'deploy' })).toBeUndefined()
    expect(store.records().keys).toEqual([])
    expect(await keys.audit()).toEqual({ items: [], next: null })
  })
})

describe('rotate', () => {
  it('gives the same key a new text; the old one works until the last millisecond of the overlap', async () => {
    const { clock, keys, admit } = world()
    const { key, secret } = await keys.create({ ...DETAILS, permissions: ['read'], metadata: { a: 1 } })
    clock.at = NOW + 1000
    const rotated = await keys.rotate(key.id, 5000)
    const [old, next] = [shown(secret), shown(rotated?.secret)]
    expect(rotated).toEqual({ key, secret: expect.any(String) })
    expect(next).not.toBe(old)
    expect(keyCodec(FORMAT).accepts(next)).toBe(true)
    expect((await keys.find(key.id))?.versions).toEqual([
      { display: `acme_…${old.slice(-4)}`, createdAt: NOW, expiresAt: NOW + 6000 },
      { display: `acme_…${next.slice(-4)}`, createdAt: NOW + 1000, expiresAt: null },
    ])
    clock.at = NOW + 5999
    expect([await admit(old), await admit(next)]).toEqual([key.id, key.id])
    clock.at = NOW + 6000
    expect([await admit(old), await admit(next)]).toEqual(['unknown', key.id])
  })

  it.each([[0], [undefined]])('ends the old text at once with an overlap of %s', async (overlap) => {
    const { keys, admit } = world()
    const { key, secret } = await keys.create(DETAILS)
    const rotated = await keys.rotate(key.id, overlap)
    expect([await admit(shown(secret)), await admit(shown(rotated?.secret))]).toEqual(['unknown', key.id])
  })

  it('ends the old text at once for a machine whose clock is behind', async () => {
    const { clock, keys, admit } = world()
    const { key, secret } = await keys.create(DETAILS)
    await keys.rotate(key.id)
    clock.at = NOW - 3_600_000
    expect(await admit(shown(secret))).toBe('unknown')
  })

  it('does not prolong an earlier version that ends earlier', async () => {
    const { clock, keys, admit } = world()
    const { key, secret: first } = await keys.create(DETAILS)
    const second = (await keys.rotate(key.id, 1000))?.secret
    const third = (await keys.rotate(key.id, 5000))?.secret
    expect((await keys.find(key.id))?.versions.map(({ expiresAt }) => expiresAt)).toEqual([
      NOW + 1000,
      NOW + 5000,
      null,
    ])
    clock.at = NOW + 1000
    const outcomes = [first, second, third].map((text) => admit(shown(text)))
    expect(await Promise.all(outcomes)).toEqual(['unknown', key.id, key.id])
  })

  it('ends all earlier versions with an overlap of 0', async () => {
    const { keys, admit } = world()
    const { key, secret: first } = await keys.create(DETAILS)
    const second = (await keys.rotate(key.id, 60_000))?.secret
    const third = (await keys.rotate(key.id, 0))?.secret
    const outcomes = [first, second, third].map((text) => admit(shown(text)))
    expect(await Promise.all(outcomes)).toEqual(['unknown', 'unknown', key.id])
  })

  it('keeps the id in the text', async () => {
    const { keys, admit } = world(WITH_ID)
    const { key, secret } = await keys.create(DETAILS)
    const rotated = await keys.rotate(key.id)
    expect(rotated?.key.id).toBe(key.id)
    expect(rotated?.secret.slice(0, 14)).toBe(shown(secret).slice(0, 14))
    expect(rotated?.secret).not.toBe(secret)
    expect(await admit(shown(rotated?.secret))).toBe(key.id)
  })

  it('stores a digest with the pepper, where there is one', async () => {
    const { store, keys, admit } = world(KEYS, { pepper: PEPPER })
    const { key } = await keys.create(DETAILS)
    const text = shown((await keys.rotate(key.id))?.secret)
    expect(store.findByDigest('acme', digestKey(text, PEPPER))?.key).toEqual(key)
    expect(store.findByDigest('acme', digestKey(text))).toBeUndefined()
    expect(await admit(text)).toBe(key.id)
  })

  it('gives a signing key a new secret; tokens of the old one verify until the last millisecond', async () => {
    const { clock, keys, admit } = world(TOKENS)
    const { key, secret } = await keys.create(DETAILS)
    const rotated = await keys.rotate(key.id, 5000)
    expect(rotated?.key).toEqual(key)
    expect(rotated?.secret).toMatch(/^[A-Za-z0-9_-]{43}$/)
    expect(rotated?.secret).not.toBe(secret)
    const [old, next] = [tokenOf(key.id, shown(secret)), tokenOf(key.id, shown(rotated?.secret))]
    clock.at = NOW + 4999
    expect([await admit(old), await admit(next)]).toEqual([key.id, key.id])
    clock.at = NOW + 5000
    expect([await admit(old), await admit(next)]).toEqual(['token_invalid', key.id])
    await keys.rotate(key.id)
    expect([await admit(old), await admit(next)]).toEqual(['token_invalid', 'token_invalid'])
  })

  it('makes a key of the format out of one that was imported, under its id', async () => {
    const { keys, admit } = world(IMPORTED)
    const text = randomText()
    const key = await keys.import({ ...DETAILS, text })
    const rotated = await keys.rotate(key?.id ?? '', 1000)
    expect(keyCodec(FORMAT).accepts(shown(rotated?.secret))).toBe(true)
    expect([await admit(text), await admit(shown(rotated?.secret))]).toEqual([key?.id, key?.id])
  })

  it('keeps the kid of a signing key that was imported', async () => {
    const { keys, admit } = world(TOKENS)
    await keys.import({ ...DETAILS, id: 'kid', text: randomText() })
    const rotated = await keys.rotate('kid')
    expect(await admit(tokenOf('kid', shown(rotated?.secret)))).toBe('kid')
  })

  it.each([KEYS, TOKENS])(
    'does not rotate a key that is not there, is revoked, or is of another service (%#)',
    async (contract) => {
      const { store, keys } = world(contract)
      const { key } = await keys.create(DETAILS)
      const other = manageKeys({ contract: { ...contract, name: 'other' }, store, by: 'user_1', masterKey: MASTER })
      expect(await keys.rotate('key_1')).toBeUndefined()
      expect(await other.rotate(key.id)).toBeUndefined()
      await keys.revoke(key.id)
      const before = store.records()
      expect(await keys.rotate(key.id)).toBeUndefined()
      expect(store.records()).toEqual(before)
      expect((await keys.audit()).items.map(({ action }) => action)).toEqual(['key.revoked', 'key.created'])
    },
  )

  it.each([NaN, Infinity, -1, 0.5, 8.64e15, '5000', null])(
    'refuses an overlap of %s, and changes nothing',
    async (overlap) => {
      const { store, keys } = world()
      const { key } = await keys.create(DETAILS)
      const before = store.records()
      const error = await refusal(keys.rotate(key.id, overlap as number))
      expect(error).toBeInstanceOf(TypeError)
      expect(error.message).toMatch(/^overlap\b/)
      expect(store.records()).toEqual(before)
    },
  )
})

describe('revoke', () => {
  it('ends a key at once and keeps it on record, with the first reason', async () => {
    const { clock, keys, admit } = world()
    const { key, secret } = await keys.create(DETAILS)
    clock.at = NOW + 1
    const revoked = { ...key, revokedAt: NOW + 1, revokedReason: 'leaked' }
    expect(await keys.revoke(key.id, 'leaked')).toEqual(revoked)
    expect(await admit(shown(secret))).toBe('revoked')
    clock.at = NOW + 2
    expect(await keys.revoke(key.id, 'another reason')).toEqual(revoked)
    expect(await keys.revoke(key.id)).toEqual(revoked)
    expect((await keys.find(key.id))?.key).toEqual(revoked)
    expect((await keys.audit()).items.length).toBe(2)
  })

  it('ends a signing key with all its secrets', async () => {
    const { keys, admit } = world(TOKENS)
    const { key, secret } = await keys.create(DETAILS)
    const rotated = await keys.rotate(key.id, 60_000)
    await keys.revoke(key.id)
    for (const text of [secret, rotated?.secret]) expect(await admit(tokenOf(key.id, shown(text)))).toBe('revoked')
  })

  it('needs no reason', async () => {
    const { keys } = world()
    const { key } = await keys.create(DETAILS)
    expect(await keys.revoke(key.id)).toEqual({ ...key, revokedAt: NOW, revokedReason: null })
  })

  it.each(['', ' ', 'a\nb', 7])('refuses the reason %j, and revokes nothing', async (reason) => {
    const { keys } = world()
    const { key } = await keys.create(DETAILS)
    expect((await refusal(keys.revoke(key.id, reason as string))).message).toMatch(/^reason\b/)
    expect((await keys.find(key.id))?.key).toEqual(key)
  })

  it('is unknown of a key that is not there', async () => {
    const { keys } = world()
    expect(await keys.revoke('key_1')).toBeUndefined()
    expect(await keys.audit()).toEqual({ items: [], next: null })
  })
})

describe('delete', () => {
  it('makes a key unknown, and its audit record stays', async () => {
    const { keys, admit } = world()
    const { key, secret } = await keys.create(DETAILS)
    expect(await keys.delete(key.id)).toBe(true)
    expect(await admit(shown(secret))).toBe('unknown')
    expect(await keys.find(key.id)).toBeUndefined()
    expect(await keys.rotate(key.id)).toBeUndefined()
    expect(await keys.revoke(key.id)).toBeUndefined()
    expect(await keys.delete(key.id)).toBe(false)
    expect((await keys.audit({ keyId: key.id })).items.map(({ action }) => action)).toEqual([
      'key.deleted',
      'key.created',
    ])
  })

  it('makes a signing key unknown with all its secrets', async () => {
    const { store, keys, admit } = world(TOKENS)
    const { key, secret } = await keys.create(DETAILS)
    await keys.delete(key.id)
    expect(await admit(tokenOf(key.id, shown(secret)))).toBe('token_invalid')
    expect(await keys.reveal(key.id)).toBeUndefined()
    expect(store.records().keys).toEqual([])
  })

  it('is false of a key that is not there', async () => {
    const { keys } = world()
    expect(await keys.delete('key_1')).toBe(false)
    expect(await keys.audit()).toEqual({ items: [], next: null })
  })
})

describe('reveal', () => {
  it('shows the secrets that still work, newest first', async () => {
    const { clock, keys } = world(TOKENS)
    const { key, secret: first } = await keys.create(DETAILS)
    const second = (await keys.rotate(key.id, 1000))?.secret
    const third = (await keys.rotate(key.id, 5000))?.secret
    expect(await keys.reveal(key.id)).toEqual([third, second, first])
    clock.at = NOW + 999
    expect(await keys.reveal(key.id)).toEqual([third, second, first])
    clock.at = NOW + 1000
    expect(await keys.reveal(key.id)).toEqual([third, second])
    clock.at = NOW + 5000
    expect(await keys.reveal(key.id)).toEqual([third])
  })

  it('shows an imported secret as it was', async () => {
    const { keys } = world(TOKENS)
    const text = `\ufeff${randomText()} 🔑`
    await keys.import({ ...DETAILS, id: 'kid', text })
    expect(await keys.reveal('kid')).toEqual([text])
  })

  it('shows nothing of a key that is revoked or expired: its secrets work no longer', async () => {
    const { clock, keys } = world(TOKENS)
    const [a, b] = [await keys.create(DETAILS), await keys.create({ ...DETAILS, expiresAt: NOW + 1 })]
    await keys.revoke(a.key.id)
    expect(await keys.reveal(a.key.id)).toEqual([])
    expect(await keys.reveal(b.key.id)).toEqual([b.secret])
    clock.at = NOW + 1
    expect(await keys.reveal(b.key.id)).toEqual([])
  })

  it('shows nothing of an API key, and of a key that is not there, and records nothing', async () => {
    const { keys } = world(BOTH)
    const { key } = await keys.create({ ...DETAILS, kind: 'key' })
    expect(await keys.reveal(key.id)).toBeUndefined()
    expect(await keys.reveal('key_1')).toBeUndefined()
    expect((await keys.audit()).items.map(({ action }) => action)).toEqual(['key.created'])
  })

  it('records it before it shows it: what cannot be recorded is not shown', async () => {
    const { store, keys, manage } = world(TOKENS)
    const { key } = await keys.create(DETAILS)
    const cause = new Error('disk full')
    const asked: string[] = []
    const unrecorded: KeyStore = {
      ...store,
      recordAudit: () => Promise.reject(cause),
      findSigningKey(service, id) {
        asked.push(id)
        return store.findSigningKey(service, id)
      },
    }
    await expect(manage({ store: unrecorded }).reveal(key.id)).rejects.toBe(cause)
    const hanging: KeyStore = { ...unrecorded, recordAudit: () => new Promise(() => {}) }
    await expect(manage({ store: hanging, timeout: 20 }).reveal(key.id)).rejects.toThrow(Error)
    expect(asked).toEqual([])
  })

  it('shows nothing when the key has become another account’s in the meantime', async () => {
    const { store, keys, manage } = world(TOKENS)
    await keys.import({ ...DETAILS, id: 'kid', text: randomText() })
    const meanwhile: KeyStore = {
      ...store,
      async recordAudit(record) {
        store.recordAudit(record)
        await keys.delete('kid')
        await keys.import({ ...DETAILS, accountId: 'account_2', id: 'kid', text: randomText() })
      },
    }
    expect(await manage({ store: meanwhile, accountId: 'account_1' }).reveal('kid')).toBeUndefined()
  })

  it('rejects where a secret does not open, and shows no other', async () => {
    const { store, keys, manage } = world(TOKENS)
    const { key } = await keys.create(DETAILS)
    await manage({ masterKey: NEWER }).rotate(key.id, 60_000)
    expect((await refusal(keys.reveal(key.id))).message).toContain(key.id)
    expect(store.findSigningKey('acme', key.id)?.secrets.length).toBe(2)
  })
})

describe('reseal', () => {
  const masterKeysOf = (store: MemoryStore) =>
    store.records().keys.flatMap(({ secrets }) => secrets.map((secret) => (secret as SigningSecret).masterKeyId))

  it('seals all secrets with the first master key, ended ones too, and then that one is enough', async () => {
    const { store, clock, keys, manage, admit } = world(TOKENS)
    const made = [await keys.create(DETAILS), await keys.create({ ...DETAILS, accountId: 'account_2' })]
    const [one, two] = made.map(({ key }) => key.id) as [string, string]
    const rotated = await keys.rotate(one, 0)
    await keys.revoke(two)
    clock.at = NOW + 1
    const both = manage({ masterKey: `${NEWER},${MASTER}` })
    expect(await both.reseal()).toBe(3)
    expect(new Set(masterKeysOf(store))).toEqual(new Set([await sealer(NEWER).masterKeyId()]))
    expect(await both.reseal()).toBe(0)

    const alone = manage({ masterKey: NEWER })
    expect(await alone.reseal()).toBe(0)
    expect(await alone.reveal(one)).toEqual([rotated?.secret])
    const admitByNewer = admission(TOKENS, store, () => clock.at, NEWER)
    const old = tokenOf(one, shown(made[0]?.secret))
    const next = tokenOf(one, shown(rotated?.secret))
    expect([await admitByNewer(next), await admitByNewer(old)]).toEqual([one, 'token_invalid'])
    expect(await admitByNewer(tokenOf(two, shown(made[1]?.secret)))).toBe('revoked')
    expect(await admit(next)).toBe('unavailable')
  })

  it('changes nothing but the seal', async () => {
    const { store, keys, manage } = world(TOKENS)
    const { key } = await keys.create(DETAILS)
    await keys.rotate(key.id, 5000)
    const before = store.records().keys
    await manage({ masterKey: `${NEWER},${MASTER}` }).reseal()
    const masterKeyId = await sealer(NEWER).masterKeyId()
    expect(store.records().keys).toEqual(
      before.map((entry) => ({
        ...entry,
        secrets: entry.secrets.map((secret) => ({ ...secret, sealed: expect.any(String), masterKeyId })),
      })),
    )
  })

  it('goes on until none is left: 250 keys', async () => {
    const { keys, manage } = world(TOKENS)
    for (let i = 0; i < 250; i++) await keys.create(DETAILS)
    expect(await manage({ masterKey: `${NEWER},${MASTER}` }).reseal()).toBe(250)
  })

  it('leaves other services alone', async () => {
    const { store, keys, manage } = world(TOKENS)
    const other = manageKeys({ contract: { ...TOKENS, name: 'other' }, store, by: 'user_1', masterKey: MASTER })
    const { key } = await other.create(DETAILS)
    await keys.create(DETAILS)
    expect(await manage({ masterKey: `${NEWER},${MASTER}` }).reseal()).toBe(1)
    expect((await other.reveal(key.id))?.length).toBe(1)
  })

  it('is nothing to do where no key signs', async () => {
    expect(await world(KEYS, { masterKey: undefined }).keys.reseal()).toBe(0)
    expect(await world(TOKENS).keys.reseal()).toBe(0)
  })

  it('loses nothing of what is rotated, revoked or deleted while it runs', async () => {
    const { store, clock, keys, manage } = world(TOKENS)
    const made = []
    for (let i = 0; i < 3; i++) made.push(await keys.create(DETAILS))
    const [rotatedId, revokedId, deletedId] = made.map(({ key }) => key.id) as [string, string, string]
    // Another node does so, which still seals with the older master key.
    let next: string | undefined
    const during: KeyStore = {
      ...store,
      async listSealed(...args) {
        const batch = store.listSealed(...args)
        if (next === undefined) {
          next = (await keys.rotate(rotatedId, 0))?.secret
          await keys.revoke(revokedId, 'leaked')
          await keys.delete(deletedId)
        }
        return batch
      },
    }
    expect(await manage({ store: during, masterKey: `${NEWER},${MASTER}` }).reseal()).toBe(3)
    clock.at = NOW + 1
    const admit = admission(TOKENS, store, () => clock.at, NEWER)
    const tokens = [next, ...made.map(({ secret }) => secret)].map((secret, i) =>
      tokenOf([rotatedId, rotatedId, revokedId, deletedId][i] ?? '', shown(secret)),
    )
    expect(await Promise.all(tokens.map(admit))).toEqual([rotatedId, 'token_invalid', 'revoked', 'token_invalid'])
    expect((await manage({ masterKey: NEWER }).find(rotatedId))?.versions.map(({ expiresAt }) => expiresAt)).toEqual([
      0,
      null,
    ])
  })

  it('seals what it can, and then names what it cannot', async () => {
    const { store, keys, manage } = world(TOKENS)
    for (let i = 0; i < 2; i++) await keys.create(DETAILS)
    const lost = await manage({ masterKey: 'a master key that nobody has any more' }).create(DETAILS)
    await keys.create(DETAILS)
    const error = await refusal(manage({ masterKey: `${NEWER},${MASTER}` }).reseal())
    expect(String(error)).toContain(lost.key.id)
    const newer = (await manage({ masterKey: NEWER }).create(DETAILS)).key.id
    const counts = masterKeysOf(store)
    expect(counts.filter((id) => id === counts.at(-1)).length).toBe(4)
    expect(newer).toMatch(UUID)
  })

  it('does not count or change what another process has sealed in the meantime', async () => {
    const { store, keys, manage } = world(TOKENS)
    for (let i = 0; i < 5; i++) await keys.create(DETAILS)
    const both = { masterKey: `${NEWER},${MASTER}` }
    const counts = await Promise.all([manage(both).reseal(), manage(both).reseal()])
    expect((counts[0] ?? 0) + (counts[1] ?? 0)).toBe(5)
    expect((await keys.audit()).items.filter(({ action }) => action === 'secret.resealed').length).toBe(5)
    expect(new Set(masterKeysOf(store)).size).toBe(1)
  })

  it('ends where a function fetches a newer master key while it runs', async () => {
    const { keys, manage } = world(TOKENS)
    const { key, secret } = await keys.create(DETAILS)
    await manage({ masterKey: NEWER }).create(DETAILS)
    const NEWEST = 'master-key-of-at-least-32-bytes-3'
    let asked = 0
    const all = [NEWEST, NEWER, MASTER].join(',')
    const resealing = manage({ masterKey: () => (asked++ === 0 ? `${NEWER},${MASTER}` : all) })
    expect(await resealing.reseal()).toBe(1)
    expect(await manage({ masterKey: NEWER }).reveal(key.id)).toEqual([secret])
  })

  it('rejects and names the key where one does not open', async () => {
    const { keys, manage } = world(TOKENS)
    const { key, secret } = await keys.create(DETAILS)
    const error = await refusal(manage({ masterKey: NEWER }).reseal())
    expect(error.message).toContain(key.id)
    expect(await keys.reveal(key.id)).toEqual([secret])
    expect((await keys.audit()).items.map(({ action }) => action)).toEqual(['secret.revealed', 'key.created'])
  })
})

describe('with an account', () => {
  async function tenants(contract: Acme = BOTH) {
    const { store, keys, manage, ...rest } = world(contract)
    const kind = contract.token === undefined ? 'key' : 'signing'
    const mine = await keys.create({ ...DETAILS, kind })
    const theirs = await keys.create({ ...DETAILS, kind, accountId: 'account_2' })
    return { store, keys, manage, mine, theirs, own: manage({ accountId: 'account_1' }), ...rest }
  }

  it('answers another account’s key as one that does not exist, whatever is asked, and changes nothing', async () => {
    for (const contract of [KEYS, BOTH]) {
      const { store, own, theirs } = await tenants(contract)
      const before = [store.records(), store.listAudit({ limit: 100 })]
      const asked = (id: string) =>
        Promise.all([
          own.find(id),
          own.change(id, { name: 'mine now' }),
          own.rotate(id),
          own.revoke(id, 'mine now'),
          own.delete(id),
          own.reveal(id),
        ])
      const answers = await asked(theirs.key.id)
      expect(answers).toEqual([undefined, undefined, undefined, undefined, false, undefined])
      expect(answers).toEqual(await asked('key_1'))
      expect([store.records(), store.listAudit({ limit: 100 })]).toEqual(before)
    }
  })

  it('does all of it with its own keys', async () => {
    const { own, mine } = await tenants()
    const id = mine.key.id
    expect((await own.find(id))?.key).toEqual(mine.key)
    expect((await own.change(id, { name: 'deploy' }))?.name).toBe('deploy')
    expect(await own.reveal(id)).toEqual([mine.secret])
    expect((await own.rotate(id))?.key.id).toBe(id)
    expect((await own.revoke(id))?.revokedAt).toBe(NOW)
    expect(await own.delete(id)).toBe(true)
  })

  it('lists and audits its own alone', async () => {
    const { own, mine, theirs } = await tenants()
    for (const accountId of [undefined, 'account_1']) {
      expect((await own.list({ accountId })).items.map(({ key }) => key)).toEqual([mine.key])
      expect((await own.audit({ accountId })).items.map(({ keyId }) => keyId)).toEqual([mine.key.id])
    }
    for (const accountId of ['account_2', JSON.parse('null')]) {
      expect(await refusal(own.list({ accountId }))).toEqual(new TypeError('accountId must be account_1'))
      expect(await refusal(own.audit({ accountId }))).toEqual(new TypeError('accountId must be account_1'))
    }
    expect(await own.audit({ keyId: theirs.key.id })).toEqual({ items: [], next: null })
  })

  it('makes and imports keys for it alone', async () => {
    const { store, own } = await tenants()
    const before = store.records()
    expect((await own.create({ name: 'ci' })).key.accountId).toBe('account_1')
    expect((await own.create(DETAILS)).key.accountId).toBe('account_1')
    const text = keyCodec(FORMAT).mint().text
    expect((await own.import({ name: 'ci', text }))?.accountId).toBe('account_1')
    const made = store.records().keys.length - before.keys.length
    expect(made).toBe(3)
    for (const call of [
      own.create({ ...DETAILS, accountId: 'account_2' }),
      own.import({ ...DETAILS, accountId: 'account_2', text: keyCodec(FORMAT).mint().text }),
    ]) {
      const error = await refusal(call)
      expect(error).toBeInstanceOf(TypeError)
      expect(error.message).toMatch(/^accountId\b/)
    }
    expect(store.records().keys.length).toBe(before.keys.length + 3)
  })

  it('does not seal anew: the secrets are all accounts’', async () => {
    const { store, manage } = await tenants()
    const before = store.records()
    const error = await refusal(manage({ accountId: 'account_1', masterKey: `${NEWER},${MASTER}` }).reseal())
    expect(error).toBeInstanceOf(TypeError)
    expect(store.records()).toEqual(before)
  })
})

describe('ids', () => {
  it.each(['', ' ', 'a\nb', 'k'.repeat(256), 7, null, undefined, {}])(
    'that are none are refused: %j',
    async (wrong) => {
      const { keys } = world(BOTH)
      const id = wrong as string
      const calls = [
        keys.find(id),
        keys.change(id, {}),
        keys.rotate(id),
        keys.revoke(id),
        keys.delete(id),
        keys.reveal(id),
      ]
      for (const error of await Promise.all(calls.map(refusal))) {
        expect(error).toBeInstanceOf(TypeError)
        expect(error.message).toMatch(/^id\b/)
      }
    },
  )
})

describe('the audit record', () => {
  it('says of every change who made it, what and when, newest first', async () => {
    const { clock, keys, manage } = world(BOTH)
    const support = manage({ by: 'support' })
    const details = { environment: 'test', expiresAt: NOW + 9000, metadata: { secretPlan: true } }
    const { key } = await keys.create({ ...DETAILS, ...details, kind: 'signing', permissions: ['read'] })
    clock.at++
    const imported = await keys.import({ ...DETAILS, accountId: 'account_2', text: keyCodec(FORMAT).mint().text })
    clock.at++
    await keys.change(key.id, {
      name: 'deploy',
      permissions: ['read', 'read'],
      environment: null,
    })
    clock.at++
    await keys.rotate(key.id, 5000)
    clock.at++
    await support.reveal(key.id)
    clock.at++
    await support.revoke(key.id, 'leaked')
    clock.at++
    await support.revoke(imported?.id ?? '')
    clock.at++
    await keys.delete(key.id)

    const of = { service: 'acme', keyId: key.id, accountId: 'account_1' }
    const ofImported = { ...of, keyId: imported?.id, accountId: 'account_2' }
    const given = { name: 'ci', permissions: ['read'], environment: 'test', expiresAt: NOW + 9000 }
    const plain = { name: 'ci', permissions: [], environment: null, expiresAt: null }
    const expected = [
      { at: NOW, by: 'user_1', action: 'key.created', details: given, ...of },
      { at: NOW + 1, by: 'user_1', action: 'key.imported', details: plain, ...ofImported },
      {
        at: NOW + 2,
        by: 'user_1',
        action: 'key.changed',
        details: { name: 'deploy', permissions: ['read'], environment: null },
        ...of,
      },
      { at: NOW + 3, by: 'user_1', action: 'key.rotated', details: { overlap: 5000 }, ...of },
      { at: NOW + 4, by: 'support', action: 'secret.revealed', details: {}, ...of },
      { at: NOW + 5, by: 'support', action: 'key.revoked', details: { reason: 'leaked' }, ...of },
      { at: NOW + 6, by: 'support', action: 'key.revoked', details: { reason: null }, ...ofImported },
      { at: NOW + 7, by: 'user_1', action: 'key.deleted', details: {}, ...of },
    ].reverse()
    expect(await keys.audit()).toEqual({ items: expected, next: null })
    expect(await keys.audit({ keyId: key.id })).toEqual({
      items: expected.filter(({ keyId }) => keyId === key.id),
      next: null,
    })
    expect(await keys.audit({ accountId: 'account_2' })).toEqual({
      items: expected.filter(({ accountId }) => accountId === 'account_2'),
      next: null,
    })
  })

  it('says of every seal that was made anew by which master key', async () => {
    const { keys, manage } = world(TOKENS)
    const { key } = await keys.create(DETAILS)
    await manage({ by: 'operator', masterKey: `${NEWER},${MASTER}` }).reseal()
    expect((await keys.audit({ limit: 1 })).items).toEqual([
      {
        at: NOW,
        by: 'operator',
        action: 'secret.resealed',
        details: { masterKeyId: await sealer(NEWER).masterKeyId() },
        service: 'acme',
        keyId: key.id,
        accountId: 'account_1',
      },
    ])
  })

  it('is read page by page', async () => {
    const { keys } = world()
    for (let i = 0; i < 3; i++) await keys.create({ ...DETAILS, name: `key ${i}` })
    const first = await keys.audit({ limit: 2 })
    const second = await keys.audit({ limit: 2, after: first.next ?? '' })
    expect([...first.items, ...second.items].map(({ details }) => details.name)).toEqual(['key 2', 'key 1', 'key 0'])
    expect(second.next).toBeNull()
  })

  it('is kept with the change or not at all: the store is given both at once', async () => {
    const { store, manage } = world(BOTH)
    const given: [string, AuditEntry['action']][] = []
    const watching: KeyStore = {
      ...store,
      insertKey(...args) {
        given.push(['insertKey', args[2].action])
        return store.insertKey(...args)
      },
      changeKey(...args) {
        given.push(['changeKey', args[2].action])
        return store.changeKey(...args)
      },
      rotateKey(...args) {
        given.push(['rotateKey', args[3].action])
        return store.rotateKey(...args)
      },
      revokeKey(...args) {
        given.push(['revokeKey', args[2].action])
        return store.revokeKey(...args)
      },
      deleteKey(...args) {
        given.push(['deleteKey', args[1].action])
        return store.deleteKey(...args)
      },
      recordAudit(record) {
        given.push(['recordAudit', record.action])
      },
    }
    const keys = manage({ store: watching })
    const { key } = await keys.create(DETAILS)
    await keys.import({ ...DETAILS, text: keyCodec(FORMAT).mint().text })
    await keys.change(key.id, { name: 'deploy' })
    await keys.rotate(key.id)
    await keys.revoke(key.id)
    await keys.delete(key.id)
    expect(given).toEqual([
      ['insertKey', 'key.created'],
      ['insertKey', 'key.imported'],
      ['changeKey', 'key.changed'],
      ['rotateKey', 'key.rotated'],
      ['revokeKey', 'key.revoked'],
      ['deleteKey', 'key.deleted'],
    ])
  })

  it('and lists, answers and errors hold no secret, digest or seal', async () => {
    const { store, keys, manage } = world({ ...BOTH, imported: true }, { pepper: PEPPER })
    const importedText = randomText()
    const importedDigest = sha256(randomText())
    const importedSecret = randomText()
    const created = [await keys.create(DETAILS), await keys.create({ ...DETAILS, kind: 'signing' })]
    const answers: unknown[] = created.map(({ key }) => key)
    const secrets: string[] = created.map(({ secret }) => shown(secret))
    for (const { key } of created) {
      const rotated = await keys.rotate(key.id, 1000)
      secrets.push(shown(rotated?.secret))
      answers.push(rotated?.key)
    }
    answers.push(
      await keys.import({ ...DETAILS, kind: 'key', text: importedText }),
      await keys.import({ ...DETAILS, kind: 'key', digest: importedDigest }),
      await keys.import({ ...DETAILS, kind: 'signing', id: 'kid', text: importedSecret }),
    )
    const sealed = (store: MemoryStore) =>
      store.records().keys.flatMap((entry) => entry.secrets.map((secret) => hiddenOf(secret)))
    const hidden = [...secrets, importedText, importedDigest, importedSecret, ...sealed(store)]
    await keys.reveal('kid')
    await manage({ masterKey: `${NEWER},${MASTER}` }).reseal()
    await keys.change('kid', { name: 'deploy' })
    await keys.revoke('kid', 'leaked')
    hidden.push(...sealed(store), MASTER, NEWER, PEPPER)

    const errors = await Promise.all(
      [
        keys.import({ ...DETAILS, kind: 'key', text: 'hunter2' }),
        keys.import({ ...DETAILS, kind: 'key', text: `${importedText} ` }),
        keys.import({ ...DETAILS, kind: 'key', text: `${importedText}.` }),
        world().keys.import({ ...DETAILS, text: importedText }),
        keys.import({ ...DETAILS, kind: 'key', digest: `${importedDigest}0` }),
        keys.import({ ...DETAILS, kind: 'signing', text: 'hunter2' }),
        keys.reveal(created[1]?.key.id ?? ''),
        manage({ masterKey: 'm'.repeat(32) }).reseal(),
      ].map(refusal),
    )
    const { items } = await keys.list()
    const told = [answers, items, await keys.audit(), await keys.find('kid')]
    const written = [...told.map((value) => JSON.stringify(value)), ...errors.map(textsOf)].join('\n')
    for (const secret of [...hidden, 'hunter2']) expect(written).not.toContain(secret)
  })
})

function hiddenOf(secret: Secret): string {
  return secret.kind === 'key' ? secret.digest : secret.sealed
}

function textsOf(error: unknown): string {
  return error instanceof Error ? `${error.message}\n${error.stack}\n${textsOf(error.cause)}` : String(error)
}

describe('a store that fails', () => {
  const METHODS = [
    'insertKey',
    'findAccount',
    'findKey',
    'listKeys',
    'changeKey',
    'rotateKey',
    'revokeKey',
    'deleteKey',
    'findSigningKey',
    'recordAudit',
    'listSealed',
    'resealSecret',
    'listAudit',
  ] as const

  /** Each method of the store, and a call that comes to it. */
  const CALLS: { readonly [M in (typeof METHODS)[number]]: (keys: Keys<Permission>, id: string) => Promise<unknown> } =
    {
      insertKey: (keys) => keys.create(DETAILS),
      findAccount: (keys) => keys.import({ ...DETAILS, text: randomText() }),
      findKey: (keys, id) => keys.find(id),
      listKeys: (keys) => keys.list(),
      changeKey: (keys, id) => keys.change(id, { name: 'deploy' }),
      rotateKey: (keys, id) => keys.rotate(id),
      revokeKey: (keys, id) => keys.revoke(id),
      deleteKey: (keys, id) => keys.delete(id),
      findSigningKey: (keys, id) => keys.reveal(id),
      recordAudit: (keys, id) => keys.reveal(id),
      listSealed: (keys) => keys.reseal(),
      resealSecret: (keys) => keys.reseal(),
      listAudit: (keys) => keys.audit(),
    }

  it.each(METHODS)('is told on: %s', async (method) => {
    const { store, keys, manage } = world(TOKENS)
    const { key } = await keys.create(DETAILS)
    const cause = new Error('disk full')
    const masterKey = `${NEWER},${MASTER}`
    const throws = () => {
      throw cause
    }
    for (const fail of [throws, () => Promise.reject(cause)]) {
      const failing: KeyStore = { ...store, [method]: fail }
      await expect(CALLS[method](manage({ store: failing, masterKey }), key.id)).rejects.toBe(cause)
    }
  })

  it.each(METHODS)('is not waited for longer than the timeout: %s', async (method) => {
    const { store, keys, manage } = world(TOKENS)
    const { key } = await keys.create(DETAILS)
    const hanging: KeyStore = { ...store, [method]: () => new Promise(() => {}) }
    const given = { store: hanging, masterKey: `${NEWER},${MASTER}`, timeout: 20 }
    const error = await refusal(CALLS[method](manage(given), key.id))
    expect(error.message).toBe('no answer within 20 ms')
  })

  it('nor is the function that fetches the master key, or the application for its accounts', async () => {
    const { store, manage } = world(TOKENS)
    const never = () => new Promise<never>(() => {})
    for (const options of [{ masterKey: never }, { accounts: { find: never } }]) {
      const error = await refusal(manage({ ...options, timeout: 20 }).create(DETAILS))
      expect(error.message).toBe('no answer within 20 ms')
    }
    expect(store.records().keys).toEqual([])
  })

  it('shows no secret of a key that it has not taken', async () => {
    const { store, manage } = world()
    const broken: KeyStore = { ...store, insertKey: () => ({ kind: 'something else' }) as unknown as Inserted }
    await expect(manage({ store: broken }).create(DETAILS)).rejects.toThrow(Error)
  })
})
