import type { Awaitable } from './awaitable.ts'

/** What an account may use up from `start` to `end`, and under which name a ledger keeps how much it has used. */
export interface Allowance {
  /** The balance: one for all keys of an account (see `balanceOf`). */
  readonly balanceId: string
  /** What the plan grants for the period. `undefined`: nothing, so a balance without a limit of its own is not metered. */
  readonly limit: number | undefined
  /** The first millisecond of the period, since the epoch. Where nothing is ever refilled: 0. */
  readonly start: number
  /** The first millisecond after it. Where nothing is ever refilled: `Infinity`. A ledger may drop what has ended long ago. */
  readonly end: number
}

/** How a balance stands. What remains is `limit - used`, or nothing where that is below 0: a limit may have been lowered. */
export interface Standing {
  /** The balance's own limit where it has one, else the allowance's. */
  readonly limit: number
  readonly used: number
  /** The start of the period in which it was used: the allowance's, or a later one that was charged before (see {@link Ledger}). */
  readonly start: number
}

export interface Charged extends Standing {
  /** False: the balance does not cover the amount, and nothing was taken. */
  readonly charged: boolean
}

/** What is to be changed of a balance; the rest stays. */
export interface BalanceChange {
  /** Its own limit, in place of the plan's, for this and all later periods; `null`: the plan's. */
  readonly limit?: number | null
  readonly used?: number
}

/**
 * Keeps balances: exactly, for ever, whatever ends in between. Each call is one guarded change, whoever calls at the same
 * time: it happens wholly or not at all. A ledger answers synchronously if it can.
 *
 * A record has `start`, `used` and, where it was given one, a limit of its own. Every call that has an allowance first
 * looks at the period: a record whose `start` is *before* the allowance's begins anew, with nothing used and the
 * allowance's `start`. In the same change, so that it is refilled at most once for each period. A record whose `start` is
 * equal or *later* stays as it is, and is what the call is about: a clock that was ahead and is put right refills nothing
 * twice. Where there is no record it is as one that begins anew, without a limit of its own.
 *
 * Amounts are whole numbers, 1 or more.
 */
export interface Ledger {
  /**
   * Takes an amount from the balance if all of it is there: `used + amount <= limit`. It is charged at once, so a process
   * that dies leaves it charged. `undefined`: neither the allowance nor the record has a limit, nothing is metered, and
   * nothing was written.
   */
  reserve(allowance: Allowance, amount: number): Awaitable<Charged | undefined>
  /**
   * Gives back what was reserved and not used, into the period that it was reserved from (`start` of {@link Charged}): if
   * the record's `start` is another by now, nothing happens. Gives at most what was used.
   */
  giveBack(balanceId: string, start: number, amount: number): Awaitable<void>
  /** How it stands, also at zero, and before it was ever used. May write, if it begins anew. `undefined`: not metered. */
  read(allowance: Allowance): Awaitable<Standing | undefined>
  /** Changes or makes a balance. */
  change(allowance: Allowance, change: BalanceChange): Awaitable<void>
}

/** The name of the balance that the requests of an account are charged to. */
export function balanceOf(service: string, accountId: string): string {
  return `${service}:${accountId}`
}
