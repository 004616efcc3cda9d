import type { Allowance, Ledger } from '../ledger.ts'
import { equal } from './equal.ts'
import { type Cases, register, type TestFramework } from './framework.ts'

/**
 * Opens ledgers with the same balances, as on connections of their own where they are shared, calls `use` with them, and
 * closes them. At least one.
 */
export type LedgerSubject = (use: (ledgers: readonly [Ledger, ...Ledger[]]) => Promise<void>) => Promise<void>

/** Registers what every ledger has to do. */
export function testLedger(framework: TestFramework, subject: LedgerSubject): void {
  register(framework, { 'a balance': balances, 'a period': periods, races }, (run) =>
    subject((ledgers) => run(worldOf(ledgers))),
  )
}

interface World {
  readonly ledgers: readonly Ledger[]
  readonly ledger: Ledger
  /** Ten in July, of a balance that nobody else has. */
  readonly july: Allowance
  readonly august: Allowance
  readonly june: Allowance
}

const [JUNE, JULY, AUGUST, SEPTEMBER] = [5, 6, 7, 8].map((month) => Date.UTC(2026, month)) as [
  number,
  number,
  number,
  number,
]

function worldOf(ledgers: readonly [Ledger, ...Ledger[]]): World {
  const balanceId = `acme:${crypto.randomUUID()}`
  return {
    ledgers,
    ledger: ledgers[0],
    june: { balanceId, limit: 10, start: JUNE, end: JULY },
    july: { balanceId, limit: 10, start: JULY, end: AUGUST },
    august: { balanceId, limit: 10, start: AUGUST, end: SEPTEMBER },
  }
}

const balances: Cases<World> = {
  'is reserved from, in full and at once': async ({ ledger, july }) => {
    equal(await ledger.reserve(july, 4), { charged: true, limit: 10, used: 4, start: JULY })
    equal(await ledger.read(july), { limit: 10, used: 4, start: JULY })
  },

  'is never overspent: what it does not cover takes nothing': async ({ ledger, july }) => {
    equal(await ledger.reserve(july, 11), { charged: false, limit: 10, used: 0, start: JULY })
    await ledger.reserve(july, 7)
    equal(await ledger.reserve(july, 4), { charged: false, limit: 10, used: 7, start: JULY })
    equal(await ledger.reserve(july, 3), { charged: true, limit: 10, used: 10, start: JULY })
    equal(await ledger.reserve(july, 1), { charged: false, limit: 10, used: 10, start: JULY })
    equal(await ledger.read(july), { limit: 10, used: 10, start: JULY })
  },

  'is not metered without a limit': async ({ ledger, july }) => {
    const unmetered = { ...july, limit: undefined }
    equal([await ledger.reserve(unmetered, 4), await ledger.read(unmetered)], [undefined, undefined])
    equal(await ledger.read(july), { limit: 10, used: 0, start: JULY })
  },

  'has the limit of the plan of the moment': async ({ ledger, july }) => {
    await ledger.reserve(july, 8)
    equal(await ledger.reserve({ ...july, limit: 20 }, 8), { charged: true, limit: 20, used: 16, start: JULY })
    equal(await ledger.reserve(july, 1), { charged: false, limit: 10, used: 16, start: JULY })
  },

  'has its own limit in place of the plan’s, until that is taken away': async ({ ledger, july }) => {
    await ledger.change(july, { limit: 50, used: 8 })
    equal(await ledger.reserve({ ...july, limit: undefined }, 2), { charged: true, limit: 50, used: 10, start: JULY })
    await ledger.change(july, { limit: 60 })
    equal(await ledger.read(july), { limit: 60, used: 10, start: JULY })
    await ledger.change(july, { used: 1 })
    equal(await ledger.read(july), { limit: 60, used: 1, start: JULY })
    await ledger.change(july, { limit: null })
    equal(await ledger.read(july), { limit: 10, used: 1, start: JULY })
  },

  'may have nothing': async ({ ledger, july }) => {
    await ledger.change(july, { limit: 0 })
    equal(await ledger.reserve(july, 1), { charged: false, limit: 0, used: 0, start: JULY })
  },

  'takes back what was not used, at most what was': async ({ ledger, july }) => {
    await ledger.reserve(july, 6)
    await ledger.giveBack(july.balanceId, JULY, 2)
    equal(await ledger.read(july), { limit: 10, used: 4, start: JULY })
    await ledger.giveBack(july.balanceId, JULY, 5)
    equal(await ledger.read(july), { limit: 10, used: 0, start: JULY })
  },

  'of another name is another one': async ({ ledger, july }) => {
    await ledger.reserve(july, 6)
    const other = { ...july, balanceId: `${july.balanceId}2` }
    equal(await ledger.read(other), { limit: 10, used: 0, start: JULY })
    await ledger.giveBack(other.balanceId, JULY, 6)
    equal(await ledger.read(july), { limit: 10, used: 6, start: JULY })
  },
}

