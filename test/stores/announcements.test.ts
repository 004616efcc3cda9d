import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { KeyStore, Change as Told } from '@latchkey/core'
import { openPostgres, openSqlite } from '@latchkey/store-sql'
import { type PostgresServer, startPostgres } from '@latchkey/test-servers'
import Libsql from 'libsql'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { describeWith } from '../requirements.ts'
import { type Hearing, hear } from './hearing.ts'
import { accountNamed, entryOf, keyNamed, secretOf } from './records.ts'
import {
  ACCOUNT,
  type Announced,
  BY_THE_STORE,
  KEY,
  key,
  ref,
  SIGNING,
  sealed,
  signing,
  text,
  UNHEARD,
} from './told-changes.ts'

interface Listened {
  readonly store: KeyStore
  /** Runs plain SQL on a connection of its own. */
  run(sql: string): Promise<unknown>
  /** What was announced since the last time, each once. */
  heard(): Promise<readonly Announced[]>
}

const BY_PLAIN_SQL: readonly (readonly [sql: string, announced: readonly Announced[]])[] = [
  [
    "insert into latchkey_accounts (id, plan, status, metadata, schema) values ('new', 'pro', 'active', '{}', 1)",
    [['account', null, 'new']],
  ],
  ["update latchkey_accounts set status = 'suspended'", [ACCOUNT]],
  ["update latchkey_accounts set id = 'renamed'", [ACCOUNT, ['account', null, 'renamed']]],
  ['delete from latchkey_accounts', [ACCOUNT]],
  [
    `insert into latchkey_keys (service, id, kind, account_id, name, permissions, created_at, metadata, revision, schema)
      values ('other', 'new', 'key', 'customer', 'ci', '[]', 0, '{}', '', 1)`,
    [['key', 'other', 'new']],
  ],
  ['update latchkey_keys set revoked_at = 0', [KEY, SIGNING]],
  ["update latchkey_keys set service = 'other' where id = 'key'", [KEY, ['key', 'other', 'key']]],
  ['delete from latchkey_keys', [KEY, SIGNING]],
  [
    `insert into latchkey_key_secrets (service, digest, key_id, number, display, created_at)
      values ('other', '${'0'.repeat(64)}', 'new', 1, 'x', 0)`,
    [['key', 'other', 'new']],
  ],
  ['update latchkey_key_secrets set expires_at = 0', [KEY]],
  ["update latchkey_key_secrets set key_id = 'signing'", [KEY, SIGNING]],
  ['delete from latchkey_key_secrets', [KEY]],
  [
    `insert into latchkey_signing_secrets (service, key_id, version, number, sealed, master_key_id, created_at)
      values ('other', 'new', 'v1', 1, 'x', 'x', 0)`,
    [['key', 'other', 'new']],
  ],
  ['update latchkey_signing_secrets set expires_at = 0', [SIGNING]],
  ['delete from latchkey_signing_secrets', [SIGNING]],
  ["update latchkey_keys set revoked_at = 0 where id = 'none'", []],
  ["insert into latchkey_uses (service, key_id, last_used_at) values ('acme', 'key', 0)", []],
  ["insert into latchkey_audit (at, actor, action, details) values (0, 'x', 'x', '{}')", []],
]

function announces(current: () => Listened): void {
  beforeEach(async () => {
    const { store, heard } = current()
    const keys = [
      { key, secrets: [text] },
      { key: signing, secrets: [sealed] },
    ]
    expect(await store.insertAll({ accounts: [accountNamed('customer')], keys })).toBe(true)
    expect(await heard()).toEqual([ACCOUNT, KEY, SIGNING])
  })

  it.each(BY_THE_STORE)('%s', async (_, change, announced) => {
    await change(current().store)
    expect(await current().heard()).toEqual(announced)
  })

  it.each(BY_PLAIN_SQL)('%s', async (sql, announced) => {
    await current().run(sql)
    expect(await current().heard()).toEqual(announced)
  })

  it.each(UNHEARD)('not: %s', async (_, change) => {
    await change(current().store)
    expect(await current().heard()).toEqual([])
  })

  it('not: a second revocation', async () => {
    await current().store.revokeKey(ref, null, entryOf('key.revoked'))
    expect(await current().heard()).toEqual([KEY])
    await current().store.revokeKey(ref, null, entryOf('key.revoked'))
    expect(await current().heard()).toEqual([])
  })

  it('not: what is rolled back', async () => {
    await current().run('begin; update latchkey_keys set revoked_at = 0; rollback')
    expect(await current().heard()).toEqual([])
  })
}

