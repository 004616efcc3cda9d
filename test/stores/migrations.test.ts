import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { KeyStore } from '@latchkey/core'
import { type Engine, migrations, openPostgres, openSqlite } from '@latchkey/store-sql'
import { type PostgresServer, startPostgres } from '@latchkey/test-servers'
import Libsql from 'libsql'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeWith } from '../requirements.ts'
import { openAtOnce } from './openers.ts'
import { accountNamed, entryOf, keyNamed, refTo, SERVICE, sealedAs, secretOf, useOf } from './records.ts'

type Rows = readonly Readonly<Record<string, unknown>>[]

/** A database that nobody has used yet. */
interface NewDatabase {
  readonly url: string
  open(options?: { readonly migrate?: boolean }): Promise<KeyStore>
  /** Runs plain SQL, all in one transaction. The rows of the last statement. */
  run(sql: string): Promise<Rows>
  /** All that was ever created in it. */
  schema(): Promise<unknown>
}

const TABLES = [
  'latchkey_accounts',
  'latchkey_audit',
  'latchkey_balances',
  'latchkey_counts',
  'latchkey_key_secrets',
  'latchkey_keys',
  'latchkey_schema',
  'latchkey_settings',
  'latchkey_signing_secrets',
  'latchkey_usage',
  'latchkey_uses',
]

const folder = mkdtempSync(join(tmpdir(), 'latchkey-migrations-'))
afterAll(() => rmSync(folder, { recursive: true }))
let count = 0

function sqliteFile(): string {
  return join(folder, `${++count}.db`)
}

async function newSqlite(): Promise<NewDatabase> {
  const path = sqliteFile()
  const rows = (sql: string): Rows => {
    const database = new Libsql(path)
    try {
      // Several statements have no rows.
      if (/^select/.test(sql)) return database.prepare(sql).all() as Rows
      database.exec(`begin;\n${sql};\ncommit`)
      return []
    } finally {
      database.close()
    }
  }
  return {
    url: `sqlite:${path}`,
    open: (options) => openSqlite(path, options),
    run: async (sql) => rows(sql),
    schema: async () => rows('select type, name, tbl_name, sql from sqlite_master order by type, name'),
  }
}

const POSTGRES_SCHEMA = `select 'column' as kind, table_name as of, column_name as name,
  concat_ws(' ', ordinal_position, data_type, collation_name, is_nullable, column_default, is_identity) as definition
  from information_schema.columns where table_schema = 'public'
union all select 'index', tablename, indexname, indexdef from pg_indexes where schemaname = 'public'
union all select 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid)
  from pg_constraint where connamespace = 'public'::regnamespace
union all select 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) from pg_trigger
union all select 'function', '', proname, prosrc from pg_proc where pronamespace = 'public'::regnamespace
order by 1, 2, 3`

async function newPostgres(server: PostgresServer): Promise<NewDatabase> {
  const url = await server.database()
  const run = async (sql: string): Promise<Rows> => {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    try {
      const results = await client.query(sql)
      return Array.isArray(results) ? results.at(-1).rows : results.rows
    } finally {
      await client.end()
    }
  }
  return { url, open: (options) => openPostgres(url, options), run, schema: () => run(POSTGRES_SCHEMA) }
}

/** The tables, by name. */
async function tablesOf({ run }: NewDatabase, engine: Engine): Promise<readonly unknown[]> {
  const rows = await run(
    engine === 'sqlite'
      ? "select name from sqlite_master where type = 'table' and name not like 'sqlite_%' order by name"
      : "select table_name as name from information_schema.tables where table_schema = 'public' order by 1",
  )
  return rows.map(({ name }) => name)
}

async function versionsOf({ run }: NewDatabase): Promise<readonly number[]> {
  return (await run('select version from latchkey_schema order by version')).map(({ version }) => Number(version))
}

