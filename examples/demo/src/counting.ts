import { type KeyStore, type Ledger, type Limiter, memoryLedger, memoryLimiter } from '@latchkey/core'

/** What the services count with. */
export interface Counting {
  readonly limiter: Limiter
  readonly ledger: Ledger
}

/** The store's own: all demos on it count together. Where it has none, this process counts for itself. */
export function countingWith({ limiter = memoryLimiter(), ledger = memoryLedger() }: KeyStore): Counting {
  return { limiter, ledger }
}
