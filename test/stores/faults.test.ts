/** A store that fails in any way: requests are refused as unavailable, in time, and all is well when it is well again. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pass } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { AnyAuth, KeyStore } from '@latchkey/core'
import { openPostgres, openSqlite } from '@latchkey/store-sql'
import { type PostgresServer, startPostgres } from '@latchkey/test-servers'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { describeWith } from '../requirements.ts'
import {
  ACCOUNT,
  authOf,
  type Caller,
  healthyVerdicts,
  keysOf,
  MASTER_KEY,
  newKey,
  populate,
  verdict,
  verdicts,
} from './callers.ts'
import { type Database, openDatabase } from './database.ts'
import { faults } from './faults.ts'
import { leakSearch } from './leaks.ts'
import { everythingOf } from './programs/everything.ts'
import { type Fault, startProxy, type TcpProxy } from './tcp-proxy.ts'

/** Of the store, and of who asks it, in milliseconds. */
const TIMEOUT = 300
/** What a busy machine adds to that. */
const GRACE = 700
/** How soon all is well when the fault is over, in milliseconds. */
const HEALED = 2000
/** At once. A pool has ten connections. */
const REQUESTS = 50
/** One after the other. */
const BATCHES = 2
const LONG = 60_000

const strays: unknown[] = []
const stray = (error: unknown) => strays.push(error)
process.on('unhandledRejection', stray).on('uncaughtException', stray)
afterAll(() => process.off('unhandledRejection', stray).off('uncaughtException', stray))
afterEach(async () => {
  // One turn of the loop, in which a rejection that nobody handles is told.
  await pass(1)
  expect(strays.splice(0)).toEqual([])
})

