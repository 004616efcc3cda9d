/** What stores tell of their changes, where a connection breaks, a log has a gap, or others write. */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as pass } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Change, KeyStore } from '@latchkey/core'
import { openPostgres, openSqlite, type PostgresPool } from '@latchkey/store-sql'
import { type PostgresServer, startPostgres } from '@latchkey/test-servers'
import Libsql from 'libsql'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { describeWith } from '../requirements.ts'
import { feedOf, hear } from './hearing.ts'
import { openAtOnce } from './openers.ts'
import { accountNamed, entryOf, keyNamed, refTo, SERVICE, secretOf, useOf } from './records.ts'
import { startProxy } from './tcp-proxy.ts'

const ALL: Change = { kind: 'all' }
const CLOSED = new Error('the store is closed')

// Programs and servers are started, and a busy machine is slow.
vi.setConfig({ testTimeout: 60_000 })

const account = (id: string): Change => ({ kind: 'account', id })

async function insertAccount(store: KeyStore): Promise<Change> {
  const id = crypto.randomUUID()
  await store.insertAccount(accountNamed(id), entryOf('account.created'))
  return account(id)
}

/** With the length of its id in the id's place. */
function short(change: Change): unknown {
  return change.kind === 'all' ? change : { ...change, id: change.id.length }
}

/** Whether it has been answered, in one way or the other. */
function watched(answer: Promise<unknown>): { readonly isSettled: () => boolean } {
  let isSettled = false
  const settle = () => {
    isSettled = true
  }
  answer.then(settle, settle)
  return { isSettled: () => isSettled }
}

/** A program of its own that listens to a store. */
async function hearElsewhere(url: string) {
  const program = fileURLToPath(new URL('programs/dist/hear.js', import.meta.url))
  const env = { PATH: process.env.PATH }
  const stdio: ['pipe', 'pipe', 'inherit'] = ['pipe', 'pipe', 'inherit']
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn(process.execPath, [program, url], { env, stdio })
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const next = async () => JSON.parse((await lines.next()).value ?? 'null')
  expect(await next()).toBe('ready')
  return {
    async heard(): Promise<readonly Change[]> {
      child.stdin.write('\n')
      return next()
    },
    /** Its input ends. What it says then, and how it ends. */
    async end() {
      const ended = once(child, 'exit')
      child.stdin.end()
      return [await next(), (await ended)[0]]
    },
  }
}

/** What holds on every database that tells its changes. */
function tells(current: () => { readonly url: string; open(): Promise<KeyStore> }): void {
  it('is heard by another process, which then ends by itself', async () => {
    const { url, open } = current()
    const store = await open()
    await insertAccount(store)
    const other = await hearElsewhere(url)
    const changes = [await insertAccount(store), await insertAccount(store)]
    expect(await other.heard()).toEqual(changes)
    expect(await other.heard()).toEqual([])
    expect(await other.end()).toEqual(['lost', 0])
    await store.close()
  })

  it('ends all subscriptions when it is closed, each once', async () => {
    const store = await current().open()
    const [first, second, closed] = [await hear(store), await hear(store), await hear(store)]
    await closed.close()
    await closed.close()
    await store.close()
    await store.close()
    expect([first, second, closed].map(({ losses }) => losses)).toEqual([[CLOSED], [CLOSED], []])
    for (const { beat } of [first, second, closed]) await expect(beat()).rejects.toThrow(/closed|ended/)
    await expect(hear(store)).rejects.toEqual(CLOSED)
    await expect((async () => feedOf(store).announce(ALL))()).rejects.toEqual(CLOSED)
  })
}