async function announcedTo(hearing: Hearing): Promise<readonly Announced[]> {
  return (await hearing.heard()).map(named)
}

function named(change: Told): Announced {
  if (change.kind === 'all') return ['all', null, null]
  return [change.kind, change.kind === 'key' ? change.service : null, change.id]
}

describe('an SQLite file tells, and its log gets,', () => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-announcements-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  let count = 0
  let store: KeyStore
  let database: Libsql.Database
  let hearing: Hearing

  beforeEach(async () => {
    const path = join(folder, `${++count}.db`)
    store = await openSqlite(path)
    database = new Libsql(path)
    // Of a log that is empty nobody can say what it has lost.
    database.exec("insert into latchkey_changes (kind, id) values ('account', 'before')")
    hearing = await hear(store)
  })
  afterEach(async () => {
    database.close()
    await store.close()
  })

  type Logged = {
    readonly sequence: number
    readonly kind: string
    readonly service: string | null
    readonly id: string
  }

  function log(): readonly Logged[] {
    return database.prepare('select * from latchkey_changes order by sequence').all() as Logged[]
  }

  announces(() => ({ store, run: async (sql) => database.exec(sql), heard: () => announcedTo(hearing) }))

  it('no more than ten thousand entries, the last ones, in one sequence', async () => {
    const { sequence: last = 0 } = log().at(-1) ?? {}
    database.exec(`with recursive n (i) as (select 1 union all select i + 1 from n where i < 10050)
      insert into latchkey_changes (kind, service, id) select 'key', 'acme', 'key ' || i from n`)
    await store.changeAccount('customer', { plan: 'free' }, entryOf('account.changed'))
    const entries = log()
    const sequences = entries.map(({ sequence }) => sequence)
    expect(sequences).toEqual(Array.from({ length: 10_000 }, (_, index) => last + 10_051 - 9999 + index))
    expect(entries.at(-2)).toEqual({ sequence: last + 10_050, kind: 'key', service: 'acme', id: 'key 10050' })
    expect(entries.at(-1)).toEqual({ sequence: last + 10_051, kind: 'account', service: null, id: 'customer' })
  })

  it('a sequence that never goes back, also where the log was emptied', async () => {
    const before = log().at(-1)?.sequence ?? 0
    database.exec('delete from latchkey_changes')
    await store.changeAccount('customer', { plan: 'free' }, entryOf('account.changed'))
    expect(log()).toEqual([{ sequence: before + 1, kind: 'account', service: null, id: 'customer' }])
  })
})

describeWith('postgres', 'a Postgres database tells', (found) => {
  let server: PostgresServer
  let url: string
  let store: KeyStore
  let writer: pg.Client
  let hearing: Hearing

  beforeAll(async () => {
    server = await startPostgres(found, { settings: { fsync: 'off' } })
    url = await server.database()
    store = await openPostgres(url)
    writer = new pg.Client({ connectionString: url })
    await writer.connect()
    hearing = await hear(store)
  }, 60_000)
  beforeEach(async () => {
    const tables = ['accounts', 'keys', 'key_secrets', 'signing_secrets', 'uses', 'audit']
    for (const table of tables) await writer.query(`delete from latchkey_${table}`)
    await heard()
  })
  afterAll(async () => {
    await Promise.all([writer?.end(), store?.close()])
    await server?.stop()
  })

  const heard = () => announcedTo(hearing)

  announces(() => ({ store, run: (sql) => writer.query(sql), heard }))

  it.each(['accounts', 'keys', 'key_secrets', 'signing_secrets'])(
    'that all may have changed: truncate %s',
    async (table) => {
      await writer.query(`truncate latchkey_${table}`)
      expect(await heard()).toEqual([['all', null, null]])
    },
  )

  it('not: truncate of uses and audit', async () => {
    await writer.query('truncate latchkey_uses, latchkey_audit')
    expect(await heard()).toEqual([])
  })

  it('a change with its commit, and not before', async () => {
    const other = new pg.Client({ connectionString: url })
    await other.connect()
    await other.query('begin')
    await other.query("update latchkey_keys set revoked_at = 0 where id = 'key'")
    expect(await heard()).toEqual([])
    await other.query('commit')
    expect(await heard()).toEqual([KEY])
    await other.end()
  })

  it('ids with any text in them', async () => {
    const id = `'"\\ \u2028 日本 ${'語'.repeat(245)}`
    await store.insertKey(keyNamed(id, { service: id }), secretOf('new'), entryOf('key.created'))
    expect(await heard()).toEqual([['key', id, id]])
  })
})
