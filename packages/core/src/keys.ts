import type { PageOptions } from './manage.ts'
import type { AuditRecord, InsertOptions, KeyChange, KeyDetails, KeyRecord, Page, Secret, UsageCount } from './store.ts'

export interface NewKey<Permission extends string = string> {
  /** Whose key it is. Left out where `manageKeys` was given an account. */
  readonly accountId?: string | undefined
  /** For people to tell keys apart. Required, not empty. */
  readonly name: string
  /** An API key, or a key that signs tokens. Default: what the contract has; an API key where it has both. */
  readonly kind?: Secret['kind'] | undefined
  /** Default none. */
  readonly permissions?: readonly Permission[] | undefined
  readonly environment?: string | null | undefined
  /** Milliseconds since the epoch. Default: never. */
  readonly expiresAt?: number | null | undefined
  /** Anything that JSON can hold. Default: empty. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined
}

/** A key that was made elsewhere: its text, or the SHA-256 digest of its text. */
export type ImportedKey<Permission extends string = string> = NewKey<Permission> & {
  /** The `kid` that clients have. Signing keys only. Default: a new one. */
  readonly id?: string | undefined
  /** Takes a text that is estimated to have fewer than 128 random bits, and can perhaps be guessed. Default false. */
  readonly dangerouslyAllowGuessableText?: boolean | undefined
} & (
    | { readonly text: string; readonly digest?: undefined }
    /**
     * 64 hexadecimal digits, made without a pepper. Not seen: whether its text can be guessed, nor how it is written. Where that
     * is not the contract's own format, the contract has to be `imported`, or no request finds the key.
     */
    | { readonly digest: string; readonly text?: undefined }
  )

export interface IssuedKey {
  readonly key: KeyRecord
  /** The key itself, or what tokens are signed with (as UTF-8 text). This is the only time that it is shown. */
  readonly secret: string
}

export interface CreatedKey {
  readonly key: KeyRecord
  /** `null`: the key was there already, by `idempotencyKey` or `onlyFirst`. */
  readonly secret: string | null
}

export interface ListOptions extends PageOptions {
  /** Default: every account's. */
  readonly accountId?: string | undefined
}

export interface KeyAuditOptions extends ListOptions {
  /** Only this key's. */
  readonly keyId?: string | undefined
}

export interface UsageOptions extends ListOptions {
  /** Only this key's. */
  readonly keyId?: string | undefined
  /** Of the days (UTC) that begin at this time or later, and before `to`, in milliseconds since the epoch. */
  readonly from: number
  readonly to: number
}

/** A key, and what was counted of it. */
export interface KeyUsage extends KeyDetails {
  /** By day, then by route, then by status. */
  readonly counts: readonly UsageCount[]
}

/**
 * The life of one service's keys. Every method rejects with a TypeError for an argument that is wrong, and with the
 * store's error when it fails or takes too long: it is then not known whether the change was made, and asking again does
 * no harm (for `create`, with the same `idempotencyKey`). Each change is recorded with who made it. A change of a key that
 * is there (`change`, `rotate`, `revoke`, `delete`) holds on every process for every request that begins after the call has
 * returned; it takes the store's lease for that (see `wait`).
 */
export interface Keys<Permission extends string = string> {
  /** Makes a key with at least 128 random bits, or a signing secret of 32 random bytes. The account must exist. */
  create(details: NewKey<Permission>): Promise<IssuedKey>
  create(details: NewKey<Permission>, options: InsertOptions): Promise<CreatedKey>
  /**
   * Takes over a key that was made elsewhere. `undefined`: there is such a key already. A text outside the contract's own
   * format is refused unless the contract is `imported`: it would never reach the store.
   */
  import(details: ImportedKey<Permission>): Promise<KeyRecord | undefined>
  find(id: string): Promise<KeyDetails | undefined>
  /** Oldest first, revoked and expired ones included. */
  list(options?: ListOptions): Promise<Page<KeyDetails>>
  /** Changes what is given and leaves the rest. Permissions are replaced as a whole. */
  change(
    id: string,
    change: KeyChange & { readonly permissions?: readonly Permission[] },
  ): Promise<KeyRecord | undefined>
  /**
   * Gives a key a new text or secret; its id, permissions and history stay. The old one works for another `overlap`
   * milliseconds, with 0, the default, it is dead at once. `undefined`: there is no such key, or it is revoked.
   */
  rotate(id: string, overlap?: number): Promise<IssuedKey | undefined>
  /** Ends a key for good, and keeps it on record. A second revocation changes nothing. */
  revoke(id: string, reason?: string | null): Promise<KeyRecord | undefined>
  /** Removes a key: afterwards it is unknown. False: there was no such key. */
  delete(id: string): Promise<boolean>
  /**
   * Shows a signing key's secrets that still work, newest first, for support. Recorded before they are shown. `undefined`:
   * there is no such key, or it is an API key, of which nobody has the text.
   */
  reveal(id: string): Promise<readonly string[] | undefined>
  /**
   * Seals all signing secrets with the current master key, while requests go on. Says how many it has sealed anew. Rejects
   * where one cannot be opened, after the others are done.
   */
  reseal(): Promise<number>
  /**
   * How often keys were used: all of them, oldest first, used or not; with `keyId` the one. What processes have counted in the
   * last second is not there yet.
   */
  usage(options: UsageOptions): Promise<Page<KeyUsage>>
  /** What was done to the keys of this service, newest first; with `keyId` to one, also after it was deleted. */
  audit(options?: KeyAuditOptions): Promise<Page<AuditRecord>>
}

/** Whether a key works, as far as it is the key's own matter: its account may be suspended. */
export function statusOf(key: KeyRecord, now: number): 'active' | 'revoked' | 'expired' {
  if (key.revokedAt !== null) return 'revoked'
  return key.expiresAt !== null && now >= key.expiresAt ? 'expired' : 'active'
}
