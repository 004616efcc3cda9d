import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Contract, DenialTable } from './contract.ts'
import { bearer, header } from './credential.ts'
import { digestKey } from './digest.ts'
import { keyCodec } from './key-format.ts'
import { type MemoryStore, memoryStore } from './memory-store.ts'
import type { Principal } from './principal.ts'
import { prover } from './prove.ts'
import type { Account, AccountReader, KeyMatch, KeyReader, KeyRecord, SigningKeyMatch } from './store.ts'

const SECONDS = 1_790_000_000
const NOW = SECONDS * 1000
const PEPPER = 'pepper-pepper-pepper-pepper-32-b'
const SECRET = 'a-secret-of-at-least-thirty-two-bytes-000001'

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
const SIGNING_MATCH: SigningKeyMatch = {
  key: KEY,
  account: ACCOUNT,
  secrets: [{ kind: 'signing', text: SECRET, createdAt: 0, expiresAt: null }],
}

interface Options {
  readonly contract?: Contract
  readonly store?: KeyReader
  readonly accounts?: AccountReader
  readonly pepper?: string
  readonly timeout?: number
}

function proverOf({ contract = KEYS, store = memoryStore(), accounts, pepper, timeout = 50 }: Options) {
  return prover({ contract, store, accounts, pepper, timeout })
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
  store.insertAccount(ACCOUNT)
  store.insertKey(KEY, secretOf(text, pepper))
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
    store.rotateKey('acme', 'key_1', secretOf(next), NOW)
    const prove = proverOf({ store })
    expect(prove(withKey(TEXT), NOW - 1)).toMatchObject({ via: 'key' })
    expect(prove(withKey(TEXT), NOW)).toEqual(unknown)
    expect(prove(withKey(next), NOW)).toMatchObject({ via: 'key', key: { id: 'key_1' } })
    store.deleteKey('acme', 'key_1')
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

  it('whose account is gone belongs to nobody', () => {
    expect(proverOf({ store: finding({ ...MATCH, account: null }) })(withKey(TEXT), NOW)).toEqual(unknown)
  })
})

describe('an imported key', () => {
  const contract = { ...KEYS, imported: true }

  it('is admitted where the contract says so', () => {
    expect(proverOf({ contract, store: storeWith('legacy-key') })(withKey('legacy-key'), NOW)).toMatchObject({
      via: 'key',
    })
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

  it('of another service is not known, even where the store finds it', () => {
    const careless = finding({ ...SIGNING_MATCH, key: { ...KEY, service: 'other' } })
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

  it('is unavailable where the stored secret is short or empty', () => {
    for (const text of ['', 'x'.repeat(31)]) {
      const secrets = [{ kind: 'signing', text, createdAt: 0, expiresAt: null }]
      const prove = proverOf({ contract: TOKENS, store: finding({ ...SIGNING_MATCH, secrets }) })
      expect(prove(withBearer(tokenOf({}, {}, text)), NOW)).toEqual(unavailable)
    }
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
