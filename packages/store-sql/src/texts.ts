import type { Query } from './connection.ts'

/**
 * Half a character cannot be written as UTF-8: a database would keep another text. And Postgres keeps no NUL, libsql reads
 * only as far as to one.
 */
export function checkTexts(query: Query): Query {
  const isKept = query.parameters.every((value) => typeof value !== 'string' || !/[\0\ud800-\udfff]/u.test(value))
  if (!isKept) throw new TypeError('every text must be well-formed Unicode without NUL')
  return query
}
