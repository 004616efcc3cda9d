/** Keys and tokens of a provider, for all who are measured. */
import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import { problemDetails } from '@latchkey/contracts'
import {
  type AnyAuth,
  createAuth,
  digestKey,
  type KeyFormat,
  type KeyRecord,
  type KeyStore,
  keyCodec,
  manageAccounts,
  manageKeys,
  memoryStore,
  type Records,
} from '@latchkey/core'

const FORMAT: KeyFormat = { prefix: 'key_', length: 32, alphabet: 'base62', checksum: true }
const MASTER_KEY = 'the master key of the benchmarks in no use'
const ISSUER = 'https://api.example.com'
const YEAR = 365 * 86_400_000

export const contract = problemDetails({
  name: 'bench',
  key: FORMAT,
  plans: ['free', 'pro'],
  permissions: { read: [], write: [] },
})

/** With a limit that nobody reaches. */
export const limitedContract = problemDetails({
  name: 'bench',
  key: FORMAT,
  plans: ['free', 'pro'],
  permissions: { read: [], write: [] },
  limits: [{ name: 'minute', seconds: 60, limit: 1_000_000_000, per: 'key' }],
})

const tokenContract = problemDetails({
  name: 'bench',
  carriers: [{ kind: 'bearer' }],
  token: { issuer: ISSUER },
  permissions: { read: [], write: [] },
})

const codec = keyCodec(FORMAT)

/** The text of a key that nobody has made before. */
export function newKey(): string {
  return codec.mint().text
}

/** A key as it lies in a store, without its secret: it expires, and may do something. */
export function keyRecord(id: string, accountId: string): KeyRecord {
  return {
    id,
    service: contract.name,
    accountId,
    name: 'Backend',
    environment: null,
    permissions: ['read'],
    createdAt: 0,
    expiresAt: Date.now() + YEAR,
    revokedAt: null,
    revokedReason: null,
    metadata: {},
  }
}

/** Keys of one account, as a store takes them. */
export function recordsOf(texts: readonly string[]): Records {
  const keys = texts.map((text) => ({
    key: keyRecord(`key_${crypto.randomUUID()}`, 'customer'),
    secrets: [
      {
        kind: 'key' as const,
        digest: digestKey(text),
        display: codec.display(text),
        createdAt: 0,
        expiresAt: null,
      },
    ],
  }))
  return { accounts: [], keys }
}

export async function insertCustomer(store: KeyStore): Promise<void> {
  await manageAccounts({ store, by: 'bench' }).create({ id: 'customer', plan: 'pro' })
}

/** A store in memory with so many keys. */
export async function keyStore(
  count: number,
): Promise<{ readonly store: KeyStore; readonly texts: readonly string[] }> {
  const store = memoryStore()
  const texts = Array.from({ length: count }, newKey)
  await insertCustomer(store)
  store.insertAll(recordsOf(texts))
  return { store, texts }
}

/** A request as Node has read it. */
export interface Incoming {
  readonly rawHeaders: string[]
}

export function incoming(name: string, value: string): Incoming {
  return { rawHeaders: ['Host', '127.0.0.1:3000', 'Connection', 'keep-alive', 'Accept', '*/*', name, flat(value)] }
}

export function keyRequest(text: string): Incoming {
  return incoming('X-Api-Key', text)
}

/** A text that was put together is put into one piece when it is first read: that is not what is measured. */
export function flat(text: string): string {
  return Buffer.from(text).toString('latin1')
}

export interface Signer {
  readonly auth: AnyAuth
  readonly secret: KeyObject
  readonly issuer: string
  /** A token that nobody has made before, good for an hour. */
  sign(): string
  /** The same with the signature of another one. */
  forge(): string
}

/** A provider whose customer signs tokens. */
export async function tokenSigner(): Promise<Signer> {
  const store = memoryStore()
  await insertCustomer(store)
  const keys = manageKeys({ contract: tokenContract, store, masterKey: MASTER_KEY, by: 'bench' })
  const { key, secret: text } = await keys.create({ accountId: 'customer', name: 'Backend', permissions: ['read'] })
  const secret = createSecretKey(text, 'utf8')
  const sign = () => {
    const iat = Math.floor(Date.now() / 1000)
    const input = signingInput({ alg: 'HS256', kid: key.id }, { iss: ISSUER, sub: key.id, iat, exp: iat + 3600 })
    return flat(`${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`)
  }
  return {
    auth: createAuth({ contract: tokenContract, store, masterKey: MASTER_KEY }),
    secret,
    issuer: ISSUER,
    sign,
    forge: () => flat(sign().slice(0, -43) + sign().slice(-43)),
  }
}

let made = 0

/** The part of a token that is signed. `jti` makes it one that nobody has seen. */
export function signingInput(header: object, claims: object): string {
  const parts = [
    { typ: 'JWT', ...header },
    { ...claims, jti: `token ${++made}` },
  ]
  return parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
}
