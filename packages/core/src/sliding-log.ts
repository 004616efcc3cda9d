/** The units of one sliding window. Those that came close together are one run: they leave with the last of them. */
export interface SlidingLog {
  /** How long a unit stays, in milliseconds. */
  readonly length: number
  /** How many units are in the window, since it was last looked at. */
  count: number
  /** A ring of runs, of a power of two in all; each has `FIELDS` places: when its first and last unit came, how many. */
  runs: Float64Array
  /** The place of the oldest run. */
  head: number
  /** How many runs there are. */
  size: number
}

const RUNS_PER_WINDOW = 1000
const FIELDS = 4
const FIRST = 0
const LAST = 1
const UNITS = 2

export function slidingLog(seconds: number): SlidingLog {
  return { length: seconds * 1000, count: 0, runs: new Float64Array(4 * FIELDS), head: 0, size: 0 }
}

/** Forgets what has left the window. Answers for `now` are right only afterwards. */
export function forget(log: SlidingLog, now: number): void {
  while (log.size > 0 && field(log, 0, LAST) + log.length <= now) {
    log.count -= field(log, 0, UNITS)
    log.head = (log.head + 1) & (capacityOf(log) - 1)
    log.size--
  }
  // The clock was ahead and has been put right: what was counted in a future beyond the window must not block it.
  while (log.size > 0 && field(log, log.size - 1, FIRST) > now + log.length) {
    log.count -= field(log, log.size - 1, UNITS)
    log.size--
  }
}

export function record(log: SlidingLog, units: number, now: number): void {
  log.count += units
  const newest = log.size - 1
  // A clock that went back counts on in the newest run: runs stay in order.
  if (log.size > 0 && now - field(log, newest, FIRST) < log.length / RUNS_PER_WINDOW) {
    log.runs[indexOf(log, newest, UNITS)] = field(log, newest, UNITS) + units
    if (now > field(log, newest, LAST)) log.runs[indexOf(log, newest, LAST)] = now
    return
  }
  if (log.size === capacityOf(log)) grow(log)
  log.size++
  log.runs[indexOf(log, newest + 1, FIRST)] = now
  log.runs[indexOf(log, newest + 1, LAST)] = now
  log.runs[indexOf(log, newest + 1, UNITS)] = units
}

/** Takes back what was recorded at `at`, if it has not left. What a clock that went back has recorded stays. */
export function erase(log: SlidingLog, units: number, at: number): void {
  let run = log.size - 1
  while (run > 0 && field(log, run, FIRST) > at) run--
  if (run < 0 || field(log, run, FIRST) > at || field(log, run, LAST) < at) return
  const erased = Math.min(units, field(log, run, UNITS))
  log.runs[indexOf(log, run, UNITS)] = field(log, run, UNITS) - erased
  log.count -= erased
}

/** When the next unit leaves; in an empty window that is now. */
export function nextLeaves(log: SlidingLog, now: number): number {
  return log.size === 0 ? now : field(log, 0, LAST) + log.length
}

/** When enough units will have left for `cost` to fit below `limit`. A cost above the limit never fits. */
export function fitsAt(log: SlidingLog, cost: number, limit: number, now: number): number {
  let count = log.count
  for (let run = 0; run < log.size; run++) {
    count -= field(log, run, UNITS)
    if (count + cost <= limit) return field(log, run, LAST) + log.length
  }
  return now + log.length
}

function grow(log: SlidingLog): void {
  const runs = new Float64Array(2 * log.runs.length)
  const beforeEnd = log.runs.subarray(log.head * FIELDS)
  runs.set(beforeEnd)
  runs.set(log.runs.subarray(0, log.head * FIELDS), beforeEnd.length)
  log.runs = runs
  log.head = 0
}

function capacityOf(log: SlidingLog): number {
  return log.runs.length / FIELDS
}

function indexOf(log: SlidingLog, run: number, name: number): number {
  return ((log.head + run) & (capacityOf(log) - 1)) * FIELDS + name
}

function field(log: SlidingLog, run: number, name: number): number {
  return log.runs[indexOf(log, run, name)] as number
}
