import type { Fields } from './columns.ts'
import type { FoundKey } from './records.ts'

/** What HGETALL gives: names and values by turns. */
export type Hash = readonly string[]

export function hashOf(reply: Hash): Fields {
  const fields: Record<string, string> = {}
  for (let at = 0; at + 1 < reply.length; at += 2) fields[reply[at] ?? ''] = reply[at + 1] ?? ''
  return fields
}

/** A key that was found with its secrets, and with its account where that was asked for. */
export function foundOf(id: string, key: Hash, secrets: readonly Hash[], account: Hash = []): FoundKey {
  return { id, key: hashOf(key), account: hashOf(account), secrets: secrets.map(hashOf) }
}