describe('what changes in an SQLite file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-feeds-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  let count = 0

  async function opened() {
    const path = join(folder, `${++count}.db`)
    const store = await openSqlite(path)
    await insertAccount(store)
    const database = new Libsql(path)
    const close = async () => {
      database.close()
      await store.close()
    }
    return { path, store, database, hearing: await hear(store), close }
  }

  const shared = join(folder, 'shared.db')
  tells(() => ({ url: `sqlite:${shared}`, open: () => openSqlite(shared) }))

  it('is told before the call that makes it returns, where this process makes it', async () => {
    const { path, store, hearing, close } = await opened()
    const other = await openSqlite(path)
    expect([await insertAccount(store)]).toEqual(hearing.told())
    const there = await insertAccount(other)
    expect(hearing.told()).toEqual([])
    expect(await hearing.heard()).toEqual([there])
    await other.close()
    await close()
  })

  it('is asked for without a promise', async () => {
    const { store, close } = await opened()
    const subscription = await feedOf(store).subscribe({ changed: () => {}, lost: () => {} })
    expect(subscription.beat()).toBeUndefined()
    await close()
  })

  it('may be anything, where the log has lost what came after the last look', async () => {
    const { store, database, hearing, close } = await opened()
    const many = (number: number) =>
      database.exec(`with recursive n (i) as (select 1 union all select i + 1 from n where i < ${number})
        insert into latchkey_changes (kind, id) select 'account', 'account ' || i from n`)
    many(9999)
    expect((await hearing.heard()).length).toBe(9999)
    many(12_000)
    expect(await hearing.heard()).toEqual([ALL])
    expect(await hearing.heard()).toEqual([])
    expect([await insertAccount(store)]).toEqual(hearing.told())
    await close()
  })

  it.each([
    ['is emptied', 'delete from latchkey_changes'],
    [
      'is emptied and begun anew',
      `delete from latchkey_changes; delete from sqlite_sequence where name = 'latchkey_changes';
       insert into latchkey_changes (kind, id) values ('account', 'a'), ('account', 'b'), ('account', 'c')`,
    ],
    [
      'has lost its last entries',
      'delete from latchkey_changes where sequence = (select max(sequence) from latchkey_changes)',
    ],
    ['says what nobody understands', "insert into latchkey_changes (kind, id) values ('team', 'a')"],
    ['names a key without its service', "insert into latchkey_changes (kind, id) values ('key', 'a')"],
  ])('may be anything, where the log %s', async (_, sql) => {
    const { database, store, hearing, close } = await opened()
    expect(await hearing.heard()).toEqual([])
    database.exec(sql)
    expect(await hearing.heard()).toEqual([ALL])
    // Where the log is empty, the next change is the first one again.
    await insertAccount(store)
    hearing.told()
    const next = await insertAccount(store)
    expect(hearing.told()).toEqual([next])
    await close()
  })

  it('is trusted no more where the log cannot be read', async () => {
    const { database, store, hearing, close } = await opened()
    database.exec('alter table latchkey_changes rename to elsewhere')
    await expect(hearing.beat()).rejects.toThrow('no such table: latchkey_changes')
    await expect(hearing.beat()).rejects.toThrow('the subscription has ended')
    expect(hearing.losses.length).toBe(1)
    await expect(hear(store)).rejects.toThrow('no such table: latchkey_changes')
    database.exec('alter table elsewhere rename to latchkey_changes')
    const again = await hear(store)
    expect([await insertAccount(store)]).toEqual(await again.heard())
    expect(hearing.told()).toEqual([])
    await close()
  })

  it('is not announced by a name that the log would cut off', async () => {
    const { store, hearing, close } = await opened()
    const announce = async () => feedOf(store).announce(account('a\0b'))
    await expect(announce()).rejects.toEqual(new TypeError('every text must be well-formed Unicode without NUL'))
    expect(await hearing.heard()).toEqual([])
    await close()
  })

  it('is made all the same where whoever listens fails', async () => {
    const { store, close } = await opened()
    const lost: unknown[] = []
    const failure = new Error('no more')
    await feedOf(store).subscribe({
      changed() {
        throw failure
      },
      lost: (cause) => void lost.push(cause),
    })
    const { kind } = await insertAccount(store)
    expect([kind, lost]).toEqual(['account', [failure]])
    await close()
  })

  it('is read on a connection that gives up no lock when it is closed', async () => {
    const { path, store, hearing, close } = await opened()
    const other = await hear(store)
    await other.close()
    expect(await openAtOnce(1, [`sqlite:${path}`])).toEqual([['opened']])
    expect(existsSync(`${path}-wal`)).toBe(true)
    expect([await insertAccount(store)]).toEqual(hearing.told())
    await close()
    expect(await openAtOnce(1, [`sqlite:${path}`])).toEqual([['opened']])
  })
})

