import { setTimeout as pass } from 'node:timers/promises'
import type { KeyStore } from '@latchkey/core'
import { openPostgres, type PostgresClient, type PostgresPool, type PostgresQuery } from '@latchkey/store-sql'
import { type PostgresServer, startPostgres } from '@latchkey/test-servers'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeWith } from '../requirements.ts'
import { hidesValues } from './hidden-values.ts'
import { keepsTextsOrRefusesThem } from './hostile.ts'
import { accountNamed, entryOf, keyNamed, NOW, refTo, SERVICE, sealedAs, secretOf, useOf } from './records.ts'
import { startProxy } from './tcp-proxy.ts'

/** Ten thousand keys of one service, half of them with sealed secrets, and a thousand accounts. */
const MANY = `
insert into latchkey_accounts (id, plan, status, metadata, schema)
  select 'account ' || i, 'pro', 'active', '{}', 1 from generate_series(1, 1000) as i;
insert into latchkey_keys (service, id, kind, account_id, name, permissions, created_at, metadata, revision, schema)
  select 'many', 'key ' || i, case i % 2 when 0 then 'key' else 'signing' end, 'account ' || (i % 1000 + 1), 'ci', '[]', i,
    '{}', '', 1 from generate_series(1, 10000) as i;
insert into latchkey_key_secrets (service, digest, key_id, number, display, created_at)
  select 'many', lpad(to_hex(i), 64, '0'), 'key ' || i, 1, '', 0 from generate_series(2, 10000, 2) as i;
insert into latchkey_signing_secrets (service, key_id, version, number, sealed, master_key_id, created_at)
  select 'many', 'key ' || i, 'v1', 1, '', '', 0 from generate_series(1, 10000, 2) as i;
analyze`

/** Of stores whose test is not about it, in milliseconds: a busy machine is slow. */
const TIMEOUT = 30_000

interface Plan {
  readonly 'Node Type': string
  readonly Plans?: readonly Plan[]
}

