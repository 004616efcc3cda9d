import { createHmac, generateKeyPairSync, type KeyObject, sign as signBytes } from 'node:crypto'
import { type JSONWebKeySet, SignJWT } from 'jose'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { createAuth, type PrincipalOf } from './auth.ts'
import type { Answer, Contract } from './contract.ts'
import { bearer, header } from './credential.ts'
import { defineContract } from './define-contract.ts'
import { digestKey } from './digest.ts'
import { bareJwkOf } from './fixtures/jwk.ts'
import type { IdentityProvider, PublicKeyAlgorithm } from './identity.ts'
import { memoryLimiter } from './memory-limiter.ts'
import { memoryStore } from './memory-store.ts'
import type { AuthOptions } from './options.ts'
import type { IdentityPrincipal, KeyedPrincipal } from './principal.ts'
import { sealer } from './seal.ts'
import type { Account, AccountReader, AuditEntry, KeyReader, KeyRecord, KeyUse, SigningSecret } from './store.ts'

const SECONDS = 1_790_000_000
const NOW = SECONDS * 1000
const ISSUER = 'https://id.example'
const AUDIENCE = 'https://api.example'
const TEXT = 'acme_0123456789abcdefghijklmnopqrstuv'
const SECRET = 'a-secret-of-at-least-thirty-two-bytes-000001'
const MASTER_KEY = 'a-master-key-of-at-least-32-bytes'
const AUDIT: AuditEntry = { at: NOW, by: 'test', action: 'account.changed', details: {} }

const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 })
const SMALL_RSA = generateKeyPairSync('rsa', { modulusLength: 1024 })
const P256 = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const OTHER_P256 = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const P384 = generateKeyPairSync('ec', { namedCurve: 'P-384' })
const ED25519 = generateKeyPairSync('ed25519')

/** The key that signs with each algorithm; its `kid` is the algorithm's name. */
const PAIRS = { RS256: RSA, PS256: RSA, ES256: P256, EdDSA: ED25519 } as const
const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'] as const

const jwkOf = (key: KeyObject, kid: string, change: object = {}) => ({ ...bareJwkOf(key), kid, ...change })
const setOf = (...keys: object[]) => ({ keys }) as JSONWebKeySet
const PUBLISHED = setOf(...ALGORITHMS.map((alg) => jwkOf(PAIRS[alg].publicKey, alg)))

const PROVIDER: IdentityProvider = { issuer: ISSUER, audience: AUDIENCE, algorithms: ALGORITHMS, jwks: PUBLISHED }

const answer = (status: number): Answer => ({ status, body: { error: status } })
const BASE = {
  name: 'acme',
  carriers: [header('x-api-key'), bearer()],
  key: { prefix: 'acme_', length: 32, alphabet: 'base36' },
  token: { issuer: 'sdk' },
  plans: ['free', 'pro'],
  permissions: { read: [], write: [], admin: ['*'], 'datasets:read': [], 'datasets:*': [], '*': [] },
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
} as const satisfies Contract<'free' | 'pro', string>

const ACCOUNT: Account = { id: 'account_1', plan: 'pro', status: 'active', email: null, metadata: {} }
const SUSPENDED: Account = { ...ACCOUNT, id: 'account_2', status: 'suspended' }
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

const SIGNING: SigningSecret = {
  kind: 'signing',
  version: '1',
  ...(await sealer(MASTER_KEY).seal(SECRET, { service: 'acme', keyId: 'key_2', version: '1' })),
  createdAt: 0,
  expiresAt: null,
}

function filled() {
  const store = memoryStore()
  const secret = { kind: 'key', digest: digestKey(TEXT), display: '…', createdAt: 0, expiresAt: null } as const
  store.insertAll({
    accounts: [ACCOUNT, SUSPENDED],
    keys: [
      { key: KEY, secrets: [secret] },
      { key: { ...KEY, id: 'key_2' }, secrets: [SIGNING] },
    ],
  })
  return store
}

type Options = Partial<Omit<AuthOptions<'free' | 'pro', string, never>, 'contract'>>

/** Of several providers each says whose account it means. */
function several(providers: readonly IdentityProvider[]): readonly IdentityProvider[] {
  return providers.length < 2 ? providers : providers.map((it) => ({ accountId: ({ sub }) => String(sub), ...it }))
}

const authWith = (providers: readonly IdentityProvider[], options: Options = {}) =>
  createAuth({
    contract: defineContract({ ...BASE, identity: several(providers) }),
    store: filled(),
    masterKey: MASTER_KEY,
    now: () => NOW,
    ...options,
    insecureAllowEveryone: false,
  })
const authOf = (change: Partial<IdentityProvider> = {}, options: Options = {}) =>
  authWith([{ ...PROVIDER, ...change }], options)

const asBearer = (text: string) => new Headers({ authorization: `Bearer ${text}` })
const ask = (auth: ReturnType<typeof authWith>, text: string) => auth.authenticator()({}, asBearer(text))

const encode = (text: string | Uint8Array) => Buffer.from(text).toString('base64url')
const CLAIMS = { iss: ISSUER, aud: AUDIENCE, sub: 'account_1', iat: SECONDS - 10, exp: SECONDS + 60 }

/** Signed by node:crypto, so that jose is not measured by jose. */
function signatureOf(alg: PublicKeyAlgorithm, key: KeyObject, input: string): string {
  const bytes = Buffer.from(input)
  if (alg === 'EdDSA') return encode(signBytes(null, bytes, key))
  if (alg === 'ES256') return encode(signBytes('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' }))
  // 6 is RSA_PKCS1_PSS_PADDING, 1 is RSA_PKCS1_PADDING.
  return encode(signBytes('sha256', bytes, alg === 'PS256' ? { key, padding: 6, saltLength: 32 } : { key, padding: 1 }))
}

interface Made {
  readonly alg?: PublicKeyAlgorithm
  readonly key?: KeyObject
  readonly head?: object
  readonly claims?: object
}

function tokenOf({ alg = 'ES256', key = PAIRS[alg].privateKey, head = {}, claims = {} }: Made = {}): string {
  const whole = JSON.stringify({ ...CLAIMS, ...claims })
  return tokenOfText(JSON.stringify({ alg, typ: 'JWT', kid: alg, ...head }), whole, alg, key)
}

