import { createHmac } from 'node:crypto'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { cachingReader, plainReader, type Reader } from './cache.ts'
import type { Contract, DenialTable } from './contract.ts'
import { bearer, header } from './credential.ts'
import { digestKey } from './digest.ts'
import { keyCodec } from './key-format.ts'
import { type MemoryStore, memoryStore } from './memory-store.ts'
import type { Principal } from './principal.ts'
import { prover } from './prove.ts'
import { type MasterKey, type SealedFor, sealer } from './seal.ts'
import type {
  Account,
  AccountReader,
  AuditEntry,
  ChangeFeed,
  KeyMatch,
  KeyReader,
  KeyRecord,
  SigningKeyMatch,
  SigningSecret,
} from './store.ts'

const SECONDS = 1_790_000_000
const NOW = SECONDS * 1000
const PEPPER = 'pepper-pepper-pepper-pepper-32-b'
const SECRET = 'a-secret-of-at-least-thirty-two-bytes-000001'
const OTHER_SECRET = 'a-secret-of-at-least-thirty-two-bytes-000002'
const MASTER_KEY = 'a-master-key-of-at-least-32-bytes-1'
const OTHER_MASTER_KEY = 'a-master-key-of-at-least-32-bytes-2'
const REF = { service: 'acme', id: 'key_1' }
const AUDIT: AuditEntry = { at: NOW, by: 'test', action: 'key.changed', details: {} }

// Nothing is rendered here.
const denials = {} as DenialTable
const KEYS: Contract = {
  name: 'acme',
  carriers: [header('x-api-key'), bearer()],
  key: { prefix: 'acme_', length: 38, alphabet: 'base36', checksum: true },
  denials,
}
const WITH_ID: Contract = {
  name: 'acme',
  carriers: [bearer()],
  key: { prefix: 'ak_', length: 32, alphabet: 'base62', checksum: true, id: { prefix: 'key_' } },
  denials,
}
const TOKENS: Contract = {
  name: 'acme',
  carriers: [bearer()],
  token: { issuer: 'sdk', subjectIsKeyId: true },
  denials,
}
const BOTH: Contract = { ...KEYS, ...TOKENS, carriers: KEYS.carriers }

const ACCOUNT: Account = { id: 'account_1', plan: 'pro', status: 'active', email: null, metadata: {} }
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
const TEXT = keyCodec({ prefix: 'acme_', length: 38, alphabet: 'base36', checksum: true }).mint().text

const secretOf = (text: string, pepper?: string) => ({
  kind: 'key' as const,
  digest: digestKey(text, pepper),
  display: '…',
  createdAt: 0,
  expiresAt: null,
})
const MATCH: KeyMatch = { key: KEY, account: ACCOUNT, secret: secretOf(TEXT) }

/** A signing secret as a store keeps it: of the first version of `key_1` unless it is said otherwise. */
async function sealed(text: string, what: Partial<SealedFor> = {}, masterKey = MASTER_KEY): Promise<SigningSecret> {
  const whole = { service: 'acme', keyId: 'key_1', version: '1', ...what }
  const seal = await sealer(masterKey).seal(text, whole)
  return { kind: 'signing', version: whole.version, ...seal, createdAt: 0, expiresAt: null }
}

const SIGNING = await sealed(SECRET)
const SIGNING_MATCH: SigningKeyMatch = { key: KEY, account: ACCOUNT, secrets: [SIGNING] }

interface Options {
  readonly contract?: Contract
  readonly store?: KeyReader
  readonly accounts?: AccountReader
  readonly pepper?: string
  readonly masterKey?: MasterKey | undefined
  readonly timeout?: number
  readonly reader?: Reader
}

function proverOf({ contract = KEYS, store = memoryStore(), accounts, pepper, timeout = 50, ...more }: Options) {
  const { masterKey, reader } = { masterKey: MASTER_KEY, reader: plainReader(timeout), ...more }
  return prover({ contract, store, reader, accounts, pepper, masterKey, timeout })
}

/** A store that finds what it is given, and remembers what it was asked. */
function finding(match: unknown, asked: string[] = []): KeyReader {
  return {
    findByDigest(service, digest) {
      asked.push(`${service} ${digest}`)
      return match as KeyMatch
    },
    findSigningKey(service, id) {
      asked.push(`${service} ${id}`)
      return match as SigningKeyMatch
    },
  }
}

function storeWith(text: string, pepper?: string): MemoryStore {
  const store = memoryStore()
  store.insertAll({ accounts: [ACCOUNT], keys: [{ key: KEY, secrets: [secretOf(text, pepper)] }] })
  return store
}

const withKey = (text: string) => new Headers({ 'x-api-key': text })
const withBearer = (text: string) => new Headers({ authorization: `Bearer ${text}` })

