import type { Awaitable } from './awaitable.ts'
import type { Ledger } from './ledger.ts'
import type { Limiter } from './limiter.ts'

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
  /** See `digestKey`: 64 lower-case hexadecimal digits. Of one service at most one key has it. */
  readonly digest: string
  /** For people to recognise the key by: prefix and last four characters at most. */
  readonly display: string
}

/** A signing secret as it lies in a store: HS256 needs its text again, so it is sealed (AES-256-GCM), not a digest. */
export interface SigningSecret extends SecretVersion {
  readonly kind: 'signing'
  /** Unique for the key. The seal is bound to service, key and version: sealed texts cannot be swapped. */
  readonly version: string
  readonly sealed: string
  /** Names the master key that it was sealed with; tells nothing of it. */
  readonly masterKeyId: string
}

export type Secret = KeySecret | SigningSecret

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

/** What was changed, by whomever. */
export type Change =
  /** A key, or one of its secrets: made, changed or removed. */
  | { readonly kind: 'key'; readonly service: string; readonly id: string }
  | { readonly kind: 'account'; readonly id: string }
  /** All there is, or nobody can say what. */
  | { readonly kind: 'all' }

/** Tells what changes, so that what was read may be kept until it does. Why it is so: decision 008. */
export interface ChangeFeed {
  /**
   * How long a heartbeat is good for, in milliseconds. It is kept in the store, so that it is the same for every process.
   * Infinity: every change is told before the call that makes it returns.
   */
  readonly lease: number
  /**
   * Begins to listen: every change that is committed after this has answered is told, in the order of the commits. Rejects
   * when that cannot be had now.
   */
  subscribe(listener: ChangeListener): Awaitable<ChangeSubscription>
  /** Tells every listener, of this process and of others, as if it had been changed in the store. */
  announce(change: Change): Awaitable<void>
}

export interface ChangeListener {
  changed(change: Change): void
  /** The subscription has ended by itself, and changes may have been missed. Not called after `close`. */
  lost(cause: unknown): void
}

export interface ChangeSubscription {
  /**
   * Sends a heartbeat by the way that changes take, and answers when it has come back by the way that they are told: every
   * change that was committed before it was sent has then been told. Rejects when it cannot be sent. It need not answer.
   */
  beat(): Awaitable<void>
  /** Stops listening. */
  close(): Awaitable<void>
}

/** What verification reads. */
export interface KeyReader {
  /** The key whose secret has this digest, live or not, of this service only. One read. */
  findByDigest(service: string, digest: string): Awaitable<KeyMatch | undefined>
  /** The signing key with this id, live or not, of this service only, with all its secrets. One read. */
  findSigningKey(service: string, id: string): Awaitable<SigningKeyMatch | undefined>
  /** The account of an identity provider's subject. Not needed without identity providers, or with `accounts`. */
  findAccount?(id: string): Awaitable<Account | undefined>
  /** Counts how keys were used: see {@link KeyStore}. Without it nothing is counted. */
  recordUses?(uses: readonly KeyUse[]): Awaitable<boolean>
  /** Without it every request reads the store. */
  readonly changes?: ChangeFeed | undefined
  /** Count requests where the keys lie, for all processes on the store. Default of `createAuth`'s options of these names. */
  readonly limiter?: Limiter | undefined
  readonly ledger?: Ledger | undefined
}

/** How often a key was used on one day, on one route, and answered with one status. */
export interface UsageCount {
  readonly keyId: string
  /** The method and the route's pattern, `GET /users/:id`; `(none)`: it is not known. */
  readonly route: string
  /** 499: the client was gone before there was an answer. 0: it is not known. */
  readonly status: number
  /** The first millisecond of the day, in UTC, since the epoch. */
  readonly day: number
  readonly count: number
}

/** Such a count to be added to what there is. */
export interface KeyUse extends UsageCount {
  readonly service: string
  /** The first and the last of these uses, in milliseconds since the epoch. */
  readonly firstAt: number
  readonly lastAt: number
}

export interface UsageQuery {
  readonly service: string
  readonly keyIds: readonly string[]
  /** Days that begin at this time or later, and before the other. */
  readonly from: number
  readonly to: number
}

