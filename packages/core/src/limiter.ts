import type { Awaitable } from './awaitable.ts'

/** A limit for one bucket: at most `limit` in any `seconds` on end. */
export interface Window {
  readonly name: string
  /** Whose window it is. Two requests share a window when bucket, name and length are the same. */
  readonly bucket: string
  readonly limit: number
  readonly seconds: number
}

export interface LimitState {
  readonly name: string
  readonly limit: number
  readonly seconds: number
  readonly remaining: number
  /** When the next unit comes back, in milliseconds since the epoch; where the window refused, when the cost fits. */
  readonly resetAt: number
}

export type Taken =
  /** All windows had room, and all were charged. One state for each window, in its order. */
  | { readonly taken: true; readonly states: readonly LimitState[] }
  /**
   * None was charged. `refusedBy`: the window that refused, of several the one that takes longest to have room; its
   * `resetAt` is when the cost fits.
   */
  | { readonly taken: false; readonly states: readonly LimitState[]; readonly refusedBy: LimitState }

export interface Balance {
  readonly remaining: number
  readonly used: number
}

export interface Spent {
  /** False: the balance does not cover the cost, and nothing was taken. */
  readonly spent: boolean
  readonly balance: Balance
}

/** Counts. Each call is atomic: it happens wholly or not at all. A limiter answers synchronously if it can. */
export interface Limiter {
  /** Charges `cost` to every window, or to none. */
  take(windows: readonly Window[], cost: number, now: number): Awaitable<Taken>
  /** Takes `cost` from a balance. `undefined`: there is no such balance, so nothing is metered. */
  spend(balanceId: string, cost: number): Awaitable<Spent | undefined>
  /** Gives `cost` back, at most what was used. */
  refund(balanceId: string, cost: number): Awaitable<Balance | undefined>
  balance(balanceId: string): Awaitable<Balance | undefined>
  /** Makes a balance, or replaces it: a new period, a purchase. */
  setBalance(balanceId: string, balance: Balance): Awaitable<void>
}

/** The limiter that an auth counts with, and how long it may take, in milliseconds. */
export interface Counting {
  readonly limiter: Limiter
  readonly timeout: number
}

/** A limiter that answers something else must not open a request: what it returns is looked at before it is believed. */
export function isTaken(value: Taken): boolean {
  if (typeof value?.taken !== 'boolean' || !Array.isArray(value.states) || !value.states.every(isState)) return false
  return value.taken || isState(value.refusedBy)
}

function isState(value: LimitState | null | undefined): boolean {
  if (typeof value?.name !== 'string') return false
  return [value.limit, value.seconds, value.remaining, value.resetAt].every(Number.isFinite)
}

export function isSpent(value: Spent | undefined): boolean {
  return value === undefined || (typeof value?.spent === 'boolean' && Number.isFinite(value.balance?.remaining))
}

/** The name of the balance that the requests of an account are charged to. */
export function balanceOf(service: string, accountId: string): string {
  return `${service}:${accountId}`
}
