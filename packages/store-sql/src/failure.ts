/**
 * What a driver throws, as it may go on: its message and its code. Postgres' errors have a detail that quotes a row's
 * values, a digest among them; other errors hold the query and its parameters, or how the connection was made.
 */
export function plainError(error: unknown): Error {
  const { message, code } = (error ?? {}) as { readonly message?: unknown; readonly code?: unknown }
  // The message of several failed attempts to connect is empty: their code is not.
  const plain = new Error(String(message || code || 'the database failed'))
  return typeof code === 'string' ? Object.assign(plain, { code }) : plain
}
