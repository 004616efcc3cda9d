/** The suites of `@latchkey/core/testing` on the limiters and ledgers of stores, whatever their database. */
import {
  type Charge,
  type KeyReader,
  type Ledger,
  type Limiter,
  memoryLedger,
  memoryLimiter,
  type Window,
} from '@latchkey/core'
import { testLedger, testLimiter } from '@latchkey/core/testing'
import { describe, expect, it } from 'vitest'

/** A store, or what it counts with. */
export type Counter = Pick<KeyReader, 'limiter' | 'ledger'>

export interface Counting {
  /** Opens a store on a connection of its own. */
  open(): Promise<Counter & { close(): unknown }>
  /** Sets the clock of a database that has one of its own. */
  setClock?(now: number): Promise<void>
  /** Asks the database with plain SQL. */
  rows(sql: string): Promise<readonly object[]>
}

/** For a busy machine, in milliseconds. */
const TIMEOUT = 60_000

export function countsExactly({ open, setClock = async () => {}, rows }: Counting): void {
  const patient = { describe, it: (name: string, body: () => Promise<void>) => it(name, body, TIMEOUT) }

  async function withAll<T>(use: (all: readonly [T, T, T]) => Promise<void>, of: (counter: Counter) => T) {
    const opened = [await open(), await open(), await open()] as const
    try {
      await use([of(opened[0]), of(opened[1]), of(opened[2])])
    } finally {
      for (const each of opened) await each.close()
    }
  }

  describe('a limiter:', () => {
    testLimiter(patient, (use) => withAll(use, limiting))
  })

  describe('a ledger:', () => {
    testLedger(patient, (use) => withAll(use, ledgerOf))

    it.each(['\0', '\ud800'])('keeps no balance whose name is not kept whole: %j', async (text) => {
      await withAll(async ([ledger]) => {
        const allowance = { balanceId: `acme:${text}`, limit: 1, start: 0, end: Number.POSITIVE_INFINITY }
        const refused = new TypeError('every text must be well-formed Unicode without NUL')
        for (const call of ['reserve', 'read'] as const) {
          await expect((async () => ledger[call](allowance, 1))()).rejects.toEqual(refused)
        }
        await expect((async () => ledger.change(allowance, { limit: 1 }))()).rejects.toEqual(refused)
        await expect((async () => ledger.giveBack(allowance.balanceId, 0, 1))()).rejects.toEqual(refused)
      }, ledgerOf)
    })
  })

  const bucketed = (bucket: string, name = 'second', seconds = 1): Window => {
    return { name, bucket, seconds, limit: 1_000_000, cost: 1 }
  }

  it('a window that is counted in for the first time charges the others once', async () => {
    await withAll(async ([limiter]) => {
      const [now, bucket] = [Date.now(), crypto.randomUUID()]
      const [minute, hour] = [bucketed(bucket, 'minute', 60), bucketed(bucket, 'hour', 3600)]
      await limiter.take({ windows: [minute], slots: undefined }, now)
      const { states } = await limiter.take({ windows: [minute, hour], slots: undefined }, now)
      expect(states.map(({ limit, remaining }) => limit - remaining)).toEqual([2, 1])
    }, limiting)
  })

  it('a window from which all was taken back comes back with what is counted since', async () => {
    await withAll(async ([limiter]) => {
      const now = Date.now()
      const charge = { windows: [bucketed(crypto.randomUUID(), 'minute', 60)], slots: undefined }
      const taken = await limiter.take(charge, now)
      if (!taken.taken) throw new Error('there was room')
      await limiter.undo(charge, taken.receipt, now)
      const [state] = (await limiter.take(charge, now + 30_000)).states
      expect(state?.resetAt).toBeGreaterThanOrEqual(now + 90_000)
    }, limiting)
  })

  it('a window that is empty again is told so, also where another one refuses', async () => {
    await withAll(async ([limiter]) => {
      const [now, bucket] = [Date.now(), crypto.randomUUID()]
      const windows = [bucketed(bucket, 'minute', 60), { ...bucketed(bucket, 'hour', 3600), limit: 1 }]
      await limiter.take({ windows, slots: undefined }, now)
      const refused = await limiter.take({ windows, slots: undefined }, now + 120_000)
      expect(refused).toMatchObject({ taken: false, refusedBy: { name: 'hour' } })
      expect(refused.states[0]).toMatchObject({ remaining: 1_000_000, resetAt: now + 120_000 })
    }, limiting)
  })

  it(
    'windows that nobody counts in any more are gone',
    async () => {
      await withAll(async ([limiter]) => {
        const [before] = await rows('select count(*) as count from latchkey_counts')
        const now = Date.now() + 10_000_000
        for (let i = 0; i < 100; i++) {
          await limiter.take({ windows: [bucketed(crypto.randomUUID())], slots: undefined }, now + i * 2000)
        }
        const [after] = await rows('select count(*) as count from latchkey_counts')
        // As many as are made are looked at twice: nearly all are gone, whatever was left of others with them.
        expect(Number(countOf(after))).toBeLessThan(Number(countOf(before)) + 50)
      }, limiting)
    },
    TIMEOUT,
  )

  it(
    'a window that is never empty stays as small as its parts are many',
    async () => {
      await withAll(async ([limiter]) => {
        const now = Date.now()
        const charge = { windows: [bucketed(crypto.randomUUID(), 'minute', 60)], slots: undefined }
        for (let i = 0; i < 150; i++) await limiter.take(charge, now + i * 1000)
        const all = await rows('select runs from latchkey_counts')
        const sizes = all.map((row) => JSON.parse((row as { readonly runs: string }).runs).length)
        expect(Math.max(...sizes)).toBeGreaterThan(49)
        expect(Math.max(...sizes)).toBeLessThan(53)
      }, limiting)
    },
    TIMEOUT,
  )

  it(
    'windows that are asked in any order do not wait for each other in a circle',
    async () => {
      await withAll(async (limiters) => {
        const now = Date.now()
        const windows = Array.from({ length: 4 }, () => bucketed(crypto.randomUUID(), 'minute', 60))
        await Promise.all(
          Array.from({ length: 90 }, async (_, i) => {
            const turned = [...windows.slice(i % 4), ...windows.slice(0, i % 4)]
            const asked = { windows: i % 2 === 0 ? turned : turned.reverse(), slots: undefined }
            const taken = await (limiters[i % 3] ?? limiters[0]).take(asked, now)
            if (!taken.taken) throw new Error('there was room')
            if (i % 3 === 0) await (limiters[i % 3] ?? limiters[0]).undo(asked, taken.receipt, now)
          }),
        )
        const { states } = await limiters[0].take({ windows, slots: undefined }, now)
        expect(states.map(({ limit, remaining }) => limit - remaining)).toEqual([61, 61, 61, 61])
      }, limiting)
    },
    TIMEOUT,
  )

  function limiting(counter: Counter): Limiter {
    return timed(limiterOf(counter), setClock)
  }
}

function countOf(row: object | undefined): unknown {
  return (row as { readonly count?: unknown } | undefined)?.count
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