function tokenOf(claims: object = {}, head: object = {}, secret = SECRET): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const whole = { sub: 'key_1', iss: 'sdk', iat: SECONDS, exp: SECONDS + 60, ...claims }
  const input = `${encode({ alg: 'HS256', typ: 'JWT', kid: 'key_1', ...head })}.${encode(whole)}`
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

/** The text with one character of base64 changed, counted from the end where `at` is negative. */
function changedAt(text: string, at: number): string {
  const i = at < 0 ? text.length + at : at
  return `${text.slice(0, i)}${text[i] === 'A' ? 'E' : 'A'}${text.slice(i + 1)}`
}

const missing = { kind: 'denied', code: 'missing' }
const malformed = { kind: 'denied', code: 'malformed' }
const unknown = { kind: 'denied', code: 'unknown' }
const unavailable = { kind: 'denied', code: 'unavailable', cause: expect.anything() }
const tokenInvalid = (reason: string) => ({ kind: 'denied', code: 'token_invalid', reason })

describe('a key', () => {
  it('proves a principal, synchronously where the store answers so', () => {
    expect(proverOf({ store: storeWith(TEXT) })(withKey(TEXT), NOW)).toEqual({
      via: 'key',
      account: ACCOUNT,
      key: KEY,
      plan: 'pro',
      permissions: ['read'],
    })
  })

  it('proves the same by either carrier', () => {
    const prove = proverOf({ store: storeWith(TEXT) })
    expect(prove(withBearer(TEXT), NOW)).toEqual(prove(withKey(TEXT), NOW))
  })

  it('is missing where there is none', () => {
    expect(proverOf({})(new Headers(), NOW)).toEqual(missing)
  })

  it.each([
    ['a wrong checksum', `${TEXT.slice(0, -1)}${TEXT.endsWith('0') ? '1' : '0'}`],
    ['another prefix', `acne_${TEXT.slice(5)}`],
    ['one character more', `${TEXT}0`],
    ['a comma', `${TEXT},`],
    ['a blank', `a ${TEXT}`],
    ['257 bytes', 'a'.repeat(257)],
  ])('never reaches the store with %s', (_what, text) => {
    const asked: string[] = []
    expect(
      proverOf({ store: finding(MATCH, asked) })({ get: (name) => (name === 'x-api-key' ? text : null) }, NOW),
    ).toEqual(malformed)
    expect(asked).toEqual([])
  })

  it('is looked up by the digest of its text, for this service', () => {
    const asked: string[] = []
    proverOf({ store: finding(undefined, asked) })(withKey(TEXT), NOW)
    expect(asked).toEqual([`acme ${digestKey(TEXT)}`])
  })

  it('is unknown where the store has none', () => {
    expect(proverOf({})(withKey(TEXT), NOW)).toEqual(unknown)
  })

  it('of another service is unknown, even in one store and even where the store finds it', () => {
    const store = storeWith(TEXT)
    expect(proverOf({ contract: { ...KEYS, name: 'other' }, store })(withKey(TEXT), NOW)).toEqual(unknown)
    const careless = finding({ ...MATCH, key: { ...KEY, service: 'other' } })
    expect(proverOf({ store: careless })(withKey(TEXT), NOW)).toEqual(unknown)
  })

  it('is unknown where the store finds one of another digest', () => {
    const careless = finding({ ...MATCH, secret: secretOf(TEXT.toUpperCase()) })
    expect(proverOf({ store: careless })(withKey(TEXT), NOW)).toEqual(unknown)
  })

  it('is refused as revoked and expired with its id', () => {
    const prove = (change: Partial<KeyRecord>) =>
      proverOf({ store: finding({ ...MATCH, key: { ...KEY, ...change } }) })(withKey(TEXT), NOW)
    expect(prove({ revokedAt: 1, expiresAt: 2 })).toEqual({
      kind: 'denied',
      code: 'revoked',
      keyId: 'key_1',
      revokedAt: 1,
    })
    expect(prove({ expiresAt: NOW })).toEqual({ kind: 'denied', code: 'expired', keyId: 'key_1', expiredAt: NOW })
    expect(prove({ expiresAt: NOW + 1 })).toMatchObject({ via: 'key' })
  })

  it('of a version that was rotated out is unknown, and so is a deleted one', () => {
    const store = storeWith(TEXT)
    const next = keyCodec({ prefix: 'acme_', length: 38, alphabet: 'base36', checksum: true }).mint().text
    store.rotateKey(REF, secretOf(next), NOW, AUDIT)
    const prove = proverOf({ store })
    expect(prove(withKey(TEXT), NOW - 1)).toMatchObject({ via: 'key' })
    expect(prove(withKey(TEXT), NOW)).toEqual(unknown)
    expect(prove(withKey(next), NOW)).toMatchObject({ via: 'key', key: { id: 'key_1' } })
    store.deleteKey(REF, AUDIT)
    expect(prove(withKey(next), NOW)).toEqual(unknown)
  })

  it('is stored under a digest with the pepper, where there is one', () => {
    expect(proverOf({ store: storeWith(TEXT, PEPPER), pepper: PEPPER })(withKey(TEXT), NOW)).toMatchObject({
      via: 'key',
    })
    expect(proverOf({ store: storeWith(TEXT, PEPPER) })(withKey(TEXT), NOW)).toEqual(unknown)
    expect(proverOf({ store: storeWith(TEXT), pepper: PEPPER })(withKey(TEXT), NOW)).toEqual(unknown)
  })

  it('is not the digest that the store keeps of it', () => {
    const contract = { ...KEYS, imported: true }
    expect(proverOf({ contract, store: storeWith(TEXT) })(withKey(digestKey(TEXT)), NOW)).toEqual(unknown)
  })

  it('whose account is gone belongs to nobody, and no other one is looked for', () => {
    const store = { ...finding({ ...MATCH, account: null }), findAccount: () => MATCH.account ?? undefined }
    expect(proverOf({ store })(withKey(TEXT), NOW)).toEqual(unknown)
  })
})

