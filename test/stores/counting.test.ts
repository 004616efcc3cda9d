/** What requests use up is counted exactly, by stores of every kind. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openKysely, openPostgres, openSqlite } from '@latchkey/store-sql'
import { type PostgresServer, startPostgres } from '@latchkey/test-servers'
import { Kysely, PostgresDialect, SqliteDialect } from 'kysely'
import Libsql from 'libsql'
import pg from 'pg'
import { afterAll, beforeAll, describe } from 'vitest'
import { describeWith } from '../requirements.ts'
import { countsExactly } from './counting.ts'
import { openDatabase } from './database.ts'

async function rowsOf(url: string, sql: string): Promise<readonly object[]> {
  const database = await openDatabase(url)
  try {
    return await database.rows(sql)
  } finally {
    await database.close()
  }
}

/** Of stores, in milliseconds: a busy machine is slow. */
const TIMEOUT = 30_000

describe('SQLite', () => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-counting-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  describe('in a file', () => {
    const path = join(folder, 'keys.db')
    countsExactly({ open: () => openSqlite(path, { timeout: TIMEOUT }), rows: (sql) => rowsOf(`sqlite:${path}`, sql) })
  })

  describe('that is open with Kysely', () => {
    const database = new Libsql(join(folder, 'kysely.db'))
    const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database }) })
    afterAll(() => db.destroy())
    countsExactly({
      open: () => openKysely(db, { engine: 'sqlite', timeout: TIMEOUT }),
      rows: async (sql) => database.prepare(sql).all() as object[],
    })
  })
})

describeWith('postgres', 'Postgres', (found: string) => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres(found, { settings: { fsync: 'off' } })
  }, 60_000)
  afterAll(() => server?.stop())

  /** A database whose clock shows what it is told. */
  function timed(settings: string) {
    const database = { url: '' }
    beforeAll(async () => {
      database.url = await server.database()
      await (await openPostgres(database.url)).close()
      const name = new URL(database.url).pathname.slice(1)
      await rowsOf(database.url, `${settings.replace('DATABASE', name)};
        create table clock (now bigint);
        insert into clock values (0);
        create or replace function latchkey_now() returns bigint language sql volatile as 'select now from clock'`)
    })
    let shown = { now: 0, set: Promise.resolve() as Promise<unknown> }
    const setClock = async (now: number) => {
      if (shown.now !== now) shown = { now, set: rowsOf(database.url, `update clock set now = ${now}`) }
      await shown.set
    }
    return { database, setClock, rows: (sql: string) => rowsOf(database.url, sql) }
  }

  describe('by its URL', () => {
    const { database, setClock, rows } = timed('')
    countsExactly({ open: () => openPostgres(database.url, { timeout: TIMEOUT }), setClock, rows })
  })

  describe('where every transaction is as if it were alone', () => {
    const { database, setClock, rows } = timed("alter database DATABASE set default_transaction_isolation = 'serializable'")
    countsExactly({ open: () => openPostgres(database.url, { timeout: TIMEOUT }), setClock, rows })
  })

  describe('that is open with Kysely', () => {
    const { database, setClock, rows } = timed('')
    countsExactly({
      async open() {
        const pool = new pg.Pool({ connectionString: database.url })
        const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
        const store = await openKysely(db, { engine: 'postgres', timeout: TIMEOUT })
        return { ...store, close: () => db.destroy() }
      },
      setClock,
      rows,
    })
  })
})
