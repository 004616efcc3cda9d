/** The suites of `@latchkey/core/testing` on the limiters and ledgers of stores, whatever their database. */
import { type Charge, type KeyReader, type Ledger, type Limiter, memoryLedger, memoryLimiter } from '@latchkey/core'
import { testLedger, testLimiter } from '@latchkey/core/testing'
import { describe, expect, it } from 'vitest'

/** A store, or what it counts with. */
export type Counter = Pick<KeyReader, 'limiter' | 'ledger'>

export interface Counting {
  /** Opens a store on a connection of its own. */
  open(): Promise<Counter & { close(): unknown }>
  /** Sets the clock of a database that has one of its own. */
  setClock?(now: number): Promise<void>
}

/** For a busy machine, in milliseconds. */
const TIMEOUT = 60_000

export function countsExactly({ open, setClock = async () => {} }: Counting): void {
  const patient = { describe, it: (name: string, body: () => Promise<void>) => it(name, body, TIMEOUT) }

  async function withAll<T>(use: (all: readonly [T, ...T[]]) => Promise<void>, of: (counter: Counter) => T) {
    const opened = [await open(), await open(), await open()] as const
    try {
      await use([of(opened[0]), of(opened[1]), of(opened[2])])
    } finally {
      for (const each of opened) await each.close()
    }
  }

  describe('a limiter:', () => {
    testLimiter(patient, (use) => withAll(use, (counter) => timed(limiterOf(counter), setClock)))
  })

  describe('a ledger:', () => {
    testLedger(patient, (use) => withAll(use, ledgerOf))
  })
}

/** Lets the database have the time that is given. */
function timed(limiter: Limiter, setClock: (now: number) => Promise<void>): Limiter {
  return {
    async take(charge: Charge, now: number) {
      await setClock(now)
      return limiter.take(charge, now)
    },
    async undo(charge, receipt, now) {
      await setClock(now)
      await limiter.undo(charge, receipt, now)
    },
    async leave(charge, receipt, now) {
      await setClock(now)
      await limiter.leave(charge, receipt, now)
    },
  }
}

export function limiterOf({ limiter }: Counter): Limiter {
  expect(limiter).toBeDefined()
  return limiter ?? memoryLimiter()
}

export function ledgerOf({ ledger }: Counter): Ledger {
  expect(ledger).toBeDefined()
  return ledger ?? memoryLedger()
}
