/**
 * Postgres behind a pooler that gives out a connection for each transaction: nothing that a connection holds (names of
 * statements, what it listens to, its settings) is there the next time.
 */
import { problemDetails } from '@latchkey/contracts'
import { createAuth, type KeyStore, manageKeys } from '@latchkey/core'
import { storeCases } from '@latchkey/core/testing'
import { openPostgres } from '@latchkey/store-sql'
import { type PgBouncer, type PostgresServer, startPgBouncer, startPostgres } from '@latchkey/test-servers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeWith } from '../requirements.ts'
import { countsExactly } from './counting.ts'
import { rowsOf } from './database.ts'
import { databaseClock } from './database-clock.ts'

/** Of stores, in milliseconds: a busy machine is slow. */
const TIMEOUT = 30_000

const contract = problemDetails({ name: 'pooled', key: { prefix: 'pooled_', length: 32, alphabet: 'base62' } })

describeWith('postgres', 'a store in Postgres', (programs) => {
  describeWith('pgbouncer', 'behind PgBouncer', (program) => {
    let server: PostgresServer
    let url: string
    let pooler: PgBouncer
    beforeAll(async () => {
      server = await startPostgres(programs, { settings: { fsync: 'off' } })
      url = await server.database()
      pooler = await startPgBouncer(program, url)
    }, 60_000)
    afterAll(async () => {
      await pooler?.stop()
      await server?.stop()
    })

    const open = () => openPostgres(pooler.url, { timeout: TIMEOUT })

    describe('passes the suite, but for what it is told', () => {
      const capabilities = {
        durable: true,
        shared: true,
        consistency: 'immediate',
        announces: false,
        lease: 400,
      } as const
      for (const { group, name, run } of storeCases(capabilities)) {
        it(`${group}: ${name}`, () => run({ open, tamper: async () => false }), 60_000)
      }
    })

    describe('counts exactly', () => {
      let setClock: (now: number) => Promise<void>
      beforeAll(async () => {
        await (await open()).close()
        setClock = await databaseClock(url)
      })
      countsExactly({
        open,
        setClock: (now) => setClock(now),
        rows: (sql) => rowsOf(url, sql),
      })
    })

    it('hears nothing, and so keeps nothing: what is revoked elsewhere is dead at once, whoever waits', async () => {
      await using near = await openPostgres(url, { timeout: TIMEOUT })
      await using far = await open()
      const keys = manageKeys({ contract, store: near, by: 'test', wait: false })
      const reads = { count: 0 }
      await using auth = createAuth({ contract, store: countingReads(far, reads), timeout: TIMEOUT })
      const authenticate = auth.authenticator()
      const account = { id: 'acme', plan: 'free', status: 'active', email: null, metadata: {} } as const
      await near.insertAll({ accounts: [account], keys: [] })
      const made = await Promise.all(
        Array.from({ length: 20 }, () => keys.create({ accountId: account.id, name: 'ci' })),
      )
      for (const { key, secret } of made) {
        const fields = new Headers({ 'x-api-key': secret })
        for (let times = 0; times < 3; times++) {
          expect(await authenticate({}, fields)).toMatchObject({ kind: 'allowed' })
        }
        await keys.revoke(key.id)
        expect(await authenticate({}, fields)).toMatchObject({ kind: 'denied', code: 'revoked' })
      }
      expect(reads.count).toBe(4 * made.length)
    }, 60_000)
  })
})

function countingReads(store: KeyStore, reads: { count: number }): KeyStore {
  return {
    ...store,
    findByDigest(...words) {
      reads.count++
      return store.findByDigest(...words)
    },
  }
}