describe('a key that is kept', () => {
  it('is malformed all the same behind another separator, or beside another one', () => {
    const store = storeWith(TEXT)
    const reader = cachingReader(store.changes as ChangeFeed, {}, 50)
    onTestFinished(reader.close)
    const prove = proverOf({ contract: { ...KEYS, carriers: [bearer()] }, store, reader })
    expect(prove(withBearer(TEXT), NOW)).toMatchObject({ via: 'key' })
    for (const authorization of [`Bearer\t${TEXT}`, `Bearer ${TEXT}, Bearer ${TEXT}`]) {
      expect(prove(new Headers({ authorization }), NOW)).toEqual(malformed)
    }
    expect(prove(withBearer(TEXT), NOW)).toMatchObject({ via: 'key' })
  })
})

describe('an imported key', () => {
  const contract = { ...KEYS, imported: true }

  it('is admitted where the contract says so', () => {
    expect(proverOf({ contract, store: storeWith('legacy-key') })(withKey('legacy-key'), NOW)).toMatchObject({
      via: 'key',
    })
  })

  it('that no bearer can be is malformed as one, also when it was presented in a header before', () => {
    const store = storeWith('legacy!key')
    const reader = cachingReader(store.changes as ChangeFeed, {}, 50)
    onTestFinished(reader.close)
    const prove = proverOf({ contract, store, reader })
    expect(prove(withBearer('legacy!key'), NOW)).toEqual(malformed)
    expect(prove(withKey('legacy!key'), NOW)).toMatchObject({ via: 'key' })
    expect(prove(withBearer('legacy!key'), NOW)).toEqual(malformed)
    expect(prove(withKey('legacy!key'), NOW)).toMatchObject({ via: 'key' })
  })

  it('does not reach the store otherwise', () => {
    const asked: string[] = []
    expect(proverOf({ store: finding(MATCH, asked) })(withKey('legacy-key'), NOW)).toEqual(malformed)
    expect(asked).toEqual([])
  })

  it('has 256 bytes at most', () => {
    const [longest, tooLong] = ['k'.repeat(256), 'k'.repeat(257)]
    const asked: string[] = []
    expect(proverOf({ contract, store: storeWith(longest) })(withKey(longest), NOW)).toMatchObject({ via: 'key' })
    expect(proverOf({ contract, store: finding(MATCH, asked) })(withKey(tooLong), NOW)).toEqual(malformed)
    expect(asked).toEqual([])
  })
})

describe('the key id of an unusable key', () => {
  const prove = proverOf({ contract: WITH_ID, store: memoryStore() })
  const text = keyCodec({
    prefix: 'ak_',
    length: 32,
    alphabet: 'base62',
    checksum: true,
    id: { prefix: 'key_' },
  }).mint().text

  it('is the one in the text where it is well formed', () => {
    const keyId = `key_${text.slice(3, 13)}`
    expect(prove(withBearer(text), NOW)).toEqual({ ...unknown, keyId })
    expect(prove(withBearer(text.slice(0, 14)), NOW)).toEqual({ ...malformed, keyId })
  })

  it('is told of a key whose account is gone, as of one that does not exist', () => {
    const gone = finding({ ...MATCH, account: null, secret: secretOf(text) })
    const denied = proverOf({ contract: WITH_ID, store: gone })(withBearer(text), NOW)
    expect(denied).toEqual(prove(withBearer(text), NOW))
  })

  it('is ten digits of the digest otherwise: the same for the same text, another for another', () => {
    const keyIdOf = (value: string) => (prove(withBearer(value), NOW) as { keyId?: string }).keyId
    expect(prove(withBearer('garbage'), NOW)).toEqual({ ...malformed, keyId: expect.stringMatching(/^key_[0-9]{10}$/) })
    expect(keyIdOf('garbage')).toBe(keyIdOf('garbage'))
    expect(keyIdOf('garbage')).not.toBe(keyIdOf('garbages'))
  })

  it('is derived with the pepper', () => {
    const peppered = proverOf({ contract: WITH_ID, pepper: PEPPER })
    expect(peppered(withBearer('garbage'), NOW)).not.toEqual(prove(withBearer('garbage'), NOW))
  })

  it('of two lines is derived from both, joined', () => {
    const lines = { get: () => 'Bearer aaa, Bearer bbb' }
    expect(prove(lines, NOW)).toEqual({ ...malformed, keyId: expect.stringMatching(/^key_[0-9]{10}$/) })
    expect(prove(lines, NOW)).not.toEqual(prove({ get: () => 'Bearer aaa, Bearer bbc' }, NOW))
  })

  it('is of an imported key that is unknown, too', () => {
    const imported = proverOf({ contract: { ...WITH_ID, imported: true } })
    expect(imported(withBearer('garbage'), NOW)).toEqual({
      ...unknown,
      keyId: expect.stringMatching(/^key_[0-9]{10}$/),
    })
  })

  it('is not told where the format has no id, nor where no credential was sent', () => {
    expect(proverOf({})(withKey(TEXT), NOW)).toEqual(unknown)
    expect(proverOf({})(withKey('garbage'), NOW)).toEqual(malformed)
    expect(prove(new Headers(), NOW)).toEqual(missing)
  })
})