/** Points at a key. */
export interface KeyRef {
  readonly service: string
  readonly id: string
  /** Where it is given, another account's key is one that does not exist. */
  readonly accountId?: string | undefined
}

/** A key for people: what there is beside its secrets. */
export interface KeyDetails {
  readonly key: KeyRecord
  /** An API key, or a key that signs tokens. */
  readonly kind: Secret['kind']
  /** Its secrets, oldest first. */
  readonly versions: readonly SecretInfo[]
  /** The first and the last use that was counted, whatever it was answered with; `null`: none. */
  readonly firstUsedAt: number | null
  readonly lastUsedAt: number | null
}

export interface SecretInfo extends SecretVersion {
  /** `null` for signing secrets: nothing of them is shown. */
  readonly display: string | null
}

/** A part of a list. */
export interface Page<T> {
  readonly items: readonly T[]
  /** Given as `after`, it asks for what follows; `null`: nothing does. */
  readonly next: string | null
}

export interface PageQuery {
  /** The `next` of the page before. A store rejects a text that is none with a TypeError. Default: from the start. */
  readonly after?: string | undefined
  /** At most so many, 1 or more. */
  readonly limit: number
}

export interface KeyQuery extends PageQuery {
  readonly service: string
  /** Default: every account's. */
  readonly accountId?: string | undefined
}

export interface AuditQuery extends PageQuery {
  readonly service?: string | undefined
  readonly keyId?: string | undefined
  readonly accountId?: string | undefined
}

export type AuditAction =
  | 'key.created'
  | 'key.imported'
  | 'key.changed'
  | 'key.rotated'
  | 'key.revoked'
  | 'key.deleted'
  | 'secret.revealed'
  | 'secret.resealed'
  | 'account.created'
  | 'account.changed'

/** Who did what and when. Holds no secret, token or digest. */
export interface AuditEntry {
  /** Milliseconds since the epoch. */
  readonly at: number
  /** Who: a user, a program. Not checked. */
  readonly by: string
  readonly action: AuditAction
  /** What was asked for: the fields that changed and their values, a reason, an overlap. */
  readonly details: Readonly<Record<string, unknown>>
}

/** An entry and what it is about. It outlives the key. */
export interface AuditRecord extends AuditEntry {
  readonly service: string | null
  readonly keyId: string | null
  readonly accountId: string | null
}

export type Inserted =
  | { readonly kind: 'inserted' }
  /** The id or the digest is another key's. */
  | { readonly kind: 'taken' }
  /** The key that `onlyFirst` or `idempotencyKey` found in its place. */
  | { readonly kind: 'exists'; readonly key: KeyRecord }

export interface InsertOptions {
  /** Only as the account's first key of this service: of parallel calls that ask so one inserts. Default false. */
  readonly onlyFirst?: boolean | undefined
  /** Of all calls with the same one, for the same service and account, one inserts, as long as its key exists. */
  readonly idempotencyKey?: string | undefined
}

/** What may change on a key without making it another one. A revocation is not among it: it is not undone. */
export type KeyChange = Partial<Pick<KeyRecord, 'name' | 'environment' | 'permissions' | 'expiresAt' | 'metadata'>>
export type AccountChange = Partial<Omit<Account, 'id'>>

/** Accounts and keys with their secrets, whole. */
export interface Records {
  readonly accounts: readonly Account[]
  readonly keys: readonly { readonly key: KeyRecord; readonly secrets: readonly Secret[] }[]
}

/** What a store can do; `@latchkey/core/testing` asks for no more. */
export interface StoreCapabilities {
  /** What it has acknowledged outlives the process. */
  readonly durable: boolean
  /** Several processes may use it at once. */
  readonly shared: boolean
  /** `immediate`: a read that begins after a write has returned sees it. `eventual`: some time later. */
  readonly consistency: 'immediate' | 'eventual'
  /** It tells what changes (`changes`), so that processes may keep what they have read. */
  readonly announces: boolean
  /**
   * How long another process may go on with what it read before a change, in milliseconds: so long whoever makes a change
   * waits before it is said to hold. 0: no process does.
   */
  readonly lease: number
}

