import type { JSONWebKeySet, JWK } from 'jose'
import { checkMembers, membersOf } from './known.ts'
import { type Denied, tokenInvalid, unavailable } from './outcome.ts'
import type { ParsedToken } from './parse-token.ts'
import { claimsDenial, type Life, lifeOf } from './verify-token.ts'

/** Signatures with a public key. No symmetric algorithm is among them, so a public key is never taken for a secret. */
export const PUBLIC_KEY_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'] as const
export type PublicKeyAlgorithm = (typeof PUBLIC_KEY_ALGORITHMS)[number]

/** Somebody else who signs tokens for this API: an identity provider with published keys. */
export interface IdentityProvider {
  /** `iss` must equal it exactly. It also chooses the provider, where a contract has several. */
  readonly issuer: string
  /** `aud` must be or contain it exactly. Required: a token for another API must not open this one (RFC 8725 §3.9). */
  readonly audience: string
  /** What its keys may sign with; the token's `alg` must be one of them. */
  readonly algorithms: readonly PublicKeyAlgorithm[]
  /** The keys (RFC 7517), or the `https:` URL where they are published. */
  readonly jwks: string | JSONWebKeySet
  /**
   * The account that a token's subject belongs to. Default: the claim `sub`, so the issuer can name any account of the
   * store; with several providers it must be given.
   */
  readonly accountId?: (claims: Readonly<Record<string, unknown>>) => string | undefined
  /** What a token permits. Default: the claim `scope`, separated by blanks (RFC 8693 §4.2). */
  readonly permissions?: (claims: Readonly<Record<string, unknown>>) => readonly string[]
  /** How far `iat` and `nbf` may lie in the future, in seconds. Default 30. */
  readonly leeway?: number
  /** How long after `exp` a token is still accepted, in seconds. Default 0. */
  readonly expiryLeeway?: number
  /** The longest `exp - iat`, in seconds. Default: no cap. */
  readonly maxLifetime?: number
  /** The least time between two fetches of the keys, in seconds: what unknown `kid`s can cost. Default 30. */
  readonly cooldown?: number
  /** How long a fetched set is used before it is fetched again, in seconds. Default 600. */
  readonly maxAge?: number
}

/** Proves one provider's tokens. */
export interface IdentityVerifier {
  readonly provider: IdentityProvider
  /** Until when a token that holds does so by these keys, or why it does not hold. */
  verify(text: string, token: ParsedToken, now: number): Promise<Hold | Denied>
  /** Whether a token that held still holds, without asking anybody: the same keys are used, and it has not ended. */
  isStill(hold: Hold, now: number): boolean
}

/** How long a token holds. */
export interface Hold extends Life {
  readonly kind: 'holds'
  /** Of the provider's keys, as they were fetched. */
  readonly fetch: number
}

/** A set of keys is a few kilobytes; a larger answer is not read to its end. */
const MAX_JWKS_BYTES = 262_144

/** After a fetch that failed, nobody asks again for this long, in milliseconds: a provider that is down stays unhurt. */
const RETRY_AFTER_FAILURE = 5000

/**
 * Makes the verifier of one provider. jose does the cryptography and is loaded with the first token; the token's form
 * and its claims are checked by the same code as key-signed tokens.
 *
 * @param timeout how long the keys may take to arrive, in milliseconds
 */
export function identityVerifier(provider: IdentityProvider, timeout: number): IdentityVerifier {
  const { algorithms, jwks, cooldown = 30, maxAge = 600 } = provider
  /** Counts how often the keys were fetched. What is given is never fetched. */
  let fetches = 0
  let fetchedAt = typeof jwks === 'string' ? -Infinity : Infinity
  let loaded: Promise<(text: string) => Promise<void>> | undefined

  async function load(): Promise<(text: string) => Promise<void>> {
    // By their own paths: a worker's single file would else hold all of jose.
    const [{ compactVerify }, { createLocalJWKSet }, { createRemoteJWKSet, customFetch }] = await Promise.all([
      import('jose/jws/compact/verify'),
      import('jose/jwks/local'),
      import('jose/jwks/remote'),
    ])
    const keys =
      typeof jwks === 'string'
        ? createRemoteJWKSet(new URL(jwks), {
            timeoutDuration: timeout,
            cooldownDuration: cooldown * 1000,
            cacheMaxAge: maxAge * 1000,
            [customFetch]: fetchBounded((keys) => {
              createLocalJWKSet(keys)
              fetches++
              fetchedAt = performance.now()
            }),
          })
        : createLocalJWKSet(jwks)
    return async (text) => {
      await compactVerify(text, keys, { algorithms: [...algorithms] })
    }
  }

  return {
    provider,
    async verify(text, token, now) {
      // A load that failed is tried again with the next token.
      loaded ??= load().catch((error) => {
        loaded = undefined
        throw error
      })
      const before = fetches
      try {
        await (await loaded)(text)
      } catch (error) {
        return denialOf(error)
      }
      // Of the fetch before, where one came in between: then the token is checked once more.
      const hold = { kind: 'holds', fetch: before, ...lifeOf(token, [], provider, now) } as const
      return claimsDenial(token, provider, now) ?? hold
    },
    isStill: (hold, now) =>
      now >= hold.from && now < hold.until && hold.fetch === fetches && performance.now() - fetchedAt < maxAge * 1000,
  }
}

