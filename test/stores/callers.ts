/** Callers of an API with credentials of every kind, good and bad, and what is decided of them. */
import { problemDetails } from '@latchkey/contracts'
import {
  type AnyAuth,
  type AuthEvents,
  type Contract,
  createAuth,
  type KeyReader,
  type KeyStore,
  type Keys,
  keyCodec,
  type Listeners,
  manageAccounts,
  manageKeys,
} from '@latchkey/core'
import { sign } from '../conformance/tokens.ts'

export const ACCOUNT = 'customer'
export const MASTER_KEY = 'a master key of more than thirty-two bytes'

const FORMAT = { prefix: 'key_', length: 32, alphabet: 'base62', checksum: true } as const
const ISSUER = 'sdk'

/** API keys and tokens. */
export const contract: Contract<never, never, never> = problemDetails({
  name: 'called',
  key: FORMAT,
  token: { issuer: ISSUER, subjectIsKeyId: true },
})

export interface Caller {
  /** What it presents. */
  readonly credential: string
  /** What is decided of it where nothing is broken: see `verdict`. */
  readonly verdict: string
}

/** The account's keys are made, and one caller has each of them. */
export async function populate(store: KeyStore): Promise<readonly Caller[]> {
  await manageAccounts({ store, by: 'test' }).create({ id: ACCOUNT, plan: 'any' })
  const keys = keysOf(store)
  const good = await newKey(keys)
  const revoked = await newKey(keys)
  await keys.revoke(revoked.id)
  const signing = await keys.create({ accountId: ACCOUNT, name: 'signing', kind: 'signing' })
  const kid = signing.key.id
  return [
    { credential: good.secret, verdict: `allowed ${good.id}` },
    { credential: keyCodec(FORMAT).mint().text, verdict: 'unknown' },
    { credential: revoked.secret, verdict: 'revoked' },
    { credential: tokenOf(kid, signing.secret ?? ''), verdict: `allowed ${kid}` },
    { credential: tokenOf(kid, 'a secret of another key, as long as others'), verdict: 'token_invalid' },
    { credential: tokenOf('nobody', signing.secret ?? ''), verdict: 'token_invalid' },
  ]
}

/** @param timeout of each call, in milliseconds. Default: so long that it is not about that. */
export function keysOf(store: KeyStore, timeout = 60_000): Keys<never> {
  return manageKeys({ contract, store, by: 'test', masterKey: MASTER_KEY, timeout })
}

export async function newKey(keys: Keys<never>): Promise<{ readonly id: string; readonly secret: string }> {
  const { key, secret } = await keys.create({ accountId: ACCOUNT, name: 'test' })
  return { id: key.id, secret: secret ?? '' }
}

export function tokenOf(kid: string, secret: string): string {
  const iat = Math.floor(Date.now() / 1000)
  return sign({ header: { kid }, claims: { sub: kid, iat, exp: iat + 600, iss: ISSUER }, secret })
}

/** @param timeout of each call, in milliseconds */
export function authOf(store: KeyReader, timeout: number, on?: Listeners<AuthEvents>): AnyAuth {
  // Each request is to read the store.
  return createAuth({ contract, store, timeout, cache: false, masterKey: MASTER_KEY, ...(on && { on }) })
}

/** What is decided: the denial's code, or `allowed` and the key's id. */
export async function verdict(auth: AnyAuth, credential: string): Promise<string> {
  const outcome = await auth.authenticator()({}, new Headers({ 'x-api-key': credential }))
  if (outcome.kind === 'denied') return outcome.code
  return outcome.kind === 'allowed' ? `allowed ${outcome.principal.key.id}` : outcome.kind
}

/** So many requests at once, of all callers by turns. */
export function verdicts(auth: AnyAuth, callers: readonly Caller[], requests: number): Promise<readonly string[]> {
  return Promise.all(turns(callers, requests).map(({ credential }) => verdict(auth, credential)))
}

/** What `verdicts` must be where nothing is broken. */
export function healthyVerdicts(callers: readonly Caller[], requests: number): readonly string[] {
  return turns(callers, requests).map(({ verdict }) => verdict)
}

function turns<T>(items: readonly T[], number: number): readonly T[] {
  return Array.from({ length: number }, (_, i) => items[i % items.length] as T)
}