/**
 * Keys and accounts, and what is done to them. Each operation is atomic: it happens wholly, with its audit record, or not
 * at all. A store answers synchronously if it can. It never rejects for what is not there: `undefined` means that there is
 * no such key or account, and a rejection that the store cannot tell. A record that is damaged, or of a newer schema than
 * the store knows, is a rejection that names its id.
 */
export interface KeyStore extends KeyReader, AsyncDisposable {
  readonly capabilities: StoreCapabilities

  findKey(ref: KeyRef): Awaitable<KeyDetails | undefined>
  /** Keys of one service, oldest first, revoked and expired ones included. */
  listKeys(query: KeyQuery): Awaitable<Page<KeyDetails>>
  /** Adds a key with its first secret. Changes nothing unless it answers `inserted`. */
  insertKey(key: KeyRecord, secret: Secret, audit: AuditEntry, options?: InsertOptions): Awaitable<Inserted>
  /**
   * Adds a secret to a key. Earlier versions end at `previousEndsAt` at the latest; one in the past ends them at once.
   * `undefined`: there is no such key, or it is revoked. Rejects when the digest is taken, or the secret is of another kind.
   */
  rotateKey(ref: KeyRef, secret: Secret, previousEndsAt: number, audit: AuditEntry): Awaitable<KeyRecord | undefined>
  /** Sets the tombstone, as of the audit entry. A second revocation changes nothing, and is not recorded. */
  revokeKey(ref: KeyRef, reason: string | null, audit: AuditEntry): Awaitable<KeyRecord | undefined>
  /** Removes the key and its secrets: afterwards it is unknown. False: there was no such key. */
  deleteKey(ref: KeyRef, audit: AuditEntry): Awaitable<boolean>
  changeKey(ref: KeyRef, change: KeyChange, audit: AuditEntry): Awaitable<KeyRecord | undefined>

  /** Signing secrets of the service that another master key sealed, at most `limit`. */
  listSealed(
    service: string,
    otherThan: string,
    limit: number,
  ): Awaitable<readonly { readonly keyId: string; readonly secret: SigningSecret }[]>
  /** Puts one seal in another's place. False: the secret is gone, or no longer sealed as `from`. */
  resealSecret(ref: KeyRef, from: SigningSecret, to: SigningSecret, audit: AuditEntry): Awaitable<boolean>

  findAccount(id: string): Awaitable<Account | undefined>
  /** Oldest first. */
  listAccounts(query: PageQuery): Awaitable<Page<Account>>
  /** False, and nothing is changed, when the id is taken. */
  insertAccount(account: Account, audit: AuditEntry): Awaitable<boolean>
  changeAccount(id: string, change: AccountChange, audit: AuditEntry): Awaitable<Account | undefined>

  /** Adds all of them, without audit records, or nothing: false when one of the ids or digests is taken. */
  insertAll(records: Records): Awaitable<boolean>

  /** For what changes nothing else: a secret that was shown. */
  recordAudit(record: AuditRecord): Awaitable<void>
  /** Newest first. */
  listAudit(query: AuditQuery): Awaitable<Page<AuditRecord>>

  /**
   * Adds to what is counted of keys that are there; of others nothing is kept. Called with a batch, once a second or for 1000
   * requests. Several of them may be about the same. False: it is not the time, nothing was added, and they are given again.
   */
  recordUses(uses: readonly KeyUse[]): Awaitable<boolean>
  /** What was counted of these keys, in no order. Until a key is deleted nothing of it is forgotten. */
  listUsage(query: UsageQuery): Awaitable<readonly UsageCount[]>
  /** Gives back connections and files, and ends subscriptions. Afterwards every call rejects. `await using` does it too. */
  close(): Awaitable<void>
}

/** Accounts of an application with its own user table. */
export interface AccountReader {
  find(id: string): Awaitable<Account | undefined>
  /**
   * Keeps what `find` has returned, frozen, until `auth.invalidate` says that the account has changed: whoever changes one
   * has to call it. Needs a store that announces. Default false: `find` is called for each request.
   */
  readonly cached?: boolean | undefined
}
