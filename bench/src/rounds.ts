/** One way to do the work. */
export interface Row {
  readonly name: string
  /** Does it once, for the i-th credential. Says whether the credential was accepted. */
  readonly run: (i: number) => boolean | Promise<boolean>
}

export interface Timed {
  readonly name: string
  /** Microseconds for one, the median of the rounds. */
  readonly median: number
}

/** A row that does not tell good from bad measures nothing: `good` must be accepted, `bad` refused. */
export async function prove(row: Row, good: number, bad: number): Promise<void> {
  if (!(await row.run(good))) throw new Error(`${row.name} refuses a good credential`)
  if (await row.run(bad)) throw new Error(`${row.name} accepts a bad credential`)
}

/**
 * Times rows in rounds, each row in each round, so that what the machine does meanwhile is shared by all. A row is warmed up
 * first, and then does `count` of its work in each round.
 */
export async function timeRows(rows: readonly Row[], rounds: number, count: number): Promise<readonly Timed[]> {
  const times = new Map<string, number[]>(rows.map(({ name }) => [name, []]))
  for (const row of rows) await timeOne(row, count, 0)
  for (let round = 0; round < rounds; round++) {
    for (const row of rows) times.get(row.name)?.push(await timeOne(row, count, round * count))
  }
  return rows.map(({ name }) => ({ name, median: medianOf(times.get(name) ?? []) }))
}

async function timeOne(row: Row, count: number, first: number): Promise<number> {
  const start = process.hrtime.bigint()
  for (let i = first; i < first + count; i++) {
    const answer = row.run(i)
    // What is answered at once is not waited for, as in the adapters.
    if (typeof answer !== 'boolean') await answer
  }
  return Number(process.hrtime.bigint() - start) / 1000 / count
}

function medianOf(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}
