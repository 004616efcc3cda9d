/** One lookup in a store with many keys, beside the driver's own lookup of the same row. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAuth, digestKey, type KeyStore } from '@latchkey/core'
import { openPostgres, openSqlite } from '@latchkey/store-sql'
import { findPostgres, startPostgres } from '@latchkey/test-servers'
import Libsql from 'libsql'
import pg from 'pg'
import { contract, insertCustomer, keyRequest, newKey, recordsOf } from './fixtures.ts'
import { number, type Report, table } from './markdown.ts'
import { ownRow } from './own.ts'
import { prove, type Row, timeRows, wallClock } from './rounds.ts'
import { measureUse } from './store-use.ts'

/** So many of the keys are asked for at each size, one after the other; they lie among the others. */
const ASKED = 1000
/** A size is filled up in so many steps, and in each of them lie some that are asked for. */
const STEPS = 10

/** The same join as the store's, as somebody would write it by hand. */
const LOOKUP = (first: string, second: string) => `
  select k.*, a.plan, a.status, s.digest, s.expires_at as secret_expires_at
  from latchkey_key_secrets s
  join latchkey_keys k on k.service = s.service and k.id = s.key_id
  left join latchkey_accounts a on a.id = k.account_id
  where s.service = ${first} and s.digest = ${second}`

/** What an exact quota asks of a database at least. */
const GUARDED = 'update quota set n = n - 1 where n > 0 returning n'

interface Sizes {
  readonly keys: readonly number[]
  readonly rounds: number
}

export async function benchStores(quick: boolean): Promise<Report> {
  const sizes = { keys: quick ? [100, 10_000] : [100, 10_000, 1_000_000], rounds: quick ? 3 : 15 }
  const reports = [await benchSqlite(sizes), await benchPostgres(sizes)]
  return {
    markdown: [
      '## Stores',
      `A key is found by its digest, with its account: by the driver alone, by the store, and as a whole decision without a
cache (extraction, format, digest, lookup, checks). Microseconds, medians of interleaved rounds, one caller at a time; in
brackets the ratio to the first row. Then 1,000 keys of a server that keeps what it has read.`,
      ...reports.map(({ markdown }) => markdown),
    ].join('\n\n'),
    targets: reports.flatMap(({ targets }) => targets),
  }
}

async function benchSqlite({ keys, rounds }: Sizes): Promise<Report> {
  const statements = countLibsql()
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-bench-'))
  const store = await openSqlite(join(directory, 'keys.db'))
  const raw = new Libsql(join(directory, 'keys.db'))
  try {
    const asked = await askedKeys(store)
    const [version] = raw.prepare('select sqlite_version() as version').all() as readonly { readonly version: string }[]
    const lookup = raw.prepare(LOOKUP('?', '?'))
    const rows = [
      {
        name: 'libsql, prepared statement',
        run: (i: number) => lookup.get(contract.name, digestKey(asked.text(i))) !== undefined,
      },
      ...storeRows(store, asked),
    ]
    const fill = async (from: number, to: number) => {
      const series = 'with recursive n(i) as (select ? union all select i + 1 from n where i < ?)'
      raw.exec('begin')
      raw
        .prepare(`${series} insert into latchkey_keys select 'bench', 'filler_' || i, 'key', 'customer', 'Filler', null,
          '[]', 0, null, null, null, '{}', null, null, '', 1 from n`)
        .run(from, to - 1)
      raw
        .prepare(`${series} insert into latchkey_key_secrets select 'bench', lower(hex(randomblob(32))), 'filler_' || i, 1,
          '…', 0, null from n`)
        .run(from, to - 1)
      raw.exec('commit')
    }
    const analyze = async () => raw.exec('analyze')
    const grown = await grow(rows, asked, { keys, rounds }, 2000, fill, analyze)
    raw.exec('pragma synchronous = full; create table quota (n int); insert into quota values (1000000000)')
    const guarded = raw.prepare(GUARDED)
    const update = () => guarded.all().length === 1
    const use = await measureUse({ name: 'SQLite', store, statements, update, writeLimit: 1 }, rounds)
    return {
      markdown: [`### SQLite ${version?.version} (libsql)`, grown, use.markdown].join('\n\n'),
      targets: use.targets,
    }
  } finally {
    raw.close()
    await store.close()
    rmSync(directory, { recursive: true })
  }
}

