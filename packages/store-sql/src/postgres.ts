import type { KeyStore } from '@latchkey/core'
import type { Connection, Query, Row } from './connection.ts'
import { plainError } from './failure.ts'
import { checkLease, settleLease } from './lease.ts'
import { checkMigrate, checkVersion, migrate } from './migrate.ts'
import { checkNames } from './options.ts'
import { type Listening, postgresFeed } from './postgres-feed.ts'
import { openListening, openPool } from './postgres-pool.ts'
import { statementNames } from './prepared.ts'
import { aloneIfOne } from './single.ts'
import { sqlStore } from './sql-store.ts'
import { checkTimeout, patienceFor, within } from './timeout.ts'

export interface PostgresOptions {
  /**
   * How long a read or a change may take, from the wait for a connection to the last answer, in milliseconds; for long
   * lists, as of `insertAll`, as long for each ten statements. The server waits as long for a process that went away in
   * the middle of a change. Default 2000.
   */
  readonly timeout?: number
  /** Applies what is missing of the schema. Default true; with false it rejects unless the schema is there. */
  readonly migrate?: boolean
  /**
   * How long a process may go on with what it has read, unless it hears that it has changed, in milliseconds; so long every
   * change waits. 0: nothing is kept, and no change waits. At most 60000. The database has one for all that use it: another
   * one than it has rejects. Default: the one that it has, or 400 where it has none.
   */
  readonly lease?: number
}

/** The part of `pg`'s `Pool` that is used. */
export interface PostgresPool {
  connect(): Promise<PostgresClient>
  readonly options?: { readonly max?: number }
}

export interface PostgresClient {
  query(query: PostgresQuery): Promise<{ readonly rows: unknown[] }>
  /** With an error or `true` the connection is not used again. */
  release(error?: Error | boolean): void
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'notification', listener: (notification: PostgresNotification) => void): unknown
  off(event: 'error', listener: (error: Error) => void): unknown
}

export interface PostgresQuery {
  /** By which the connection keeps it. */
  readonly name?: string
  readonly text: string
  readonly values?: unknown[]
}

export interface PostgresNotification {
  readonly channel: string
  readonly payload?: string | undefined
}

/**
 * Opens a database by its URL, or over a pool of the application's own, which `close` leaves open. What a URL can say
 * beside the address (`sslmode`, `application_name`) is `pg`'s.
 *
 * To hear what changes takes one more connection: beside the connections of a URL, or out of the application's pool until
 * the store is closed. So a pool has to allow two; over a pool of one nothing is heard, and every request reads.
 *
 * Rejects when the database cannot be reached, has a newer schema or another `lease`.
 */
export async function openPostgres(source: string | PostgresPool, options: PostgresOptions = {}): Promise<KeyStore> {
  const { timeout = 2000, migrate: migrates = true, lease: asked } = options
  checkNames(options, ['timeout', 'migrate', 'lease'])
  checkTimeout(timeout)
  checkLease(asked)
  checkMigrate(migrates)
  const { pool, end } = typeof source === 'string' ? await openPool(source, timeout) : { pool: source, end: undefined }
  if (typeof pool?.connect !== 'function') throw new TypeError("source must be a URL, or a pool of pg's")
  const connection = postgresConnection(pool, timeout, end)
  let lease: number
  try {
    await (migrates ? migrate(connection, 'postgres') : checkVersion(connection, 'postgres'))
    lease = await settleLease(connection, 'postgres', asked)
  } catch (error) {
    await connection.close()
    throw error
  }
  const listen = typeof source === 'string' ? () => openListening(source, timeout) : () => listenOn(connection.connect)
  const announces = lease > 0 && pool.options?.max !== 1
  const feed = announces ? postgresFeed(connection, lease, timeout, listen) : undefined
  const close = async () => {
    feed?.end()
    await connection.close()
  }
  const capabilities = { durable: true, shared: true, consistency: 'immediate', announces, lease } as const
  return sqlStore({ ...connection, close }, 'postgres', capabilities, feed?.changes)
}

/** Takes a connection out of a pool. It is not given back: it would go on listening. */
async function listenOn(connect: () => Promise<PostgresClient>): Promise<Listening> {
  const client = await connect()
  return {
    on: client.on.bind(client) as Listening['on'],
    query: (text) => client.query({ text }),
    end: () => client.release(true),
  }
}

interface PostgresConnection extends Connection {
  connect(): Promise<PostgresClient>
}

function postgresConnection(pool: PostgresPool, timeout: number, end?: () => Promise<void>): PostgresConnection {
  // Of a process that went away without a word its locks would stay.
  const begin = `begin isolation level read committed; set local idle_in_transaction_session_timeout = ${timeout}`
  const names = statementNames()
  let isOpen = true

  async function connect(): Promise<PostgresClient> {
    if (!isOpen) throw new Error('the store is closed')
    const connecting = pool.connect()
    return within(connecting, timeout, timeout).catch((error) => {
      // One that comes when nobody waits for it any more goes back.
      connecting.then(
        (client) => client.release(),
        () => {},
      )
      throw error
    })
  }

  async function run<T>(work: (client: PostgresClient) => Promise<T>, patience: number): Promise<T> {
    const began = performance.now()
    const client = await connect().catch((error) => {
      throw plainError(error)
    })
    // Said twice by `pg` when a connection breaks: to the statement that runs, and as an event that must not be missed.
    const ignore = () => {}
    client.on('error', ignore)
    try {
      // As a whole: a change that was given up must not go on, statement by statement, when others have made theirs.
      const result = await within(work(client), patience, patience - (performance.now() - began))
      client.release()
      return result
    } catch (error) {
      client.release(!(await isUsable(client, error)))
      throw plainError(error)
    } finally {
      client.off('error', ignore)
    }
  }

  async function ask(client: PostgresClient, { sql, parameters }: Query): Promise<readonly Row[]> {
    const { rows } = await client.query({ text: sql, values: [...parameters] })
    return rows as Row[]
  }

  /** Alone, and planned only once. */
  async function askByName(client: PostgresClient, query: Query): Promise<readonly Row[]> {
    const name = names.of(query.sql)
    if (name === undefined) return ask(client, query)
    try {
      const { rows } = await client.query({ name, text: query.sql, values: [...query.parameters] })
      return rows as Row[]
    } catch (error) {
      if (!names.giveUpAfter(error)) throw error
      return ask(client, query)
    }
  }

  /** After what the server itself refuses; after a statement that hangs nobody knows what the connection is in. */
  function isUsable(client: PostgresClient, error: unknown): Promise<boolean> | false {
    const isRefusal = typeof error === 'object' && error !== null && 'severity' in error
    if (!isRefusal) return false
    return within(client.query({ text: 'rollback' }), timeout, timeout).then(
      () => true,
      () => false,
    )
  }

  const read = (query: Query) => run((client) => askByName(client, query), timeout)

  return {
    connect,
    read,
    write: (queries: readonly Query[]) => {
      const work = async (client: PostgresClient) => {
        await client.query({ text: begin })
        let rows: readonly Row[] = []
        for (const query of queries) rows = await ask(client, query)
        await client.query({ text: 'commit' })
        return rows
      }
      return aloneIfOne(queries, read, () => run(work, patienceFor(queries, timeout)))
    },
    async close(): Promise<void> {
      const wasOpen = isOpen
      isOpen = false
      if (wasOpen) await end?.()
    },
  }
}
