import { openPostgres } from '@latchkey/store-sql'
import { type PostgresServer, startPostgres } from '@latchkey/test-servers'
import pg from 'pg'
import { afterAll, beforeAll, describe } from 'vitest'
import { describeWith } from '../requirements.ts'
import { passesTheSuite } from './proven.ts'

/** Of stores whose test is not about it, in milliseconds: a busy machine is slow. */
const TIMEOUT = 30_000

describeWith('postgres', 'Postgres', (found) => {
  let server: PostgresServer
  let url: string

  beforeAll(async () => {
    server = await startPostgres(found, { settings: { fsync: 'off' } })
    url = await server.database()
  }, 60_000)
  afterAll(() => server?.stop())

  async function run(sql: string): Promise<readonly object[]> {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    try {
      return (await client.query(sql)).rows
    } finally {
      await client.end()
    }
  }

  describe('a store by its URL', () => {
    const open = () => openPostgres(url, { timeout: TIMEOUT })
    passesTheSuite({ feed: { announces: true, lease: 400 }, open, run })
  })

  describe("a store over a pool of the application's own", () => {
    let pool: pg.Pool
    beforeAll(() => {
      pool = new pg.Pool({ connectionString: url, max: 3 })
    })
    afterAll(() => pool.end())
    passesTheSuite({ feed: { announces: true, lease: 400 }, open: () => openPostgres(pool, { timeout: TIMEOUT }), run })
  })
})
