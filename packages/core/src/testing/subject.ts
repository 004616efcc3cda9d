import type { Awaitable } from '../awaitable.ts'
import type { KeyStore } from '../store.ts'

/** A store that is to be proven. */
export interface StoreSubject {
  /**
   * Opens the store; what is in it already does not matter. What the store's `capabilities` promise is used: where it is
   * `shared`, several are open at once, on connections of their own to the same data; where it is `durable`, one that is
   * opened after another was closed has the same data. Each one is closed again.
   */
  open(): Awaitable<KeyStore>
  /**
   * Damages a record behind the store's back, by a statement of its database. Required where the store is `durable`. No
   * store is open then. False: the database refuses to hold such a record, so no store will ever read one.
   */
  tamper?(tampering: Tampering): Awaitable<boolean>
}

export type Tampering = KeyTampering | AccountTampering

export interface KeyTampering {
  readonly kind: 'key'
  readonly service: string
  readonly keyId: string
  readonly damage: Damage
}

/** Sets an account's status to a text: to one that there is not, and in the end to `active` again. */
export interface AccountTampering {
  readonly kind: 'account'
  readonly accountId: string
  readonly status: string
}

/** What is to be wrong with a key's record, in whatever form the database can hold it. */
export type Damage =
  /** They are no list of texts: an object, a number in the list. */
  | 'permissions'
  /** It is no object in JSON: text that was cut off, a list. */
  | 'metadata'
  /** It is no time: a text, a number that is not whole, or one that no `Date` can hold (above 8.64e15). */
  | 'expiresAt'
  | 'revokedAt'
  /** The same, of the end of the key's secret. */
  | 'secret expiresAt'
  /** The key's secret has none. */
  | 'digest'
  /** The sealed signing secret has lost its first character. */
  | 'sealed'
  /** It says that a later version of the store has written it, in a way that this one does not know. */
  | 'schema'
