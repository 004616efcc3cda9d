/**
 * The units of one sliding window. Those that came close together are one run: they leave with the last of them. What most
 * requests look at, the newest run and when the oldest one leaves, is at hand; the runs between lie further off.
 */
export interface SlidingLog {
  /** How long a unit stays, in milliseconds. */
  readonly length: number
  /** How many units are in the window, since it was last looked at. */
  count: number
  /** How many runs there are, the newest one with them. */
  size: number
  /** When the first and the last unit of the newest run came, and how many it has. */
  first: number
  last: number
  units: number
  /** When the oldest run leaves. Infinity: there is none. */
  leavesAt: number
  /** All but the newest, in a ring of a power of two in all; each has `FIELDS` places, as the newest one has fields. */
  older: Float64Array
  /** The place of the oldest run. */
  head: number
}

const RUNS_PER_WINDOW = 1000
const FIELDS = 4
const FIRST = 0
const LAST = 1
const UNITS = 2

/** Nobody has more than the newest run at first. */
const NO_RUNS = new Float64Array(0)

export function slidingLog(seconds: number): SlidingLog {
  const newest = { first: -Infinity, last: -Infinity, units: 0 }
  return { length: seconds * 1000, count: 0, size: 0, ...newest, leavesAt: Infinity, older: NO_RUNS, head: 0 }
}

/** Forgets what has left the window. Answers for `now` are right only afterwards. */
export function forget(log: SlidingLog, now: number): void {
  if (now < log.leavesAt && log.first <= now + log.length) return
  while (log.size > 0 && lastOf(log, 0) + log.length <= now) {
    log.count -= unitsOf(log, 0)
    if (log.size > 1) log.head = (log.head + 1) & (capacityOf(log) - 1)
    log.size--
  }
  // The clock was ahead and has been put right: what was counted in a future beyond the window must not block it.
  while (log.size > 0 && log.first > now + log.length) dropNewest(log)
  if (log.size === 0) log.first = -Infinity
  log.leavesAt = log.size === 0 ? Infinity : lastOf(log, 0) + log.length
}

export function record(log: SlidingLog, units: number, now: number): void {
  log.count += units
  // A clock that went back counts on in the newest run: runs stay in order.
  if (log.size > 0 && now - log.first < log.length / RUNS_PER_WINDOW) {
    log.units += units
    if (now > log.last) log.last = now
  } else {
    if (log.size > 0) keepNewest(log)
    log.size++
    log.first = now
    log.last = now
    log.units = units
  }
  if (log.size === 1) log.leavesAt = log.last + log.length
}

/** Takes back what was recorded at `at`, if it has not left. What a clock that went back has recorded stays. */
export function erase(log: SlidingLog, units: number, at: number): void {
  let run = log.size - 1
  while (run > 0 && firstOf(log, run) > at) run--
  if (run < 0 || firstOf(log, run) > at || lastOf(log, run) < at) return
  const erased = Math.min(units, unitsOf(log, run))
  if (run === log.size - 1) log.units -= erased
  else log.older[indexOf(log, run, UNITS)] = unitsOf(log, run) - erased
  log.count -= erased
}

/** When the next unit leaves; in an empty window that is now. */
export function nextLeaves(log: SlidingLog, now: number): number {
  return log.size === 0 ? now : log.leavesAt
}

/** When enough units will have left for `cost` to fit below `limit`. A cost above the limit never fits. */
export function fitsAt(log: SlidingLog, cost: number, limit: number, now: number): number {
  let count = log.count
  for (let run = 0; run < log.size; run++) {
    count -= unitsOf(log, run)
    if (count + cost <= limit) return lastOf(log, run) + log.length
  }
  return now + log.length
}

function dropNewest(log: SlidingLog): void {
  log.count -= log.units
  log.size--
  if (log.size === 0) return
  const newest = indexOf(log, log.size - 1, 0)
  log.first = log.older[newest + FIRST] as number
  log.last = log.older[newest + LAST] as number
  log.units = log.older[newest + UNITS] as number
}

function keepNewest(log: SlidingLog): void {
  if (log.size > capacityOf(log)) grow(log)
  const place = indexOf(log, log.size - 1, 0)
  log.older[place + FIRST] = log.first
  log.older[place + LAST] = log.last
  log.older[place + UNITS] = log.units
}

function grow(log: SlidingLog): void {
  const older = new Float64Array(Math.max(2 * log.older.length, 4 * FIELDS))
  const beforeEnd = log.older.subarray(log.head * FIELDS)
  older.set(beforeEnd)
  older.set(log.older.subarray(0, log.head * FIELDS), beforeEnd.length)
  log.older = older
  log.head = 0
}

function capacityOf(log: SlidingLog): number {
  return log.older.length / FIELDS
}

function firstOf(log: SlidingLog, run: number): number {
  return run === log.size - 1 ? log.first : (log.older[indexOf(log, run, FIRST)] as number)
}

function lastOf(log: SlidingLog, run: number): number {
  return run === log.size - 1 ? log.last : (log.older[indexOf(log, run, LAST)] as number)
}

function unitsOf(log: SlidingLog, run: number): number {
  return run === log.size - 1 ? log.units : (log.older[indexOf(log, run, UNITS)] as number)
}

function indexOf(log: SlidingLog, run: number, name: number): number {
  return ((log.head + run) & (capacityOf(log) - 1)) * FIELDS + name
}