describeWith('postgres', 'Postgres', (found) => {
  let server: PostgresServer
  let url: string
  let database: Database
  /** What is not under test reaches the server directly, and has time. */
  let steady: KeyStore
  let callers: readonly Caller[]
  beforeAll(async () => {
    server = await startPostgres(found)
    url = await server.database()
    database = await openDatabase(url)
    steady = await openPostgres(url, { timeout: LONG })
    callers = await populate(steady)
  }, LONG)
  afterAll(async () => {
    await steady.close()
    await database.close()
    await server.stop()
  })

  interface World {
    readonly proxy: TcpProxy
    readonly store: KeyStore
  }

  /** A test over a proxy and a store of its own, so that what one fault leaves behind meets no other test. */
  function inWorld(run: (world: World) => Promise<void>): () => Promise<void> {
    return async () => {
      const proxy = await startProxy(url)
      const store = await inTime(() => openPostgres(proxy.url, { timeout: TIMEOUT }))
      try {
        await run({ proxy, store })
      } finally {
        proxy.heal()
        await store.close()
        await proxy.stop()
      }
    }
  }

  describe.each(faults(TIMEOUT))('where %s', { timeout: LONG }, (_, fault) => {
    const answersRequests = inWorld(async ({ proxy, store }) => {
      const auth = authOf(store, TIMEOUT)
      await inTime(() => isWell(auth, callers))
      await auth.close()
      proxy.count()
      proxy.break(fault)
      for (let batch = 0; batch < BATCHES; batch++) await isUnavailable(auth, callers)
      const { connections, statements } = proxy.count()
      expect(connections).toBeLessThanOrEqual(BATCHES * REQUESTS)
      expect(statements).toBeLessThanOrEqual(BATCHES * REQUESTS)
      // What was still under way comes to an end, and nothing begins by itself.
      await pass(2 * TIMEOUT)
      proxy.count()
      await pass(TIMEOUT)
      expect(proxy.count()).toEqual({ connections: 0, statements: 0 })
      proxy.heal()
      await inTime(() => isWell(auth, callers))
      await auth.close()
    })
    it(
      'is unavailable in time to every request, asked no more often than there are requests, and well again',
      answersRequests,
    )

    const makesChanges = inWorld(async ({ proxy, store }) => {
      const keys = keysOf(store, TIMEOUT)
      const doomed = await newKey(keysOf(steady))
      const idempotencyKey = crypto.randomUUID()
      const create = () => keys.create({ accountId: ACCOUNT, name: 'once' }, { idempotencyKey })
      proxy.break(fault)
      const began = performance.now()
      const errors = await Promise.all([create(), keys.rotate(doomed.id), keys.revoke(doomed.id)].map(rejection))
      expect(performance.now() - began).toBeLessThan(TIMEOUT + GRACE)
      expect(leaksOf(doomed.secret, errors)).toEqual([])
      proxy.heal()
      const { key } = await inTime(create)
      await inTime(() => keys.revoke(doomed.id))
      expect(await keyIdsOf(idempotencyKey)).toEqual([key.id])
      expect(await verdict(authOf(steady, LONG), doomed.secret)).toBe('revoked')
    })
    it('rejects changes in time, without a secret, and makes them once when they are asked for again', makesChanges)

    const opens = inWorld(async ({ proxy }) => {
      proxy.break(fault)
      const began = performance.now()
      await rejection(openPostgres(proxy.url, { timeout: TIMEOUT }))
      // Asks for the version, tries to make the tables, and asks again whether another process was faster.
      expect(performance.now() - began).toBeLessThan(3 * TIMEOUT + GRACE)
      proxy.heal()
      await (await inTime(() => openPostgres(proxy.url, { timeout: TIMEOUT }))).close()
    })
    it('is not opened, in time, and is opened when all is well', opens)
  })

  it(
    'is well at the next request when connections were cut that nobody used',
    inWorld(async ({ proxy, store }) => {
      const auth = authOf(store, TIMEOUT)
      await inTime(() => isWell(auth, callers))
      proxy.break({ kind: 'reset' })
      proxy.heal()
      await pass(50)
      await isWell(auth, callers)
      await auth.close()
    }),
  )

  describe.each<[when: string, reaches: 'reaches' | 'does not reach', fault: Fault]>([
    ['is cut off before a statement', 'does not reach', { kind: 'reset' }],
    ['is cut off behind a statement', 'reaches', { kind: 'reset' }],
    ['hangs before a statement', 'does not reach', { kind: 'hang' }],
    ['hangs behind a statement', 'reaches', { kind: 'hang' }],
  ])('which %s of a change', { timeout: LONG }, (_, reaches, fault) => {
    it('has made one key or none, and one in the end', () =>
      atEachStatement(async (breakIn, store) => {
        const keys = keysOf(store, TIMEOUT)
        const idempotencyKey = crypto.randomUUID()
        const create = () => keys.create({ accountId: ACCOUNT, name: 'once' }, { idempotencyKey })
        await breakIn(create)
        const { key, secret } = await inTime(create)
        expect(await keyIdsOf(idempotencyKey)).toEqual([key.id])
        expect(await recorded(key.id)).toEqual(['key.created'])
        // Where the first call has made it, its text was lost with the answer.
        if (secret !== null) expect(await verdict(authOf(steady, LONG), secret)).toBe(`allowed ${key.id}`)
      }))

    it('has rotated a key or not, and has rotated it in the end', () =>
      atEachStatement(async (breakIn, store) => {
        const keys = keysOf(store, TIMEOUT)
        const { id, secret } = await newKey(keysOf(steady))
        await breakIn(() => keys.rotate(id))
        const rotated = await inTime(() => keys.rotate(id))
        const auth = authOf(steady, LONG)
        expect(await verdict(auth, secret)).toBe('unknown')
        expect(await verdict(auth, rotated?.secret ?? '')).toBe(`allowed ${id}`)
        const secrets = await database.rows(`select digest from latchkey_key_secrets where key_id = '${id}'`)
        expect(await recorded(id)).toEqual(['key.created', ...secrets.slice(1).map(() => 'key.rotated')])
      }))

    it('has revoked a key or not, and has revoked it once in the end', () =>
      atEachStatement(async (breakIn, store) => {
        const keys = keysOf(store, TIMEOUT)
        const { id, secret } = await newKey(keysOf(steady))
        await breakIn(() => keys.revoke(id))
        await inTime(() => keys.revoke(id))
        expect(await verdict(authOf(steady, LONG), secret)).toBe('revoked')
        expect(await recorded(id)).toEqual(['key.created', 'key.revoked'])
      }))

    it('has deleted a key or not, and has deleted it once in the end', () =>
      atEachStatement(async (breakIn, store) => {
        const keys = keysOf(store, TIMEOUT)
        const { id, secret } = await newKey(keysOf(steady))
        await breakIn(() => keys.delete(id))
        await inTime(() => keys.delete(id))
        expect(await verdict(authOf(steady, LONG), secret)).toBe('unknown')
        expect(await recorded(id)).toEqual(['key.created', 'key.deleted'])
      }))

    type BreakIn = (change: () => Promise<unknown>) => Promise<void>

    /** Runs it with a break at the first statement of a change, at the second one, at each that it has. */
    async function atEachStatement(run: (breakIn: BreakIn, store: KeyStore) => Promise<void>): Promise<void> {
      let statements = 0
      const whole = inWorld(async ({ proxy, store }) => {
        await run(async (change) => {
          proxy.count()
          await change()
          statements = proxy.count().statements
        }, store)
      })
      await whole()
      // The least that a change takes: to begin, to change, to record, to commit.
      expect(statements).toBeGreaterThanOrEqual(4)
      const broken = Array.from({ length: statements }, (_, i) =>
        inWorld(async ({ proxy, store }) => {
          await run(async (change) => {
            proxy.breakAt(i + 1, reaches, fault)
            await rejection(change())
            proxy.heal()
          }, store)
        }),
      )
      await Promise.all(broken.map((run) => run()))
    }
  })

  it(
    'does not go on with a rotation that was given up, so that it ends no later one',
    inWorld(async ({ proxy, store }) => {
      const { id } = await newKey(keysOf(steady))
      // It is looked up at once. From then on each answer is in time, and all of them together are not.
      proxy.breakAt(2, 'reaches', { kind: 'delay', milliseconds: (2 / 3) * TIMEOUT })
      await rejection(keysOf(store, TIMEOUT / 3).rotate(id))
      const rotated = await keysOf(steady).rotate(id)
      await pass(8 * TIMEOUT)
      expect(await verdict(authOf(steady, LONG), rotated?.secret ?? '')).toBe(`allowed ${id}`)
    }),
    LONG,
  )

  it(
    'lets a process change a key that another one was changing when it went',
    inWorld(async ({ proxy, store: gone }) => {
      const { id, secret } = await newKey(keysOf(steady))
      // The server never hears that it has gone.
      proxy.breakAt(2, 'reaches', { kind: 'hang' })
      await rejection(keysOf(gone, TIMEOUT).revoke(id))
      await inTime(() => keysOf(steady, TIMEOUT).revoke(id))
      expect(await verdict(authOf(steady, LONG), secret)).toBe('revoked')
    }),
    LONG,
  )

  it(
    'is closed in time while nothing passes',
    inWorld(async ({ proxy, store }) => {
      proxy.break({ kind: 'hang' })
      const hanging = rejection(Promise.resolve(store.findAccount(ACCOUNT)))
      const began = performance.now()
      await store.close()
      expect(performance.now() - began).toBeLessThan(TIMEOUT + GRACE)
      await hanging
    }),
  )

  describe('whose server is ours', () => {
    const notOurs = /^postgres/.test(found) ? 'DATABASE_URL names a server that is not ours to stop' : undefined
    const isStopped = inWorld(async ({ store }) => {
      const auth = authOf(store, TIMEOUT)
      await inTime(() => isWell(auth, callers))
      server.pause()
      try {
        for (let batch = 0; batch < BATCHES; batch++) await isUnavailable(auth, callers)
      } finally {
        server.resume()
      }
      await inTime(() => isWell(auth, callers))
      await auth.close()
    })
    it('is unavailable while its processes are stopped, and well when they go on', { timeout: LONG }, async ({
      skip,
    }) => {
      if (notOurs !== undefined) skip(notOurs)
      await isStopped()
    })

    const isKilled = inWorld(async ({ store }) => {
      const auth = authOf(store, TIMEOUT)
      await inTime(() => isWell(auth, callers))
      await server.crash()
      await inTime(() => isWell(auth, callers))
      await auth.close()
    })
    it('is well soon after it was killed and started anew', { timeout: LONG }, async ({ skip }) => {
      if (notOurs !== undefined) skip(notOurs)
      await isKilled()
      // Its own connection was cut, too.
      await database.close()
      database = await openDatabase(url)
    })
  })

  async function keyIdsOf(idempotencyKey: string): Promise<readonly unknown[]> {
    const rows = await database.rows(`select id from latchkey_keys where idempotency_key = '${idempotencyKey}'`)
    return rows.map(({ id }) => id)
  }

  async function recorded(id: string): Promise<readonly unknown[]> {
    const rows = await database.rows(`select action from latchkey_audit where key_id = '${id}' order by id`)
    return rows.map(({ action }) => action)
  }
})

