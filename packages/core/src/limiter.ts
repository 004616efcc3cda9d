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
  /** When the next unit comes back, in milliseconds since the epoch. */
  readonly resetAt: number
}

export interface Taken {
  /** All windows had room, and all were charged; otherwise none was. */
  readonly taken: boolean
  /** One for each window, in its order. */
  readonly states: readonly LimitState[]
  /** The window that refused; of several the one that takes longest to have room. */
  readonly refusedBy?: LimitState
}

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

/** The limiter that an auth counts with, if it has one, and how long it may take, in milliseconds. */
export interface Counting {
  readonly limiter: Limiter | undefined
  readonly timeout: number
}

/** A limiter that answers something else must not open a request: what it returns is looked at before it is believed. */
export function isTaken(value: Taken): boolean {
  if (typeof value?.taken !== 'boolean' || !Array.isArray(value.states)) return false
  return value.taken || Number.isFinite(value.refusedBy?.resetAt)
}

export function isSpent(value: Spent | undefined): boolean {
  return value === undefined || (typeof value?.spent === 'boolean' && Number.isFinite(value.balance?.remaining))
}

/** The name of the balance that the requests of an account are charged to. */
export function balanceOf(service: string, accountId: string): string {
  return `${service}:${accountId}`
}

export type MemoryLimiter = {
  readonly [M in keyof Limiter]: (...args: Parameters<Limiter[M]>) => Exclude<ReturnType<Limiter[M]>, Promise<unknown>>
}

/** Requests that were counted together: those within a thousandth of the window. */
interface Run {
  readonly startedAt: number
  lastAt: number
  count: number
}

interface SlidingLog {
  readonly milliseconds: number
  readonly runs: Run[]
  count: number
}

const RUNS_PER_WINDOW = 1000
const SWEEP_EVERY = 1024

/**
 * Counts in this process's memory; synchronous. A window is a log of the requests in it, not a counter that is reset, so
 * there is no edge at which two bursts fit side by side. Memory per window is bounded by a thousand entries: requests
 * closer together than a thousandth of the window leave it together, never early.
 */
export function memoryLimiter(): MemoryLimiter {
  const logs = new Map<string, SlidingLog>()
  const balances = new Map<string, Balance>()
  let takes = 0

  function logOf(window: Window, now: number): SlidingLog {
    const id = `${window.name}\n${window.seconds}\n${window.bucket}`
    let log = logs.get(id)
    if (log === undefined) {
      log = { milliseconds: window.seconds * 1000, runs: [], count: 0 }
      logs.set(id, log)
    }
    forget(log, now)
    return log
  }

  function sweep(now: number): void {
    for (const [id, log] of logs) {
      forget(log, now)
      if (log.count === 0) logs.delete(id)
    }
  }

  return {
    take(windows: readonly Window[], cost: number, now: number): Taken {
      if (++takes % SWEEP_EVERY === 0) sweep(now)
      const open = windows.map((window) => ({ window, log: logOf(window, now) }))
      const taken = open.every(({ window, log }) => log.count + cost <= window.limit)
      if (taken) for (const { log } of open) record(log, cost, now)
      const states = open.map(({ window, log }) => stateOf(window, log, now))
      if (taken) return { taken, states }

      const refused = open
        .filter(({ window, log }) => log.count + cost > window.limit)
        .map(({ window, log }) => ({ ...stateOf(window, log, now), resetAt: roomAt(window, log, cost, now) }))
      return { taken, states, refusedBy: refused.reduce((a, b) => (b.resetAt > a.resetAt ? b : a)) }
    },

    spend(balanceId: string, cost: number): Spent | undefined {
      const balance = balances.get(balanceId)
      if (balance === undefined) return undefined
      if (balance.remaining < cost) return { spent: false, balance }
      const rest = { remaining: balance.remaining - cost, used: balance.used + cost }
      balances.set(balanceId, rest)
      return { spent: true, balance: rest }
    },

    refund(balanceId: string, cost: number): Balance | undefined {
      const balance = balances.get(balanceId)
      if (balance === undefined) return undefined
      const back = Math.min(cost, balance.used)
      const rest = { remaining: balance.remaining + back, used: balance.used - back }
      balances.set(balanceId, rest)
      return rest
    },

    balance: (balanceId: string): Balance | undefined => balances.get(balanceId),

    setBalance(balanceId: string, balance: Balance): void {
      balances.set(balanceId, { ...balance })
    },
  }
}

function forget(log: SlidingLog, now: number): void {
  let gone = 0
  for (const run of log.runs) {
    if (run.lastAt + log.milliseconds > now) break
    log.count -= run.count
    gone++
  }
  if (gone > 0) log.runs.splice(0, gone)
}

function record(log: SlidingLog, cost: number, now: number): void {
  log.count += cost
  const last = log.runs.at(-1)
  if (last !== undefined && now - last.startedAt < log.milliseconds / RUNS_PER_WINDOW) {
    last.count += cost
    last.lastAt = Math.max(last.lastAt, now)
  } else {
    log.runs.push({ startedAt: now, lastAt: now, count: cost })
  }
}

function stateOf({ name, limit, seconds }: Window, log: SlidingLog, now: number): LimitState {
  const oldest = log.runs[0]
  const resetAt = oldest === undefined ? now : oldest.lastAt + log.milliseconds
  return { name, limit, seconds, remaining: Math.max(0, limit - log.count), resetAt }
}

/** When enough runs will have left the window for `cost` to fit. A cost above the limit never fits. */
function roomAt(window: Window, log: SlidingLog, cost: number, now: number): number {
  let count = log.count
  for (const run of log.runs) {
    count -= run.count
    if (count + cost <= window.limit) return run.lastAt + log.milliseconds
  }
  return now + log.milliseconds
}
