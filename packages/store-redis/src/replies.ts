import type { Fields } from './columns.ts'
import type { FoundKey } from './records.ts'

/** What HGETALL gives: names and values by turns. */
export type Hash = readonly string[]

export function hashOf(reply: Hash): Fields {
  const names = reply.filter((_, index) => index % 2 === 0)
  return Object.fromEntries(names.map((name, index) => [name, reply[2 * index + 1] ?? '']))
}

/** A key that was found with its secrets, and with its account where that was asked for. */
export function foundOf(id: string, key: Hash, secrets: readonly Hash[], account: Hash = []): FoundKey {
  return { id, key: hashOf(key), account: hashOf(account), secrets: secrets.map(hashOf) }
}
