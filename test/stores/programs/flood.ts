/**
 * Asks for keys that nobody has and for as many that are none, among requests with good ones, and says what that has cost:
 * `node --expose-gc flood.js URL COUNT`.
 */
import { problemDetails } from '@latchkey/contracts'
import { createAuth, type KeyReader, keyCodec, manageAccounts, manageKeys } from '@latchkey/core'
import { openStore } from './open-store.ts'

const FORMAT = { prefix: 'flood_', length: 38, alphabet: 'base62', checksum: true } as const
const GOOD = 1000
/** Between so many of the flood a good key is used. */
const EVERY = 100

export interface Flooded {
  /** How many requests were answered with each code. */
  readonly answers: Readonly<Record<string, number>>
  readonly goodRequests: number
  /** How often the store was asked: about good keys, and about those of the flood. */
  readonly goodReads: number
  readonly unknownReads: number
  readonly malformedReads: number
  /** Bytes that are held after the flood, beyond those before it. */
  readonly grown: number
}

const [url = '', flood = ''] = process.argv.slice(2)
await using store = await openStore(url)
const contract = problemDetails({ name: 'flood', key: FORMAT })
await manageAccounts({ store, by: 'flood' }).create({ id: 'account', plan: 'free' })
const keys = manageKeys({ contract, store, by: 'flood' })

const asked = { good: 0, unknown: 0, malformed: 0 }
let asking: keyof typeof asked = 'good'
const reader: KeyReader = {
  findByDigest(service, digest) {
    asked[asking]++
    return store.findByDigest(service, digest)
  },
  findSigningKey: store.findSigningKey,
  changes: store.changes,
}
await using auth = createAuth({ contract, store: reader })
const authenticate = auth.authenticator()
const answers: Record<string, number> = {}
/** Instead of `Headers`, of which a million are slow to make. */
const fields = { text: '', get: (name: string) => (name === 'x-api-key' ? fields.text : null) }

async function ask(kind: keyof typeof asked, text: string): Promise<void> {
  asking = kind
  fields.text = text
  const outcome = authenticate({}, fields)
  const { code = 'allowed' } = (outcome instanceof Promise ? await outcome : outcome) as { readonly code?: string }
  answers[code] = (answers[code] ?? 0) + 1
}

const good: string[] = []
for (let i = 0; i < GOOD; i++) good.push((await keys.create({ accountId: 'account', name: 'good' })).secret)

// As before the flood: all good keys are kept, and what is kept of unknown ones has its size.
const codec = keyCodec(FORMAT)
for (const text of good) await ask('good', text)
for (let i = 0; i < 20_000; i++) await ask('unknown', codec.mint().text)

const held = () => {
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
asked.good = 0
asked.unknown = 0
const before = held()
let goodRequests = 0
for (let i = 0; i < Number(flood); i++) {
  await ask('unknown', codec.mint().text)
  await ask('malformed', `flood_${i}`)
  if (i % EVERY === 0) await ask('good', good[goodRequests++ % GOOD] as string)
}
const grown = held() - before
const flooded: Flooded = {
  answers,
  goodRequests,
  goodReads: asked.good,
  unknownReads: asked.unknown,
  malformedReads: asked.malformed,
  grown,
}
console.log(JSON.stringify(flooded))