async function benchPostgres({ keys, rounds }: Sizes): Promise<Report> {
  const statements = countPg()
  const found = findPostgres()
  if (found === undefined) {
    return { markdown: '### Postgres\n\nIt is not installed, so nothing was measured.', targets: [] }
  }
  const server = await startPostgres(found)
  const url = await server.database()
  const store = await openPostgres(url)
  const raw = new pg.Client({ connectionString: url })
  await raw.connect()
  try {
    const asked = await askedKeys(store)
    const { rows: versions } = await raw.query('show server_version')
    const text = LOOKUP('$1', '$2')
    const ask = (i: number, query: object) =>
      raw.query({ text, values: [contract.name, digestKey(asked.text(i))], ...query })
    const rows = [
      { name: 'pg, query', run: async (i: number) => (await ask(i, {})).rows.length > 0 },
      {
        name: 'pg, prepared statement',
        run: async (i: number) => (await ask(i, { name: 'lookup' })).rows.length > 0,
      },
      ...storeRows(store, asked),
    ]
    const fill = async (from: number, to: number) => {
      // Nobody listens, and a million announcements are not what is measured.
      await raw.query(
        'alter table latchkey_keys disable trigger all; alter table latchkey_key_secrets disable trigger all',
      )
      await raw.query(
        `insert into latchkey_keys select 'bench', 'filler_' || i, 'key', 'customer', 'Filler', null, '[]', 0, null, null,
          null, '{}', null, null, '', 1 from generate_series($1::int, $2::int) i`,
        [from, to - 1],
      )
      await raw.query(
        `insert into latchkey_key_secrets select 'bench', md5(i::text) || md5('x' || i), 'filler_' || i, 1, '…', 0, null
          from generate_series($1::int, $2::int) i`,
        [from, to - 1],
      )
      await raw.query(
        'alter table latchkey_keys enable trigger all; alter table latchkey_key_secrets enable trigger all',
      )
    }
    const analyze = () => raw.query('vacuum analyze')
    const grown = await grow(rows, asked, { keys, rounds }, 500, fill, analyze)
    await raw.query('create table quota (n int); insert into quota values (1000000000)')
    const update = async () => (await raw.query(GUARDED)).rows.length === 1
    const use = await measureUse({ name: 'Postgres', store, statements, update, writeLimit: 2 }, rounds)
    return {
      markdown: [`### Postgres ${versions[0]?.server_version.split(' ')[0]} (pg)`, grown, use.markdown].join('\n\n'),
      targets: use.targets,
    }
  } finally {
    await raw.end()
    await store.close()
    await server.stop()
  }
}

interface Asked {
  /** The i-th text that is asked for; −1 is one of no key. */
  text(i: number): string
  /** Puts so many more into the store. */
  add(number: number): Promise<void>
  count(): number
}

async function askedKeys(store: KeyStore): Promise<Asked> {
  await insertCustomer(store)
  const stranger = newKey()
  const texts: string[] = []
  return {
    text: (i) => (i < 0 ? stranger : (texts[i % texts.length] ?? '')),
    count: () => texts.length,
    async add(number) {
      const added = Array.from({ length: number }, newKey)
      await store.insertAll(recordsOf(added))
      texts.push(...added)
    },
  }
}

function storeRows(store: KeyStore, asked: Asked): readonly Row[] {
  // Each time read: what is kept is measured by itself.
  const auth = createAuth({ contract, store, cache: false })
  const found = (match: object | undefined) => match !== undefined
  return [
    {
      name: 'store.findByDigest',
      run(i) {
        const match = store.findByDigest(contract.name, digestKey(asked.text(i)))
        return match instanceof Promise ? match.then(found) : found(match)
      },
    },
    ownRow('authenticate', auth.authenticator(), (i) => keyRequest(asked.text(i))),
  ]
}

/** Measures at each size, filling up in between. */
async function grow(
  rows: readonly Row[],
  asked: Asked,
  { keys: sizes, rounds }: Sizes,
  count: number,
  fill: (from: number, to: number) => Promise<void>,
  analyze: () => Promise<unknown>,
): Promise<string> {
  const columns: (readonly string[])[] = []
  let others = 0
  for (const size of sizes) {
    const wanted = Math.min(size, ASKED)
    const fills = stepsBetween(others, size - wanted)
    for (const [step, [from, to]] of stepsBetween(asked.count(), wanted).entries()) {
      await asked.add(to - from)
      const [first, last] = fills[step] ?? [0, 0]
      if (last > first) await fill(first, last)
    }
    others = size - wanted
    await analyze()
    for (const row of rows) await prove(row, 0, -1)
    const timed = await timeRows(rows, { rounds, count, clock: wallClock })
    const floor = timed[0]?.median ?? 1
    columns.push(timed.map(({ median }) => `${number(median)} (${number(median / floor)})`))
  }
  return table(
    ['', ...sizes.map((size) => `${size.toLocaleString('en')} keys`)],
    rows.map(({ name }, i) => [name, ...columns.map((column) => column[i] ?? '')]),
  )
}

function stepsBetween(from: number, to: number): readonly (readonly [from: number, to: number])[] {
  const at = (step: number) => from + Math.floor(((to - from) * step) / STEPS)
  return Array.from({ length: STEPS }, (_, step) => [at(step), at(step + 1)] as const)
}

/** Those that write uses, which are timed apart, name keys too. */
function isOnKeys(sql: string): boolean {
  return /latchkey_key/.test(sql) && !/latchkey_(uses|usage)/.test(sql)
}

interface Statement {
  all(...parameters: unknown[]): unknown[]
}

/** Counts the statements on keys that libsql is given, of databases that are opened from now on. */
function countLibsql(): () => number {
  let count = 0
  const prototype = Libsql.prototype as { prepare(sql: string): Statement }
  const { prepare } = prototype
  prototype.prepare = function (sql: string) {
    const statement = prepare.call(this, sql)
    if (!isOnKeys(sql)) return statement
    const all = statement.all.bind(statement)
    statement.all = (...parameters: unknown[]) => {
      count++
      return all(...parameters)
    }
    return statement
  }
  return () => count
}

/** Counts the statements on keys that pg is given. */
function countPg(): () => number {
  let count = 0
  const { prototype } = pg.Client
  const query: (...values: unknown[]) => unknown = prototype.query
  const counted = function (this: pg.Client, ...values: unknown[]) {
    const [first] = values as [string | { readonly text: string }]
    if (isOnKeys(typeof first === 'string' ? first : first.text)) count++
    return query.apply(this, values)
  }
  prototype.query = counted as typeof prototype.query
  return () => count
}
