import { medianOf, ratioOf, type Target } from './statistics.ts'

/** One way to do the work. */
export interface Row {
  readonly name: string
  /** Does it once, for the i-th credential. Says whether the credential was accepted. */
  readonly run: (i: number) => boolean | Promise<boolean>
}

export interface Timed {
  readonly name: string
  /** Microseconds for one, by round. */
  readonly rounds: readonly number[]
  /** Of the rounds. */
  readonly median: number
}

export interface Rounds {
  readonly rounds: number
  /** How much of its work a row does in a round, if it can do so much in {@link SLICE}. */
  readonly count: number
  /** Default: the processor's, which does not run while other programs have the processor. */
  readonly clock?: (() => number) | undefined
  /** Made anew before each round, such as tokens that nobody has seen. */
  readonly prepare?: (() => void) | undefined
}

/** Microseconds of this process, on all its threads. */
function processorClock(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** Microseconds that pass, also while another process does the work. */
export function wallClock(): number {
  return performance.now() * 1000
}

/** How long a row may take for a round, in milliseconds: a slow one does less of the work. */
const SLICE = 20
/** So many rounds are done before they count: until the compiler has done its work. */
const WARM_UP = 8

/** A row that does not tell good from bad measures nothing: `good` must be accepted, `bad` refused. */
export async function prove(row: Row, good: number, bad: number): Promise<void> {
  if (!(await row.run(good))) throw new Error(`${row.name} refuses a good credential`)
  if (await row.run(bad)) throw new Error(`${row.name} accepts a bad credential`)
}

/**
 * Times rows in rounds, each row in each round, so that what the machine does meanwhile is shared by all. A row is warmed
 * up first, and then does `count` of its work in each round.
 */
export async function timeRows(
  rows: readonly Row[],
  { rounds, count, clock = processorClock, prepare }: Rounds,
): Promise<readonly Timed[]> {
  const counts = new Map<string, number>(rows.map(({ name }) => [name, count]))
  for (let round = 0; round < WARM_UP; round++) {
    prepare?.()
    for (const row of rows) {
      const done = counts.get(row.name) ?? count
      // A few first: what is slow is not waited for.
      const few = await timeOne(row, Math.min(done, 20), 0, clock)
      const each = await timeOne(row, Math.max(1, Math.min(done, Math.floor((SLICE * 1000) / few))), 0, clock)
      counts.set(row.name, Math.max(1, Math.min(count, Math.floor((SLICE * 1000) / each))))
    }
  }
  const times = new Map<string, number[]>(rows.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    prepare?.()
    for (const row of rows) {
      const done = counts.get(row.name) ?? count
      times.get(row.name)?.push(await timeOne(row, done, prepare === undefined ? round * done : 0, clock))
    }
  }
  return rows.map(({ name }) => {
    const measured = times.get(name) ?? []
    return { name, rounds: measured, median: medianOf(measured) }
  })
}

export function timedOf(timed: readonly Timed[], name: string): Timed {
  const found = timed.find((one) => one.name === name)
  if (found === undefined) throw new Error(`there is no row ${name}`)
  return found
}

/** What may take at most so many times as long as another. */
export function atMost(what: string, timed: Timed, other: Timed, limit: number, unit: string): Target {
  return { what, measured: ratioOf(timed.rounds, other.rounds), limit, direction: 'at most', unit }
}

async function timeOne({ run }: Row, count: number, first: number, clock: () => number): Promise<number> {
  const start = clock()
  for (let i = first; i < first + count; i++) {
    const answer = run(i)
    // What is answered at once is not waited for, as in the adapters.
    if (typeof answer !== 'boolean') await answer
  }
  return (clock() - start) / count
}
