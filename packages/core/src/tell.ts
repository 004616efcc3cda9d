import { LRUCache } from 'lru-cache'
import type { AuthEvents, Listeners } from './events.ts'
import { quiet, sieve } from './events.ts'
import { type DenialCode, type Denied, isUnavailable } from './outcome.ts'
import type { Everyone, Principal } from './principal.ts'
import type { KeyRecord } from './store.ts'

/** Of denials of one code, and of requests that are not counted, so many a second. */
const PER_SECOND = 10
const SECOND = 1000

/** Of a store that comes and goes, one in so many milliseconds. */
const STORE_DOWN_EVERY = 10_000

/** A key is said to end so many milliseconds before. */
const EXPIRES_SOON = 7 * 86_400_000

/** Of so many keys it is remembered that they were said to end. */
const EXPIRING_KEYS = 10_000

/** What an auth tells of: each function is told everything, and passes on what somebody is to hear. */
export interface Teller {
  allowed(principal: Principal): void
  denied(denied: Denied, principal: Principal | Everyone | undefined): void
  /** A key that is good was presented. */
  presented(key: KeyRecord, now: number): void
  quotaLow(event: Omit<AuthEvents['quotaLow'], 'service'>): void
  uncounted(fault: Denied<'unavailable'>): void
  /** What a read of the store has come to. */
  read(answer: unknown): void
}

export function teller(service: string, on: Listeners<AuthEvents>): Teller {
  const allowed = quiet(on.allowed)
  const denied = quiet(on.denied)
  const expiring = quiet(on.keyExpiring)
  const quotaLow = quiet(on.quotaLow)
  const uncounted = quiet(on.uncounted)
  const down = quiet(on.storeDown)
  const up = quiet(on.storeUp)

  const denials = new Map<DenialCode, () => number | undefined>()
  // With room for all from the beginning, so only where somebody listens.
  const ends = expiring && new LRUCache<string, number>({ max: EXPIRING_KEYS })
  const uncountedSieve = sieve(PER_SECOND, SECOND)
  const downSieve = sieve(1, STORE_DOWN_EVERY)
  let isToldDown = false
  let failures = 0

  function sieveOf(code: DenialCode): () => number | undefined {
    const known = denials.get(code) ?? sieve(PER_SECOND, SECOND)
    denials.set(code, known)
    return known
  }

  return {
    allowed: (principal) => allowed?.({ service, principal }),
    denied(denial, principal) {
      if (denied === undefined) return
      const leftOut = sieveOf(denial.code)()
      if (leftOut !== undefined) denied({ service, denied: denial, principal, leftOut })
    },
    presented(key, now) {
      if (expiring === undefined || ends === undefined) return
      const { id, expiresAt } = key
      if (expiresAt === null || expiresAt - now > EXPIRES_SOON) return
      if (ends.get(id) === expiresAt) return
      ends.set(id, expiresAt)
      expiring({ service, key, expiresAt })
    },
    quotaLow: (event) => quotaLow?.({ service, ...event }),
    uncounted({ cause }) {
      const leftOut = uncounted && uncountedSieve()
      if (leftOut !== undefined) uncounted?.({ service, cause, leftOut })
    },
    read(answer) {
      if (!isUnavailable(answer)) {
        if (isToldDown) up?.({ service })
        isToldDown = false
        return
      }
      const passes = !isToldDown && downSieve() !== undefined
      if (passes) {
        down?.({ service, cause: answer.cause, leftOut: failures })
        isToldDown = true
      }
      failures = passes ? 0 : failures + 1
    },
  }
}
