/** The lease that all processes on a database share: stored once, and the same for each way to open it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { KeyStore } from '@latchkey/core'
import { type Engine, migrations, openKysely, openPostgres, openSqlite } from '@latchkey/store-sql'
import { type PostgresServer, startPostgres } from '@latchkey/test-servers'
import { Kysely, PostgresDialect, SqliteDialect } from 'kysely'
import Libsql from 'libsql'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeWith } from '../requirements.ts'
import { openDatabase } from './database.ts'
import { openWithLeases } from './openers.ts'

interface Options {
  readonly lease?: number
  readonly migrate?: boolean
}

/** A database that nobody has used yet. */
interface NewDatabase {
  readonly url: string
  open(options?: Options): Promise<KeyStore>
  openWithKysely(options?: Options): Promise<KeyStore>
  /** Runs plain SQL. */
  run(sql: string): Promise<void>
}

function agrees(engine: Engine, byDefault: number, newDatabase: () => Promise<NewDatabase>): void {
  /** What a store says of its lease, as it is opened and closed. */
  async function told(opening: Promise<KeyStore>): Promise<readonly unknown[]> {
    await using store = await opening
    return [store.capabilities.announces, store.capabilities.lease, store.changes?.lease]
  }

  const refused = (stored: number, asked: number) =>
    new Error(`the database has a lease of ${stored} ms, and ${asked} ms were asked for`)

  it('is the default where the database has none', async () => {
    const { open, openWithKysely } = await newDatabase()
    expect(await told(open())).toEqual([true, byDefault, byDefault])
    expect(await told(open({ lease: byDefault }))).toEqual([true, byDefault, byDefault])
    expect(await told(openWithKysely())).toEqual([false, byDefault, undefined])
  })

  it('is what the first one asked for, and nobody opens the database with another one', async () => {
    const { open, openWithKysely } = await newDatabase()
    expect(await told(open({ lease: 70 }))).toEqual([true, 70, 70])
    for (const lease of [0, 69, byDefault, 60_000]) {
      await expect(open({ lease })).rejects.toEqual(refused(70, lease))
      await expect(openWithKysely({ lease })).rejects.toEqual(refused(70, lease))
    }
    expect(await told(open())).toEqual([true, 70, 70])
    expect(await told(openWithKysely({ lease: 70 }))).toEqual([false, 70, undefined])
  })

  it('may come from a store that tells nothing itself', async () => {
    const { open, openWithKysely } = await newDatabase()
    expect(await told(openWithKysely({ lease: 80 }))).toEqual([false, 80, undefined])
    expect(await told(open())).toEqual([true, 80, 80])
  })

  it('of 0 is that nobody keeps anything', async () => {
    const { open, openWithKysely } = await newDatabase()
    for (const options of [{ lease: 0 }, {}]) expect(await told(open(options))).toEqual([false, 0, undefined])
    expect(await told(openWithKysely())).toEqual([false, 0, undefined])
  })

  it('is stored too where another tool has applied the migrations', async () => {
    const { open, run } = await newDatabase()
    for (const { sql } of migrations(engine)) await run(sql)
    expect(await told(open({ migrate: false, lease: 90 }))).toEqual([true, 90, 90])
    await expect(open({ lease: 91 })).rejects.toEqual(refused(90, 91))
  })

  it.each(['', '-1', '1.5', 'soon', '60001', '1e3'])('of %j is refused as damaged', async (value) => {
    const { open, openWithKysely, run } = await newDatabase()
    await (await open()).close()
    await run(`update latchkey_settings set value = '${value}' where name = 'lease'`)
    const damaged = new Error('the lease in latchkey_settings is damaged')
    await expect(open()).rejects.toEqual(damaged)
    await expect(openWithKysely()).rejects.toEqual(damaged)
  })

  it('is one where stores of one process that open at once ask for different ones', async () => {
    const { open } = await newDatabase()
    const opened = await Promise.allSettled([50, 60, 70].map((lease) => open({ lease })))
    const stores = opened.flatMap((opening) => (opening.status === 'fulfilled' ? [opening.value] : []))
    expect(stores.length).toBe(1)
    for (const store of stores) await store.close()
  })

  it('is one where processes that open a new database at once ask for different ones', async () => {
    const databases = await Promise.all(Array.from({ length: 4 }, newDatabase))
    const leases = [50, 60, 60, 70]
    const answers = await openWithLeases(
      leases,
      databases.map(({ url }) => url),
    )
    for (const [index, { open }] of databases.entries()) {
      const [, stored] = await told(open())
      expect(answers.map((each) => each[index])).toEqual(
        leases.map((asked) => (asked === stored ? 'opened' : String(refused(Number(stored), asked)))),
      )
    }
  }, 60_000)
}

describe('the lease of an SQLite file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-leases-'))
  const opened: Kysely<unknown>[] = []
  afterAll(async () => {
    for (const db of opened) await db.destroy()
    rmSync(folder, { recursive: true })
  })
  let count = 0

  agrees('sqlite', 40, async () => {
    const path = join(folder, `${++count}.db`)
    return {
      url: `sqlite:${path}`,
      open: (options) => openSqlite(path, options),
      openWithKysely(options) {
        const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database: new Libsql(path) }) })
        opened.push(db)
        return openKysely(db, { engine: 'sqlite', ...options })
      },
      async run(sql) {
        const database = new Libsql(path)
        database.exec(sql)
        database.close()
      },
    }
  })

  it('is nobody’s in memory, and 0 switches keeping off there too', async () => {
    await using store = await openSqlite(':memory:', { lease: 70 })
    expect([store.capabilities.lease, store.changes?.lease]).toEqual([0, Number.POSITIVE_INFINITY])
    await using off = await openSqlite(':memory:', { lease: 0 })
    expect([off.capabilities.announces, off.changes]).toEqual([false, undefined])
  })
})

describeWith('postgres', 'the lease of a Postgres database', (found) => {
  let server: PostgresServer
  const opened: Kysely<unknown>[] = []
  beforeAll(async () => {
    server = await startPostgres(found, { settings: { fsync: 'off' } })
  }, 60_000)
  afterAll(async () => {
    for (const db of opened) await db.destroy()
    await server?.stop()
  })

  async function newDatabase(): Promise<NewDatabase> {
    const url = await server.database()
    return {
      url,
      open: (options) => openPostgres(url, { timeout: 30_000, ...options }),
      openWithKysely(options) {
        const db = new Kysely<unknown>({
          dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: url }) }),
        })
        opened.push(db)
        return openKysely(db, { engine: 'postgres', timeout: 30_000, ...options })
      },
      async run(sql) {
        const database = await openDatabase(url)
        await database.rows(sql)
        await database.close()
      },
    }
  }

  agrees('postgres', 400, newDatabase)

  it('is read by a role that may only read', async () => {
    const { url, open, run } = await newDatabase()
    await (await open({ lease: 70 })).close()
    const role = `latchkey_${crypto.randomUUID().replaceAll('-', '')}`
    await run(`create role ${role} login password 'guest'; grant usage on schema public to ${role};
      grant select on all tables in schema public to ${role}`)
    await using store = await openPostgres(Object.assign(new URL(url), { username: role, password: 'guest' }).href)
    expect([store.capabilities.lease, await store.findAccount('nobody')]).toEqual([70, undefined])
    await run(`drop owned by ${role}; drop role ${role}`)
  })
})
