import { type Ledger, type Limiter, memoryLedger, memoryLimiter } from '@latchkey/core'

/** What the services count with. */
export interface Counting {
  readonly limiter: Limiter
  readonly ledger: Ledger
}

/** The limiter and the ledger that go with the store. Of none there is: each demo counts for itself. */
export function countingWith(): Counting {
  return { limiter: memoryLimiter(), ledger: memoryLedger() }
}
