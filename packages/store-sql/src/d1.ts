import type { KeyStore } from '@latchkey/core'
import type { Connection, Query, Row } from './connection.ts'
import { checkMigrate, checkVersion, migrate } from './migrate.ts'
import { checkNames } from './options.ts'
import { sqlStore } from './sql-store.ts'

export interface D1Options {
  /**
   * Applies what is missing of the schema. Default true; with false it rejects unless the schema is there, as where the
   * platform's own tool applies what `migrations('sqlite')` prints.
   */
  readonly migrate?: boolean
}

/** The part of a D1 binding that is used. */
export interface D1Binding {
  prepare(sql: string): D1Statement
  /** All of them in one transaction. */
  batch(statements: D1Statement[]): Promise<readonly { readonly results: unknown[] }[]>
}

export interface D1Statement {
  bind(...parameters: unknown[]): D1Statement
  all(): Promise<{ readonly results: unknown[] }>
}

/**
 * Keeps keys in a D1 database, on Cloudflare's Workers. There is no connection to close. Reads go to the primary unless the
 * binding is a session on a replica, which may answer what was true before a revocation: do not give it one.
 *
 * Rejects when the database has a newer schema, and with the database's error.
 */
export async function openD1(binding: D1Binding, options: D1Options = {}): Promise<KeyStore> {
  const { migrate: migrates = true } = options
  checkNames(options, ['migrate'])
  checkMigrate(migrates)
  if (typeof binding?.prepare !== 'function') throw new TypeError('binding must be a D1 database')
  const connection = d1Connection(binding)
  await (migrates ? migrate(connection, 'sqlite') : checkVersion(connection, 'sqlite'))
  return sqlStore(connection, 'sqlite', {
    durable: true,
    shared: true,
    consistency: 'immediate',
    announces: false,
    lease: 0,
  })
}

function d1Connection(binding: D1Binding): Connection {
  let isOpen = true

  function statement({ sql, parameters }: Query): D1Statement {
    if (!isOpen) throw new Error('the store is closed')
    return binding.prepare(sql).bind(...parameters)
  }

  return {
    async read(query: Query): Promise<readonly Row[]> {
      const { results } = await statement(query).all()
      return results as Row[]
    },
    async write(queries: readonly Query[]): Promise<readonly Row[]> {
      // Of no statements D1 makes an error.
      if (queries.length === 0) return []
      const answers = await binding.batch(queries.map(statement))
      return (answers.at(-1)?.results ?? []) as Row[]
    },
    close(): void {
      isOpen = false
    },
  }
}
