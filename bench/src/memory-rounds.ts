/** What `memory` measures, in a process of its own that is run with --expose-gc. */
import { type ChangeFeed, createAuth, digestKey, type KeyMatch } from '@latchkey/core'
import { answer } from './child.ts'
import { contract, flat, keyRecord, keyRequest, newKey } from './fixtures.ts'
import { ownRow } from './own.ts'

export interface Measured {
  readonly bytesPerKey: number
  /** The same records in a `Map`, by digest. */
  readonly bytesPerRecord: number
  readonly floodBytes: number
  /** How often the store was asked for the known keys after the flood. */
  readonly askedAfterFlood: number
}

const KNOWN = 1000

/** What is told at once, because nothing changes. */
const changes: ChangeFeed = {
  lease: Infinity,
  subscribe: () => ({ beat: () => {}, close: () => {} }),
  announce: () => {},
}

const nothing = { changes, findSigningKey: () => undefined }

const account = { id: 'customer', plan: 'pro', status: 'active', email: null, metadata: {} } as const

/** Makes what a store would read: nothing of it was in memory before, but for the account. */
function read(digest: string): KeyMatch {
  const key = keyRecord(flat(`key_${crypto.randomUUID()}`), account.id)
  const secret = {
    kind: 'key',
    digest,
    display: flat(`key_${digest.slice(-4)}`),
    createdAt: 0,
    expiresAt: null,
  } as const
  return { key, account, secret }
}

function bytes(): number {
  globalThis.gc?.()
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

function cachedBytes(count: number): number {
  const before = bytes()
  const store = { ...nothing, findByDigest: (_: string, digest: string) => read(digest) }
  const auth = createAuth({ contract, store, cache: { keys: count, unknown: 1 } })
  const row = ownRow('cached', auth.authenticator(), () => keyRequest(newKey()))
  for (let i = 0; i < count; i++) if (row.run(i) !== true) throw new Error('a key was refused')
  const used = bytes() - before
  if (row.run(count) !== true) throw new Error('the cache is gone')
  return used / count
}

function recordBytes(count: number): number {
  const before = bytes()
  const records = new Map<string, KeyMatch>()
  for (let i = 0; i < count; i++) {
    const digest = digestKey(newKey())
    records.set(digest, read(digest))
  }
  const used = bytes() - before
  return used / records.size
}

function flood(count: number): Pick<Measured, 'floodBytes' | 'askedAfterFlood'> {
  const texts = Array.from({ length: KNOWN }, newKey)
  const known = new Set(texts.map((text) => digestKey(text)))
  let asked = 0
  const findByDigest = (_: string, digest: string) => {
    asked++
    return known.has(digest) ? read(digest) : undefined
  }
  const auth = createAuth({ contract, store: { ...nothing, findByDigest } })
  const requests = texts.map(keyRequest)
  const good = ownRow('known', auth.authenticator(), (i) => requests[i] as (typeof requests)[number])
  const bad = ownRow('unknown', auth.authenticator(), () => keyRequest(newKey()))
  const all = () => requests.every((_, i) => good.run(i))
  if (!all()) throw new Error('a known key was refused')
  const before = bytes()
  for (let i = 0; i < count; i++) if (bad.run(i) !== false) throw new Error('an unknown key was let in')
  const floodBytes = bytes() - before
  const askedBefore = asked
  if (!all()) throw new Error('a known key was refused')
  return { floodBytes, askedAfterFlood: asked - askedBefore }
}

const [count, flooding] = process.argv.slice(2).map(Number) as [number, number]
const measured: Measured = { bytesPerKey: cachedBytes(count), bytesPerRecord: recordBytes(count), ...flood(flooding) }
answer(measured)
