import { LRUCache } from 'lru-cache'
import type { Gate } from './cache.ts'
import { rateLimited } from './count.ts'
import type { LimitState } from './limiter.ts'
import type { DenialCode, Denied } from './outcome.ts'
import { fitsAt, forget, record, type SlidingLog, slidingLog } from './sliding-log.ts'

/** A brake on failed authentications. */
export interface BrakeOptions {
  /** So many failures of one address are taken in any `seconds` on end, by this process. Default 20. */
  readonly failures?: number
  /** Default 60. */
  readonly seconds?: number
  /** How many addresses are remembered, some 300 bytes each; those that failed last. Default 10,000. */
  readonly addresses?: number
}

export const DEFAULT_BRAKE: Required<BrakeOptions> = { failures: 20, seconds: 60, addresses: 10_000 }

export interface Brake {
  /** What is asked before the store is. Counts nothing. */
  gateFor(ip: string, now: number): Gate
  /** The answer to a request that was denied: a failure is counted, and one too many is answered by the brake. */
  answerTo(denied: Denied, ip: string, now: number): Denied
}

/** What somebody runs into who guesses. Nothing presented is none, nor is a store that is down or a brake that holds. */
const FAILURES: ReadonlySet<DenialCode> = new Set(['malformed', 'unknown', 'revoked', 'expired', 'token_invalid'])

/** Counts in this process's memory, in front of the store: a flood of guesses costs the store nothing. */
export function createBrake(options: BrakeOptions): Brake {
  const { failures, seconds, addresses } = { ...DEFAULT_BRAKE, ...options }
  const logs = new LRUCache<string, SlidingLog>({ max: addresses })

  function denialFor(ip: string, now: number): Denied<'rate_limited'> | undefined {
    const log = logs.get(ip)
    if (log === undefined) return undefined
    forget(log, now)
    if (log.count < failures) return undefined
    const resetAt = fitsAt(log, 1, failures, now)
    const limit: LimitState = { name: 'failures', limit: failures, seconds, remaining: 0, resetAt }
    return rateLimited(limit, [limit], now)
  }

  return {
    gateFor: (ip, now) => () => denialFor(ip, now),
    answerTo(denied: Denied, ip: string, now: number): Denied {
      if (!FAILURES.has(denied.code)) return denied
      // What is refused here is not counted: who keeps trying is let in again after a window, not never.
      const braked = denialFor(ip, now)
      if (braked !== undefined) return braked
      const log = logs.get(ip) ?? slidingLog(seconds)
      record(log, 1, now)
      logs.set(ip, log)
      return denied
    },
  }
}
