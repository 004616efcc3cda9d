import { digestOf } from './digest.ts'

/** By which the server keeps a statement for a connection, and plans it once. */
export interface StatementNames {
  /** `undefined`: it is to be sent as it is. */
  of(sql: string): string | undefined
  /** Gives no names any more, if it was its name that has failed: then nothing was done. False: it was something else. */
  giveUpAfter(error: unknown): boolean
}

/** So many are kept for each connection, at most: lists of each length are statements of their own. */
const MOST = 100

/**
 * What the server answers to a name: that it has none, or has it already, where a pooler gives out a connection for each
 * transaction and does not know of names (PgBouncer before 1.21); or that its result is no longer the one that was planned,
 * where another version has changed the tables.
 */
const FAILURES: readonly unknown[] = ['26000', '42P05', '0A000']

export function statementNames(): StatementNames {
  const names = new Map<string, string>()
  let hasNames = true

  return {
    of(sql) {
      if (!hasNames) return undefined
      const known = names.get(sql)
      if (known !== undefined || names.size === MOST) return known
      // The same text has the same name everywhere: two stores may share a pool.
      const name = `latchkey_${digestOf(sql).slice(0, 32)}`
      names.set(sql, name)
      return name
    },
    giveUpAfter(error) {
      if (!FAILURES.includes((error as { readonly code?: unknown } | undefined)?.code)) return false
      hasNames = false
      return true
    },
  }
}
