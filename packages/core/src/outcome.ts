import type { LimitState } from './limiter.ts'
import type { Reservation } from './reservation.ts'

/** Why a token was refused. For the log only: a contract that told it to the caller would help a forger. */
export type TokenFault =
  | 'algorithm'
  | 'audience'
  | 'expiry'
  | 'issued_at'
  | 'issuer'
  | 'key'
  | 'lifetime'
  | 'not_before'
  | 'signature'
  | 'subject'

/**
 * What is known when a request is denied, by code. Times are milliseconds since the epoch.
 *
 * The code is public, the facts are private: only the contract decides which of them become bytes. Facts may name a
 * key's id; they never hold a secret, token, digest or header value.
 */
export interface DenialFacts {
  /** No credential in any carrier of the contract. */
  readonly missing: object
  /** A credential that cannot be one of this contract's. `keyId`: see {@link KeyFormat.id}. */
  readonly malformed: { readonly keyId?: string }
  /** Well formed, but not in the store: never issued, or deleted. */
  readonly unknown: { readonly keyId?: string }
  readonly revoked: { readonly keyId: string; readonly revokedAt: number }
  /** The key's end, or for a token with a valid signature its `exp`; `keyId` is then the token's `kid`. */
  readonly expired: { readonly keyId: string; readonly expiredAt: number }
  /** A well-formed token that does not verify. An unknown `kid` is told apart from a bad signature by `reason` alone. */
  readonly token_invalid: { readonly reason: TokenFault }
  readonly suspended: { readonly accountId: string }
  /**
   * The plan does not reach the one that is needed, or does not have the feature. `upgrades`: the plans that would do, in the
   * order of the ladder.
   */
  readonly plan: {
    readonly plan: string
    readonly needs?: string
    readonly feature?: string
    readonly upgrades: readonly string[]
  }
  /** `limit`: the window that refused, one of `limits`. `retryAfter`: whole seconds, at least 1 (RFC 9110 §10.2.3). */
  readonly rate_limited: {
    readonly limit: LimitState
    readonly limits: readonly LimitState[]
    readonly retryAfter: number
  }
  /** So many requests are under way, and no more may be. */
  readonly concurrency: { readonly limit: number }
  /** `permission` is absent when a resource's own rule refused. */
  readonly forbidden: { readonly permission?: string }
  /** The balance does not cover the cost. Nothing was taken from it. `refillsAt`: when it is there anew; `null`: never. */
  readonly exhausted: {
    /** The quota's name in the contract. */
    readonly quota: string
    readonly cost: number
    readonly limit: number
    readonly remaining: number
    readonly refillsAt: number | null
  }
  /** The resource is not visible to this principal: answered as one that does not exist. */
  readonly hidden: object
  /** The world's fault: a store or limiter that failed, timed out or returned garbage. Never the caller's. */
  readonly unavailable: { readonly cause: unknown }
}

export type DenialCode = keyof DenialFacts

export type Denied<Code extends DenialCode = DenialCode> = {
  readonly [C in Code]: { readonly kind: 'denied'; readonly code: C } & DenialFacts[C]
}[Code]

export interface Allowed<Principal> {
  readonly kind: 'allowed'
  readonly principal: Principal
  /** The rate limits that were counted, as they stand after this request. Empty where there are none. */
  readonly limits: readonly LimitState[]
  /** From `auth.check`: the cost that was taken, to be settled or released by who asked. */
  readonly reservation?: Reservation
}

/** No credential was there, and the mount said `optional`. A wrong credential is never anonymous. */
export interface Anonymous {
  readonly kind: 'anonymous'
}

export type Outcome<Principal> = Allowed<Principal> | Denied

export const MISSING: Denied<'missing'> = Object.freeze({ kind: 'denied', code: 'missing' })
export const UNKNOWN: Denied<'unknown'> = Object.freeze({ kind: 'denied', code: 'unknown' })
export const HIDDEN: Denied<'hidden'> = Object.freeze({ kind: 'denied', code: 'hidden' })
export const ANONYMOUS: Anonymous = Object.freeze({ kind: 'anonymous' })
export const NO_LIMITS: readonly LimitState[] = Object.freeze([])

export function unavailable(cause: unknown): Denied<'unavailable'> {
  return { kind: 'denied', code: 'unavailable', cause }
}

export function tokenInvalid(reason: TokenFault): Denied<'token_invalid'> {
  return { kind: 'denied', code: 'token_invalid', reason }
}

export function isDenied(value: unknown): value is Denied {
  return (value as { readonly kind?: unknown } | null | undefined)?.kind === 'denied'
}

export function isUnavailable(value: unknown): value is Denied<'unavailable'> {
  return isDenied(value) && value.code === 'unavailable'
}
