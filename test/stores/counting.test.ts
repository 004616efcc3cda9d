/** What requests use up is counted exactly in SQLite, by the clock of who counts. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openKysely, openSqlite } from '@latchkey/store-sql'
import { Kysely, SqliteDialect } from 'kysely'
import Libsql from 'libsql'
import { afterAll, describe } from 'vitest'
import { countsExactly } from './counting.ts'
import { rowsOf } from './database.ts'

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