describe('a token', () => {
  it('proves a principal with its claims', () => {
    const principal = proverOf({ contract: TOKENS, store: finding(SIGNING_MATCH) })(
      withBearer(tokenOf()),
      NOW,
    ) as Principal
    expect(principal).toMatchObject({ via: 'token', account: ACCOUNT, key: KEY, plan: 'pro', permissions: ['read'] })
    expect(principal.via === 'token' && { ...principal.claims }).toEqual({
      sub: 'key_1',
      iss: 'sdk',
      iat: SECONDS,
      exp: SECONDS + 60,
    })
  })

  it('is looked up by its kid, for this service', () => {
    const asked: string[] = []
    proverOf({ contract: TOKENS, store: finding(undefined, asked) })(withBearer(tokenOf()), NOW)
    expect(asked).toEqual(['acme key_1'])
  })

  it('with an unknown kid and one with a bad signature have the same code', () => {
    const known = proverOf({ contract: TOKENS, store: finding(SIGNING_MATCH) })
    const empty = proverOf({ contract: TOKENS, store: memoryStore() })
    expect(empty(withBearer(tokenOf()), NOW)).toEqual(tokenInvalid('key'))
    expect(known(withBearer(tokenOf({}, {}, `${SECRET}!`)), NOW)).toEqual(tokenInvalid('signature'))
  })

  it.each([
    ['is revoked', { revokedAt: 1 }],
    ['has expired', { expiresAt: 1 }],
  ])('with a bad signature does not learn that the key %s', (_what, change) => {
    const prove = proverOf({ contract: TOKENS, store: finding({ ...SIGNING_MATCH, key: { ...KEY, ...change } }) })
    expect(prove(withBearer(tokenOf({}, {}, `${SECRET}!`)), NOW)).toEqual(tokenInvalid('signature'))
    expect(prove(withBearer(tokenOf()), NOW)).toMatchObject({ keyId: 'key_1' })
  })

  it('of another service is not known, even where the store finds it', async () => {
    const secrets = [await sealed(SECRET, { service: 'other' })]
    const careless = finding({ ...SIGNING_MATCH, key: { ...KEY, service: 'other' }, secrets })
    expect(proverOf({ contract: TOKENS, store: careless })(withBearer(tokenOf()), NOW)).toEqual(tokenInvalid('key'))
  })

  it('is not proven by another key that the store finds in place of its own', async () => {
    const secrets = [await sealed(SECRET, { keyId: 'key_2' })]
    const careless = finding({ ...SIGNING_MATCH, key: { ...KEY, id: 'key_2' }, secrets })
    expect(proverOf({ contract: TOKENS, store: careless })(withBearer(tokenOf()), NOW)).toEqual(tokenInvalid('key'))
  })

  it.each(['__proto__', 'constructor', 'toString'])('with the kid %s finds no key', (kid) => {
    expect(proverOf({ contract: TOKENS, store: memoryStore() })(withBearer(tokenOf({}, { kid })), NOW)).toEqual(
      tokenInvalid('key'),
    )
  })

  it.each([
    ['no token', 'garbage'],
    ['another algorithm', tokenOf({}, { alg: 'HS512' })],
    ['no kid', tokenOf({}, { kid: undefined })],
    ['crit', tokenOf({}, { crit: ['exp'] })],
    ['a key without a dot', TEXT],
  ])('never reaches the store as %s', (_what, text) => {
    const asked: string[] = []
    const prove = proverOf({ contract: TOKENS, store: finding(SIGNING_MATCH, asked) })
    expect(prove(withBearer(text), NOW)).toEqual(malformed)
    expect(asked).toEqual([])
  })

  it('is all that a contract without a key format takes, whatever it says of imported keys', () => {
    const asked: string[] = []
    const prove = proverOf({ contract: { ...TOKENS, imported: true }, store: finding(MATCH, asked) })
    expect(prove(withBearer(TEXT), NOW)).toEqual(malformed)
    expect(asked).toEqual([])
  })

  it('has 8192 bytes at most', () => {
    // Base64url grows by one or two characters a byte: header and claims together meet both lengths.
    const sizes = new Map<number, string>()
    for (let n = 5800; n < 6200; n++) {
      const text = tokenOf({ pad: 'x'.repeat(n) }, { pad: n % 2 === 0 ? 'y' : undefined })
      sizes.set(text.length, text)
    }
    const prove = proverOf({ contract: TOKENS, store: finding(SIGNING_MATCH) })
    expect(prove(withBearer(sizes.get(8192) as string), NOW)).toMatchObject({ via: 'token' })
    expect(prove(withBearer(sizes.get(8193) as string), NOW)).toEqual(malformed)
  })

  it('whose account is gone belongs to nobody', () => {
    const prove = proverOf({ contract: TOKENS, store: finding({ ...SIGNING_MATCH, account: null }) })
    expect(prove(withBearer(tokenOf()), NOW)).toEqual(tokenInvalid('key'))
  })

  it('is unavailable where the stored secret is short or empty', async () => {
    for (const text of ['', 'x'.repeat(31)]) {
      const secrets = [await sealed(text)]
      const prove = proverOf({ contract: TOKENS, store: finding({ ...SIGNING_MATCH, secrets }) })
      expect(prove(withBearer(tokenOf({}, {}, text)), NOW)).toEqual(unavailable)
    }
  })
})

