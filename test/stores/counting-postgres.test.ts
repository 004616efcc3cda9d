/** What requests use up is counted exactly in Postgres, by its own clock. */
import { openKysely, openPostgres, type PostgresPool } from '@latchkey/store-sql'
import { type PostgresServer, startPostgres } from '@latchkey/test-servers'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { describeWith } from '../requirements.ts'
import { countsExactly, ledgerOf, limiterOf } from './counting.ts'
import { rowsOf } from './database.ts'
import { databaseClock } from './database-clock.ts'

/** Of stores, in milliseconds: a busy machine is slow. */
const TIMEOUT = 30_000

describeWith('postgres', 'Postgres', (found) => {
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
      await rowsOf(database.url, settings.replace('DATABASE', name))
      set = await databaseClock(database.url)
    })
    let set: (now: number) => Promise<void>
    return { database, setClock: (now: number) => set(now), rows: (sql: string) => rowsOf(database.url, sql) }
  }

  describe('by its URL', () => {
    const { database, setClock, rows } = timed('')
    countsExactly({ open: () => openPostgres(database.url, { timeout: TIMEOUT }), setClock, rows })
  })

  it('counts a thousand requests with a thousand statements, and a thousand costs with as many', {
    timeout: 60_000,
  }, async () => {
    const pool = new pg.Pool({ connectionString: await server.database() })
    onTestFinished(() => pool.end())
    const asked: string[] = []
    const counted: PostgresPool = {
      async connect() {
        const client = await pool.connect()
        return {
          query(query) {
            asked.push(query.text)
            return client.query(query)
          },
          release: (error) => client.release(error),
          on: client.on.bind(client),
          off: client.off.bind(client),
        }
      },
    }
    const store = await openPostgres(counted, { timeout: TIMEOUT })
    const [limiter, ledger] = [limiterOf(store), ledgerOf(store)]
    const window = { name: 'minute', bucket: 'acme', seconds: 3600, limit: 5000, cost: 1 }
    const slots = { name: 'requests', bucket: 'acme', seconds: 60, limit: 1 }
    const charge = { windows: [window, { ...window, name: 'hour' }], slots }
    const balance = { balanceId: 'acme', limit: 5000, start: 0, end: Number.POSITIVE_INFINITY }
    const request = async () => {
      const taken = await limiter.take(charge, Date.now())
      if (!taken.taken) throw new Error('there was room')
      await ledger.reserve(balance, 1)
      return taken.receipt
    }
    // The first one makes its counters.
    await limiter.leave(charge, await request(), Date.now())
    const statements = { taking: 0, leaving: 0 }
    for (let i = 0; i < 1000; i++) {
      asked.length = 0
      const receipt = await request()
      statements.taking += asked.length
      asked.length = 0
      await limiter.leave(charge, receipt, Date.now())
      statements.leaving += asked.length
    }
    expect(statements).toEqual({ taking: 2000, leaving: 1000 })
    await store.close()
  })

  describe('where every transaction is as if it were alone', () => {
    const { database, setClock, rows } = timed(
      "alter database DATABASE set default_transaction_isolation = 'serializable'",
    )
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