describeWith('postgres', 'a store in Postgres', (found) => {
  let server: PostgresServer
  let url: string

  beforeAll(async () => {
    server = await startPostgres(found, { settings: { fsync: 'off' } })
    url = await server.database()
    await (await openPostgres(url)).close()
  }, 60_000)
  afterAll(() => server?.stop())

  /** Errors that nobody has handled: they would end the process. */
  const strays: unknown[] = []
  const note = (error: unknown) => void strays.push(error)
  beforeAll(() => void process.on('uncaughtException', note).on('unhandledRejection', note))
  afterAll(() => void process.off('uncaughtException', note).off('unhandledRejection', note))

  async function run(sql: string): Promise<readonly object[]> {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    try {
      return (await client.query(sql)).rows
    } finally {
      await client.end()
    }
  }

  /** A pool of the application's own, and a store over it. */
  async function pooled(config: pg.PoolConfig = {}, timeout = TIMEOUT): Promise<{ pool: pg.Pool; store: KeyStore }> {
    const pool = new pg.Pool({ connectionString: url, ...config })
    pool.on('error', () => {})
    return { pool, store: await openPostgres(pool, { timeout }) }
  }

  /** Ends connections to the database from the server's side. How many it were. */
  async function terminate(which: string): Promise<number> {
    const rows = await run(`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() and ${which}`)
    return rows.length
  }

  /** Puts a new key into the store. */
  async function keyIn(store: KeyStore, id: string = crypto.randomUUID()) {
    const [key, secret] = [keyNamed(id), secretOf(id)]
    expect(await store.insertKey(key, secret, entryOf('key.created'))).toEqual({ kind: 'inserted' })
    return { key, secret, ref: refTo(key) }
  }

  const open = () => openPostgres(url, { timeout: TIMEOUT })
  describe('and texts', () => keepsTextsOrRefusesThem({ open, run }))
  describe('and what it throws, which holds no values:', () => hidesValues({ open, run }))

  describe('what a request asks for, among ten thousand keys', () => {
    const sent: PostgresQuery[] = []
    let client: pg.Client

    beforeAll(async () => {
      await run(MANY)
      client = new pg.Client({ connectionString: url })
      await client.connect()
      const pool = new pg.Pool({ connectionString: url, max: 1 })
      const store = await openPostgres(recording(pool, sent))
      sent.splice(0)
      await store.findByDigest('many', (4712).toString(16).padStart(64, '0'))
      await store.findSigningKey('many', 'key 4711')
      await store.findAccount('account 471')
      await pool.end()
    })
    afterAll(() => client?.end())

    it('is one statement each', () => {
      expect(sent.map(({ values }) => values)).toEqual([
        ['many', '0'.repeat(60) + (4712).toString(16)],
        ['many', 'key 4711'],
        ['account 471'],
      ])
    })

    it.each([
      ['a key by its digest', 0, 3],
      ['a signing key by its id', 1, 3],
      ['an account by its id', 2, 1],
    ])('is found by index lookups alone: %s', async (_, index, lookups) => {
      const { text = '', values = [] } = sent[index] ?? {}
      const name = `plan_${index}`
      await client.query(`prepare ${name} as ${text}`)
      const parameters = values.map((value) => client.escapeLiteral(String(value))).join(', ')
      for (const mode of ['force_custom_plan', 'force_generic_plan']) {
        await client.query(`set plan_cache_mode = ${mode}`)
        const { rows } = await client.query(`explain (format json) execute ${name} (${parameters})`)
        const nodes = nodesOf(rows[0]['QUERY PLAN'][0].Plan)
        expect(nodes.filter((node) => /Scan/.test(node))).toEqual(Array.from({ length: lookups }, () => 'Index Scan'))
      }
    })
  })

  describe('calls at once on twenty connections', () => {
    it('of one key never fail each other, and leave it whole', async () => {
      const { pool, store } = await pooled({ max: 20 })
      const { key, ref } = await keyIn(store)
      const signing = keyNamed(crypto.randomUUID())
      await store.insertKey(signing, sealedAs('0'), entryOf('key.created'))
      let count = 0
      const made = new Map<string, number>()
      const calls: readonly (readonly [action: string, call: () => unknown])[] = [
        ['key.rotated', () => store.rotateKey(ref, secretOf(`${ref.id} ${++count}`), NOW, entryOf('key.rotated'))],
        ['key.changed', () => store.changeKey(ref, { name: `${++count}` }, entryOf('key.changed'))],
        ['key.rotated', () => store.rotateKey(ref, secretOf(`${ref.id} ${++count}`), NOW + 1, entryOf('key.rotated'))],
        ['key.changed', () => store.changeKey(refTo(signing), { name: `${++count}` }, entryOf('key.changed'))],
        [
          'key.rotated',
          () => store.rotateKey(refTo(signing), sealedAs('x', { version: `${++count}` }), NOW, entryOf('key.rotated')),
        ],
        [
          'secret.resealed',
          () => store.resealSecret(refTo(signing), sealedAs('0'), sealedAs('1'), entryOf('secret.resealed')),
        ],
        [
          'secret.resealed',
          () => store.resealSecret(refTo(signing), sealedAs('1'), sealedAs('0'), entryOf('secret.resealed')),
        ],
        ['', () => store.recordUses([signing.id, key.id].map((keyId) => useOf(keyId, NOW + ++count)))],
        ['', () => store.recordUses([key.id, signing.id].map((keyId) => useOf(keyId, NOW + ++count)))],
        ['', () => store.findKey(ref)],
      ]
      const work = async (index: number) => {
        const [action, call] = calls[index % calls.length] ?? ['', () => undefined]
        const answer = await call()
        if (action !== '' && answer !== undefined && answer !== false) made.set(action, (made.get(action) ?? 0) + 1)
      }
      await Promise.all(Array.from({ length: 400 }, (_, index) => work(index)))
      const { versions = [] } = (await store.findKey(ref)) ?? {}
      expect(versions.filter(({ expiresAt }) => expiresAt === null).length).toBe(1)
      const recorded = new Map<string, number>()
      for (const keyId of [key.id, signing.id]) {
        const { items } = await store.listAudit({ service: SERVICE, keyId, limit: 1000 })
        for (const { action } of items) recorded.set(action, (recorded.get(action) ?? 0) + 1)
      }
      recorded.delete('key.created')
      expect([...recorded].sort()).toEqual([...made].sort())
      expect(recorded.get('key.rotated')).toBe(120)

      // Revoked and deleted in the middle of all that.
      const late = [
        () => store.revokeKey(ref, null, entryOf('key.revoked')),
        () => store.deleteKey(ref, entryOf('key.deleted')),
        () => store.deleteKey(refTo(signing), entryOf('key.deleted')),
      ]
      await Promise.all(
        Array.from({ length: 300 }, (_, index) => (index % 30 < 3 ? late[index % 30]?.() : work(index))),
      )
      for (const { id } of [key, signing]) {
        for (const table of ['key_secrets', 'signing_secrets']) {
          expect(await run(`select * from latchkey_${table} where key_id = '${id}'`)).toEqual([])
        }
        expect(await store.findKey({ service: SERVICE, id })).toBeUndefined()
        const { items } = await store.listAudit({ service: SERVICE, keyId: id, limit: 1000 })
        expect(items.filter(({ action }) => action === 'key.deleted').length).toBe(1)
      }
      await pool.end()
    }, 60_000)

    it('of many keys never fail each other, in whatever order they come', async () => {
      const { pool, store } = await pooled({ max: 20 })
      const ids = await Promise.all(Array.from({ length: 20 }, async () => (await keyIn(store)).key.id))
      const uses = (at: number) => ids.map((keyId) => useOf(keyId, at))
      await Promise.all(
        Array.from({ length: 200 }, (_, index) =>
          store.recordUses(index % 2 === 0 ? uses(index) : uses(index).reverse()),
        ),
      )
      const found = await Promise.all(ids.map((id) => store.findKey({ service: SERVICE, id })))
      expect(found.map((details) => details?.lastUsedAt)).toEqual(ids.map(() => 199))
      const counts = await store.listUsage({ service: SERVICE, keyIds: ids, from: 0, to: 1 })
      expect(counts.map(({ count }) => count)).toEqual(ids.map(() => 200))
      await pool.end()
    }, 60_000)

    it('are made one after the other, whatever isolation the database has by default', async () => {
      const other = await server.database()
      const name = new URL(other).pathname.slice(1)
      await run(`alter database ${name} set default_transaction_isolation = 'serializable'`)
      const store = await openPostgres(other, { timeout: TIMEOUT })
      const { ref } = await keyIn(store)
      const rotations = Array.from({ length: 40 }, (_, index) =>
        store.rotateKey(ref, secretOf(`${index}`), NOW, entryOf('key.rotated')),
      )
      expect((await Promise.all(rotations)).filter((rotated) => rotated === undefined)).toEqual([])
      await store.close()
    })
  })

  describe('a connection', () => {
    it('goes on being used after what the server refuses', async () => {
      const { pool, store } = await pooled({ max: 1 })
      const connections = counting(pool)
      const [first, second] = [await keyIn(store), await keyIn(store)]
      const rotation = store.rotateKey(first.ref, second.secret, NOW, entryOf('key.rotated'))
      await expect(Promise.resolve(rotation)).rejects.toThrow(/^duplicate key value violates unique constraint/)
      expect(await store.insertKey(first.key, secretOf('x'), entryOf('key.created'))).toEqual({ kind: 'taken' })
      // Nothing of what was refused is left on it: what follows is a transaction of its own.
      expect((await store.changeKey(first.ref, { name: 'renamed' }, entryOf('key.changed')))?.name).toBe('renamed')
      expect(connections).toEqual({ made: 0, removed: 0 })
      await pool.end()
    })

    it('on which a statement hangs is thrown away, and what it was to change is not changed later', async () => {
      const { pool, store } = await pooled({ max: 1 }, 500)
      const { key, ref } = await keyIn(store)
      const locker = new pg.Client({ connectionString: url })
      await locker.connect()
      await locker.query('begin')
      await locker.query(`select * from latchkey_keys where id = '${key.id}' for update`)
      const connections = counting(pool)
      const hanging = store.changeKey(ref, { name: 'late' }, entryOf('key.changed'))
      await expect(Promise.resolve(hanging)).rejects.toEqual(new Error('no answer within 500 ms'))
      expect(pool.totalCount).toBe(0)
      expect((await store.findKey(ref))?.key).toEqual(key)
      await locker.query('rollback')
      expect(await store.insertAccount(accountNamed(key.id), entryOf('account.created'))).toBe(true)
      expect((await store.findKey(ref))?.key).toEqual(key)
      expect(connections).toEqual({ made: 1, removed: 1 })
      await locker.end()
      await pool.end()
    })

    it('that broke while nobody used it is replaced', async () => {
      const store = await openPostgres(url)
      await store.findAccount('a')
      await terminate("state = 'idle'")
      // The news may arrive with the first use.
      await Promise.resolve(store.findAccount('a')).catch(() => {})
      expect(await store.findAccount('a')).toBeUndefined()
      expect(strays).toEqual([])
      await store.close()
    })

    it('that was cut while nobody used it is replaced', async () => {
      const proxy = await startProxy(url)
      const store = await openPostgres(proxy.url, { timeout: TIMEOUT })
      await store.findAccount('a')
      proxy.break({ kind: 'reset' })
      proxy.heal()
      // Time for the news, so that it meets nobody.
      await pass(100)
      await Promise.resolve(store.findAccount('a')).catch(() => {})
      expect(await store.findAccount('a')).toBeUndefined()
      expect(strays).toEqual([])
      await store.close()
      await proxy.stop()
    })

    it('that breaks under a statement rejects it, and is replaced', async () => {
      const { pool, store } = await pooled({ max: 1 })
      const { key, ref } = await keyIn(store)
      const locker = new pg.Client({ connectionString: url })
      await locker.connect()
      await locker.query('begin')
      await locker.query(`select * from latchkey_keys where id = '${key.id}' for update`)
      const hanging = Promise.resolve(store.changeKey(ref, { name: 'late' }, entryOf('key.changed')))
      const rejected = expect(hanging).rejects.toThrow(/^terminating connection due to administrator command$/)
      while ((await terminate("wait_event_type = 'Lock'")) === 0) await pass(10)
      await rejected
      await locker.query('rollback')
      expect((await store.findKey(ref))?.key).toEqual(key)
      expect(strays).toEqual([])
      await locker.end()
      await pool.end()
    })

    it('of a process that went away without a word gives back what it has locked', async () => {
      const { pool, store } = await pooled()
      const { key, ref } = await keyIn(store)
      // Its own pool waits for the connection for ever, as that process would.
      const lost = new pg.Pool({ connectionString: url, max: 1 })
      const gone = await openPostgres(goingAt(lost, /insert into "latchkey_audit"/), { timeout: 300 })
      await expect(Promise.resolve(gone.revokeKey(ref, null, entryOf('key.revoked')))).rejects.toThrow(/^no answer/)
      expect((await store.changeKey(ref, { name: 'later' }, entryOf('key.changed')))?.name).toBe('later')
      expect((await store.findKey(ref))?.key).toEqual({ ...key, name: 'later' })
      expect(strays).toEqual([])
      await pool.end()
    })

    it('ends where it answers what cannot be read, and not the process', async () => {
      const proxy = await startProxy(url)
      const store = await openPostgres(proxy.url, { timeout: TIMEOUT })
      // A row that announces thirty columns, and has four bytes.
      proxy.break({ kind: 'garbage', answer: () => Buffer.from('D\0\0\0\x0a\0\x1e\0\0\0\0', 'latin1') })
      await expect(Promise.resolve(store.findAccount('a'))).rejects.toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
      proxy.heal()
      expect(await store.findAccount('a')).toBeUndefined()
      expect(strays).toEqual([])
      await store.close()
      await proxy.stop()
    })

    it('is closed where it fails before it is ready', async () => {
      const proxy = await startProxy(url)
      const backends = async () =>
        (await run("select 1 from pg_stat_activity where backend_type = 'client backend'")).length
      const before = await backends()
      proxy.break({ kind: 'garbage', answer: () => Buffer.from('?\0\0\0\x04', 'latin1') })
      for (let count = 0; count < 5; count++) {
        await expect(openPostgres(proxy.url, { timeout: TIMEOUT })).rejects.toThrow(/^received invalid response: 3f$/)
      }
      while ((await backends()) > before) await pass(10)
      await proxy.stop()
    })

    it('that a pool does not give in time is not waited for, and goes back when it comes', async () => {
      const { pool, store } = await pooled({ max: 1 }, 200)
      const taken = await pool.connect()
      await expect(Promise.resolve(store.findAccount('a'))).rejects.toEqual(new Error('no answer within 200 ms'))
      taken.release()
      expect(await store.findAccount('a')).toBeUndefined()
      expect([pool.totalCount, pool.idleCount, pool.waitingCount]).toEqual([1, 1, 0])
      await pool.end()
    })

    it('that breaks at the commit has made the change: the answer says so', async () => {
      const pool = new pg.Pool({ connectionString: url })
      const store = await openPostgres(losingAnswers(pool, 'commit'))
      const [key, secret] = [keyNamed(crypto.randomUUID()), secretOf('lost')]
      const options = { idempotencyKey: key.id, onlyFirst: true }
      const own = { ...key, accountId: key.id }
      expect(await store.insertKey(own, secret, entryOf('key.created'), options)).toEqual({ kind: 'inserted' })
      expect(await store.insertKey(own, secret, entryOf('key.created'), options)).toEqual({ kind: 'exists', key: own })
      await pool.end()
    })
  })

  describe('closing', () => {
    it("leaves a pool of the application's own open", async () => {
      const { pool, store } = await pooled()
      await store.close()
      await expect(Promise.resolve().then(() => store.findAccount('a'))).rejects.toEqual(
        new Error('the store is closed'),
      )
      expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
      await pool.end()
    })

    it('may be done twice at once, and again', async () => {
      const store = await openPostgres(url)
      await Promise.all([store.close(), store.close()])
      await store.close()
      await expect(Promise.resolve().then(() => store.findAccount('a'))).rejects.toEqual(
        new Error('the store is closed'),
      )
    })
  })

  it('takes numbers in whatever way the driver of an application reads them', async () => {
    const INT8 = 20
    const { pool, store } = await pooled({
      types: { getTypeParser: (oid) => (oid === INT8 ? BigInt : pg.types.getTypeParser(oid)) },
    })
    const { key, secret, ref } = await keyIn(store)
    expect(await store.findByDigest(SERVICE, secret.digest)).toEqual({ key, account: null, secret })
    expect((await store.findKey(ref))?.versions).toEqual([{ display: secret.display, createdAt: NOW, expiresAt: null }])
    expect((await store.listAudit({ service: SERVICE, keyId: key.id, limit: 1 })).items.length).toBe(1)
    await pool.end()
  })
})

