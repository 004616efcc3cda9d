import { closeSync, openSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Change, KeyStore } from '@latchkey/core'
import type { Connection, Query, Row, WriteOptions } from './connection.ts'
import { checkLease, settleLease } from './lease.ts'
import { checkMigrate, checkVersion, migrate } from './migrate.ts'
import { checkNames } from './options.ts'
import { insertChange } from './queries.ts'
import { sqlStore } from './sql-store.ts'
import { sqliteFeed, type Watching } from './sqlite-feed.ts'
import { builderFor } from './tables.ts'
import { checkTexts } from './texts.ts'

export interface SqliteOptions {
  /** How long a write waits for another process's, in milliseconds. This process waits with it. Default 2000. */
  readonly timeout?: number
  /** Applies what is missing of the schema. Default true; with false it rejects unless the schema is there. */
  readonly migrate?: boolean
  /** As in `openPostgres`. Default: the one that the file has, or 40 where it has none. In memory nobody waits. */
  readonly lease?: number
}

/** The part of libsql that is used; better-sqlite3 and Bun's SQLite have it too. */
interface Database {
  exec(sql: string): unknown
  readonly inTransaction: boolean
  prepare(sql: string): Statement
  close(): void
}

interface Statement {
  all(...parameters: unknown[]): unknown[]
}

/** `keys.db` and `sqlite:keys.db`, as commands take it. Another store's URL is no path, though a file could have its name. */
function pathOf(file: unknown): string {
  const path = typeof file === 'string' ? file.replace(/^sqlite:(\/\/)?/i, '') : ''
  if (path === '' || /^[a-z][a-z0-9+.-]*:\/\//i.test(path)) {
    throw new TypeError('file must be the path of a file, or sqlite:PATH')
  }
  return path
}

/**
 * Opens a file, or makes it, readable for its owner alone. Several processes may have it open: readers and the one writer
 * do not wait for each other (WAL). Reads are answered synchronously, in some 15 microseconds. `:memory:` is a database of
 * this store alone, gone when it is closed.
 *
 * Rejects when the file cannot be opened, is no database, or has a newer schema or another `lease`.
 *
 * @param file its path, also as `sqlite:PATH`, as commands take it
 */
export async function openSqlite(file: string, options: SqliteOptions = {}): Promise<KeyStore> {
  const { timeout = 2000, migrate: migrates = true, lease: asked } = options
  checkNames(options, ['timeout', 'migrate', 'lease'])
  const path = pathOf(file)
  if (!(Number.isInteger(timeout) && timeout >= 0)) throw new TypeError('timeout must be whole milliseconds')
  checkLease(asked)
  checkMigrate(migrates)
  const { default: Libsql } = await import('libsql')
  const inMemory = path === ':memory:'
  if (!inMemory && migrates) makeFile(path)
  if (!inMemory && !statSync(path).isFile()) throw new Error(`${path} is no file`)
  // From the root, so that no path is taken for a URL.
  const whole = inMemory ? path : resolve(path)
  const open = (): Database => new Libsql(whole)
  const database = open()
  const connection = sqliteConnection(database, timeout)
  let lease: number
  try {
    database.prepare(`pragma busy_timeout = ${timeout}`).all()
    await enterWal(database, timeout)
    // A commit that was acknowledged survives a loss of power, not only of the process.
    database.prepare('pragma synchronous = full').all()
    await (migrates ? migrate(connection, 'sqlite') : checkVersion(connection, 'sqlite'))
    lease = await settleLease(connection, 'sqlite', asked)
  } catch (error) {
    database.close()
    throw error
  }
  const announces = lease > 0
  const watch = () => (inMemory ? { read: connection.read, close: () => {} } : watching(open()))
  const feed = announces ? sqliteFeed(inMemory ? Number.POSITIVE_INFINITY : lease, watch, announce) : undefined

  function write(...[queries, options]: Parameters<Connection['write']>): readonly Row[] {
    const rows = connection.write(queries, options)
    if (options?.lasting !== false) feed?.look()
    return rows
  }

  function announce(change: Change): void {
    write([checkTexts(insertChange(builderFor('sqlite'), change))])
  }

  function close(): void {
    feed?.end()
    connection.close()
  }

  const capabilities = {
    durable: !inMemory,
    shared: !inMemory,
    consistency: 'immediate',
    announces,
    lease: inMemory ? 0 : lease,
  } as const
  return sqlStore({ ...connection, write, close }, 'sqlite', capabilities, feed?.changes)
}

/** A connection that never writes. */
function watching(database: Database): Watching {
  // libsql opens no file for reading alone.
  database.exec('pragma query_only = on')
  const { read, close } = sqliteConnection(database, 0)
  return { read, close }
}

/**
 * Makes the file, if it is not there, readable for its owner alone. One that is there is never opened beside SQLite: closing
 * it would give up all locks of this process on it (POSIX), and the next process that ends would throw the log away.
 */
function makeFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

/** Where others are about to change the mode of a new file too, SQLite does not wait by itself. */
async function enterWal(database: Database, timeout: number): Promise<void> {
  for (const end = performance.now() + timeout; ; ) {
    try {
      database.prepare('pragma journal_mode = wal').all()
      return
    } catch (error) {
      const isBusy = (error as { readonly code?: unknown }).code === 'SQLITE_BUSY'
      if (!isBusy || performance.now() >= end) throw error
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
}

interface SqliteConnection extends Connection {
  read(query: Query): readonly Row[]
  write(queries: readonly Query[], options?: WriteOptions): readonly Row[]
  close(): void
}

/** Each statement is prepared once: there are as many as this package has. */
function sqliteConnection(database: Database, timeout: number): SqliteConnection {
  const prepared = new Map<string, Statement>()
  let isOpen = true

  function checkOpen(): void {
    if (!isOpen) throw new Error('the store is closed')
  }

  function statement(sql: string): Statement {
    checkOpen()
    const known = prepared.get(sql) ?? database.prepare(sql)
    prepared.set(sql, known)
    return known
  }

  function all({ sql, parameters }: Query): readonly Row[] {
    return statement(sql).all(...parameters) as Row[]
  }

  // From the start as a writer: one that began as a reader could not become one after another process's write. Not as a
  // prepared statement: one that fails because another process writes is not reset by libsql, and holds this connection to
  // what was true then. It would never see a revocation again.
  function begin(waits: boolean): void {
    if (waits) {
      database.exec('begin immediate')
      return
    }
    // The whole process would wait.
    database.exec('pragma busy_timeout = 0')
    try {
      database.exec('begin immediate')
    } finally {
      database.exec(`pragma busy_timeout = ${timeout}`)
    }
  }

  return {
    read: all,
    write(queries: readonly Query[], { waits = true, lasting = true }: WriteOptions = {}): readonly Row[] {
      checkOpen()
      // Whoever counts would wait for the disk, and with him every request of this process.
      if (!lasting) database.exec('pragma synchronous = normal')
      try {
        begin(waits)
        let rows: readonly Row[] = []
        for (const query of queries) rows = all(query)
        database.exec('commit')
        return rows
      } catch (error) {
        // Not where SQLite has done so itself: a disk that is full.
        if (database.inTransaction) database.exec('rollback')
        throw error
      } finally {
        if (!lasting) database.exec('pragma synchronous = full')
      }
    },
    close(): void {
      if (isOpen) database.close()
      isOpen = false
      // libsql gives the files back when nobody has its statements any more.
      prepared.clear()
    },
  }
}
