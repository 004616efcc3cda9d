import { Buffer } from 'node:buffer'

/** How things are called in Redis: `{latchkey}:key:4:acme:5:key_1`, each text behind its length in bytes. */
export interface Names {
  /** The schema's version and the lease. The first key of every script, which finds by it what else there is. */
  readonly meta: string
  /** The channel on which changes are told. */
  readonly changes: string
  of(kind: Kind, ...texts: readonly string[]): string
}

type Kind =
  /** A hash: service, id. */
  | 'key'
  /** A hash: service, digest of an API key; or service, key, version of a signing secret. */
  | 'secret'
  /** A list of a key's secrets, oldest first: service, id. */
  | 'secrets'
  /** A sorted set of a service's keys, in order: service; or of an account's among them: service, account. */
  | 'keys'
  /** A hash of what was counted of a key on a day, by status and route: service, id, day. */
  | 'usage'
  /** A sorted set of the days of which there is one: service, id. */
  | 'usage-days'
  /** A set of the master keys that sealed signing secrets: service. */
  | 'masters'
  /** A hash: id. */
  | 'account'
  /** A sorted set of all accounts, in order. */
  | 'accounts'
  /** A stream of all records, and streams of the places in it of those about one thing. */
  | 'audit'
  | `audit-of-${'service' | 'keyId' | 'accountId'}`
  /** A channel on which a subscription hears its own heartbeats. */
  | 'beats'
  /** A hash of units, by the cell of time in which they came: name, seconds, bucket. */
  | 'window'
  /** A sorted set of the slots that are taken, by when they are free again: name, bucket. */
  | 'slots'
  /** A hash: balance. */
  | 'balance'

/**
 * Every name begins with one hash tag, so that all of them are in one slot: a cluster runs no script over several, and
 * what is told is told by the server that keeps it.
 */
export function namesUnder(prefix: string): Names {
  const name = (kind: string, ...texts: readonly string[]) =>
    `{${prefix}}:${kind}${texts.map((text) => `:${Buffer.byteLength(text)}:${text}`).join('')}`
  return { meta: name('meta'), changes: name('changes'), of: name }
}

/** The moment that comes first in a `Date`, in milliseconds before the epoch. */
const BEGINNING = 8_640_000_000_000_000n

/** Where a key stands among others: texts that sort by time and then by id, byte by byte. No number is rounded. */
export function placeOf(createdAt: number, id: string): string {
  return `${String(BigInt(createdAt) + BEGINNING).padStart(17, '0')}${id}`
}
