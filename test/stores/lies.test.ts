/** A store that answers what no store may answer: nobody is let in, nothing is thrown, and a change says that it failed. */
import { type KeyMatch, type KeyReader, memoryStore, type SigningKeyMatch } from '@latchkey/core'
import { expect, it } from 'vitest'
import { authOf, type Caller, keysOf, newKey, populate, verdict } from './callers.ts'

/** In milliseconds. */
const TIMEOUT = 50

type Match = KeyMatch | SigningKeyMatch | undefined
type Lie = (truth: Match) => unknown

const memory = memoryStore()
const [byKey, , , byToken] = (await populate(memory)) as readonly [Caller, Caller, Caller, Caller]

/** Lies about keys that are there, API keys and signing keys alike. */
function lying(lie: Lie): KeyReader {
  return {
    findByDigest: (...words) => lie(memory.findByDigest(...words)) as KeyMatch,
    findSigningKey: (...words) => lie(memory.findSigningKey(...words)) as SigningKeyMatch,
  }
}

const throwing = (what: unknown) => () => {
  throw what
}
const withoutEnd = () => new Promise(() => {})
const thenable = (then: () => void) => () => ({ then })

const key = (lie: object): Lie => {
  return (truth) => truth && { ...truth, key: { ...truth.key, ...lie } }
}
const account = (lie: object): Lie => {
  return (truth) => truth && { ...truth, account: { ...truth.account, ...lie } }
}
const secret = (lie: object): Lie => {
  return (truth) => {
    if (truth === undefined) return undefined
    if ('secret' in truth) return { ...truth, secret: { ...truth.secret, ...lie } }
    return { ...truth, secrets: [{ ...truth.secrets[0], ...lie }] }
  }
}

it.each<[string, Lie]>([
  ['throws an error', throwing(new Error('away'))],
  ['throws a text', throwing('away')],
  ['throws nothing', throwing(undefined)],
  ['rejects with a text', () => Promise.reject('away')],
  ['rejects with nothing', () => Promise.reject(undefined)],
  ['never answers', withoutEnd],
  ['answers with a `then` that does nothing', thenable(() => {})],
  ['answers with a `then` that throws', thenable(throwing('away'))],
  ['answers null', () => null],
  ['answers true', () => true],
  ['answers 0', () => 0],
  ['answers a text', () => 'key'],
  ['answers a list', (truth) => [truth]],
  ['answers an empty object', () => ({})],
  ['answers a function', (truth) => () => truth],
  ['answers a principal', () => ({ kind: 'allowed', principal: { via: 'key' }, limits: [] })],
  ['answers a denial', () => ({ kind: 'denied', code: 'unknown' })],
  ['answers a denial that there is not', () => ({ kind: 'denied', code: 'nonsense' })],
  ['answers later, and not what it should', () => Promise.resolve({ key: 1 })],
  ['has a match without a key', (truth) => truth && { ...truth, key: undefined }],
  ['has an id that is no text', key({ id: 7 })],
  ['has an account id that is no text', key({ accountId: null })],
  ['has permissions that are no list', key({ permissions: 'admin' })],
  ['has permissions that are no texts', key({ permissions: [{}] })],
  ['has an end that is no time', key({ expiresAt: 'tomorrow' })],
  ['has an end that is not a number', key({ expiresAt: Number.NaN })],
  ['does not say whether there is an end', key({ expiresAt: undefined })],
  ['does not say whether it is revoked', key({ revokedAt: undefined })],
  ['has a revocation that is not a number', key({ revokedAt: Number.NaN })],
  ['has a secret with an end that is no time', secret({ expiresAt: 'tomorrow' })],
  ['has a secret without its digest or seal', secret({ digest: undefined, sealed: undefined })],
  ['has a digest that is no text, and a seal of nothing', secret({ digest: 7, sealed: 'AAAA' })],
  ['has the account of another id', account({ id: 'another' })],
  ['has an account with a status that there is not', account({ status: 'frozen' })],
  ['has an account without a plan', account({ plan: undefined })],
])('a store that %s is unavailable', async (_, lie) => {
  const auth = authOf(lying(lie), TIMEOUT)
  expect(await verdict(auth, byKey.credential)).toBe('unavailable')
  expect(await verdict(auth, byToken.credential)).toBe('unavailable')
})

// What another digest finds is a key that does not exist, and a seal does not open for another key or service.
it.each<[string, Lie]>([
  ['another key', (truth) => secret({ digest: 'f'.repeat(64) })(key({ id: 'another' })(truth) as Match)],
  ["another service's key", key({ service: 'another' })],
])('a store that answers %s lets nobody in', async (_, lie) => {
  const auth = authOf(lying(lie), TIMEOUT)
  expect(await verdict(auth, byKey.credential)).toBe('unknown')
  expect(await verdict(auth, byToken.credential)).toBe('unavailable')
})

it.each<[string, () => unknown]>([
  ['throws a text', throwing('away')],
  ['rejects with nothing', () => Promise.reject(undefined)],
  ['never answers', withoutEnd],
])('a store that %s when keys were used holds up no request', async (_, recordUses) => {
  const auth = authOf({ ...memory, recordUses: () => recordUses() as boolean }, TIMEOUT)
  expect(await verdict(auth, byKey.credential)).toBe(byKey.verdict)
  await auth.close()
})

it.each<[string, () => unknown]>([
  ['throws a text', throwing('away')],
  ['throws nothing', throwing(undefined)],
  ['rejects with nothing', () => Promise.reject(undefined)],
  ['never answers', withoutEnd],
  ['answers nothing', () => undefined],
  ['answers a text', () => 'inserted'],
  ['answers a denial', () => ({ kind: 'denied', code: 'unknown' })],
])('a change rejects with an error where the store %s', async (_, insertKey) => {
  const keys = keysOf({ ...memory, insertKey: () => insertKey() as never }, TIMEOUT)
  await expect(newKey(keys)).rejects.toBeInstanceOf(Error)
})