describe('SQLite', () => {
  const program = fileURLToPath(new URL('programs/dist/hold-lock.js', import.meta.url))
  let directory: string
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'latchkey-faults-'))
  })
  afterAll(() => rmSync(directory, { recursive: true }))

  /** Another process takes a file's lock, until it is told to let go. */
  async function lock(path: string, which: 'write' | 'all'): Promise<() => Promise<void>> {
    const child = spawn(process.execPath, [program, path, which], { stdio: ['pipe', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    return async () => {
      child.stdin.end()
      await once(child, 'exit')
    }
  }

  it('answers requests while another process holds the lock of writers, and rejects changes in time', async () => {
    const path = join(directory, 'written.db')
    const store = await openSqlite(path, { timeout: TIMEOUT })
    const callers = await populate(store)
    const keys = keysOf(store, TIMEOUT)
    const auth = authOf(store, TIMEOUT)
    const doomed = await newKey(keys)
    const idempotencyKey = crypto.randomUUID()
    const create = () => keys.create({ accountId: ACCOUNT, name: 'once' }, { idempotencyKey })
    const letGo = await lock(path, 'write')
    for (const change of [create, () => keys.revoke(doomed.id)]) {
      const began = performance.now()
      const error = await rejection(change())
      expect(performance.now() - began).toBeLessThan(TIMEOUT + GRACE)
      expect(leaksOf(doomed.secret, [error])).toEqual([])
      await isWell(auth, callers)
    }
    // When keys were used cannot be written down, and nobody waits for that.
    await auth.close()
    await letGo()
    const { key } = await inTime(create)
    await inTime(() => keys.revoke(doomed.id))
    expect(await verdict(auth, doomed.secret)).toBe('revoked')
    await store.close()
    const database = await openDatabase(`sqlite:${path}`)
    const sql = `select id from latchkey_keys where idempotency_key = '${idempotencyKey}'`
    expect(await database.rows(sql)).toEqual([{ id: key.id }])
    await database.close()
  })

  it('is not opened while another process keeps everybody out, in time, and is opened afterwards', async () => {
    const path = join(directory, 'taken.db')
    const letGo = await lock(path, 'all')
    const began = performance.now()
    await rejection(openSqlite(path, { timeout: TIMEOUT }))
    expect(performance.now() - began).toBeLessThan(TIMEOUT + GRACE)
    await letGo()
    await (await inTime(() => openSqlite(path, { timeout: TIMEOUT }))).close()
  })

  it.each([
    ['of which nothing is left', 0],
    ['of which one page is left', 4096],
  ])('is unavailable over a file %s, and well when it is put back and opened', async (_, bytes) => {
    const path = join(directory, `cut-${bytes}.db`)
    const callers = await populate(await openSqlite(path))
    const database = await openDatabase(`sqlite:${path}`)
    await database.rows('pragma wal_checkpoint(truncate)')
    await database.close()
    // Has read nothing but the version, so that it has to read the file.
    const store = await openSqlite(path, { timeout: TIMEOUT })
    const whole = readFileSync(path)
    truncateSync(path, bytes)
    await isUnavailable(authOf(store, TIMEOUT), callers)
    await rejection(newKey(keysOf(store, TIMEOUT)))
    await store.close()
    writeFileSync(path, whole)
    const restored = await openSqlite(path, { timeout: TIMEOUT })
    await isWell(authOf(restored, TIMEOUT), callers)
    await restored.close()
  })
})

/** So many requests at once are all refused as unavailable, with good credentials and with bad ones, and in time. */
async function isUnavailable(auth: AnyAuth, callers: readonly Caller[]): Promise<void> {
  const began = performance.now()
  expect(await verdicts(auth, callers, REQUESTS)).toEqual(Array(REQUESTS).fill('unavailable'))
  expect(performance.now() - began).toBeLessThan(TIMEOUT + GRACE)
}

async function isWell(auth: AnyAuth, callers: readonly Caller[]): Promise<void> {
  expect(await verdicts(auth, callers, REQUESTS)).toEqual(healthyVerdicts(callers, REQUESTS))
}

/** Asks until it does not fail. */
async function inTime<T>(ask: () => Promise<T>): Promise<T> {
  const end = performance.now() + HEALED
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (performance.now() > end) throw error
      await pass(20)
    }
  }
}

/** What a call rejects with: an error, and nothing else. */
async function rejection(call: Promise<unknown>): Promise<Error> {
  const error = await call.then(
    () => 'nothing: it resolved',
    (error) => error,
  )
  expect(error).toBeInstanceOf(Error)
  return error
}

function leaksOf(key: string, errors: readonly Error[]): readonly string[] {
  const search = leakSearch([
    { what: 'the key', text: key, shown: 'key_' },
    { what: 'the master key', text: MASTER_KEY },
  ])
  return search(errors.map(everythingOf).join())
}