/**
 * The codes of jose that say something of the token or its key; all else says that the keys could not be had. That a
 * token is none, or needs an extension, is not among them: the parser in front has refused it.
 */
const TOKEN_FAULTS = {
  ERR_JWKS_NO_MATCHING_KEY: 'key',
  ERR_JWKS_MULTIPLE_MATCHING_KEYS: 'key',
  ERR_JOSE_ALG_NOT_ALLOWED: 'algorithm',
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: 'signature',
} as const

function denialOf(error: unknown): Denied {
  const code = (error as { readonly code?: unknown } | null)?.code
  const fault = Object.entries(TOKEN_FAULTS).find(([name]) => name === code)?.[1]
  return fault === undefined ? unavailable(error) : tokenInvalid(fault)
}

/**
 * Fetches a set of keys: no more bytes than one can have, and after a failure not at once again. An answer that `check`
 * throws at is a failure too: otherwise every token would ask a provider again that answers garbage.
 */
function fetchBounded(check: (jwks: JSONWebKeySet) => unknown): typeof fetch {
  let failedAt = Number.NEGATIVE_INFINITY
  let failure: unknown
  return async (url, init) => {
    if (performance.now() - failedAt < RETRY_AFTER_FAILURE) throw failure
    try {
      const response = await fetch(url, init)
      if (response.status !== 200) {
        // A body that nobody reads would hold its connection.
        await response.body?.cancel()
        throw new Error(`the keys were answered with status ${response.status}`)
      }
      const text = await boundedText(response)
      check(JSON.parse(text))
      return new Response(text, { status: 200 })
    } catch (error) {
      failedAt = performance.now()
      failure = error
      throw error
    }
  }
}

async function boundedText(response: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  const reader = response.body?.getReader()
  for (let chunk = await reader?.read(); chunk?.done === false; chunk = await reader?.read()) {
    bytes += chunk.value.length
    if (bytes > MAX_JWKS_BYTES) {
      await reader?.cancel()
      throw new Error(`the keys are larger than ${MAX_JWKS_BYTES} bytes`)
    }
    text += decoder.decode(chunk.value, { stream: true })
  }
  return text + decoder.decode()
}

const PROVIDER = membersOf<IdentityProvider>({
  issuer: true,
  audience: true,
  algorithms: true,
  jwks: true,
  accountId: true,
  permissions: true,
  leeway: true,
  expiryLeeway: true,
  maxLifetime: true,
  cooldown: true,
  maxAge: true,
})

/** @throws TypeError naming the option. */
export function checkProvider(provider: IdentityProvider): void {
  checkMembers('identity', provider, PROVIDER)
  const { issuer, audience, algorithms, jwks, ...rest } = provider
  if (typeof issuer !== 'string' || issuer === '') throw new TypeError('identity.issuer must be a text')
  if (typeof audience !== 'string' || audience === '') throw new TypeError('identity.audience must be a text')
  const known: readonly string[] = PUBLIC_KEY_ALGORITHMS
  if (!Array.isArray(algorithms) || algorithms.length === 0 || !algorithms.every((name) => known.includes(name))) {
    throw new TypeError(`identity.algorithms must be some of ${known.join(', ')}`)
  }
  for (const option of ['leeway', 'expiryLeeway', 'maxLifetime', 'cooldown', 'maxAge'] as const) {
    const seconds = rest[option]
    if (seconds !== undefined && !(Number.isFinite(seconds) && seconds >= 0)) {
      throw new TypeError(`identity.${option} must be a number of seconds, 0 or more`)
    }
  }
  for (const option of ['accountId', 'permissions'] as const) {
    const callback: unknown = rest[option]
    if (callback !== undefined && typeof callback !== 'function') {
      throw new TypeError(`identity.${option} must be a function of the claims`)
    }
  }
  if (typeof jwks === 'string') {
    if (isSafeUrl(jwks)) return
    throw new TypeError('identity.jwks must be an https: URL without a password, or http: on this machine')
  }
  if (!Array.isArray(jwks?.keys) || !jwks.keys.every(isPublicKey)) {
    throw new TypeError('identity.jwks must be a URL or a set of public keys')
  }
}

function isPublicKey(key: JWK | null): boolean {
  return typeof key === 'object' && key !== null && key.kty !== 'oct' && key.d === undefined
}

/** Keys that come over a line that others can write are anybody's keys. A password in a URL would end up in a log. */
function isSafeUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname, username, password } = new URL(text)
  if (username !== '' || password !== '') return false
  return protocol === 'https:' || (protocol === 'http:' && /^(localhost|127\.0\.0\.1|\[::1\])$/.test(hostname))
}