/** Uses each table. */
async function works(store: KeyStore): Promise<void> {
  const [account, key, secret] = [accountNamed('customer'), keyNamed('key'), secretOf('text')]
  expect(await store.insertAccount(account, entryOf('account.created'))).toBe(true)
  expect(await store.insertKey(key, secret, entryOf('key.created'))).toEqual({ kind: 'inserted' })
  await store.recordUses([useOf('key', 7)])
  expect(await store.findByDigest(SERVICE, secret.digest)).toEqual({ key, account, secret })
  expect((await store.findKey(refTo(key)))?.lastUsedAt).toBe(7)
  expect(await store.listUsage({ service: SERVICE, keyIds: ['key'], from: 0, to: 1 })).toHaveLength(1)
  expect(await store.deleteKey(refTo(key), entryOf('key.deleted'))).toBe(true)
  expect((await store.listAudit({ service: SERVICE, limit: 9 })).items.length).toBe(2)
  await store.close()
}

const NOT_MIGRATED = 'the database has schema version 0, and needs 4: migrate it'
const NEWER = 'the database has schema version 5, and this version of Latchkey knows 4'

function migrates(engine: Engine, newDatabase: () => Promise<NewDatabase>): void {
  const tables = engine === 'sqlite' ? [...TABLES, 'latchkey_changes'].sort() : TABLES

  it('a new database gets the schema, and says when', async () => {
    const database = await newDatabase()
    const before = Date.now()
    await works(await database.open())
    expect(await tablesOf(database, engine)).toEqual(tables)
    expect(await versionsOf(database)).toEqual([1, 2, 3, 4])
    const [row] = await database.run('select applied_at from latchkey_schema')
    expect(Number(row?.applied_at)).toBeGreaterThanOrEqual(before)
    expect(Number(row?.applied_at)).toBeLessThanOrEqual(Date.now())
  })

  it('opening it again changes nothing', async () => {
    const database = await newDatabase()
    await (await database.open()).close()
    const state = async () => [await database.schema(), await database.run('select * from latchkey_schema')]
    const before = await state()
    for (const migrate of [true, false]) await (await database.open({ migrate })).close()
    expect(await state()).toEqual(before)
    await works(await database.open({ migrate: false }))
  })

  it('a database with a newer schema is refused, and left as it is', async () => {
    const database = await newDatabase()
    await (await database.open()).close()
    await database.run('insert into latchkey_schema (version, applied_at) values (5, 0)')
    const before = await database.schema()
    for (const migrate of [true, false]) await expect(database.open({ migrate })).rejects.toEqual(new Error(NEWER))
    expect(await database.schema()).toEqual(before)
    expect(await versionsOf(database)).toEqual([1, 2, 3, 4, 5])
  })

  it('an empty database is refused and left empty where it must not be migrated', async () => {
    const database = await newDatabase()
    // In SQLite there is no database before somebody has made it.
    await database.run('create table other (id integer)')
    await expect(database.open({ migrate: false })).rejects.toEqual(new Error(NOT_MIGRATED))
    expect(await tablesOf(database, engine)).toEqual(['other'])
    await (await database.open()).close()
    expect(await tablesOf(database, engine)).toEqual([...tables, 'other'])
  })

  it('where only the table of versions is there, the rest follows', async () => {
    const database = await newDatabase()
    await database.run('create table latchkey_schema (version bigint primary key, applied_at bigint not null)')
    await expect(database.open({ migrate: false })).rejects.toEqual(new Error(NOT_MIGRATED))
    await works(await database.open())
    expect(await versionsOf(database)).toEqual([1, 2, 3, 4])
  })

  it('the SQL that is printed makes the same schema by hand', async () => {
    const [byHand, byStore] = [await newDatabase(), await newDatabase()]
    for (const { sql } of migrations(engine)) await byHand.run(sql)
    await (await byStore.open()).close()
    expect(await byHand.schema()).toEqual(await byStore.schema())
    expect(await versionsOf(byHand)).toEqual(migrations(engine).map(({ version }) => version))
    await (await byHand.open()).close()
    await works(await byHand.open({ migrate: false }))
  })

  it('a database of the first version gets the rest, and keeps what it has', async () => {
    const database = await newDatabase()
    const [first] = migrations(engine)
    await database.run(first?.sql ?? '')
    await database.run(
      "insert into latchkey_accounts (id, plan, status, metadata, schema) values ('old', 'pro', 'active', '{}', 1)",
    )
    await expect(database.open({ migrate: false })).rejects.toEqual(
      new Error('the database has schema version 1, and needs 4: migrate it'),
    )
    const store = await database.open()
    expect(await store.findAccount('old')).toEqual(accountNamed('old'))
    await works(store)
    expect(await versionsOf(database)).toEqual([1, 2, 3, 4])
  })

  it('a key that plain SQL deletes takes its secrets and uses with it, and no other key’s', async () => {
    const database = await newDatabase()
    const store = await database.open()
    const keys = ['a', 'b'].flatMap((id) => [
      { key: keyNamed(id), secrets: [secretOf(id), secretOf(`${id} 2`)] },
      { key: keyNamed(id, { service: 'other' }), secrets: [sealedAs(id)] },
    ])
    await store.insertAll({ accounts: [], keys })
    await store.recordUses(keys.map(({ key }) => useOf(key.id, 1, { service: key.service })))
    const left = async () => {
      const rows = ['key_secrets', 'signing_secrets', 'uses', 'usage'].map((table) =>
        database.run(`select service, key_id from latchkey_${table} order by service, key_id`),
      )
      return (await Promise.all(rows)).map((found) => found.map(({ service, key_id }) => `${service} ${key_id}`))
    }
    await database.run("delete from latchkey_keys where id = 'a'")
    const ofB = [
      [`${SERVICE} b`, `${SERVICE} b`],
      ['other b'],
      [`${SERVICE} b`, 'other b'],
      [`${SERVICE} b`, 'other b'],
    ]
    expect(await left()).toEqual(ofB)
    expect(await store.deleteKey({ service: SERVICE, id: 'b' }, entryOf('key.deleted'))).toBe(true)
    expect(await left()).toEqual([[], ['other b'], ['other b'], ['other b']])
    await store.close()
  })

  it('what fails in the middle leaves nothing of its version, and works when it no longer does', async () => {
    const database = await newDatabase()
    await database.run('create table latchkey_uses (id integer)')
    const message =
      engine === 'sqlite' ? 'table latchkey_uses already exists' : 'relation "latchkey_uses" already exists'
    await expect(database.open()).rejects.toThrow(message)
    expect(await tablesOf(database, engine)).toEqual(['latchkey_schema', 'latchkey_uses'])
    expect(await versionsOf(database)).toEqual([])
    await database.run('drop table latchkey_uses')
    await works(await database.open())
    expect(await tablesOf(database, engine)).toEqual(tables)
  })

  it('eight processes that open new databases at once find one schema', async () => {
    const databases = await Promise.all(Array.from({ length: 4 }, newDatabase))
    const answers = await openAtOnce(
      8,
      databases.map(({ url }) => url),
    )
    expect(answers).toEqual(Array.from({ length: 8 }, () => databases.map(() => 'opened')))
    for (const database of databases) {
      expect(await versionsOf(database)).toEqual([1, 2, 3, 4])
      expect(await tablesOf(database, engine)).toEqual(tables)
      await works(await database.open())
    }
  }, 60_000)
}