describe('what changes in a database in memory', () => {
  it('is told before the call that makes it returns, and nobody waits', async () => {
    const store = await openSqlite(':memory:')
    expect([feedOf(store).lease, store.capabilities.lease]).toEqual([Number.POSITIVE_INFINITY, 0])
    const before = await insertAccount(store)
    const hearing = await hear(store)
    const changes = [await insertAccount(store), await insertAccount(store)]
    expect(hearing.told()).toEqual(changes)
    await feedOf(store).announce(before)
    expect(hearing.told()).toEqual([before])
    expect(await hearing.heard()).toEqual([])
    await store.close()
    expect(hearing.losses).toEqual([CLOSED])
  })
})

describeWith('postgres', 'what changes in a Postgres database', (found) => {
  let server: PostgresServer
  let url: string
  let admin: pg.Client

  beforeAll(async () => {
    server = await startPostgres(found, { settings: { fsync: 'off' } })
    url = await server.database()
    await (await openPostgres(url)).close()
    admin = new pg.Client({ connectionString: url })
    await admin.connect()
  }, 60_000)
  afterAll(async () => {
    await admin?.end()
    await server?.stop()
  })

  /** Errors that nobody has handled: they would end the process. */
  const strays: unknown[] = []
  const note = (error: unknown) => void strays.push(error)
  beforeAll(() => void process.on('uncaughtException', note).on('unhandledRejection', note))
  afterAll(() => void process.off('uncaughtException', note).off('unhandledRejection', note))

  const open = () => openPostgres(url, { timeout: 30_000 })

  /** The server's ends of the connections that listen. */
  async function listeners(): Promise<readonly number[]> {
    const { rows } = await admin.query(`select pid from pg_stat_activity
      where datname = current_database() and query like 'listen latchkey;%'`)
    return rows.map(({ pid }) => pid)
  }

  tells(() => ({ url, open }))

  it.each(['', 'x', 'null', '7', '[]', '{"kind":"key"}', '["key",null,"a"]', '["key","a"]', '["account",null,7]'])(
    'may be anything, where a notification says %j',
    async (payload) => {
      const store = await open()
      const hearing = await hear(store)
      await admin.query("select pg_notify('latchkey', $1)", [payload])
      expect(await hearing.heard()).toEqual([ALL])
      await store.close()
    },
  )

  it('may be anything, where a name is longer than a notification', async () => {
    const store = await open()
    const hearing = await hear(store)
    const insert = (id: string) =>
      admin.query(
        "insert into latchkey_accounts (id, plan, status, metadata, schema) values ($1, 'pro', 'active', '{}', 1)",
        [id],
      )
    // Of 7999 bytes the other parts of the text take 21, or 19 where it is written without spaces.
    const nameOf = (bytes: number) => 'é'.repeat(bytes / 2)
    for (const [bytes, inserted, announced] of [
      [7978, account(nameOf(7978)), account(nameOf(7978))],
      [7980, ALL, account(nameOf(7980))],
      [7982, ALL, ALL],
      [20_000, ALL, ALL],
    ] as const) {
      await insert(nameOf(bytes))
      expect((await hearing.heard()).map(short)).toEqual([short(inserted)])
      await feedOf(store).announce(account(nameOf(bytes)))
      expect((await hearing.heard()).map(short)).toEqual([short(announced)])
    }
    await store.close()
  })

  it('is told in the order of the commits, by whatever connections', async () => {
    const store = await open()
    const hearing = await hear(store)
    const [first, second] = [new pg.Client({ connectionString: url }), new pg.Client({ connectionString: url })]
    await Promise.all([first.connect(), second.connect()])
    const notify = (client: pg.Client, id: string) =>
      client.query(`select pg_notify('latchkey', '["account",null,"${id}"]')`)
    await first.query('begin')
    await notify(first, 'begun first')
    await notify(second, 'committed first')
    expect(await hearing.heard()).toEqual([account('committed first')])
    await first.query('commit')
    expect(await hearing.heard()).toEqual([account('begun first')])
    await Promise.all([first.end(), second.end()])
    await store.close()
  })

  it('is not told by a connection that the server has ended: that is said once, and heartbeats reject', async () => {
    const store = await open()
    const hearing = await hear(store)
    await hearing.beat()
    const [pid] = await listeners()
    await admin.query('select pg_terminate_backend($1)', [pid])
    while (hearing.losses.length === 0) await pass(5)
    await expect(hearing.beat()).rejects.toThrow('terminating connection')
    expect(hearing.losses).toEqual([
      Object.assign(new Error('terminating connection due to administrator command'), { code: '57P01' }),
    ])
    const again = await hear(store)
    expect([await insertAccount(store)]).toEqual(await again.heard())
    expect([hearing.told(), hearing.losses.length, strays]).toEqual([[], 1, []])
    await store.close()
  })

  describe('on connections that go by different ways', () => {
    /** A pool whose first connection after `next()` goes by the proxy. */
    async function ways() {
      const [proxy, direct] = [await startProxy(url), new pg.Pool({ connectionString: url })]
      const proxied = new pg.Pool({ connectionString: proxy.url })
      for (const pool of [direct, proxied]) pool.on('error', () => {})
      let isNext = false
      const pool: PostgresPool = {
        connect() {
          const from = isNext ? proxied : direct
          isNext = false
          return from.connect()
        },
      }
      const store = await openPostgres(pool, { timeout: 30_000 })
      isNext = true
      const hearing = await hear(store)
      const stop = async () => {
        await store.close()
        await Promise.all([direct.end(), proxied.end()])
        await proxy.stop()
      }
      return { proxy, store, hearing, stop }
    }

    it('is asked for by another one than the one that listens', async () => {
      const { proxy, hearing, stop } = await ways()
      proxy.count()
      await hearing.beat()
      expect(proxy.count()).toEqual({ connections: 0, statements: 0 })
      await stop()
    })

    it('is not answered before what was made, where the one that listens is cut off', async () => {
      const { proxy, store, hearing, stop } = await ways()
      proxy.break({ kind: 'hang' })
      const change = await insertAccount(store)
      const beat = hearing.beat()
      const { isSettled } = watched(beat)
      await insertAccount(store)
      expect([isSettled(), hearing.told()]).toEqual([false, []])
      proxy.heal()
      await beat
      expect(hearing.told()).toContainEqual(change)
      await stop()
    })

    it('rejects heartbeats that are under way when the one that listens breaks', async () => {
      const { proxy, hearing, stop } = await ways()
      proxy.break({ kind: 'hang' })
      const beats = [hearing.beat(), hearing.beat()]
      const settled = Promise.allSettled(beats)
      proxy.break({ kind: 'reset' })
      expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
      expect(hearing.losses.length).toBe(1)
      expect(strays).toEqual([])
      await stop()
    })

    it('rejects heartbeats that are under way when the subscription is closed, and loses nothing', async () => {
      const { proxy, hearing, stop } = await ways()
      proxy.break({ kind: 'hang' })
      const beat = expect(hearing.beat()).rejects.toEqual(new Error('the subscription is closed'))
      await hearing.close()
      await beat
      expect(hearing.losses).toEqual([])
      await stop()
    })
  })

  it('is lost where the connection that listens answers what cannot be read', async () => {
    const proxy = await startProxy(url)
    const store = await openPostgres(proxy.url, { timeout: 30_000 })
    const hearing = await hear(store)
    // A row that announces thirty columns, and has four bytes.
    proxy.break({ kind: 'garbage', answer: () => Buffer.from('D\0\0\0\x0a\0\x1e\0\0\0\0', 'latin1') })
    await admin.query("select pg_notify('latchkey', '')")
    while (hearing.losses.length === 0) await pass(5)
    expect([hearing.losses.length, strays]).toEqual([1, []])
    await store.close()
    await proxy.stop()
  })

  it('is not listened to where the server does not answer, and no connection stays', async () => {
    const proxy = await startProxy(url)
    const store = await openPostgres(proxy.url, { timeout: 1500 })
    // The connection is made, and listening is not answered.
    proxy.breakAt(1, 'reaches', { kind: 'hang' })
    await expect(hear(store)).rejects.toThrow('no answer within 1500 ms')
    // It is not even made.
    await expect(hear(store)).rejects.toThrow(/timeout/)
    proxy.heal()
    while ((await listeners()).length > 0) await pass(5)
    const hearing = await hear(store)
    expect([await insertAccount(store)]).toEqual(await hearing.heard())
    await store.close()
    expect(strays).toEqual([])
    await proxy.stop()
  })

  it('is not listened to where the store is closed meanwhile, and no connection stays', async () => {
    const store = await open()
    const hearing = expect(hear(store)).rejects.toEqual(CLOSED)
    await store.close()
    await hearing
    while ((await listeners()).length > 0) await pass(5)
    expect(strays).toEqual([])
  })

  describe("over a pool of the application's own", () => {
    it('takes one connection until the store is closed, which is not used again', async () => {
      const pool = new pg.Pool({ connectionString: url, max: 2 })
      const store = await openPostgres(pool)
      const hearing = await hear(store)
      expect([await insertAccount(store)]).toEqual(await hearing.heard())
      await pool.query('select 1')
      expect([pool.totalCount, pool.idleCount]).toEqual([2, 1])
      await store.close()
      expect([pool.totalCount, pool.idleCount, hearing.losses]).toEqual([1, 1, [CLOSED]])
      await pool.end()
    })

    it('hears what concerns the application on that connection, and tells nothing of it', async () => {
      const pool = new pg.Pool({ connectionString: url, max: 2 })
      const client = await pool.connect()
      await client.query('listen jobs')
      client.release()
      const store = await openPostgres(pool)
      const hearing = await hear(store)
      await admin.query("notify jobs, '1'")
      expect(await hearing.heard()).toEqual([])
      await store.close()
      await pool.end()
    })

    it('is not told where the pool has one: every request reads', async () => {
      const pool = new pg.Pool({ connectionString: url, max: 1 })
      const store = await openPostgres(pool)
      expect([store.changes, store.capabilities.announces, store.capabilities.lease]).toEqual([undefined, false, 400])
      await store.close()
      await pool.end()
    })
  })

  it('takes a key’s secrets and uses with it, where plain SQL deletes it by whatever path', async () => {
    const store = await open()
    const [key, secret] = [keyNamed('plain'), secretOf('plain')]
    await store.insertKey(key, secret, entryOf('key.created'))
    await store.recordUses([useOf(key.id, 1)])
    await admin.query("begin; set local search_path = ''; delete from public.latchkey_keys where id = 'plain'; commit")
    await store.insertKey(key, secretOf('next'), entryOf('key.created'))
    expect(await store.findByDigest(SERVICE, secret.digest)).toBeUndefined()
    expect((await store.findKey(refTo(key)))?.lastUsedAt).toBeNull()
    expect(await store.listUsage({ service: SERVICE, keyIds: [key.id], from: 0, to: 1 })).toEqual([])
    await store.close()
  })
})