function tokenOfText(
  head: string,
  claims: string,
  alg: PublicKeyAlgorithm = 'ES256',
  key: KeyObject = PAIRS[alg].privateKey,
): string {
  const input = `${encode(head)}.${encode(claims)}`
  return `${input}.${signatureOf(alg, key, input)}`
}

function signedBySecret(secret: string | Uint8Array, head: object = {}, claims: object = {}): string {
  const input = `${encode(JSON.stringify({ alg: 'HS256', kid: 'key_2', ...head }))}.${encode(
    JSON.stringify({ ...CLAIMS, iss: 'sdk', ...claims }),
  )}`
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

const allowed = { kind: 'allowed', principal: { via: 'identity', account: ACCOUNT } }
const malformed = { kind: 'denied', code: 'malformed' }
const invalid = (reason: string) => ({ kind: 'denied', code: 'token_invalid', reason })
const unavailable = { kind: 'denied', code: 'unavailable', cause: expect.any(Error) }

describe('the token of an identity provider', () => {
  it.each(ALGORITHMS)('proves a principal when signed with %s', async (alg) => {
    const auth = authOf({ algorithms: [alg] })
    await expect(ask(auth, tokenOf({ alg, claims: { scope: 'read' } }))).resolves.toEqual({
      kind: 'allowed',
      limits: [],
      principal: {
        via: 'identity',
        account: ACCOUNT,
        plan: 'pro',
        permissions: ['read'],
        issuer: ISSUER,
        subject: 'account_1',
        claims: { ...CLAIMS, scope: 'read' },
      },
    })
  })

  it('may be made by another library', async () => {
    const text = await new SignJWT({ ...CLAIMS })
      .setProtectedHeader({ alg: 'PS256', kid: 'PS256', typ: 'at+jwt' })
      .sign(RSA.privateKey)
    await expect(ask(authOf(), text)).resolves.toMatchObject(allowed)
  })

  it('is refused before its keys are looked at, when nobody pins its algorithm', () => {
    const auth = authOf({ algorithms: ['ES256'] })
    for (const alg of ['RS256', 'PS256', 'EdDSA'] as const) expect(ask(auth, tokenOf({ alg }))).toEqual(malformed)
  })

  it('is refused when its issuer does not sign with an algorithm that another one does', async () => {
    const other = { ...PROVIDER, issuer: 'https://other.example', algorithms: ['RS256'] as const }
    const auth = authWith([{ ...PROVIDER, algorithms: ['ES256'] }, other])
    await expect(ask(auth, tokenOf({ alg: 'RS256' }))).resolves.toEqual(invalid('algorithm'))
    await expect(ask(auth, tokenOf({ alg: 'RS256', claims: { iss: other.issuer } }))).resolves.toMatchObject(allowed)
  })

  it.each([
    'none',
    'None',
    'NONE',
    'es256',
    'ES384',
    'RS384',
    'ES256K',
    'Ed25519',
    'HS384',
    '',
    ' ES256',
    null,
    1,
    ['ES256'],
  ])('is malformed with the algorithm %j, whoever signed it', (alg) => {
    expect(ask(authOf(), tokenOf({ head: { alg } }))).toEqual(malformed)
  })

  it('is malformed without an algorithm or a signature', () => {
    expect(ask(authOf(), tokenOf({ head: { alg: undefined } }))).toEqual(malformed)
    const [head, claims] = tokenOf().split('.')
    expect(ask(authOf(), `${head}.${claims}.`)).toEqual(malformed)
    expect(ask(authOf(), `${encode('{"alg":"none","kid":"ES256"}')}.${claims}.`)).toEqual(malformed)
  })

  it('is refused when an algorithm signed it that is not the one it names', async () => {
    const [head, claims] = tokenOf({ alg: 'PS256' }).split('.')
    const forged = `${head}.${claims}.${signatureOf('RS256', RSA.privateKey, `${head}.${claims}`)}`
    await expect(ask(authOf(), forged)).resolves.toEqual(invalid('signature'))
  })

  describe('signed with a public key as if it were a secret', () => {
    const spki = RSA.publicKey.export({ type: 'spki', format: 'pem' }).toString()
    const texts: [string, string | Uint8Array][] = [
      ['PEM (SPKI)', spki],
      ['PEM without its last line feed', spki.trimEnd()],
      ['PEM (PKCS #1)', RSA.publicKey.export({ type: 'pkcs1', format: 'pem' }).toString()],
      ['DER', RSA.publicKey.export({ type: 'spki', format: 'der' })],
      ['a JWK', JSON.stringify(PUBLISHED.keys[0])],
      ['a bare JWK', JSON.stringify(bareJwkOf(RSA.publicKey))],
      ['the modulus', String(bareJwkOf(RSA.publicKey).n)],
      ['the whole set', JSON.stringify(PUBLISHED)],
    ]

    it.each(texts)('is denied: %s', async (_what, secret) => {
      const head = { kid: 'RS256' }
      for (const iss of [ISSUER, 'sdk']) {
        expect(ask(authOf(), signedBySecret(secret, head, { iss }))).toEqual(invalid('key'))
        // Nothing is an HMAC where the contract has no key-signed tokens.
        const { token: _none, ...contract } = { ...BASE, identity: [PROVIDER] }
        const auth = createAuth({
          contract: defineContract(contract),
          store: filled(),
          masterKey: MASTER_KEY,
          now: () => NOW,
        })
        expect(auth.authenticator()({}, asBearer(signedBySecret(secret, head, { iss })))).toEqual(malformed)
      }
      const named = signedBySecret(secret, { alg: 'RS256', kid: 'RS256' }, { iss: ISSUER })
      await expect(ask(authOf(), named)).resolves.toEqual(invalid('signature'))
    })
  })

  it('does not open with the secret of a key in place of the provider', () => {
    expect(ask(authOf(), signedBySecret(SECRET, {}, { iss: ISSUER }))).toEqual(invalid('issuer'))
  })

  it('is refused with another signature than its own', async () => {
    const [head, claims, signature = ''] = tokenOf().split('.')
    const input = `${head}.${claims}`
    const others = [
      'AA',
      'AAAA',
      'A'.repeat(86),
      signature.slice(0, 84),
      `${signature.slice(0, 84)}AAAA`,
      signatureOf('ES256', OTHER_P256.privateKey, input),
      signatureOf('RS256', RSA.privateKey, input),
      encode(signBytes('sha256', Buffer.from(input), P256.privateKey)),
    ]
    for (const other of others) await expect(ask(authOf(), `${input}.${other}`)).resolves.toEqual(invalid('signature'))
  })

  it.each(ALGORITHMS)('is refused, and not unavailable, with a %s signature of any wrong length', async (alg) => {
    const auth = authOf()
    const [head, claims] = tokenOf({ alg }).split('.')
    for (const bytes of [1, 31, 32, 63, 64, 65, 255, 256, 257, 512]) {
      const forged = `${head}.${claims}.${encode(new Uint8Array(bytes).fill(1))}`
      await expect(ask(auth, forged)).resolves.toEqual(invalid('signature'))
    }
  })

  it('is refused when its header or claims were changed after they were signed', async () => {
    const [head, claims, signature] = tokenOf({ claims: { scope: 'read' } }).split('.')
    const wider = encode(JSON.stringify({ ...CLAIMS, scope: 'read admin' }))
    await expect(ask(authOf(), `${head}.${wider}.${signature}`)).resolves.toEqual(invalid('signature'))
    const typed = encode('{"alg":"ES256","kid":"ES256"}')
    await expect(ask(authOf(), `${typed}.${claims}.${signature}`)).resolves.toEqual(invalid('signature'))
  })
})

describe('the key of a provider', () => {
  it('is the one that kid names', async () => {
    await expect(ask(authOf(), tokenOf({ head: { kid: 'unknown' } }))).resolves.toEqual(invalid('key'))
    await expect(ask(authOf(), tokenOf({ head: { kid: 'es256' } }))).resolves.toEqual(invalid('key'))
    await expect(ask(authOf(), tokenOf({ head: { kid: 'RS256' } }))).resolves.toEqual(invalid('key'))
    await expect(ask(authOf(), tokenOf({ head: { kid: '__proto__' } }))).resolves.toEqual(invalid('key'))
  })

  it.each([undefined, null, '', 0, ['ES256'], {}])('is not guessed where kid is %j', (kid) => {
    const auth = authOf({ jwks: setOf(jwkOf(P256.publicKey, 'ES256')) })
    expect(ask(auth, tokenOf({ head: { kid } }))).toEqual(malformed)
  })

  it('is not that of another provider, even under the same kid', async () => {
    const other = { ...PROVIDER, issuer: 'https://other.example', jwks: setOf(jwkOf(OTHER_P256.publicKey, 'ES256')) }
    const auth = authWith([PROVIDER, other])
    await expect(ask(auth, tokenOf({ key: OTHER_P256.privateKey }))).resolves.toEqual(invalid('signature'))
    await expect(ask(auth, tokenOf({ claims: { iss: other.issuer } }))).resolves.toEqual(invalid('signature'))
    const good = tokenOf({ key: OTHER_P256.privateKey, claims: { iss: other.issuer } })
    await expect(ask(auth, good)).resolves.toMatchObject({ principal: { issuer: other.issuer } })
  })

  it('of RSA has at least 2048 bits: the set is broken, and no token is to blame', async () => {
    for (const alg of ['RS256', 'PS256'] as const) {
      const auth = authOf({ jwks: setOf(jwkOf(SMALL_RSA.publicKey, alg)) })
      await expect(ask(auth, tokenOf({ alg, key: SMALL_RSA.privateKey }))).resolves.toEqual(unavailable)
    }
  })

  it('of ES256 is on P-256', async () => {
    const auth = authOf({ jwks: setOf(jwkOf(P384.publicKey, 'ES256')) })
    await expect(ask(auth, tokenOf({ key: P384.privateKey }))).resolves.toEqual(invalid('key'))
  })

  it.each([
    ['for encryption', { use: 'enc' }],
    ['for signing alone', { key_ops: ['sign'] }],
    ['of another algorithm', { alg: 'ES384' }],
    ['for secrets', { alg: 'HS256' }],
  ])('is not used %s', async (_what, change) => {
    const auth = authOf({ jwks: setOf(jwkOf(P256.publicKey, 'ES256', change)) })
    await expect(ask(auth, tokenOf())).resolves.toEqual(invalid('key'))
  })

  it('opens nothing where two are named alike', async () => {
    const jwks = setOf(jwkOf(OTHER_P256.publicKey, 'ES256'), jwkOf(P256.publicKey, 'ES256'))
    await expect(ask(authOf({ jwks }), tokenOf())).resolves.toEqual(invalid('key'))
  })

  it('that is broken is unavailable, and does not take the others with it', async () => {
    const jwks = setOf({ kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA', kid: 'ES256' }, jwkOf(ED25519.publicKey, 'EdDSA'))
    const auth = authOf({ jwks })
    await expect(ask(auth, tokenOf())).resolves.toEqual(unavailable)
    await expect(ask(auth, tokenOf({ alg: 'EdDSA' }))).resolves.toMatchObject(allowed)
  })
})

describe('the form of the token', () => {
  it.each(['JWT', 'jwt', 'at+jwt', 'AT+JWT', 'application/at+jwt'])('may have the type %s', async (typ) => {
    await expect(ask(authOf(), tokenOf({ head: { typ } }))).resolves.toMatchObject(allowed)
  })

  it('needs no type', async () => {
    await expect(ask(authOf(), tokenOf({ head: { typ: undefined } }))).resolves.toMatchObject(allowed)
  })

  it.each(['JOSE', 'dpop+jwt', 'logout+jwt', 'secevent+jwt', '', null, 1])('has no type %j', (typ) => {
    expect(ask(authOf(), tokenOf({ head: { typ } }))).toEqual(malformed)
  })

  it('of a key-signed one is no access token', () => {
    expect(ask(authOf(), signedBySecret(SECRET, { typ: 'JWT' }))).toMatchObject({ principal: { via: 'token' } })
    expect(ask(authOf(), signedBySecret(SECRET, { typ: 'at+jwt' }))).toEqual(malformed)
  })

  it.each([
    ['crit', { crit: ['exp'], exp: 1 }],
    ['an empty crit', { crit: [] }],
    ['crit null', { crit: null }],
    ['b64', { b64: true }],
    ['b64 in crit', { b64: false, crit: ['b64'] }],
  ])('has no extension: %s', (_what, head) => {
    expect(ask(authOf(), tokenOf({ head }))).toEqual(malformed)
  })

  it('has every name once, in whatever spelling', () => {
    const auth = authOf()
    const head = '{"alg":"ES256","kid":"ES256"}'
    const claims = JSON.stringify(CLAIMS)
    const twice = (json: string, member: string) => `${json.slice(0, -1)},${member}}`
    expect(ask(auth, tokenOfText(twice(head, '"kid":"ES256"'), claims))).toEqual(malformed)
    expect(ask(auth, tokenOfText(twice(head, '"\\u0061lg":"ES256"'), claims))).toEqual(malformed)
    expect(ask(auth, tokenOfText(head, twice(claims, '"sub":"account_2"')))).toEqual(malformed)
    expect(ask(auth, tokenOfText(head, twice(claims, '"org":{"id":1,"\\u0069d":2}')))).toEqual(malformed)
  })

  it('is canonical base64url', () => {
    const auth = authOf()
    const text = tokenOf()
    const [head = '', claims = '', signature = ''] = text.split('.')
    // 64 bytes end in a group of two: the last character has four unused bits.
    const unused = `${signature.slice(0, -1)}${String.fromCharCode(signature.charCodeAt(85) + 1)}`
    for (const changed of [unused, `${signature}=`, `${signature}==`, `${signature.slice(0, -2)}+/`, `${signature}B`]) {
      expect(ask(auth, `${head}.${claims}.${changed}`)).toEqual(malformed)
    }
    for (const changed of [
      `${text}.`,
      `.${text}`,
      `${text}.${signature}`,
      `${head}.${claims}`,
      `${head}..${signature}`,
    ]) {
      expect(ask(auth, changed)).toEqual(malformed)
    }
  })

  it('has 8192 bytes at most', async () => {
    const sizes = new Map<number, string>()
    for (let n = 5850; n < 6000 && !(sizes.has(8192) && sizes.has(8193)); n++) {
      for (const pad of ['', 'a', 'aa']) {
        const text = tokenOf({ claims: { pad: 'x'.repeat(n) }, head: { pad } })
        sizes.set(text.length, text)
      }
    }
    await expect(ask(authOf(), sizes.get(8192) ?? '')).resolves.toMatchObject(allowed)
    expect(ask(authOf(), sizes.get(8193) ?? '')).toEqual(malformed)
  })

  it.each(['null', '[]', '"text"', '1', '', '{"iss":"https://id.example"', '\u{feff}{}'])(
    'has no claims %j',
    (claims) => {
      expect(ask(authOf(), tokenOfText('{"alg":"ES256","kid":"ES256"}', claims))).toEqual(malformed)
    },
  )
})

describe('the claims', () => {
  const late = { kind: 'denied', code: 'expired', keyId: 'ES256', expiredAt: NOW }

  it.each<[string, object, object]>([
    ['aud of several', { aud: ['other', AUDIENCE] }, allowed],
    ['aud of another API', { aud: 'https://other.example' }, invalid('audience')],
    ['aud of several other APIs', { aud: ['a', 'b'] }, invalid('audience')],
    ['aud with a slash more', { aud: `${AUDIENCE}/` }, invalid('audience')],
    ['aud inside a longer text', { aud: `${AUDIENCE} other` }, invalid('audience')],
    ['aud in another case', { aud: AUDIENCE.toUpperCase() }, invalid('audience')],
    ['aud in a list in a list', { aud: [[AUDIENCE]] }, invalid('audience')],
    ['aud empty', { aud: [] }, invalid('audience')],
    ['no aud', { aud: undefined }, invalid('audience')],
    ['aud null', { aud: null }, invalid('audience')],
    ['iss of nobody we know', { iss: 'https://evil.example' }, invalid('issuer')],
    ['iss with a slash more', { iss: `${ISSUER}/` }, invalid('issuer')],
    ['iss in another case', { iss: ISSUER.toUpperCase() }, invalid('issuer')],
    ['iss in a list', { iss: [ISSUER] }, invalid('issuer')],
    ['no iss', { iss: undefined }, invalid('issuer')],
    ['no sub', { sub: undefined }, invalid('subject')],
    ['sub empty', { sub: '' }, invalid('subject')],
    ['sub that is a number', { sub: 1 }, invalid('subject')],
    ['no exp', { exp: undefined }, invalid('expiry')],
    ['exp as a text', { exp: String(SECONDS + 60) }, invalid('expiry')],
    ['exp with a fraction', { exp: SECONDS + 0.5 }, invalid('expiry')],
    ['exp null', { exp: null }, invalid('expiry')],
    ['exp at this moment', { exp: SECONDS }, late],
    ['exp in a second', { exp: SECONDS + 1 }, allowed],
    ['no iat', { iat: undefined }, invalid('issued_at')],
    ['iat within the leeway', { iat: SECONDS + 30 }, allowed],
    ['iat beyond the leeway', { iat: SECONDS + 31 }, invalid('issued_at')],
    ['iat as a text', { iat: String(SECONDS) }, invalid('issued_at')],
    ['nbf within the leeway', { nbf: SECONDS + 30 }, allowed],
    ['nbf beyond the leeway', { nbf: SECONDS + 31 }, invalid('not_before')],
    ['nbf null', { nbf: null }, invalid('not_before')],
    ['names of ours', { via: 'key', account: 'account_2', accountId: 'account_2', plan: 'free' }, allowed],
  ])('are judged: %s', async (_what, claims, outcome) => {
    await expect(ask(authOf(), tokenOf({ claims }))).resolves.toMatchObject(outcome)
  })

  it('cannot say infinity', async () => {
    const claims = JSON.stringify({ ...CLAIMS, exp: 0 }).replace('"exp":0', '"exp":1e400')
    const text = tokenOfText('{"alg":"ES256","kid":"ES256"}', claims)
    await expect(ask(authOf(), text)).resolves.toEqual(invalid('expiry'))
  })

  it('are judged by the rules of their provider', async () => {
    const strict = authOf({ leeway: 0, maxLifetime: 70 })
    await expect(ask(strict, tokenOf())).resolves.toMatchObject(allowed)
    await expect(ask(strict, tokenOf({ claims: { exp: SECONDS + 61 } }))).resolves.toEqual(invalid('lifetime'))
    await expect(ask(strict, tokenOf({ claims: { iat: SECONDS + 1 } }))).resolves.toEqual(invalid('issued_at'))
    await expect(ask(strict, tokenOf({ claims: { nbf: SECONDS + 1 } }))).resolves.toEqual(invalid('not_before'))
    const lenient = authOf({ expiryLeeway: 5 })
    await expect(ask(lenient, tokenOf({ claims: { exp: SECONDS - 4 } }))).resolves.toMatchObject(allowed)
    await expect(ask(lenient, tokenOf({ claims: { exp: SECONDS - 5 } }))).resolves.toMatchObject({ code: 'expired' })
  })

  it('are believed only with the signature: a forged one is not told that it is too late', async () => {
    const forged = tokenOf({ key: OTHER_P256.privateKey, claims: { exp: SECONDS - 1, aud: 'other' } })
    await expect(ask(authOf(), forged)).resolves.toEqual(invalid('signature'))
  })
})

describe('the account', () => {
  it('is the one of the subject', async () => {
    await expect(ask(authOf(), tokenOf({ claims: { sub: 'nobody' } }))).resolves.toEqual(invalid('subject'))
    const denied = { kind: 'denied', code: 'suspended', accountId: 'account_2' }
    await expect(ask(authOf(), tokenOf({ claims: { sub: 'account_2' } }))).resolves.toEqual(denied)
  })

  it.each([undefined, null, '', 1, ['account_1']])(
    'is none for the subject %j, though another claim names it',
    async (sub) => {
      const auth = authOf({ accountId: () => 'account_1' })
      await expect(ask(auth, tokenOf({ claims: { sub } }))).resolves.toEqual(invalid('subject'))
    },
  )

  it('has the plan', async () => {
    const store = filled()
    store.changeAccount('account_1', { plan: 'free' }, AUDIT)
    const mounted = authOf({}, { store }).authenticator({ plan: 'pro' })
    await expect(mounted({}, asBearer(tokenOf()))).resolves.toMatchObject({ code: 'plan', needs: 'pro' })
    store.changeAccount('account_1', { plan: 'pro' }, AUDIT)
    await expect(mounted({}, asBearer(tokenOf()))).resolves.toMatchObject(allowed)
  })

  it('may be found in the application, and by another claim', async () => {
    const asked: string[] = []
    const accounts: AccountReader = {
      find: async (id) => {
        asked.push(id)
        return id === 'org_7' ? { ...ACCOUNT, id } : undefined
      },
    }
    const auth = authOf({ accountId: ({ org }) => (typeof org === 'string' ? org : undefined) }, { accounts })
    const outcome = await ask(auth, tokenOf({ claims: { org: 'org_7' } }))
    expect(outcome).toMatchObject({ principal: { subject: 'account_1', account: { id: 'org_7' } } })
    await expect(ask(auth, tokenOf())).resolves.toEqual(invalid('subject'))
    await expect(ask(auth, tokenOf({ claims: { org: 'org_8' } }))).resolves.toEqual(invalid('subject'))
    expect(asked).toEqual(['org_7', 'org_8'])
  })

  it.each([
    null,
    '',
    7,
    'a\u0000b',
    'k'.repeat(256),
    true,
    ['account_1'],
    { $ne: null },
    { kind: 'denied', code: 'missing' },
  ])('is not looked for by %j, whatever the callback says that it is', async (org) => {
    const asked: unknown[] = []
    const accounts: AccountReader = {
      find: (id) => {
        asked.push(id)
        return ACCOUNT
      },
    }
    const auth = authOf({ accountId: (claims) => claims.org as string }, { accounts })
    await expect(ask(auth, tokenOf({ claims: { org } }))).resolves.toEqual(invalid('subject'))
    expect(asked).toEqual([])
  })

  it.each<[string, AccountReader]>([
    [
      'throws',
      {
        find: () => {
          throw new Error('gone')
        },
      },
    ],
    ['rejects', { find: () => Promise.reject(new Error('gone')) }],
    ['hangs', { find: () => new Promise(() => {}) }],
    ['answers with another account', { find: () => SUSPENDED }],
    ['answers garbage', { find: () => ({ ...ACCOUNT, status: 'ok' }) as unknown as Account }],
  ])('is unavailable, and not open, when the application %s', async (_what, accounts) => {
    await expect(ask(authOf({}, { accounts, timeout: 50 }), tokenOf())).resolves.toEqual(unavailable)
  })

  it('is looked for only once the token is proven, and its kid never', async () => {
    const asked: string[] = []
    const found = filled()
    const store: KeyReader = {
      findByDigest: (service, digest) => found.findByDigest(service, digest),
      findSigningKey: (service, id) => {
        asked.push(`signing key ${id}`)
        return found.findSigningKey(service, id)
      },
      findAccount: (id) => {
        asked.push(`account ${id}`)
        return found.findAccount(id)
      },
    }
    const auth = authOf({}, { store })
    const bad = [{ key: OTHER_P256.privateKey }, { head: { kid: 'key_2' } }, { claims: { aud: 'other' } }]
    for (const made of bad) await expect(ask(auth, tokenOf(made))).resolves.toMatchObject({ code: 'token_invalid' })
    expect(asked).toEqual([])
    await expect(ask(auth, tokenOf())).resolves.toMatchObject(allowed)
    expect(asked).toEqual(['account account_1'])
  })
})

describe('the last use', () => {
  it('is noted of keys alone: who comes by a provider has none', async () => {
    const found = filled()
    const noted: KeyUse[] = []
    const store: KeyReader = {
      findByDigest: (service, digest) => found.findByDigest(service, digest),
      findSigningKey: (service, id) => found.findSigningKey(service, id),
      findAccount: (id) => found.findAccount(id),
      recordUses: (uses) => {
        noted.push(...uses)
        return true
      },
    }
    const auth = authOf({}, { store })
    await expect(ask(auth, tokenOf())).resolves.toMatchObject(allowed)
    await auth.close()
    expect(noted).toEqual([])
    expect(ask(auth, TEXT)).toMatchObject({ principal: { via: 'key' } })
    await expect(ask(auth, tokenOf())).resolves.toMatchObject(allowed)
    await auth.close()
    expect(noted).toMatchObject([{ service: 'acme', keyId: 'key_1', count: 1, lastAt: NOW }])
  })
})

describe('the permissions', () => {
  const permissionsOf = async (claims: object, change: Partial<IdentityProvider> = {}) =>
    (await ask(authOf(change), tokenOf({ claims }))) as unknown as { principal: { permissions: readonly string[] } }

  it.each<[unknown, string[]]>([
    ['read', ['read']],
    ['read write', ['read', 'write']],
    ['openid profile read email', ['read']],
    ['  read   write ', ['read', 'write']],
    ['*', []],
    ['datasets:* datasets:read', ['datasets:read']],
    ['READ', []],
    ['read,write', []],
    ['read\twrite', []],
    ['toString constructor __proto__ hasOwnProperty', []],
    ['', []],
    [undefined, []],
    [null, []],
    [['read'], []],
    [{ read: true }, []],
    [1, []],
  ])('that scope %j gives are %j: the names of the contract, and no wildcard', async (scope, permissions) => {
    await expect(permissionsOf({ scope })).resolves.toMatchObject({ principal: { permissions } })
  })

  it('may come from another claim, under the same limits', async () => {
    const change: Partial<IdentityProvider> = { permissions: (claims) => claims.permissions as string[] }
    const given = [
      [
        ['read', 'datasets:read', 'unknown'],
        ['read', 'datasets:read'],
      ],
      [['*', 'datasets:*'], []],
      [[['read'], { read: 1 }, null, 7, 'write'], ['write']],
      ['read write', []],
      [{ filter: 1 }, []],
      [undefined, []],
    ]
    for (const [permissions, known] of given) {
      const outcome = await permissionsOf({ permissions, scope: 'admin' }, change)
      expect(outcome.principal.permissions).toEqual(known)
    }
  })

  it('open a route that they cover, and no other', async () => {
    const auth = authOf()
    const route = (permission: 'read' | 'write' | 'datasets:read') => auth.authorizer({ permission })
    const reads = asBearer(tokenOf({ claims: { scope: 'read * datasets:*' } }))
    await expect(route('read')({}, reads)).resolves.toMatchObject(allowed)
    await expect(route('write')({}, reads)).resolves.toMatchObject({ code: 'forbidden', permission: 'write' })
    expect(await route('datasets:read')({}, reads)).toMatchObject({ code: 'forbidden' })
    // What `admin` covers is the contract's word.
    await expect(route('write')({}, asBearer(tokenOf({ claims: { scope: 'admin' } })))).resolves.toMatchObject(allowed)
  })

  it('are none where the contract has none', async () => {
    const { permissions: _none, ...contract } = { ...BASE, identity: [PROVIDER] }
    const auth = createAuth({
      contract: defineContract(contract),
      store: filled(),
      masterKey: MASTER_KEY,
      now: () => NOW,
    })
    const outcome = await auth.authenticator()({}, asBearer(tokenOf({ claims: { scope: 'read *' } })))
    expect(outcome).toMatchObject({ principal: { permissions: [] } })
  })
})

describe('a callback', () => {
  const fail = (): never => {
    throw new Error('of the application')
  }
  const reject = () => Promise.reject(new Error('of the application')) as unknown as never
  const hang = () => new Promise(() => {}) as unknown as never

  it.each<[string, Partial<IdentityProvider>]>([
    ['accountId throws', { accountId: fail }],
    ['accountId rejects', { accountId: reject }],
    ['accountId hangs', { accountId: hang }],
    ['permissions throws', { permissions: fail }],
    ['permissions rejects', { permissions: reject }],
    ['permissions hangs', { permissions: hang }],
  ])('that goes wrong lets nobody in, and is told: %s', async (_what, change) => {
    const told: unknown[] = []
    const auth = authOf(change, { timeout: 50, on: { denied: ({ denied }) => told.push(denied) } })
    await expect(ask(auth, tokenOf({ claims: { scope: 'read' } }))).resolves.toEqual(unavailable)
    expect(told).toEqual([unavailable])
  })

  it('sees claims that are proven, and nothing of their prototype', async () => {
    const seen: Readonly<Record<string, unknown>>[] = []
    const auth = authOf({
      accountId: (claims) => {
        seen.push(claims)
        return 'account_1'
      },
    })
    await ask(auth, tokenOf({ key: OTHER_P256.privateKey }))
    expect(seen).toEqual([])
    await expect(ask(auth, tokenOf())).resolves.toMatchObject(allowed)
    expect(seen.map((claims) => claims.toString)).toEqual([undefined])
  })
})

describe('rate limits', () => {
  const limited = (per: 'key' | 'account') => {
    const other = { ...PROVIDER, issuer: 'https://other.example' }
    const both = [PROVIDER, other].map((it) => ({ ...it, accountId: () => 'account_1' }))
    const limits = [{ name: 'minute', seconds: 60, limit: 1, per }]
    const contract = defineContract({ ...BASE, identity: several(both), limits })
    return createAuth({ contract, store: filled(), masterKey: MASTER_KEY, now: () => NOW, limiter: memoryLimiter() })
  }
  const codesOf = async (per: 'key' | 'account') => {
    const auth = limited(per)
    const claims = [{ sub: 'a' }, { sub: 'a', jti: '2' }, { sub: 'b' }, { sub: 'a', iss: 'https://other.example' }]
    const codes: string[] = []
    for (const it of claims) {
      const outcome = await ask(auth, tokenOf({ claims: it }))
      codes.push(outcome.kind === 'denied' ? outcome.code : outcome.kind)
    }
    return codes
  }

  it('count each subject of each issuer, whatever the token', async () => {
    await expect(codesOf('key')).resolves.toEqual(['allowed', 'rate_limited', 'allowed', 'allowed'])
  })

  it('count an account with all its subjects', async () => {
    await expect(codesOf('account')).resolves.toEqual(['allowed', 'rate_limited', 'rate_limited', 'rate_limited'])
  })
})

describe('side by side', () => {
  it('keys, key-signed tokens and tokens of two providers come in through one auth', async () => {
    const other = { ...PROVIDER, issuer: 'https://other.example', audience: 'other', accountId: () => 'account_1' }
    const auth = authWith([PROVIDER, other])
    const mounted = auth.authenticator()
    const theirs = tokenOf({ alg: 'EdDSA', claims: { iss: other.issuer, aud: 'other', sub: 'somebody' } })

    expect(mounted({}, new Headers({ 'x-api-key': TEXT }))).toMatchObject({ principal: { via: 'key', key: KEY } })
    expect(mounted({}, asBearer(TEXT))).toMatchObject({ principal: { via: 'key', key: KEY } })
    expect(mounted({}, asBearer(signedBySecret(SECRET)))).toMatchObject({
      principal: { via: 'token', key: { id: 'key_2' } },
    })
    await expect(mounted({}, asBearer(tokenOf()))).resolves.toMatchObject({
      principal: { via: 'identity', issuer: ISSUER },
    })
    const principal = { via: 'identity', issuer: other.issuer, subject: 'somebody', account: ACCOUNT }
    await expect(mounted({}, asBearer(theirs))).resolves.toMatchObject({ principal })
    // The audience belongs to its issuer.
    const crossed = tokenOf({ claims: { aud: 'other' } })
    await expect(mounted({}, asBearer(crossed))).resolves.toEqual(invalid('audience'))
  })

  it('a header key may be a token too', async () => {
    const mounted = authOf().authenticator()
    await expect(mounted({}, new Headers({ 'x-api-key': tokenOf() }))).resolves.toMatchObject(allowed)
  })

  it('a bad token is never anonymous, and an absent one may be', async () => {
    const mounted = authOf().authenticator({ optional: true })
    expect(mounted({}, new Headers())).toEqual({ kind: 'anonymous' })
    const forged = asBearer(tokenOf({ key: OTHER_P256.privateKey }))
    await expect(mounted({}, forged)).resolves.toEqual(invalid('signature'))
  })

  it('a contract may have identity providers alone, and then everything is a token', async () => {
    const { key: _key, token: _token, ...rest } = BASE
    const contract = defineContract({ ...rest, identity: [PROVIDER] })
    const accounts: AccountReader = { find: () => ACCOUNT }
    const store: KeyReader = { findByDigest: () => undefined, findSigningKey: () => undefined }
    const auth = createAuth({ contract, store, accounts, now: () => NOW })
    await expect(auth.authenticator()({}, asBearer(tokenOf()))).resolves.toMatchObject(allowed)
    expect(auth.authenticator()({}, asBearer(TEXT))).toEqual(malformed)
  })

  it('an unknown issuer is not told what the known ones are', async () => {
    const auth = authOf()
    const denied = await ask(auth, tokenOf({ claims: { iss: 'https://evil.example' } }))
    const forged = await ask(auth, tokenOf({ key: OTHER_P256.privateKey }))
    if (denied.kind !== 'denied' || forged.kind !== 'denied') throw new Error('allowed')
    expect(auth.render(denied, new Headers())).toEqual(auth.render(forged, new Headers()))
  })
})

describe('the types', () => {
  it('have a key in every principal where there are no identity providers', () => {
    const auth = createAuth({ contract: defineContract(BASE), store: filled(), masterKey: MASTER_KEY })
    type Proven = PrincipalOf<typeof auth>
    expectTypeOf<Proven['via']>().toEqualTypeOf<'key' | 'token'>()
    expectTypeOf<Proven['key']['id']>().toEqualTypeOf<string>()
    expectTypeOf<Proven>().toExtend<KeyedPrincipal<'free' | 'pro'>>()
  })

  it('ask for via before the key where there are identity providers', () => {
    const auth = createAuth({
      contract: defineContract({ ...BASE, identity: [PROVIDER] }),
      store: filled(),
      masterKey: MASTER_KEY,
    })
    type Proven = PrincipalOf<typeof auth>
    expectTypeOf<Proven['via']>().toEqualTypeOf<'key' | 'token' | 'identity'>()
    expectTypeOf<Proven['plan']>().toEqualTypeOf<'free' | 'pro'>()
    // @ts-expect-error The principal of a provider has no key.
    expectTypeOf<Proven['key']>().toBeUnknown()
    expectTypeOf<Extract<Proven, { via: 'identity' }>>().toExtend<IdentityPrincipal<'free' | 'pro'>>()
    expectTypeOf<Extract<Proven, { via: 'identity' }>['subject']>().toEqualTypeOf<string>()
    expectTypeOf<Extract<Proven, { via: 'key' }>['key']>().toEqualTypeOf<
      KeyRecord<'read' | 'write' | 'admin' | 'datasets:read' | 'datasets:*' | '*'>
    >()
  })

  it('ask for via too where it is not known how many providers there are', () => {
    const identity: readonly IdentityProvider[] = []
    const auth = createAuth({ contract: defineContract({ ...BASE, identity }), store: filled(), masterKey: MASTER_KEY })
    expectTypeOf<PrincipalOf<typeof auth>['via']>().toEqualTypeOf<'key' | 'token' | 'identity'>()
  })

  it('know no symmetric algorithm for a provider', () => {
    expectTypeOf<IdentityProvider['algorithms'][number]>().toEqualTypeOf<'RS256' | 'PS256' | 'ES256' | 'EdDSA'>()
    // @ts-expect-error A provider signs with public keys alone.
    expect(() => authOf({ algorithms: ['HS256'] })).toThrow(TypeError)
  })
})

describe('construction', () => {
  const privateJwk = (key: KeyObject) => setOf(jwkOf(P256.publicKey, 'a'), jwkOf(key, 'b'))

  it.each<[string, object, RegExp]>([
    ['no issuer', { issuer: undefined }, /identity\.issuer/],
    ['an empty issuer', { issuer: '' }, /identity\.issuer/],
    ['a list of issuers', { issuer: [ISSUER] }, /identity\.issuer/],
    ['no audience', { audience: undefined }, /identity\.audience/],
    ['an empty audience', { audience: '' }, /identity\.audience/],
    ['a list of audiences', { audience: [AUDIENCE] }, /identity\.audience/],
    ['no algorithms', { algorithms: undefined }, /identity\.algorithms/],
    ['an empty list of algorithms', { algorithms: [] }, /identity\.algorithms/],
    ['an algorithm that is no list', { algorithms: 'RS256' }, /identity\.algorithms/],
    ['HS256', { algorithms: ['HS256'] }, /identity\.algorithms/],
    ['HS256 beside others', { algorithms: ['RS256', 'HS256'] }, /identity\.algorithms/],
    ['none', { algorithms: ['none'] }, /identity\.algorithms/],
    ['an algorithm in another case', { algorithms: ['rs256'] }, /identity\.algorithms/],
    ['an unknown algorithm', { algorithms: ['ES512'] }, /identity\.algorithms/],
    ['a negative leeway', { leeway: -1 }, /identity\.leeway/],
    ['a leeway of NaN', { leeway: NaN }, /identity\.leeway/],
    ['an endless leeway', { leeway: Infinity }, /identity\.leeway/],
    ['a negative expiryLeeway', { expiryLeeway: -1 }, /identity\.expiryLeeway/],
    ['a lifetime as a text', { maxLifetime: '60' }, /identity\.maxLifetime/],
    ['a negative cool-down', { cooldown: -1 }, /identity\.cooldown/],
    ['an endless maxAge', { maxAge: Infinity }, /identity\.maxAge/],
    ['an accountId that is a claim and no function', { accountId: 'org' }, /identity\.accountId/],
    ['permissions that are a list and no function', { permissions: ['read'] }, /identity\.permissions/],
    ['no keys', { jwks: undefined }, /identity\.jwks/],
    ['keys that are null', { jwks: null }, /identity\.jwks/],
    ['keys that are no set', { jwks: [jwkOf(P256.publicKey, 'a')] }, /identity\.jwks/],
    ['a set that is none', { jwks: { keys: 'all' } }, /identity\.jwks/],
    ['a set with a hole', { jwks: { keys: [null] } }, /identity\.jwks/],
    [
      'a set with a text',
      { jwks: { keys: [RSA.publicKey.export({ type: 'spki', format: 'pem' })] } },
      /identity\.jwks/,
    ],
    ['a symmetric key', { jwks: setOf({ kty: 'oct', k: encode(SECRET), kid: 'a' }) }, /identity\.jwks/],
    ['a private RSA key', { jwks: privateJwk(RSA.privateKey) }, /identity\.jwks/],
    ['a private EC key', { jwks: privateJwk(P256.privateKey) }, /identity\.jwks/],
    ['a private Ed25519 key', { jwks: privateJwk(ED25519.privateKey) }, /identity\.jwks/],
    ['a URL that is none', { jwks: 'id.example/keys' }, /identity\.jwks/],
    ['an http: URL', { jwks: 'http://id.example/keys' }, /identity\.jwks/],
    ['an http: URL of a neighbour', { jwks: 'http://10.0.0.1/keys' }, /identity\.jwks/],
    ['an http: URL that looks like this machine', { jwks: 'http://localhost.id.example/keys' }, /identity\.jwks/],
    ['another http: URL that does', { jwks: 'http://127.0.0.1.id.example/keys' }, /identity\.jwks/],
    ['an http: URL that ends like this machine', { jwks: 'http://not-localhost/keys' }, /identity\.jwks/],
    ['an http: URL with this machine as its user', { jwks: 'http://localhost@id.example/keys' }, /identity\.jwks/],
    ['a file', { jwks: 'file:///keys.json' }, /identity\.jwks/],
    ['data', { jwks: 'data:application/json,{"keys":[]}' }, /identity\.jwks/],
    ['a URL with a password', { jwks: 'https://user:hunter2@id.example/keys' }, /identity\.jwks/],
    ['a URL with a user', { jwks: 'https://user@id.example/keys' }, /identity\.jwks/],
    ['a URL with a password alone', { jwks: 'https://:hunter2@id.example/keys' }, /identity\.jwks/],
  ])('refuses %s, and names the option', (_what, change, option) => {
    const creating = () => authOf(change)
    expect(creating).toThrow(TypeError)
    expect(creating).toThrow(option)
    // Neither a private key nor a password is told.
    expect(creating).not.toThrow(/hunter2|"d"/)
  })

  it.each([
    'https://id.example/.well-known/jwks.json',
    'http://localhost:8080/keys',
    'http://127.0.0.1/keys',
    'http://[::1]:1/keys',
  ])('takes the URL %s, and does not fetch it yet', (jwks) => {
    expect(() => authOf({ jwks })).not.toThrow()
  })

  it('takes times of 0', () => {
    const zeros = { leeway: 0, expiryLeeway: 0, maxLifetime: 0, cooldown: 0, maxAge: 0 }
    expect(() => authOf(zeros)).not.toThrow()
  })

  it('refuses two providers of one issuer, and names the option', () => {
    expect(() => authWith([PROVIDER, { ...PROVIDER, audience: 'other' }])).toThrow(/contract\.identity/)
  })

  it('refuses several providers that do not say whose account they mean', () => {
    const providers = [PROVIDER, { ...PROVIDER, issuer: 'https://partner.example' }]
    expect(() => defineContract({ ...BASE, identity: providers })).toThrow(/identity\.accountId/)
  })

  it('refuses providers without accounts, and names the option', () => {
    const store: KeyReader = { findByDigest: () => undefined, findSigningKey: () => undefined }
    expect(() => authOf({}, { store })).toThrow(TypeError)
    expect(() => authOf({}, { store })).toThrow(/accounts/)
    expect(() => authWith([], { store })).not.toThrow()
  })

  it('refuses a key prefix that would look like a token', () => {
    const creating = () =>
      defineContract({ ...BASE, token: undefined, key: { ...BASE.key, prefix: 'a.' }, identity: [PROVIDER] } as never)
    expect(creating).toThrow(/key\.prefix/)
  })
})