describe('an SQLite file', () => {
  migrates('sqlite', newSqlite)

  it('is readable for its owner alone, and so is what lies beside it', async () => {
    const path = sqliteFile()
    const store = await openSqlite(path)
    await store.insertAccount(accountNamed('a'), entryOf('account.created'))
    const modes = ['', '-wal', '-shm'].map((end) => (statSync(path + end).mode & 0o777).toString(8))
    expect(modes).toEqual(['600', '600', '600'])
    await store.close()
  })

  it('keeps its mode where it is there already', async () => {
    const path = sqliteFile()
    writeFileSync(path, '', { mode: 0o640 })
    await (await openSqlite(path)).close()
    expect((statSync(path).mode & 0o777).toString(8)).toBe('640')
  })

  it('that is not there is not made where it must not be migrated', async () => {
    const path = sqliteFile()
    const message = `ENOENT: no such file or directory, stat '${path}'`
    await expect(openSqlite(path, { migrate: false })).rejects.toThrow(message)
    expect(existsSync(path)).toBe(false)
  })

  it('that is a directory is refused', async () => {
    const path = sqliteFile()
    mkdirSync(path)
    await expect(openSqlite(path)).rejects.toEqual(new Error(`${path} is no file`))
  })

  it('in a directory that is not there is refused', async () => {
    const path = join(sqliteFile(), 'keys.db')
    await expect(openSqlite(path)).rejects.toThrow(`ENOENT: no such file or directory, open '${path}'`)
  })

  it('that is no database is refused, and left as it is', async () => {
    const path = sqliteFile()
    const text = 'This is no database.\n'.repeat(100)
    writeFileSync(path, text)
    await expect(openSqlite(path)).rejects.toThrow(/^file is not a database$/)
    expect(readFileSync(path, 'utf8')).toBe(text)
  })

  it('is a file, whatever its name looks like', async () => {
    const before = process.cwd()
    process.chdir(folder)
    try {
      await (await openSqlite('file:odd.db')).close()
      expect([existsSync('file:odd.db'), existsSync('odd.db')]).toEqual([true, false])
      expect((statSync('file:odd.db').mode & 0o777).toString(8)).toBe('600')
    } finally {
      process.chdir(before)
    }
  })

  it('in memory is one for each store, and promises nothing', async () => {
    const [a, b] = [await openSqlite(':memory:'), await openSqlite(':memory:')]
    expect(a.capabilities).toEqual({
      durable: false,
      shared: false,
      consistency: 'immediate',
      announces: true,
      lease: 0,
    })
    await a.insertAccount(accountNamed('a'), entryOf('account.created'))
    expect([await a.findAccount('a'), await b.findAccount('a')]).toEqual([accountNamed('a'), undefined])
  })
})

