import type { KeyCharge } from './charge.ts'
import type { KeyedPrincipal, KeyPrincipal, TokenPrincipal } from './principal.ts'
import { Itself } from './slot.ts'
import type { Account, KeyRecord } from './store.ts'
import type { Counter } from './uses.ts'

/** What is remembered of a key from request to request, so that no request has to look it up. */
export interface KeyMemo extends Counter {
  /** What it is charged on mounts and routes: see `chargeFinder`. */
  charges: KeyCharge | undefined
}

/** A private field: nobody sees it, and its memo can be written to where the principal is frozen. */
class Remembering extends Itself {
  readonly #memo: KeyMemo

  constructor(principal: KeyedPrincipal, memo: KeyMemo) {
    super(principal)
    this.#memo = memo
  }

  static memoOf(principal: KeyedPrincipal): KeyMemo | undefined {
    return #memo in principal ? principal.#memo : undefined
  }
}

/** The memo of a principal's key. A copy of a principal has none. */
export function memoOf(principal: KeyedPrincipal): KeyMemo | undefined {
  return Remembering.memoOf(principal)
}

export function keyPrincipal(key: KeyRecord, account: Account, memo: KeyMemo): KeyPrincipal {
  return remembering({ via: 'key', account, key, plan: account.plan, permissions: key.permissions }, memo)
}

export function tokenPrincipal(
  key: KeyRecord,
  account: Account,
  claims: TokenPrincipal['claims'],
  memo: KeyMemo,
): TokenPrincipal {
  return remembering({ via: 'token', account, key, plan: account.plan, permissions: key.permissions, claims }, memo)
}

function remembering<P extends KeyedPrincipal>(principal: P, memo: KeyMemo): P {
  new Remembering(principal, memo)
  return Object.freeze(principal)
}
