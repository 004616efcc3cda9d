import type { Query, Row } from './connection.ts'

/** What Postgres answers where a transaction is to be as if it were alone, and is not. */
const SERIALIZATION_FAILURE = '40001'

/**
 * Runs one statement as it is: it goes to the server once, and not between `begin` and `commit`. Where the database isolates
 * transactions more strictly than `together` does, it may have to go there again.
 */
export async function aloneIfOne(
  queries: readonly Query[],
  alone: (query: Query) => Promise<readonly Row[]>,
  together: () => Promise<readonly Row[]>,
): Promise<readonly Row[]> {
  const [only, ...others] = queries
  if (only === undefined || others.length > 0) return together()
  return alone(only).catch((error) => {
    if (error.code !== SERIALIZATION_FAILURE) throw error
    return together()
  })
}
