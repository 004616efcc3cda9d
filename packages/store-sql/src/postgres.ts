import type { KeyStore } from '@latchkey/core'
import type { Connection, Query, Row } from './connection.ts'
import { plainError } from './failure.ts'
import { checkVersion, migrate } from './migrate.ts'
import { sqlStore } from './sql-store.ts'

export interface PostgresOptions {
  /** How long a connection and a statement may take each, in milliseconds. Default 2000. */
  readonly timeout?: number
  /** Applies what is missing of the schema. Default true; with false it rejects unless the schema is there. */
  readonly migrate?: boolean
}

/** The part of `pg`'s `Pool` that is used. */
export interface PostgresPool {
  connect(): Promise<PostgresClient>
}

export interface PostgresClient {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: unknown[] }>
  /** With an error or `true` the connection is not used again. */
  release(error?: Error | boolean): void
  on(event: 'error', listener: (error: Error) => void): unknown
  off(event: 'error', listener: (error: Error) => void): unknown
}

/**
 * Opens a database by its URL, or over a pool of the application's own, which `close` leaves open. What a URL can say
 * beside the address (`sslmode`, `application_name`) is `pg`'s.
 *
 * Rejects when the database cannot be reached or has a newer schema.
 */
export async function openPostgres(source: string | PostgresPool, options: PostgresOptions = {}): Promise<KeyStore> {
  const { timeout = 2000, migrate: migrates = true } = options
  // Timers hold 31 bits; a longer timeout would be over at once.
  if (!(Number.isInteger(timeout) && timeout > 0 && timeout < 2 ** 31)) {
    throw new TypeError('timeout must be whole milliseconds, from 1 to 2147483647')
  }
  const { pool, end } = typeof source === 'string' ? await poolOf(source, timeout) : { pool: source, end: undefined }
  if (typeof pool?.connect !== 'function') throw new TypeError("source must be a URL, or a pool of pg's")
  const connection = postgresConnection(pool, timeout, end)
  try {
    await (migrates ? migrate(connection, 'postgres') : checkVersion(connection, 'postgres'))
  } catch (error) {
    await end?.()
    throw error
  }
  return sqlStore(connection, 'postgres', { durable: true, shared: true, consistency: 'immediate' })
}

async function poolOf(url: string, timeout: number) {
  if (!/^postgres(ql)?:\/\//.test(url)) throw new TypeError('source must be a URL that begins with postgres://')
  const { default: pg } = await import('pg')
  const pool = new pg.Pool({ connectionString: url, connectionTimeoutMillis: timeout, keepAlive: true })
  // A connection that breaks while nobody uses it is replaced by the next use.
  pool.on('error', () => {})
  return { pool: pool as PostgresPool, end: () => pool.end() }
}

const BEGIN: Query = { sql: 'begin isolation level read committed', parameters: [] }
const COMMIT: Query = { sql: 'commit', parameters: [] }
const ROLLBACK: Query = { sql: 'rollback', parameters: [] }

function postgresConnection(pool: PostgresPool, timeout: number, end?: () => Promise<void>): Connection {
  let isOpen = true

  async function connect(): Promise<PostgresClient> {
    if (!isOpen) throw new Error('the store is closed')
    const connecting = pool.connect()
    return within(connecting, timeout).catch((error) => {
      // One that comes when nobody waits for it any more goes back.
      connecting.then(
        (client) => client.release(),
        () => {},
      )
      throw error
    })
  }

  async function run<T>(work: (client: PostgresClient) => Promise<T>): Promise<T> {
    const client = await connect().catch((error) => {
      throw plainError(error)
    })
    // Said twice by `pg` when a connection breaks: to the statement that runs, and as an event that must not be missed.
    const ignore = () => {}
    client.on('error', ignore)
    try {
      const result = await work(client)
      client.release()
      return result
    } catch (error) {
      client.release(!(await isUsable(client, error)))
      throw plainError(error)
    } finally {
      client.off('error', ignore)
    }
  }

  function ask(client: PostgresClient, { sql, parameters }: Query): Promise<readonly Row[]> {
    const answer = client.query(sql, [...parameters]).then(({ rows }) => rows as Row[])
    return within(answer, timeout)
  }

  /** After what the server itself refuses; after a statement that hangs nobody knows what the connection is in. */
  function isUsable(client: PostgresClient, error: unknown): Promise<boolean> | false {
    const isRefusal = typeof error === 'object' && error !== null && 'severity' in error
    if (!isRefusal) return false
    return ask(client, ROLLBACK).then(
      () => true,
      () => false,
    )
  }

  return {
    read: (query: Query) => run((client) => ask(client, query)),
    write: (queries: readonly Query[]) =>
      run(async (client) => {
        await ask(client, BEGIN)
        let rows: readonly Row[] = []
        for (const query of queries) rows = await ask(client, query)
        await ask(client, COMMIT)
        return rows
      }),
    async close(): Promise<void> {
      const wasOpen = isOpen
      isOpen = false
      if (wasOpen) await end?.()
    },
  }
}

function within<T>(answer: Promise<T>, timeout: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer within ${timeout} ms`)), timeout)
    answer.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
