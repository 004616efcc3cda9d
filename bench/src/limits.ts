/** What it costs to count a request: in this process, in Redis, in SQLite and in Postgres. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Allowance, type Charge, type Ledger, type Limiter, memoryLedger, memoryLimiter } from '@latchkey/core'
import { openRedis } from '@latchkey/store-redis'
import { openPostgres, openSqlite } from '@latchkey/store-sql'
import { findPostgres, findRedis, startPostgres, startRedis } from '@latchkey/test-servers'
import Libsql from 'libsql'
import pg from 'pg'
import {
  type RateLimiterAbstract,
  RateLimiterMemory,
  RateLimiterPostgres,
  RateLimiterRedis,
} from 'rate-limiter-flexible'
import { createClient } from 'redis'
import { type Report, timedTable } from './markdown.ts'
import { atMost, prove, type Row, type Timed, timedOf, timeRows, wallClock } from './rounds.ts'

/** So many keys are counted, one after the other. */
const KEYS = 100
const PLENTY = 1_000_000_000

const ONE_WINDOW = 'Latchkey, a sliding window'
const TWO_WINDOWS = 'Latchkey, two sliding windows at once'
const BALANCE = 'Latchkey, an exact quota'

export async function benchLimits(quick: boolean): Promise<Report> {
  const rounds = quick ? 3 : 15
  const reports = [
    await benchMemory(rounds),
    await benchRedis(rounds),
    await benchSqlite(rounds),
    await benchPostgres(rounds),
  ]
  return {
    markdown: [
      '## Limits',
      `One request is counted, for one of ${KEYS} keys, one caller at a time; microseconds. A window slides and counts exactly;
those of rate-limiter-flexible are fixed. A quota is taken from a balance that lasts, a window from a count that a crash of the
database's machine may set back by a second.`,
      ...reports.map(({ markdown }) => markdown),
    ].join('\n\n'),
    targets: reports.flatMap(({ targets }) => targets),
  }
}

async function benchMemory(rounds: number): Promise<Report> {
  const counts = new Map<string, number>()
  const floor: Row = {
    name: 'a number in a Map',
    run(i) {
      const id = idOf(i)
      const used = (counts.get(id) ?? 0) + 1
      counts.set(id, used)
      return used <= limitOf(i)
    },
  }
  const rows = [
    floor,
    ...ownRows(memoryLimiter(), memoryLedger()),
    peerRow(new RateLimiterMemory(inWindow(PLENTY)), new RateLimiterMemory(inWindow(0))),
  ]
  const timed = await timeProven(rows, rounds * 3, 2000)
  return { markdown: markdownOf('In this process', timed), targets: [] }
}

async function benchRedis(rounds: number): Promise<Report> {
  const found = findRedis()
  if (found === undefined) return leftOut('Redis')
  const server = await startRedis(found)
  const client = createClient({ url: server.url })
  await client.connect()
  const store = await openRedis(server.url)
  try {
    const inRedis = (points: number) =>
      new RateLimiterRedis({ ...inWindow(points), storeClient: client, useRedisPackage: true })
    const floor: Row = { name: 'INCR', run: async (i) => (await client.incr(idOf(i))) <= limitOf(i) }
    const rows = [floor, ...ownRows(store.limiter, store.ledger), peerRow(inRedis(PLENTY), inRedis(0))]
    return { markdown: markdownOf('Redis', await timeProven(rows, rounds, 500)), targets: [] }
  } finally {
    await store.close()
    client.destroy()
    await server.stop()
  }
}

/** What an exact quota asks of a database at least. */
const GUARDED = (parameter: string) => `update quota set n = n - 1 where id = ${parameter} and n > 0 returning n`
const QUOTA = 'create table quota (id text primary key, n bigint)'

async function benchSqlite(rounds: number): Promise<Report> {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-bench-'))
  const path = join(directory, 'keys.db')
  const store = await openSqlite(path)
  const raw = new Libsql(path)
  try {
    raw.exec(`pragma synchronous = full; ${QUOTA}`)
    const insert = raw.prepare('insert into quota values (?, ?)')
    for (let i = -1; i < KEYS; i++) insert.run(idOf(i), limitOf(i))
    const guarded = raw.prepare(GUARDED('?'))
    const floor: Row = { name: 'guarded UPDATE', run: (i) => guarded.all(idOf(i)).length === 1 }
    const timed = await timeProven([floor, ...ownRows(store.limiter, store.ledger)], rounds, 500)
    return reportOf('SQLite', timed, floor)
  } finally {
    raw.close()
    await store.close()
    rmSync(directory, { recursive: true })
  }
}

