import type { Awaitable } from './awaitable.ts'

/** Who owns keys: a user, a team, a customer. Times are milliseconds since the epoch. */
export interface Account<Plan extends string = string> {
  readonly id: string
  readonly plan: Plan
  readonly status: 'active' | 'suspended'
  readonly email: string | null
  readonly metadata: Readonly<Record<string, unknown>>
}

/** A key without its secret. Times are milliseconds since the epoch. */
export interface KeyRecord<Permission extends string = string> {
  /** Stable and public: it may stand in logs and answers. For token services it is the `kid`. */
  readonly id: string
  /** The contract that the key belongs to. For another service this key does not exist. */
  readonly service: string
  readonly accountId: string
  readonly name: string
  readonly environment: string | null
  readonly permissions: readonly Permission[]
  readonly createdAt: number
  /** The first millisecond at which the key no longer works; `null`: never. */
  readonly expiresAt: number | null
  /** A tombstone: a revoked key stays on record, is answered as revoked, and is never un-revoked. */
  readonly revokedAt: number | null
  readonly revokedReason: string | null
  readonly metadata: Readonly<Record<string, unknown>>
}

interface SecretVersion {
  readonly createdAt: number
  /** The first millisecond at which this version no longer works; `null`: as long as the key. */
  readonly expiresAt: number | null
}

/** One version of an API key's secret: its digest, never its text. */
export interface KeySecret extends SecretVersion {
  readonly kind: 'key'
  /** See `digestKey`: 64 lower-case hexadecimal digits. */
  readonly digest: string
  /** For people to recognise the key by: prefix and last four characters at most. */
  readonly display: string
}

/** One version of a signing secret, of at least 32 bytes. HS256 needs its text, so it is not a digest. */
export interface SigningSecret extends SecretVersion {
  readonly kind: 'signing'
  readonly text: string
}

export interface KeyMatch {
  readonly key: KeyRecord
  /** `null` where accounts live elsewhere (see `accounts` of `createAuth`). */
  readonly account: Account | null
  readonly secret: KeySecret
}

export interface SigningKeyMatch {
  readonly key: KeyRecord
  readonly account: Account | null
  readonly secrets: readonly SigningSecret[]
}

export type Inserted = { readonly kind: 'inserted' } | { readonly kind: 'exists'; readonly key: KeyRecord }

/** What may change on a key without making it another one. A revocation is not among it: it is not undone. */
export type KeyChange = Partial<Pick<KeyRecord, 'name' | 'environment' | 'permissions' | 'expiresAt' | 'metadata'>>
export type AccountChange = Partial<Omit<Account, 'id'>>

/**
 * What verification reads. A store answers synchronously if it can. It never throws for a key that is not there:
 * `undefined` means that no such key exists, and a rejection that the store cannot tell.
 */
export interface KeyReader {
  /** The key whose secret has this digest, live or not, of this service only. One read. */
  findByDigest(service: string, digest: string): Awaitable<KeyMatch | undefined>
  /** The signing key with this id, live or not, of this service only, with all its secrets. One read. */
  findSigningKey(service: string, id: string): Awaitable<SigningKeyMatch | undefined>
  /** The account of an identity provider's subject. Not needed without identity providers, or with `accounts`. */
  findAccount?(id: string): Awaitable<Account | undefined>
}

/** Keys and accounts, and what is done to them. Each operation is atomic: it happens wholly or not at all. */
export interface KeyStore extends KeyReader {
  findById(service: string, id: string): Awaitable<KeyRecord | undefined>
  /** The account's keys of this service, oldest first, revoked and expired ones included. */
  listKeys(service: string, accountId: string): Awaitable<readonly KeyRecord[]>
  /**
   * Adds a key with its first secret. Answers `exists`, and changes nothing, when the id or the digest is taken, or,
   * with `onlyFirst`, when the account already has a key of this service: of parallel calls one inserts.
   */
  insertKey(
    key: KeyRecord,
    secret: KeySecret | SigningSecret,
    options?: { readonly onlyFirst?: boolean },
  ): Awaitable<Inserted>
  /**
   * Adds a secret to a key. Earlier versions end at `previousEndsAt` at the latest; one in the past ends them at once.
   * `undefined`: there is no such key, or it is revoked. Rejects when the digest is another key's, or the secret is of another kind.
   */
  rotateKey(
    service: string,
    id: string,
    secret: KeySecret | SigningSecret,
    previousEndsAt: number,
  ): Awaitable<KeyRecord | undefined>
  /** Sets the tombstone. A second revocation changes nothing. `undefined`: there is no such key. */
  revokeKey(service: string, id: string, at: number, reason: string | null): Awaitable<KeyRecord | undefined>
  /** Removes the key and its secrets: afterwards it is unknown. False: there was no such key. */
  deleteKey(service: string, id: string): Awaitable<boolean>
  changeKey(service: string, id: string, change: KeyChange): Awaitable<KeyRecord | undefined>

  findAccount(id: string): Awaitable<Account | undefined>
  /** False, and nothing is changed, when the id is taken. */
  insertAccount(account: Account): Awaitable<boolean>
  changeAccount(id: string, change: AccountChange): Awaitable<Account | undefined>
}

/** Accounts of an application with its own user table. */
export interface AccountReader {
  find(id: string): Awaitable<Account | undefined>
}
