import type { Awaitable } from '@latchkey/core'

/** A statement and the values of its parameters: nothing that comes from outside ever stands in the SQL. */
export interface Query {
  readonly sql: string
  readonly parameters: readonly unknown[]
}

export type Row = Readonly<Record<string, unknown>>

/**
 * How statements reach a database. A write is a list of statements that are all known before the first one runs, because
 * D1 has no other transactions; a statement that depends on an earlier one asks the tables.
 */
export interface Connection {
  /** The rows of a statement that changes nothing. */
  read(query: Query): Awaitable<readonly Row[]>
  /**
   * Runs all of them in one transaction, wholly or not at all. The rows of the last one. One alone is a transaction of its
   * own.
   */
  write(queries: readonly Query[], options?: WriteOptions): Awaitable<readonly Row[]>
  close(): Awaitable<void>
}

export interface WriteOptions {
  /** False: it may fail where it would have to wait for another process, for what is not worth it. Default true. */
  readonly waits?: boolean
  /** False: a loss of power may undo it, and it changes nothing that is announced. Default true. */
  readonly lasting?: boolean
}

/** The SQL that is spoken: how types are called, and how changes are announced. */
export type Engine = 'postgres' | 'sqlite'
