import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openKysely } from '@latchkey/store-sql'
import { type PostgresServer, startPostgres } from '@latchkey/test-servers'
import { Kysely, PostgresDialect, SqliteDialect } from 'kysely'
import Libsql from 'libsql'
import pg from 'pg'
import { afterAll, beforeAll, describe } from 'vitest'
import { describeWith } from '../requirements.ts'
import { passesTheSuite } from './proven.ts'

/** Of stores whose test is not about it, in milliseconds: a busy machine is slow. */
const TIMEOUT = 30_000

describe('a store in an SQLite database that is open with Kysely', () => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-kysely-'))
  const database = new Libsql(join(folder, 'keys.db'))
  // As the application has one connection, so have all stores over it.
  const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database }) })
  afterAll(async () => {
    await db.destroy()
    rmSync(folder, { recursive: true })
  })

  const open = () => openKysely(db, { engine: 'sqlite', timeout: TIMEOUT })

  async function run(sql: string): Promise<readonly object[]> {
    if (/^select/.test(sql)) return database.prepare(sql).all() as object[]
    database.exec(sql)
    return []
  }

  passesTheSuite({ feed: { announces: false, lease: 40 }, open, run })
})

describeWith('postgres', 'a store in a Postgres database that is open with Kysely', (found) => {
  let server: PostgresServer
  let db: Kysely<unknown>
  let pool: pg.Pool

  beforeAll(async () => {
    server = await startPostgres(found, { settings: { fsync: 'off' } })
    pool = new pg.Pool({ connectionString: await server.database() })
    pool.on('error', () => {})
    db = new Kysely({ dialect: new PostgresDialect({ pool }) })
  }, 60_000)
  afterAll(async () => {
    // The server first: whatever hangs there ends with it.
    await server?.stop()
    await db?.destroy()
  })

  const open = () => openKysely(db, { engine: 'postgres', timeout: TIMEOUT })
  const run = async (sql: string) => (await pool.query(sql)).rows

  passesTheSuite({ feed: { announces: false, lease: 400 }, open, run })
})
