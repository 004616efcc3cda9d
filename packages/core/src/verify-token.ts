import { type HmacKey, hmacBase64Url, hmacKeyOf } from '#platform'
import { equalDigests } from './digest.ts'
import { type Denied, tokenInvalid, unavailable } from './outcome.ts'
import type { ParsedToken } from './parse-token.ts'
import type { Account, KeyRecord } from './store.ts'
import { keyDenial } from './verify-key.ts'

/** What a contract asks of the claims. `exp` and `iat` are always required (RFC 7519 §4.1). */
export interface TokenRules {
  /** `iss` must equal it exactly. */
  readonly issuer: string
  /** `aud` must be or contain it exactly, and is then required. Default: `aud` is not looked at. */
  readonly audience?: string
  /** `sub` must equal `kid`. Default false: `sub` is not looked at. */
  readonly subjectIsKeyId?: boolean
  /** How far `iat` and `nbf` may lie in the future, in seconds. Default 30. */
  readonly leeway?: number
  /** How long after `exp` a token is still accepted, in seconds. Default 0. */
  readonly expiryLeeway?: number
  /** The longest `exp - iat`, in seconds. Default: no cap. */
  readonly maxLifetime?: number
}

/** A signing key as a store found it, its secrets open. */
export interface OpenKeyMatch {
  readonly key: KeyRecord
  readonly account: Account | null
  readonly secrets: readonly OpenSecret[]
}

export interface OpenSecret extends OpenKey {
  readonly expiresAt: number | null
}

export interface OpenKey {
  /** Of the text that tokens are signed with, as UTF-8. */
  readonly key: HmacKey
  readonly isLongEnough: boolean
}

export function openKeyOf(text: string): OpenKey {
  return { key: hmacKeyOf(text), isLongEnough: isLongEnough(text) }
}

/** HS256 keys have at least 256 bits (RFC 7518 §3.2). */
export const MIN_SIGNING_SECRET_BYTES = 32

/**
 * Checks a token against the key that its `kid` names: the signature first, so that a bare `kid` never learns whether it
 * is known, revoked or expired; then the key's own state; then the claims.
 *
 * Does not check the account, plan, permissions or limits.
 */
export function verifyToken<Match extends OpenKeyMatch>(
  token: ParsedToken,
  match: Match | undefined,
  service: string,
  rules: TokenRules,
  now: number,
): Match | Denied {
  const known = match !== undefined && match.key.id === token.kid && match.key.service === service
  if (!known) {
    spendHmac(token)
    return tokenInvalid('key')
  }
  let isAnyLive = false
  let isSigned = false
  for (const secret of match.secrets) {
    // Checked again where it is used: a store that returns a short or empty secret must never verify anything.
    if (!secret.isLongEnough) {
      return unavailable(new Error(`key ${match.key.id}: a signing secret under ${MIN_SIGNING_SECRET_BYTES} bytes`))
    }
    if (!isLive(secret, now)) continue
    isAnyLive = true
    isSigned ||= isSignedBy(token, secret)
  }
  if (!isAnyLive) spendHmac(token)
  if (!isSigned) return tokenInvalid('signature')

  return keyDenial(match.key, now) ?? claimsDenial(token, rules, now) ?? match
}

// An unknown kid costs an HMAC as a known one does. No token verifies against this secret: the result is thrown away.
function spendHmac(token: ParsedToken): void {
  nobodys ??= hmacKeyOf('a secret of no key, of the usual length')
  equalDigests(hmacBase64Url(nobodys, token.signingInput), token.signature)
}

let nobodys: HmacKey | undefined

export function isLongEnough(text: string): boolean {
  // UTF-8 is never shorter than the text, so the usual secret is not encoded.
  return text.length >= MIN_SIGNING_SECRET_BYTES || new TextEncoder().encode(text).length >= MIN_SIGNING_SECRET_BYTES
}

export function isLive({ expiresAt }: Pick<OpenSecret, 'expiresAt'>, now: number): boolean {
  return expiresAt === null || now < expiresAt
}

// Both are the canonical base64url of 32 bytes, so comparing the texts compares the MACs.
function isSignedBy(token: ParsedToken, secret: OpenSecret): boolean {
  return equalDigests(hmacBase64Url(secret.key, token.signingInput), token.signature)
}

/** Why a token whose signature holds is refused for what it claims. Does not look at claims that the rules do not name. */
export function claimsDenial(token: ParsedToken, rules: TokenRules, now: number): Denied | undefined {
  const { exp, iat, nbf, iss, sub, aud } = token.claims
  const { issuer, audience, subjectIsKeyId = false, leeway = 30, expiryLeeway = 0, maxLifetime } = rules
  if (!isSeconds(exp)) return tokenInvalid('expiry')
  if (!isSeconds(iat) || iat * 1000 > now + leeway * 1000) return tokenInvalid('issued_at')
  if (nbf !== undefined && (!isSeconds(nbf) || nbf * 1000 > now + leeway * 1000)) return tokenInvalid('not_before')
  if (iss !== issuer) return tokenInvalid('issuer')
  if (subjectIsKeyId && sub !== token.kid) return tokenInvalid('subject')
  if (audience !== undefined && aud !== audience && !(Array.isArray(aud) && aud.includes(audience))) {
    return tokenInvalid('audience')
  }
  if (maxLifetime !== undefined && exp - iat > maxLifetime) return tokenInvalid('lifetime')
  const expiredAt = exp * 1000
  if (now >= expiredAt + expiryLeeway * 1000) return { kind: 'denied', code: 'expired', keyId: token.kid, expiredAt }
  return undefined
}

/** From when until when a token that was accepted stays so, in milliseconds since the epoch. */
export interface Life {
  readonly from: number
  readonly until: number
}

/** As `claimsDenial` says, and no longer than until the first of the `ends` of its key that is to come. */
export function lifeOf(
  { claims }: ParsedToken,
  ends: readonly (number | null)[],
  { leeway = 30, expiryLeeway = 0 }: Pick<TokenRules, 'leeway' | 'expiryLeeway'>,
  now: number,
): Life {
  const { exp, iat, nbf = iat } = claims as { readonly exp: number; readonly iat: number; readonly nbf?: number }
  const coming = ends.filter((end): end is number => end !== null && end > now)
  return {
    from: (Math.max(iat, nbf) - leeway) * 1000,
    until: Math.min((exp + expiryLeeway) * 1000, ...coming),
  }
}

/** NumericDate by value: `1.79e9` is an integer, `1e400` and `"1790000000"` are none. */
function isSeconds(value: unknown): value is number {
  return Number.isSafeInteger(value)
}
