import { equalDigests } from './digest.ts'
import { type Denied, UNKNOWN } from './outcome.ts'
import type { KeyMatch, KeyRecord, KeySecret } from './store.ts'

/**
 * Whether what a store found for a digest is that key, of this service: to be asked once, of what was read.
 *
 * An index finds by comparing, in a time that may depend on the content; this compare does not. It also catches a store
 * that finds without regard to case, or finds something else.
 */
export function belongs(match: KeyMatch, digest: string, service: string): boolean {
  return equalDigests(match.secret.digest, digest) && match.key.service === service
}

/** Of a key that was found, what decides whether it works. */
export interface FoundKey {
  readonly key: KeyRecord
  readonly secret: Pick<KeySecret, 'expiresAt'>
}

/**
 * Why a key that was found does not work now.
 *
 * Does not check the account, plan, permissions or limits.
 */
export function verifyKey({ key, secret }: FoundKey, now: number): Denied | undefined {
  // A version that rotation has ended is no key any more, whatever the state of its successor.
  if (secret.expiresAt !== null && now >= secret.expiresAt) return UNKNOWN
  return keyDenial(key, now)
}

/** When `verifyKey` begins to deny it, in milliseconds since the epoch. */
export function endOf({ key, secret }: FoundKey): number {
  if (key.revokedAt !== null) return -Infinity
  return Math.min(secret.expiresAt ?? Infinity, key.expiresAt ?? Infinity)
}

/** Why a key that is known does not work: revoked before expired, because a revocation is somebody's decision. */
export function keyDenial(key: KeyRecord, now: number): Denied<'revoked' | 'expired'> | undefined {
  if (key.revokedAt !== null) return { kind: 'denied', code: 'revoked', keyId: key.id, revokedAt: key.revokedAt }
  if (key.expiresAt !== null && now >= key.expiresAt) {
    return { kind: 'denied', code: 'expired', keyId: key.id, expiredAt: key.expiresAt }
  }
  return undefined
}