describeWith('postgres', 'a Postgres database', (found) => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres(found, { settings: { fsync: 'off' } })
  }, 60_000)
  afterAll(() => server?.stop())

  migrates('postgres', () => newPostgres(server))

  it('gets one schema from stores of one process that open at once', async () => {
    const database = await newPostgres(server)
    const stores = await Promise.all(Array.from({ length: 8 }, () => database.open()))
    expect(await versionsOf(database)).toEqual([1, 2, 3, 4])
    for (const store of stores) await store.close()
  })

  it('that is up to date is opened and used by a role that may create nothing', async () => {
    const database = await newPostgres(server)
    await (await database.open()).close()
    const role = `latchkey_${crypto.randomUUID().replaceAll('-', '')}`
    await database.run(`create role ${role} login password 'guest';
      revoke create on schema public from public;
      grant usage on schema public to ${role};
      grant select, insert, update, delete on all tables in schema public to ${role}`)
    const url = Object.assign(new URL(database.url), { username: role, password: 'guest' }).href
    await works(await openPostgres(url))
    await database.run(`drop owned by ${role}; drop role ${role}`)
  })

  it('that is empty is not opened by a role that may create nothing', async () => {
    const database = await newPostgres(server)
    const role = `latchkey_${crypto.randomUUID().replaceAll('-', '')}`
    await database.run(`create role ${role} login password 'guest'; revoke create on schema public from public`)
    const url = Object.assign(new URL(database.url), { username: role, password: 'guest' }).href
    await expect(openPostgres(url)).rejects.toThrow('permission denied for schema public')
    expect(await tablesOf(database, 'postgres')).toEqual([])
    await database.run(`drop role ${role}`)
  })

  it('sorts ids byte by byte, whatever its own order of words is', async () => {
    const { url, run } = await newPostgres(server)
    const name = `${new URL(url).pathname.slice(1)}_en`
    await run(`create database ${name} template template0 encoding utf8 locale_provider icu icu_locale 'en-US'`)
    const store = await openPostgres(Object.assign(new URL(url), { pathname: name }).href)
    const keys = ['b', 'A', 'a', 'B', 'é', '-b'].map((id) => ({ key: keyNamed(id), secrets: [] }))
    expect(await store.insertAll({ accounts: [], keys })).toBe(true)
    const { items } = await store.listKeys({ service: SERVICE, limit: 9 })
    expect(items.map(({ key }) => key.id)).toEqual(['-b', 'A', 'B', 'a', 'b', 'é'])
    await store.close()
    await run(`drop database ${name} with (force)`)
  })
})

it('a Postgres server that is not there is told of at once, without the password', async () => {
  const url = 'postgres://user:hunter2-hunter2@127.0.0.1:1/keys'
  // Whoever waited for the timeout would wait for longer than this test.
  const error = await openPostgres(url, { timeout: 60_000 }).catch((error) => error)
  expect({ message: error.message, ...error }).toEqual({
    message: 'connect ECONNREFUSED 127.0.0.1:1',
    code: 'ECONNREFUSED',
  })
  expect(error.cause).toBeUndefined()
})