async function benchPostgres(rounds: number): Promise<Report> {
  const found = findPostgres()
  if (found === undefined) return leftOut('Postgres')
  const server = await startPostgres(found)
  const url = await server.database()
  const store = await openPostgres(url)
  const pool = new pg.Pool({ connectionString: url })
  try {
    await pool.query(QUOTA)
    for (let i = -1; i < KEYS; i++) await pool.query('insert into quota values ($1, $2)', [idOf(i), limitOf(i)])
    const floor: Row = {
      name: 'guarded UPDATE',
      run: async (i) => (await pool.query({ text: GUARDED('$1'), values: [idOf(i)] })).rows.length === 1,
    }
    const rows = [
      floor,
      ...ownRows(store.limiter, store.ledger),
      peerRow(await inPostgres(pool, PLENTY), await inPostgres(pool, 0)),
    ]
    return reportOf('Postgres', await timeProven(rows, rounds, 300), floor)
  } finally {
    await pool.end()
    await store.close()
    await server.stop()
  }
}

/** The i-th key; −1 is one that may do nothing. */
function idOf(i: number): string {
  return i < 0 ? 'nobody' : `key ${i % KEYS}`
}

function limitOf(i: number): number {
  return i < 0 ? 0 : PLENTY
}

function ownRows(limiter: Limiter | undefined, ledger: Ledger | undefined): readonly Row[] {
  if (limiter === undefined || ledger === undefined) throw new Error('the store counts nothing')
  return [limitRow(ONE_WINDOW, limiter, [60]), limitRow(TWO_WINDOWS, limiter, [60, 3600]), quotaRow(ledger)]
}

function limitRow(name: string, limiter: Limiter, lengths: readonly number[]): Row {
  const chargeOf = (i: number): Charge => ({
    windows: lengths.map((seconds) => ({ name, bucket: idOf(i), seconds, limit: limitOf(i), cost: 1 })),
    slots: undefined,
  })
  // As an auth has them: made once for each principal.
  const charges = Array.from({ length: KEYS }, (_, i) => chargeOf(i))
  const refused = chargeOf(-1)
  return {
    name,
    run(i) {
      const taken = limiter.take(charges[i % KEYS] ?? refused, Date.now())
      return taken instanceof Promise ? taken.then((it) => it.taken) : taken.taken
    },
  }
}

function quotaRow(ledger: Ledger): Row {
  const allowanceOf = (i: number): Allowance => {
    return { balanceId: idOf(i), limit: limitOf(i), start: 0, end: Number.POSITIVE_INFINITY }
  }
  const allowances = Array.from({ length: KEYS }, (_, i) => allowanceOf(i))
  const refused = allowanceOf(-1)
  return {
    name: BALANCE,
    run(i) {
      const charged = ledger.reserve(allowances[i % KEYS] ?? refused, 1)
      return charged instanceof Promise ? charged.then((it) => it?.charged === true) : charged?.charged === true
    },
  }
}

/** A peer's, with plenty for all, and one with nothing for whoever is to be refused. */
function peerRow(plenty: RateLimiterAbstract, nothing: RateLimiterAbstract): Row {
  return {
    name: 'rate-limiter-flexible, a fixed window',
    // It rejects where it refuses.
    run: (i) =>
      (i < 0 ? nothing : plenty).consume(idOf(i)).then(
        () => true,
        () => false,
      ),
  }
}

function inWindow(points: number) {
  return { keyPrefix: `points ${points}`, points, duration: 60 }
}

function inPostgres(storeClient: pg.Pool, points: number): Promise<RateLimiterAbstract> {
  return new Promise((resolve, reject) => {
    const options = { ...inWindow(points), storeClient, tableName: `points_${points}` }
    const limiter = new RateLimiterPostgres(options, (error) => (error ? reject(error) : resolve(limiter)))
  })
}

async function timeProven(rows: readonly Row[], rounds: number, count: number): Promise<readonly Timed[]> {
  for (const row of rows) await prove(row, 0, -1)
  return timeRows(rows, { rounds, count, clock: wallClock })
}

function reportOf(where: string, timed: readonly Timed[], floor: Row): Report {
  const quota = timedOf(timed, BALANCE)
  const update = timedOf(timed, floor.name)
  return {
    markdown: markdownOf(where, timed),
    targets: [atMost(`exact quota, ${where}`, quota, update, 1.5, 'of a guarded UPDATE')],
  }
}

function markdownOf(where: string, timed: readonly Timed[]): string {
  const [floor] = timed as readonly [Timed]
  return [`### ${where}`, timedTable(timed, [floor.name, floor], timedOf(timed, ONE_WINDOW))].join('\n\n')
}

function leftOut(where: string): Report {
  return { markdown: `### ${where}\n\nIt is not installed, so nothing was measured.`, targets: [] }
}