describe('a sealed signing secret', () => {
  /** A store whose signing keys are these, and may be others later. */
  const storing = (matches: ReadonlyMap<string, SigningKeyMatch>): KeyReader => ({
    findByDigest: () => undefined,
    findSigningKey: (_service, id) => matches.get(id),
  })
  const withSecrets = (...secrets: readonly SigningSecret[]): SigningKeyMatch => ({ ...SIGNING_MATCH, secrets })
  const proving = (match: unknown, options: Options = {}) =>
    proverOf({ contract: TOKENS, store: finding(match), ...options })(withBearer(tokenOf()), NOW)

  it('is opened by any of several master keys', async () => {
    for (const masterKey of [`${MASTER_KEY},${OTHER_MASTER_KEY}`, `${OTHER_MASTER_KEY},${MASTER_KEY}`]) {
      expect(proving(SIGNING_MATCH, { masterKey })).toMatchObject({ via: 'token' })
      const both = withSecrets(await sealed(OTHER_SECRET, { version: '2' }, OTHER_MASTER_KEY), SIGNING)
      expect(proving(both, { masterKey })).toMatchObject({ via: 'token' })
    }
  })

  it.each<[string, () => Promise<readonly SigningSecret[]>]>([
    ['another master key sealed it', async () => [await sealed(SECRET, {}, OTHER_MASTER_KEY)]],
    [
      'another master key sealed it, under the name of this one',
      async () => [{ ...(await sealed(SECRET, {}, OTHER_MASTER_KEY)), masterKeyId: SIGNING.masterKeyId }],
    ],
    ['it is sealed for another key', async () => [await sealed(SECRET, { keyId: 'key_2' })]],
    ['it is sealed for another service', async () => [await sealed(SECRET, { service: 'other' })]],
    ['it is sealed as another version', async () => [{ ...(await sealed(SECRET, { version: '2' })), version: '1' }]],
    ['a character of its nonce differs', async () => [{ ...SIGNING, sealed: changedAt(SIGNING.sealed, 0) }]],
    ['a character of its text differs', async () => [{ ...SIGNING, sealed: changedAt(SIGNING.sealed, 30) }]],
    ['a character of its tag differs', async () => [{ ...SIGNING, sealed: changedAt(SIGNING.sealed, -6) }]],
    ['its end is cut off', async () => [{ ...SIGNING, sealed: SIGNING.sealed.slice(0, -4) }]],
    ['something follows it', async () => [{ ...SIGNING, sealed: `${SIGNING.sealed}AAAA` }]],
    ['it is shorter than a tag', async () => [{ ...SIGNING, sealed: 'AAAA' }]],
    ['it is no base64', async () => [{ ...SIGNING, sealed: '{}' }]],
    ['it is the secret itself', async () => [{ ...SIGNING, sealed: SECRET }]],
    ['it is empty', async () => [{ ...SIGNING, sealed: '' }]],
    [
      'it stands beside one that opens',
      async () => [SIGNING, await sealed(OTHER_SECRET, { version: '2' }, OTHER_MASTER_KEY)],
    ],
  ])('that does not open makes the token unavailable, and the cause names the key alone: %s', async (_what, make) => {
    const denied = await proving(withSecrets(...(await make())))
    expect(denied).toEqual({ ...unavailable, cause: expect.any(Error) })
    const { message } = (denied as { cause: Error }).cause
    expect(message).toMatch(/^key key_1: /)
    for (const text of [SECRET, OTHER_SECRET, MASTER_KEY, OTHER_MASTER_KEY]) expect(message).not.toContain(text)
  })

  it.each([[undefined], [null], [[]], [[SECRET]], [{ length: 40 }]])(
    'that is %j makes it unavailable',
    async (garbage) => {
      for (const change of [{ sealed: garbage }, { sealed: undefined, text: garbage }]) {
        expect(await proving({ ...SIGNING_MATCH, secrets: [{ ...SIGNING, ...change }] })).toEqual(unavailable)
      }
    },
  )

  it('is the only one that is believed: a text that lies open in the store is none', () => {
    const secrets = [{ kind: 'signing', text: SECRET, createdAt: 0, expiresAt: null }]
    expect(proving({ ...SIGNING_MATCH, secrets })).toEqual(unavailable)
  })

  it('stays closed where there is no master key', () => {
    expect(proving(SIGNING_MATCH, { masterKey: undefined })).toEqual(unavailable)
  })

  it('is not taken from memory for another key: two that were swapped in the store do not open', async () => {
    const [one, two] = [SIGNING, await sealed(OTHER_SECRET, { keyId: 'key_2' })]
    const matchOf = (id: string, secret: SigningSecret) => ({ ...withSecrets(secret), key: { ...KEY, id } })
    const matches = new Map([
      ['key_1', matchOf('key_1', one)],
      ['key_2', matchOf('key_2', two)],
    ])
    const prove = proverOf({ contract: TOKENS, store: storing(matches) })
    const by = (kid: string, secret: string) => prove(withBearer(tokenOf({ sub: kid }, { kid }, secret)), NOW)
    expect(by('key_1', SECRET)).toMatchObject({ via: 'token', key: { id: 'key_1' } })
    expect(by('key_2', OTHER_SECRET)).toMatchObject({ via: 'token', key: { id: 'key_2' } })

    matches.set('key_1', matchOf('key_1', two)).set('key_2', matchOf('key_2', one))
    for (const kid of ['key_1', 'key_2']) {
      const cause = expect.objectContaining({ message: expect.stringContaining(`key ${kid}: `) })
      for (const secret of [SECRET, OTHER_SECRET]) expect(await by(kid, secret)).toEqual({ ...unavailable, cause })
    }
  })

  it.each<[string, Partial<SigningSecret>, Partial<KeyRecord>]>([
    ['version of its key', { version: '2' }, {}],
    ['service of the store', {}, { service: 'other' }],
  ])('is not taken from memory for another %s', async (_what, change, keyChange) => {
    const matches = new Map([['key_1', SIGNING_MATCH]])
    const prove = proverOf({ contract: TOKENS, store: storing(matches) })
    expect(prove(withBearer(tokenOf()), NOW)).toMatchObject({ via: 'token' })
    matches.set('key_1', { ...withSecrets({ ...SIGNING, ...change }), key: { ...KEY, ...keyChange } })
    expect(await prove(withBearer(tokenOf()), NOW)).toEqual(unavailable)
  })

  it('is opened once, however many tokens come', () => {
    let looks = 0
    const watched: SigningSecret = {
      ...SIGNING,
      get masterKeyId() {
        looks++
        return SIGNING.masterKeyId
      },
    }
    const prove = proverOf({ contract: TOKENS, store: finding(withSecrets(watched)) })
    const looksFor = (text: string, expected: object) => {
      const before = looks
      expect(prove(withBearer(text), NOW)).toMatchObject(expected)
      return looks - before
    }
    const first = looksFor(tokenOf(), { via: 'token' })
    const second = looksFor(tokenOf(), { via: 'token' })
    const forged = looksFor(tokenOf({}, {}, OTHER_SECRET), tokenInvalid('signature'))
    // The record is looked at each time, and for the first token the seal as well.
    expect([first, second, forged]).toEqual([second + 1, second, second])
  })

  it('that was opened still ends when the store says so', () => {
    const matches = new Map([['key_1', SIGNING_MATCH]])
    const prove = proverOf({ contract: TOKENS, store: storing(matches) })
    expect(prove(withBearer(tokenOf()), NOW)).toMatchObject({ via: 'token' })
    matches.set('key_1', withSecrets({ ...SIGNING, expiresAt: NOW }))
    expect(prove(withBearer(tokenOf()), NOW)).toEqual(tokenInvalid('signature'))
    matches.set('key_1', withSecrets())
    expect(prove(withBearer(tokenOf()), NOW)).toEqual(tokenInvalid('signature'))
    matches.delete('key_1')
    expect(prove(withBearer(tokenOf()), NOW)).toEqual(tokenInvalid('key'))
  })
})

