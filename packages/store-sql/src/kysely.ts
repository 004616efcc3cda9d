import type { KeyStore } from '@latchkey/core'
import { CompiledQuery, type Kysely } from 'kysely'
import type { Connection, Engine, Query, Row } from './connection.ts'
import { plainError } from './failure.ts'
import { checkLease, settleLease } from './lease.ts'
import { checkMigrate, checkVersion, migrate } from './migrate.ts'
import { checkNames } from './options.ts'
import { aloneIfOne } from './single.ts'
import { sqlStore } from './sql-store.ts'
import { checkTimeout, noAnswerWithin, patienceFor } from './timeout.ts'

export interface KyselyOptions {
  /** Which SQL the dialect speaks: Postgres' (PGlite, Neon…) or SQLite's (better-sqlite3, Turso…). */
  readonly engine: Engine
  /** As in `openPostgres`, but a statement that hangs is waited for. Default 2000. */
  readonly timeout?: number
  /** Applies what is missing of the schema. Default true; with false it rejects unless the schema is there. */
  readonly migrate?: boolean
  /**
   * As in `openPostgres`, with its default or, with SQLite's SQL, that of `openSqlite`: they may have the same database open,
   * and keep what they read. This store reads for every request, and its changes wait for them.
   */
  readonly lease?: number
}

/**
 * Keeps keys in a database that the application has open with Kysely, whatever its dialect. The dialect must have
 * transactions. It must have timeouts of its own: a request is answered in time in any case, but a statement that hangs
 * keeps its connection. `close` leaves the database open.
 *
 * Rejects when the database has a newer schema or another `lease`, and with the database's error.
 */
export async function openKysely<Tables>(db: Kysely<Tables>, options: KyselyOptions): Promise<KeyStore> {
  const { engine, timeout = 2000, migrate: migrates = true, lease: asked } = options
  if (typeof db?.executeQuery !== 'function' || db.isTransaction) {
    throw new TypeError('db must be a Kysely, and no transaction')
  }
  if (engine !== 'postgres' && engine !== 'sqlite') throw new TypeError('engine must be one of postgres, sqlite')
  checkNames(options, ['engine', 'timeout', 'migrate', 'lease'])
  checkTimeout(timeout)
  checkLease(asked)
  checkMigrate(migrates)
  const connection = kyselyConnection(db, engine, timeout)
  await (migrates ? migrate(connection, engine) : checkVersion(connection, engine))
  const lease = await settleLease(connection, engine, asked)
  return sqlStore(connection, engine, {
    durable: true,
    shared: true,
    consistency: 'immediate',
    announces: false,
    lease,
  })
}

function kyselyConnection<Tables>(given: Kysely<Tables>, engine: Engine, timeout: number): Connection {
  // The application's plugins, such as one for camelCase, are for the application's tables.
  const db = given.withoutPlugins()
  const transaction = engine === 'postgres' ? db.transaction().setIsolationLevel('read committed') : db.transaction()
  // Of a process that went away without a word its locks would stay.
  const first = `set local idle_in_transaction_session_timeout = ${timeout}`
  const setup: readonly Query[] = engine === 'postgres' ? [{ sql: first, parameters: [] }] : []
  let isOpen = true

  async function run(on: Pick<Kysely<Tables>, 'executeQuery'>, { sql, parameters }: Query): Promise<readonly Row[]> {
    const { rows } = await on.executeQuery<Row>(CompiledQuery.raw(sql, [...parameters]))
    return rows
  }

  async function whileOpen<T>(work: () => Promise<T>): Promise<T> {
    if (!isOpen) throw new Error('the store is closed')
    return work().catch((error) => {
      throw plainError(error)
    })
  }

  async function runAll(queries: readonly Query[]): Promise<readonly Row[]> {
    const patience = patienceFor(queries, timeout)
    const end = performance.now() + patience
    return transaction.execute(async (open) => {
      let rows: readonly Row[] = []
      for (const query of [...setup, ...queries]) {
        rows = await run(open, query)
        // A change that was given up must not go on, statement by statement, when others have made theirs.
        if (performance.now() > end) throw noAnswerWithin(patience)
      }
      return rows
    })
  }

  const read = (query: Query) => whileOpen(() => run(db, query))

  return {
    read,
    write: (queries: readonly Query[]) => aloneIfOne(queries, read, () => whileOpen(() => runAll(queries))),
    close(): void {
      isOpen = false
    },
  }
}
