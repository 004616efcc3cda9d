/** What a store costs a server in use: on a check of a key that is kept, and when uses are written. */
import { createAuth, type KeyStore, memoryStore } from '@latchkey/core'
import { contract, insertCustomer, keyRequest, newKey, recordsOf } from './fixtures.ts'
import { number, type Report, table } from './markdown.ts'
import { ownRow } from './own.ts'
import { prove, type Row, timeRows, wallClock } from './rounds.ts'
import { exactly, ratioOf } from './statistics.ts'

const KEYS = 1000
const CHECKS = 10_000
/** So many of a server's checks are noted before they are written. */
const NOTED = 50_000

export interface Engine {
  readonly name: string
  readonly store: KeyStore
  /** How many statements on keys the driver has been given, but for those that write uses. */
  readonly statements: () => number
  /** One `update … set n = n - 1 where n > 0 returning n`, by the driver alone. */
  readonly update: () => boolean | Promise<boolean>
  /** What a written use may cost for each check, in microseconds. */
  readonly writeLimit: number
}

export async function measureUse(
  { name, store, statements, update, writeLimit }: Engine,
  rounds: number,
): Promise<Report> {
  const texts = Array.from({ length: KEYS }, newKey)
  const records = recordsOf(texts)
  await store.insertAll(records)
  const [kept, read] = [createAuth({ contract, store }), createAuth({ contract, store, cache: false })]
  const requests = [...texts, newKey()].map(keyRequest)
  const request = (i: number) => requests.at(i < 0 ? i : i % KEYS) ?? keyRequest('')
  const rows: readonly Row[] = [
    ownRow('check, kept', kept.authenticator(), request),
    ownRow('check, read from the store', read.authenticator(), request),
    { name: 'guarded UPDATE by the driver alone', run: update },
  ]
  for (const row of rows.slice(0, 2)) await prove(row, 0, -1)
  const timed = await timeRows(rows, { rounds, count: KEYS, clock: wallClock })

  const [warm] = rows as readonly [Row]
  const before = statements()
  for (let i = 0; i < CHECKS; i++) {
    await warm.run(i)
    // A server's other work goes on meanwhile.
    if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  const asked = (statements() - before) / CHECKS
  await Promise.all([kept.close(), read.close()])

  const written = await writeCosts(store, records, request, Math.min(rounds, 9))
  const perCheck = ratioOf(
    written,
    written.map(() => NOTED),
  )
  return {
    markdown: table(
      [name, ''],
      [
        ...timed.map(({ name, median }) => [`${name}, µs`, number(median)]),
        ['statements on keys for a check, kept, but for its use', number(asked)],
        [`uses written, µs for each of ${NOTED.toLocaleString('en')} checks`, number(perCheck.median)],
      ],
    ),
    targets: [
      {
        what: `statements for a check, kept, ${name}`,
        measured: exactly(asked),
        limit: 0,
        direction: 'at most',
        unit: '',
      },
      {
        what: `uses written, ${name}`,
        measured: perCheck,
        limit: writeLimit,
        direction: 'at most',
        unit: 'µs a check',
      },
    ],
  }
}

/** Microseconds to write the uses of so many checks: of keys that are in memory too, so that nothing else is timed. */
async function writeCosts(
  store: KeyStore,
  records: ReturnType<typeof recordsOf>,
  request: Parameters<typeof ownRow>[2],
  rounds: number,
): Promise<readonly number[]> {
  const memory = memoryStore()
  await insertCustomer(memory)
  memory.insertAll(records)
  const costs: number[] = []
  for (let round = 0; round < rounds; round++) {
    const reader = { ...memory, recordUses: (uses: Parameters<KeyStore['recordUses']>[0]) => store.recordUses(uses) }
    const auth = createAuth({ contract, store: reader })
    const { run } = ownRow('noted', auth.authenticator(), request)
    for (let i = 0; i < NOTED; i++) run(i)
    const start = performance.now()
    await auth.close()
    costs.push((performance.now() - start) * 1000)
  }
  return costs
}
