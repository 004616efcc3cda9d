import type { Awaitable } from './awaitable.ts'

/** At most `limit` units in any `seconds` on end, counted in one bucket. */
export interface Window {
  readonly name: string
  /** Whose window it is. Two requests share a window when bucket, name and length are the same. */
  readonly bucket: string
  readonly limit: number
  /** Its length: a whole number, 1 or more. */
  readonly seconds: number
  /** How many units the request takes: a whole number, 1 or more. One above the limit never fits. */
  readonly cost: number
}

/** At most `limit` requests under way at one time, counted in one bucket. */
export interface Slots {
  readonly name: string
  /** Whose slots they are. Two requests share slots when bucket and name are the same. */
  readonly bucket: string
  readonly limit: number
  /** A slot that nobody has given back is free again after so long: the process that held it has died. */
  readonly seconds: number
}

/**
 * What one decision counts: all of it or nothing. It is never changed. For one key it is the same object as long as the key is
 * kept and its plan is the same, so a limiter may remember by its identity where it counts. It has at least one window, or slots.
 */
export interface Charge {
  /** Differ in bucket, name or length. */
  readonly windows: readonly Window[]
  readonly slots: Slots | undefined
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
  /**
   * All had room, and all were charged. One state for each window, in its order, as it stands afterwards. `receipt`: what
   * `undo` and `leave` need to find the charge again; it stays in this process.
   */
  | { readonly taken: true; readonly states: readonly LimitState[]; readonly receipt: unknown }
  /**
   * None was charged. `refusedBy`: the window that refused, of several the one that takes longest to have room; its
   * `resetAt` is when the cost fits, or for a cost above the limit one length from now. `slots`: the windows had room,
   * but all slots are taken.
   */
  | { readonly taken: false; readonly states: readonly LimitState[]; readonly refusedBy: LimitState | 'slots' }

/**
 * Counts requests. Each call is atomic: it happens wholly or not at all, whoever calls at the same time. A limiter answers
 * synchronously if it can; what it throws or rejects with, or does not say in time, is a limiter that is down.
 *
 * A window slides: of the units that were taken, no more than `limit` ever lie within `seconds` on end. To count several
 * together, a limiter may let a unit leave late, by a fiftieth of the window at most, but never early.
 *
 * `now` is the caller's clock, in milliseconds since the epoch. Where many processes share a limiter, their clocks differ:
 * it may go by its database's clock instead. What was counted by a clock that was ahead, and lies further in the future
 * than the window is long, is forgotten: a clock that is put right blocks no bucket for longer than two lengths.
 */
export interface Limiter {
  /** Charges every window its cost and takes a slot, or does nothing. A window's limit may differ from the last time. */
  take(charge: Charge, now: number): Awaitable<Taken>
  /**
   * Takes a `take` back, because what came after it was denied: the slot, and the units of windows that they have not left
   * since. Called once at most for each receipt, and not after `leave`.
   */
  undo(charge: Charge, receipt: unknown, now: number): Awaitable<void>
  /**
   * Gives the slot back: the request has ended. Windows stay charged. Where the slot is free already, nothing happens: one that
   * has failed, or did not answer in time, is asked again with the same receipt.
   */
  leave(charge: Charge, receipt: unknown, now: number): Awaitable<void>
}
