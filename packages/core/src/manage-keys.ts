import { type AnyContract, type Contract, checkKnown } from './contract.ts'
import { digestKey } from './digest.ts'
import type { IdentityProvider } from './identity.ts'
import { keyCodec } from './key-format.ts'
import type { KeyRecord, KeySecret, KeyStore, SigningSecret } from './store.ts'
import { MIN_SIGNING_SECRET_BYTES } from './verify-token.ts'

export interface NewKey<Permission extends string = string> {
  readonly accountId: string
  /** For people to tell keys apart. Required, not empty. */
  readonly name: string
  /** Default none. */
  readonly permissions?: readonly Permission[]
  readonly environment?: string
  /** Milliseconds since the epoch. Default: never. */
  readonly expiresAt?: number
  readonly metadata?: Readonly<Record<string, unknown>>
}

export interface IssueOptions {
  /** The pepper of `createAuth`, if it has one. */
  readonly pepper?: string
  /** Milliseconds since the epoch. Default: now. */
  readonly now?: number
}

export interface IssuedKey {
  readonly key: KeyRecord
  /** The key itself. It is not kept: this is the only time that it can be shown. */
  readonly text: string
}

export interface IssuedSigningKey {
  readonly key: KeyRecord
  /** What the client signs with, as UTF-8 text; `null` when the account had a key already and `onlyFirst` was asked. */
  readonly secret: string | null
}

/** An id or a digest that is taken is drawn again; a store that calls everything taken is broken. */
const ATTEMPTS = 8

/**
 * Makes an API key in the contract's format and stores its digest. Does not check that the account exists.
 *
 * Rejects with a TypeError for an empty name, an unknown permission or a contract without a key format; with the store's
 * error otherwise.
 */
export async function issueKey<Plan extends string, Permission extends string, Feature extends string>(
  store: KeyStore,
  contract: Contract<Plan, Permission, Feature, readonly IdentityProvider[]>,
  details: NewKey<Permission>,
  { pepper, now = Date.now() }: IssueOptions = {},
): Promise<IssuedKey> {
  if (contract.key === undefined) throw new TypeError(`contract ${contract.name} has no key format`)
  const codec = keyCodec(contract.key)
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const minted = codec.mint()
    const key = recordOf(contract, details, minted.id ?? `key_${crypto.randomUUID()}`, now)
    const inserted = await store.insertKey(key, keySecret(minted.text, codec.display(minted.text), pepper, now))
    if (inserted.kind === 'inserted') return { key, text: minted.text }
  }
  throw new Error('the store called every new key taken')
}

/**
 * Gives a key a new text; its id, permissions and history stay. The old text works for another `overlap` milliseconds,
 * with 0 it is dead at once. `undefined`: there is no such key, or it is revoked.
 *
 * Rejects with a TypeError for an overlap that is none, a contract without a key format, or a key whose id does not fit the
 * format (one that was made elsewhere); with the store's error otherwise.
 */
export async function rotateKey(
  store: KeyStore,
  contract: AnyContract,
  id: string,
  overlap: number,
  { pepper, now = Date.now() }: IssueOptions = {},
): Promise<IssuedKey | undefined> {
  if (contract.key === undefined) throw new TypeError(`contract ${contract.name} has no key format`)
  if (!(Number.isFinite(overlap) && overlap >= 0)) throw new TypeError('overlap must be milliseconds, 0 or more')
  const codec = keyCodec(contract.key)
  if ((await store.findById(contract.name, id)) === undefined) return undefined
  const { text } = codec.mint(contract.key.id && id)
  const secret = keySecret(text, codec.display(text), pepper, now)
  const key = await store.rotateKey(contract.name, id, secret, now + overlap)
  return key && { key, text }
}

/**
 * Makes a key for signing tokens: the id is a UUID, the `kid` of the tokens; the secret is 32 random bytes, written as 43
 * characters of base64url and used as that text. With `onlyFirst` the account's existing key comes back instead, without
 * its secret: of parallel first calls one makes a key and shows a secret.
 *
 * Rejects with a TypeError for an empty name, an unknown permission or a contract without token rules; with the store's
 * error otherwise.
 */
export async function issueSigningKey<Plan extends string, Permission extends string, Feature extends string>(
  store: KeyStore,
  contract: Contract<Plan, Permission, Feature, readonly IdentityProvider[]>,
  details: NewKey<Permission>,
  { now = Date.now(), onlyFirst = false }: { readonly now?: number; readonly onlyFirst?: boolean } = {},
): Promise<IssuedSigningKey> {
  if (contract.token === undefined) throw new TypeError(`contract ${contract.name} has no token rules`)
  const key = recordOf(contract, details, crypto.randomUUID(), now)
  const text = randomBase64Url(MIN_SIGNING_SECRET_BYTES)
  const secret: SigningSecret = { kind: 'signing', text, createdAt: now, expiresAt: null }
  const inserted = await store.insertKey(key, secret, { onlyFirst })
  return inserted.kind === 'inserted' ? { key, secret: text } : { key: inserted.key, secret: null }
}

function keySecret(text: string, display: string, pepper: string | undefined, now: number): KeySecret {
  return { kind: 'key', digest: digestKey(text, pepper), display, createdAt: now, expiresAt: null }
}

function recordOf(contract: AnyContract, details: NewKey, id: string, now: number): KeyRecord {
  const { accountId, name, permissions = [], environment = null, expiresAt = null, metadata = {} } = details
  if (typeof name !== 'string' || name.trim() === '') throw new TypeError('name must not be empty')
  if (typeof accountId !== 'string' || accountId === '') throw new TypeError('accountId must be the id of an account')
  const known = Object.keys(contract.permissions ?? {})
  for (const permission of permissions) checkKnown('permissions', 'permission', permission, known)
  if (expiresAt !== null && !Number.isFinite(expiresAt)) {
    throw new TypeError('expiresAt must be milliseconds since the epoch')
  }
  return {
    id,
    service: contract.name,
    accountId,
    name,
    environment,
    permissions,
    createdAt: now,
    expiresAt,
    revokedAt: null,
    revokedReason: null,
    metadata,
  }
}

function randomBase64Url(bytes: number): string {
  const binary = String.fromCharCode(...crypto.getRandomValues(new Uint8Array(bytes)))
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}