describe('a master key that a function fetches', () => {
  const proving = (match: unknown, masterKey: MasterKey) =>
    proverOf({ contract: TOKENS, store: finding(match), masterKey, timeout: 20 })(withBearer(tokenOf()), NOW)

  it('is waited for once', async () => {
    let asked = 0
    const masterKey = async () => {
      asked++
      return MASTER_KEY
    }
    const prove = proverOf({ contract: TOKENS, store: finding(SIGNING_MATCH), masterKey })
    expect(asked).toBe(0)
    const first = prove(withBearer(tokenOf()), NOW)
    expect(first).toBeInstanceOf(Promise)
    expect(await first).toMatchObject({ via: 'token' })
    expect(prove(withBearer(tokenOf()), NOW)).toMatchObject({ via: 'token' })
    expect(asked).toBe(1)
  })

  it('is not fetched for a key that does not exist', () => {
    const masterKey = () => {
      throw new Error('fetched')
    }
    expect(proving(undefined, masterKey)).toEqual(tokenInvalid('key'))
  })

  it('opens several versions at once', async () => {
    const secrets = [await sealed(OTHER_SECRET, { version: '2' }), SIGNING]
    await expect(proving({ ...SIGNING_MATCH, secrets }, async () => MASTER_KEY)).resolves.toMatchObject({
      via: 'token',
    })
  })

  it.each<[string, () => Promise<string>]>([
    ['rejects', () => Promise.reject(new Error('gone'))],
    ['throws', () => JSON.parse('gone')],
    ['hangs past the timeout', () => new Promise(() => {})],
    ['gives a text that is too short', async () => 'short'],
    ['gives no text', async () => JSON.parse('null')],
    ['gives another one', async () => OTHER_MASTER_KEY],
  ])('makes the token unavailable when the function %s', async (_what, masterKey) => {
    expect(await proving(SIGNING_MATCH, masterKey)).toEqual(unavailable)
  })

  it('is not asked for the master key of a secret that has ended', async () => {
    const ended = {
      ...(await sealed(SECRET, { version: '0' }, 'a master key that nobody has any more')),
      expiresAt: NOW,
    }
    const store = finding({ ...SIGNING_MATCH, secrets: [ended, SIGNING] })
    const prove = proverOf({ contract: TOKENS, store, masterKey: async () => MASTER_KEY })
    expect(await prove(withBearer(tokenOf()), NOW)).toMatchObject({ via: 'token' })
    expect(await prove(withBearer(tokenOf()), NOW - 1)).toEqual(unavailable)
  })

  it('is asked for again after it could not be had', async () => {
    const answers = [() => Promise.reject(new Error('gone')), async () => MASTER_KEY]
    const masterKey = () => (answers.shift() ?? (() => Promise.reject(new Error('asked again'))))()
    const prove = proverOf({ contract: TOKENS, store: finding(SIGNING_MATCH), masterKey })
    vi.useFakeTimers()
    onTestFinished(() => {
      vi.useRealTimers()
    })
    expect(await prove(withBearer(tokenOf()), NOW)).toEqual(unavailable)
    vi.advanceTimersByTime(1000)
    expect(await prove(withBearer(tokenOf()), NOW)).toMatchObject({ via: 'token' })
    expect(await prove(withBearer(tokenOf()), NOW)).toMatchObject({ via: 'token' })
  })
})

