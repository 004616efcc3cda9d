import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pass } from 'node:timers/promises'
import type { KeyStore } from '@latchkey/core'
import { openKysely } from '@latchkey/store-sql'
import { type PostgresServer, startPostgres } from '@latchkey/test-servers'
import {
  CamelCasePlugin,
  Kysely,
  ParseJSONResultsPlugin,
  PostgresDialect,
  type PostgresPool,
  type PostgresPoolClient,
  SqliteDialect,
  sql,
} from 'kysely'
import Libsql from 'libsql'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeWith } from '../requirements.ts'
import { hidesValues } from './hidden-values.ts'
import { keepsTextsOrRefusesThem } from './hostile.ts'
import { accountNamed, entryOf, keyNamed, NOW, refTo, SERVICE, secretOf, useOf } from './records.ts'

/** Of stores whose test is not about it, in milliseconds: a busy machine is slow. */
const TIMEOUT = 30_000

/** Whatever an application has told Kysely for its own tables. */
const plugins = [new CamelCasePlugin(), new ParseJSONResultsPlugin()]

/** What holds on every dialect. */
function isGuest(open: () => Promise<{ readonly store: KeyStore; readonly db: Kysely<unknown> }>): void {
  it("does not mind the application's plugins", async () => {
    const { store } = await open()
    const id = crypto.randomUUID()
    const metadata = { snake_case: { camelCase: ['[]'] } }
    const [account, key, secret] = [
      accountNamed(id, { metadata }),
      keyNamed(id, { accountId: id, metadata }),
      secretOf(id),
    ]
    expect(await store.insertAll({ accounts: [account], keys: [{ key, secrets: [secret] }] })).toBe(true)
    expect(await store.findByDigest(SERVICE, secret.digest)).toEqual({ key, account, secret })
    expect(await store.changeKey(refTo(key), { metadata }, entryOf('key.changed', metadata))).toEqual(key)
    const { items } = await store.listAudit({ service: SERVICE, keyId: id, limit: 1 })
    expect(items.map(({ details }) => details)).toEqual([metadata])
    await store.close()
  })

  it('leaves the database open, and answers no more', async () => {
    const { store, db } = await open()
    await store.close()
    const closed = new Error('the store is closed')
    await expect(Promise.resolve().then(() => store.findAccount('a'))).rejects.toEqual(closed)
    await expect(Promise.resolve().then(() => store.recordUses([useOf('a', 1)]))).rejects.toEqual(closed)
    expect((await sql`select 1 as one`.execute(db)).rows).toEqual([{ one: 1 }])
  })

  it('is not opened in a transaction, in which it could make none of its own', async () => {
    const { store, db } = await open()
    await db.transaction().execute(async (transaction) => {
      const opening = openKysely(transaction, { engine: 'sqlite' })
      await expect(opening).rejects.toEqual(new TypeError('db must be a Kysely, and no transaction'))
    })
    await store.close()
  })
}

describe('a store in an SQLite database that is open with Kysely', () => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-kysely-'))
  const database = new Libsql(join(folder, 'keys.db'))
  // As the application has one connection, so have all stores over it.
  const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database }), plugins })
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

  describe('and texts', () => keepsTextsOrRefusesThem({ open, run }))
  describe('and what it throws, which holds no values:', () => hidesValues({ open, run }))
  isGuest(async () => ({ store: await open(), db }))
})

describeWith('postgres', 'a store in a Postgres database that is open with Kysely', (found) => {
  let server: PostgresServer
  let db: Kysely<unknown>
  let pool: pg.Pool

  beforeAll(async () => {
    server = await startPostgres(found, { settings: { fsync: 'off', default_transaction_isolation: 'serializable' } })
    pool = new pg.Pool({ connectionString: await server.database() })
    pool.on('error', () => {})
    db = new Kysely({ dialect: new PostgresDialect({ pool }), plugins })
  }, 60_000)
  afterAll(async () => {
    // The server first: whatever hangs there ends with it.
    await server?.stop()
    await db?.destroy()
  })

  const open = () => openKysely(db, { engine: 'postgres', timeout: TIMEOUT })
  const run = async (sql: string) => (await pool.query(sql)).rows

  describe('and what it throws, which holds no values:', () => hidesValues({ open, run }))
  isGuest(async () => ({ store: await open(), db }))

  it('makes changes one after the other, whatever isolation the database has by default', async () => {
    const store = await open()
    const key = keyNamed(crypto.randomUUID())
    await store.insertKey(key, secretOf(key.id), entryOf('key.created'))
    const rotations = Array.from({ length: 40 }, (_, index) =>
      store.rotateKey(refTo(key), secretOf(`${key.id} ${index}`), NOW, entryOf('key.rotated')),
    )
    expect((await Promise.all(rotations)).filter((rotated) => rotated === undefined)).toEqual([])
    await store.close()
  })

  /** Somebody who holds a key's row, so that changes of it wait. */
  async function lockerOf(id: string): Promise<pg.PoolClient> {
    const locker = await pool.connect()
    await locker.query('begin')
    await locker.query(`select * from latchkey_keys where id = '${id}' for update`)
    return locker
  }

  it('does not make a change that was given up in the meantime', async () => {
    const [store, hasty] = [await open(), await openKysely(db, { engine: 'postgres', timeout: 200 })]
    const key = keyNamed(crypto.randomUUID())
    await store.insertKey(key, secretOf(key.id), entryOf('key.created'))
    const locker = await lockerOf(key.id)
    const late = Promise.resolve(hasty.changeKey(refTo(key), { name: 'late' }, entryOf('key.changed')))
    const rejected = expect(late).rejects.toEqual(new Error('no answer within 200 ms'))
    await pass(300)
    await locker.query('rollback')
    locker.release()
    await rejected
    expect((await store.findKey(refTo(key)))?.key).toEqual(key)
    await Promise.all([store.close(), hasty.close()])
  })

  it('does not hold what a process that went away without a word has locked', async () => {
    const store = await open()
    const key = keyNamed(crypto.randomUUID())
    await store.insertKey(key, secretOf(key.id), entryOf('key.created'))
    const lost = new pg.Pool({ ...pool.options, max: 1 })
    lost.on('connect', (client) => client.on('error', () => {}))
    await new Promise<void>((isGone) => {
      const dialect = new PostgresDialect({ pool: goingAt(lost, /insert into "latchkey_audit"/, isGone) })
      openKysely(new Kysely<unknown>({ dialect }), { engine: 'postgres', timeout: 300 }).then((gone) =>
        gone.revokeKey(refTo(key), null, entryOf('key.revoked')),
      )
    })
    expect(await store.changeKey(refTo(key), { name: 'later' }, entryOf('key.changed'))).toEqual({
      ...key,
      name: 'later',
    })
    await store.close()
  })
})

/** The pool of a process that is gone at such a statement: it has sent it, and nothing is heard of it from then on. */
function goingAt(pool: pg.Pool, statement: RegExp, isGone: () => void): PostgresPool {
  return {
    async connect() {
      const client = await pool.connect()
      async function query(sql: string, parameters: readonly unknown[]) {
        const answer = await client.query(sql, [...parameters])
        if (!statement.test(sql)) return answer
        isGone()
        return new Promise<never>(() => {})
      }
      return { query, release: () => client.release() } as unknown as PostgresPoolClient
    },
    end: () => pool.end(),
  }
}
