import { equalDigests } from './digest.ts'
import { type Denied, UNKNOWN } from './outcome.ts'
import type { KeyMatch, KeyRecord } from './store.ts'

/**
 * Checks what a store found for a digest: that it is that key, of this service, and that the key still works.
 *
 * Does not check the account, plan, permissions or limits.
 */
export function verifyKey(
  match: KeyMatch | undefined,
  digest: string,
  service: string,
  now: number,
): KeyMatch | Denied {
  if (match === undefined) return UNKNOWN
  // An index finds by comparing, in a time that may depend on the content; this compare does not. It also catches a
  // store that finds without regard to case, or finds something else.
  if (!equalDigests(match.secret.digest, digest) || match.key.service !== service) return UNKNOWN
  // A version that rotation has ended is no key any more, whatever the state of its successor.
  if (match.secret.expiresAt !== null && now >= match.secret.expiresAt) return UNKNOWN
  return keyDenial(match.key, now) ?? match
}

/** Why a key that is known does not work: revoked before expired, because a revocation is somebody's decision. */
export function keyDenial(key: KeyRecord, now: number): Denied<'revoked' | 'expired'> | undefined {
  if (key.revokedAt !== null) return { kind: 'denied', code: 'revoked', keyId: key.id, revokedAt: key.revokedAt }
  if (key.expiresAt !== null && now >= key.expiresAt) {
    return { kind: 'denied', code: 'expired', keyId: key.id, expiredAt: key.expiresAt }
  }
  return undefined
}