describe('a contract with keys and tokens', () => {
  it('takes a text with a dot for a token, and any other for a key', () => {
    const asked: string[] = []
    const prove = proverOf({ contract: BOTH, store: finding(undefined, asked) })
    expect(prove(withBearer(TEXT), NOW)).toEqual(unknown)
    expect(prove(withBearer(tokenOf()), NOW)).toEqual(tokenInvalid('key'))
    expect(asked).toEqual([`acme ${digestKey(TEXT)}`, 'acme key_1'])
  })

  it('does not take a token for a key where the contract has none', () => {
    const asked: string[] = []
    expect(
      proverOf({ contract: { ...KEYS, imported: true }, store: finding(undefined, asked) })(withBearer(tokenOf()), NOW),
    ).toEqual(unknown)
    expect(asked).toEqual([`acme ${digestKey(tokenOf())}`])
  })
})

describe.each([
  ['a key', KEYS, withKey(TEXT), MATCH, unknown],
  ['a token', TOKENS, withBearer(tokenOf()), SIGNING_MATCH, tokenInvalid('key')],
] as const)('%s is unavailable, and neither passed nor refused, when', (_what, contract, fields, match, gone) => {
  const prove = (store: KeyReader, accounts?: AccountReader) =>
    proverOf({ contract, store, timeout: 20, ...(accounts && { accounts }) })(fields, NOW)

  it('the store throws', () => {
    const cause = new Error('disk full')
    const fail = () => {
      throw cause
    }
    expect(prove({ findByDigest: fail, findSigningKey: fail })).toEqual({ ...unavailable, cause })
  })

  it('the store rejects', async () => {
    const cause = new Error('connection reset')
    const fail = () => Promise.reject(cause)
    await expect(prove({ findByDigest: fail, findSigningKey: fail })).resolves.toEqual({ ...unavailable, cause })
  })

  it('the store hangs past the timeout', async () => {
    const hang = () => new Promise<never>(() => {})
    await expect(prove({ findByDigest: hang, findSigningKey: hang })).resolves.toEqual(unavailable)
  })

  it.each([[null], [true], [0], [''], ['OK'], [[]], [{}], [{ key: KEY }], [{ account: ACCOUNT }]])(
    'the store returns %j',
    async (garbage) => {
      expect(prove(finding(garbage))).toEqual(unavailable)
      await expect(prove(finding(Promise.resolve(garbage)))).resolves.toEqual(unavailable)
    },
  )

  it.each(['expiresAt', 'revokedAt'])('the store returns a key whose %s is NaN', (name) => {
    expect(prove(finding({ ...match, key: { ...KEY, [name]: NaN } }))).toEqual(unavailable)
  })

  it('the store returns a secret whose expiresAt is NaN', () => {
    const broken =
      'secret' in match
        ? { ...match, secret: { ...match.secret, expiresAt: NaN } }
        : { ...match, secrets: match.secrets.map((secret) => ({ ...secret, expiresAt: NaN })) }
    expect(prove(finding(broken))).toEqual(unavailable)
  })

  it('the store returns a broken account', () => {
    for (const account of [{}, 'account_1', { ...ACCOUNT, status: 'frozen' }, { ...ACCOUNT, plan: null }]) {
      expect(prove(finding({ ...match, account }))).toEqual(unavailable)
    }
  })

  it('the application’s accounts throw, reject, hang or are garbage', async () => {
    const accountsOf = (find: () => unknown) => ({ find: find as AccountReader['find'] })
    const store = finding({ ...match, account: null })
    const throwing = accountsOf(() => {
      throw new Error('gone')
    })
    expect(prove(store, throwing)).toEqual(unavailable)
    await expect(
      prove(
        store,
        accountsOf(() => Promise.reject(new Error('gone'))),
      ),
    ).resolves.toEqual(unavailable)
    await expect(
      prove(
        store,
        accountsOf(() => new Promise(() => {})),
      ),
    ).resolves.toEqual(unavailable)
    expect(
      prove(
        store,
        accountsOf(() => ({ id: 'account_1' })),
      ),
    ).toEqual(unavailable)
  })

  it('the account is of another id than the key’s', () => {
    const account = { ...ACCOUNT, id: 'account_2' }
    expect(prove(finding({ ...match, account }))).toEqual(unavailable)
    expect(prove(finding({ ...match, account: null }), { find: () => account })).toEqual(unavailable)
  })

  it('but not when the account is gone: then the key belongs to nobody', () => {
    expect(prove(finding(match), { find: () => undefined })).toEqual(gone)
  })
})

