import type { KeyCharge } from './charge.ts'
import type { KeyPrincipal, TokenPrincipal } from './principal.ts'
import { Itself } from './slot.ts'
import type { Account, KeyRecord } from './store.ts'
import type { KeyCounters } from './uses.ts'

/** What a process remembers of a key from request to request, so that no request has to look it up. */
export interface KeyMemo {
  /** What it is charged on mounts and routes: see `chargeFinder`. */
  charges: KeyCharge | undefined
  /** Where its uses are counted: see `useRecorder`. */
  counters: KeyCounters | undefined
}

/** A private field, which stays writable in what is frozen. */
class Remembering extends Itself {
  readonly #memo: KeyMemo

  constructor(object: object, memo: KeyMemo) {
    super(object)
    this.#memo = memo
  }

  static memoOf(object: object): KeyMemo | undefined {
    return #memo in object ? object.#memo : undefined
  }
}

/** Gives what was found of a key its memo, or a new one. To be done before it is frozen. */
export function remembering<T extends object>(
  object: T,
  memo: KeyMemo = { charges: undefined, counters: undefined },
): T {
  new Remembering(object, memo)
  return object
}

/** The memo of what was found of a key, and of who was proven by it. A copy has none. */
export function memoOf(object: object): KeyMemo | undefined {
  return Remembering.memoOf(object)
}

export function keyPrincipal(key: KeyRecord, account: Account, memo?: KeyMemo): KeyPrincipal {
  const { permissions } = key
  return Object.freeze(remembering<KeyPrincipal>({ via: 'key', account, key, plan: account.plan, permissions }, memo))
}

export function tokenPrincipal(
  key: KeyRecord,
  account: Account,
  claims: TokenPrincipal['claims'],
  memo?: KeyMemo,
): TokenPrincipal {
  const { permissions } = key
  return Object.freeze(
    remembering<TokenPrincipal>({ via: 'token', account, key, plan: account.plan, permissions, claims }, memo),
  )
}
