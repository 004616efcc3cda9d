import type { Awaitable, Charge, Limiter, LimitState, Taken } from '@latchkey/core'
import { chain } from './chain.ts'
import type { Connection, Engine, Query, Row } from './connection.ts'
import { type Counter, countStatements } from './counts.ts'
import { digestOf } from './digest.ts'

/** When units come back, in milliseconds since the epoch, and how many. */
type Run = readonly [endsAt: number, units: number]

interface Receipt {
  /** When what each counter was charged comes back. */
  readonly endsAt: readonly number[]
  isHeld: boolean
}

/** A counter that others' sweeps have taken away is made anew so often, and not more. */
const ATTEMPTS = 3

/** A window's units leave it together with those of the same fiftieth. */
const PARTS_OF_WINDOW = 50

/**
 * Counts for all processes on the database. Each call is one statement, on SQLite one transaction; a counter that is not
 * there yet takes two more. In Postgres it goes by the server's clock. What was counted within the last second may be
 * forgotten when the database's machine loses its power, but not when a process ends.
 */
export function sqlLimiter(connection: Connection, engine: Engine): Limiter {
  const statements = countStatements(engine)
  const known = new WeakMap<Charge, readonly Counter[]>()

  function countersOf(charge: Charge): readonly Counter[] {
    const counters = known.get(charge) ?? makeCounters(charge)
    known.set(charge, counters)
    return counters
  }

  function write(queries: readonly Query[]): Awaitable<readonly Row[]> {
    return connection.write(queries, { lasting: false })
  }

  /** A row for each counter. */
  function count(counters: readonly Counter[], now: number, attempts = ATTEMPTS): Awaitable<readonly Row[]> {
    return chain(write(statements.count(counters, now)), (rows) => {
      if (rows.length === counters.length) return rows
      if (attempts === 1) throw new Error('the counters are gone as soon as they are made')
      return chain(write(statements.make(counters, now)), () => count(counters, now, attempts - 1))
    })
  }

  function giveBack(counters: readonly Counter[], endsAt: readonly number[], now: number): Awaitable<void> {
    const given = counters.map((counter, i) => ({ ...counter, units: -counter.units, endsAt: endsAt[i] }))
    return chain(write(statements.count(given, now)), () => {})
  }

  return {
    take(charge: Charge, now: number): Awaitable<Taken> {
      const counters = countersOf(charge)
      return chain(count(counters, now), (rows) => takenOf(charge, counters, rows, now))
    },

    undo(charge: Charge, receipt: unknown, now: number): Awaitable<void> {
      return giveBack(countersOf(charge), (receipt as Receipt).endsAt, now)
    },

    leave(charge: Charge, receipt: unknown, now: number): Awaitable<void> {
      const held = receipt as Receipt
      if (charge.slots === undefined || !held.isHeld) return
      held.isHeld = false
      return giveBack(countersOf(charge).slice(-1), held.endsAt.slice(-1), now)
    },
  }
}

/** Of each window, then of the slots. */
function makeCounters({ windows, slots }: Charge): readonly Counter[] {
  const counters = windows.map(({ name, seconds, bucket, limit, cost }) => ({
    id: idOf(['window', name, seconds, bucket]),
    limit,
    units: cost,
    length: seconds * 1000,
    width: (seconds * 1000) / PARTS_OF_WINDOW,
  }))
  if (slots === undefined) return counters
  const { name, bucket, limit, seconds } = slots
  return [...counters, { id: idOf(['slots', name, bucket]), limit, units: 1, length: seconds * 1000, width: 1 }]
}

/** Of one length, whatever the names are, and evenly spread. No address lies in the database. */
function idOf(names: readonly unknown[]): string {
  return digestOf(JSON.stringify(names))
}

function takenOf(charge: Charge, counters: readonly Counter[], rows: readonly Row[], now: number): Taken {
  const byId = new Map(rows.map((row) => [row.id, row]))
  const found = counters.map(({ id }) => byId.get(id) ?? {})
  const clock = Number(found[0]?.now)
  // In the caller's time, so that how long there is to wait is right whatever its clock shows.
  const logs = counters.map((counter, i) => runsOf(found[i]?.runs, counter, clock, now - clock))
  const states = charge.windows.map(({ name, limit, seconds }, i): LimitState => {
    const runs = logs[i] ?? []
    return { name, limit, seconds, remaining: Math.max(0, limit - unitsIn(runs)), resetAt: runs[0]?.[0] ?? now }
  })
  if (Number(found[0]?.taken) === 1) {
    const endsAt = found.map((row) => Number(row.ends_at))
    return { taken: true, states, receipt: { endsAt, isHeld: true } satisfies Receipt }
  }
  let refusedBy: LimitState | undefined
  for (const [i, state] of states.entries()) {
    const { units = 0, length = 0 } = counters[i] ?? {}
    const resetAt = fitsAt(logs[i] ?? [], units, state.limit) ?? now + length
    if (resetAt <= now) continue
    if (refusedBy === undefined || resetAt > refusedBy.resetAt) refusedBy = { ...state, resetAt }
  }
  return { taken: false, states, refusedBy: refusedBy ?? 'slots' }
}

/** Those that have not left, the next one first. */
function runsOf(runs: unknown, { length, width }: Counter, clock: number, ahead: number): readonly Run[] {
  const all = JSON.parse(String(runs)) as readonly Run[]
  return all
    .filter(([endsAt]) => endsAt > clock && endsAt < clock + 2 * length + width)
    .map(([endsAt, units]): Run => [endsAt + ahead, units])
    .sort(([a], [b]) => a - b)
}

function unitsIn(runs: readonly Run[]): number {
  return runs.reduce((sum, [, units]) => sum + units, 0)
}

/** When so many units fit: 0 where they do so now. `undefined`: never. */
function fitsAt(runs: readonly Run[], cost: number, limit: number): number | undefined {
  let used = unitsIn(runs)
  if (used + cost <= limit) return 0
  for (const [endsAt, units] of runs) {
    used -= units
    if (used + cost <= limit) return endsAt
  }
  return undefined
}