describe('accounts of an application', () => {
  it('are asked for by the key’s account id, and count instead of the store’s', async () => {
    const asked: string[] = []
    const find = async (id: string) => {
      asked.push(id)
      return { ...ACCOUNT, plan: 'enterprise' }
    }
    const principal = await proverOf({ store: storeWith(TEXT), accounts: { find } })(withKey(TEXT), NOW)
    expect(principal).toMatchObject({ via: 'key', plan: 'enterprise' })
    expect(asked).toEqual(['account_1'])
  })

  it('are not asked about a key that does not work', () => {
    const find = () => {
      throw new Error('asked')
    }
    const prove = (match: unknown) => proverOf({ store: finding(match), accounts: { find } })(withKey(TEXT), NOW)
    expect(prove(undefined)).toEqual(unknown)
    expect(prove({ ...MATCH, key: { ...KEY, revokedAt: 1 } })).toMatchObject({ code: 'revoked' })
    expect(prove({ ...MATCH, key: { ...KEY, expiresAt: 1 } })).toMatchObject({ code: 'expired' })
  })
})

describe('a denial', () => {
  it('holds no text, digest or token that was sent', () => {
    const sent = [withKey(TEXT), withKey('garbage-garbage'), withBearer(tokenOf()), withBearer('not.a.token')]
    for (const fields of sent) {
      for (const contract of [KEYS, TOKENS, BOTH, { ...KEYS, imported: true }]) {
        for (const store of [memoryStore(), finding(null), finding({ ...SIGNING_MATCH, ...MATCH, account: {} })]) {
          const denied = proverOf({ contract, store })(fields, NOW)
          const told = `${JSON.stringify(denied)} ${String((denied as { cause?: unknown }).cause)}`
          const presented = (fields.get('x-api-key') ?? fields.get('authorization')?.slice(7)) as string
          expect(told).not.toContain(presented)
          expect(told).not.toContain(digestKey(presented))
        }
      }
    }
  })
})
