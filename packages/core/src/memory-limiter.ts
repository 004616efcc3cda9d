import type { Balance, Limiter, LimitState, Spent, Taken, Window } from './limiter.ts'

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
      if (taken) return { taken: true, states }

      const refused = open
        .filter(({ window, log }) => log.count + cost > window.limit)
        .map(({ window, log }) => ({ ...stateOf(window, log, now), resetAt: roomAt(window, log, cost, now) }))
      return { taken: false, states, refusedBy: refused.reduce((a, b) => (b.resetAt > a.resetAt ? b : a)) }
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
  // The clock was ahead and has been put right: what was counted in a future beyond the window must not block it.
  for (let run = log.runs.at(-1); run !== undefined && run.startedAt > now + log.milliseconds; run = log.runs.at(-1)) {
    log.count -= run.count
    log.runs.pop()
  }
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