const periods: Cases<World> = {
  'begins anew, and what was left over is gone': async ({ ledger, july, august }) => {
    await ledger.reserve(july, 4)
    equal(await ledger.read(august), { limit: 10, used: 0, start: AUGUST })
    equal(await ledger.reserve(august, 10), { charged: true, limit: 10, used: 10, start: AUGUST })
    equal(await ledger.reserve(august, 1), { charged: false, limit: 10, used: 10, start: AUGUST })
  },

  'leaves a limit of the balance’s own': async ({ ledger, july, august }) => {
    await ledger.change(july, { limit: 50, used: 50 })
    equal(await ledger.reserve(august, 1), { charged: true, limit: 50, used: 1, start: AUGUST })
  },

  'does not begin twice, whatever the clock does': async ({ ledger, june, july, august }) => {
    await ledger.reserve(july, 10)
    // Ahead by a month, and put right again.
    await ledger.reserve(august, 10)
    equal(await ledger.reserve(july, 1), { charged: false, limit: 10, used: 10, start: AUGUST })
    equal(await ledger.reserve(june, 1), { charged: false, limit: 10, used: 10, start: AUGUST })
    equal(await ledger.read(july), { limit: 10, used: 10, start: AUGUST })
    equal(await ledger.reserve(august, 1), { charged: false, limit: 10, used: 10, start: AUGUST })
  },

  'stays as it has begun, whatever a clock that is behind charges or changes': async ({ ledger, july, august }) => {
    await ledger.reserve(august, 1)
    equal(await ledger.reserve(july, 1), { charged: true, limit: 10, used: 2, start: AUGUST })
    await ledger.change(july, { limit: 5 })
    equal(await ledger.read(august), { limit: 5, used: 2, start: AUGUST })
  },

  'is not begun by a refused amount any differently': async ({ ledger, july, august }) => {
    await ledger.reserve(july, 10)
    equal(await ledger.reserve(august, 11), { charged: false, limit: 10, used: 0, start: AUGUST })
    equal(await ledger.reserve(august, 10), { charged: true, limit: 10, used: 10, start: AUGUST })
  },

  'takes nothing back that an earlier one was charged': async ({ ledger, july, august }) => {
    await ledger.reserve(july, 6)
    await ledger.reserve(august, 3)
    await ledger.giveBack(july.balanceId, JULY, 6)
    equal(await ledger.read(august), { limit: 10, used: 3, start: AUGUST })
  },

  'is changed in itself: what was used before is not carried over': async ({ ledger, july, august }) => {
    await ledger.reserve(july, 6)
    await ledger.change(august, { limit: 20 })
    equal(await ledger.read(august), { limit: 20, used: 0, start: AUGUST })
  },
}

function at(ledgers: readonly Ledger[], i: number): Ledger {
  return ledgers[i % ledgers.length] as Ledger
}

const races: Cases<World> = {
  'spend what there is, to the last unit and no further': async ({ ledgers, july }) => {
    const allowance = { ...july, limit: 30 }
    const all = await Promise.all(Array.from({ length: 60 }, async (_, i) => at(ledgers, i).reserve(allowance, 1)))
    equal(all.filter((charged) => charged?.charged).length, 30)
    equal(await at(ledgers, 0).read(allowance), { limit: 30, used: 30, start: JULY })
  },

  'give back all that is given back': async ({ ledgers, july }) => {
    const allowance = { ...july, limit: 100 }
    await at(ledgers, 0).reserve(allowance, 100)
    await Promise.all(Array.from({ length: 50 }, async (_, i) => at(ledgers, i).giveBack(july.balanceId, JULY, 2)))
    equal(await at(ledgers, 0).read(allowance), { limit: 100, used: 0, start: JULY })
  },

  'begin a period once': async ({ ledgers, july, august }) => {
    await at(ledgers, 0).reserve(july, 10)
    const all = await Promise.all(Array.from({ length: 40 }, async (_, i) => at(ledgers, i).reserve(august, 1)))
    equal(all.filter((charged) => charged?.charged).length, 10)
    equal(await at(ledgers, 0).read(august), { limit: 10, used: 10, start: AUGUST })
  },
}