/** The pool of a process that is gone at such a statement: it has sent it, and nothing is heard of it from then on. */
function goingAt(pool: pg.Pool, statement: RegExp): PostgresPool {
  const lost = passing(pool, async (client, query) => {
    const answer = await client.query(query)
    return statement.test(query.text) ? new Promise(() => {}) : answer
  })
  return {
    async connect() {
      const client = await lost.connect()
      client.on('error', () => {})
      return { ...client, release: (error) => (error === true ? undefined : client.release()) }
    },
  }
}

/** The connections that a pool makes and removes from now on. */
function counting(pool: pg.Pool): { readonly made: number; readonly removed: number } {
  const count = { made: 0, removed: 0 }
  pool.on('connect', () => count.made++)
  pool.on('remove', () => count.removed++)
  return count
}

/** The pool, and what is sent through it. */
function recording(pool: pg.Pool, sent: PostgresQuery[]): PostgresPool {
  return passing(pool, (client, query) => {
    sent.push(query)
    return client.query(query)
  })
}

/** The pool, on connections that break when this statement was executed, before its answer arrives. */
function losingAnswers(pool: pg.Pool, statement: string): PostgresPool {
  return passing(pool, async (client, query) => {
    const answer = await client.query(query)
    if (query.text !== statement) return answer
    throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })
  })
}

function passing(
  pool: pg.Pool,
  query: (client: pg.PoolClient, query: PostgresQuery) => ReturnType<PostgresClient['query']>,
): PostgresPool {
  return {
    async connect() {
      const client = await pool.connect()
      return {
        query: (asked) => query(client, asked),
        release: (error) => client.release(error),
        on: client.on.bind(client) as PostgresClient['on'],
        off: (event, listener) => client.off(event, listener),
      }
    },
  }
}

function nodesOf(plan: Plan): readonly string[] {
  return [plan['Node Type'], ...(plan.Plans ?? []).flatMap(nodesOf)]
}
