import { isPromise } from './awaitable.ts'
import type { Denied } from './outcome.ts'
import type { Everyone, Principal } from './principal.ts'
import type { Account, KeyRecord } from './store.ts'

/**
 * What is told while requests are decided. None of it holds a secret, a token, a digest or a header value. A listener is
 * called when the decision has been made, and not waited for; what it throws, or rejects with, is dropped.
 */
export interface AuthEvents {
  /** A request was proven and admitted; once for each. What its route denies is told as `denied` all the same. */
  readonly allowed: OfService & { readonly principal: Principal }
  /** Told at most 10 times a second for each code. `principal`: who was denied, where that was proven before. */
  readonly denied: OfService &
    Throttled & { readonly denied: Denied; readonly principal: Principal | Everyone | undefined }
  /** A key was used that ends within 7 days. Once for each key, end and process. */
  readonly keyExpiring: OfService & { readonly key: KeyRecord; readonly expiresAt: number }
  /** The request by which less than a tenth of a balance remains. */
  readonly quotaLow: OfService & {
    readonly accountId: string
    /** The quota's name in the contract. */
    readonly quota: string
    readonly limit: number
    readonly remaining: number
    /** When it is there anew, in milliseconds since the epoch; `null`: never. */
    readonly refillsAt: number | null
  }
  /** A request was let through without being counted: see `whenLimiterDown`. Told at most 10 times a second. */
  readonly uncounted: OfService & Throttled & { readonly cause: unknown }
  /** The store threw, did not answer in time, or answered with garbage. Told at most once in 10 seconds, until `storeUp`. */
  readonly storeDown: OfService & Throttled & { readonly cause: unknown }
  /** It answers again, after `storeDown` was told. */
  readonly storeUp: OfService
}

/** What is told of keys, when the call that does it returns. */
export interface KeyEvents {
  readonly keyCreated: OfKey
  readonly keyImported: OfKey
  readonly keyChanged: OfKey
  readonly keyRotated: OfKey
  readonly keyRevoked: OfKey
  readonly keyDeleted: OfService & By & { readonly keyId: string }
  readonly secretRevealed: OfKey
}

/** What is told of accounts, when the call that does it returns. */
export interface AccountEvents {
  readonly accountCreated: By & { readonly account: Account }
  readonly accountChanged: By & { readonly account: Account }
}

/** What is called, by what it is told of. */
export type Listeners<Events> = { readonly [Name in keyof Events]?: (event: Events[Name]) => void }

interface OfService {
  /** The contract's name. */
  readonly service: string
}

interface By {
  /** Who did it. */
  readonly by: string
}

interface OfKey extends OfService, By {
  /** As it is now. */
  readonly key: KeyRecord
}

/** What an attacker can bring about: not all of it is told, so that nobody floods what listens. */
interface Throttled {
  /** How many like it were not told since the last one that was. */
  readonly leftOut: number
}

type All = AuthEvents & KeyEvents & AccountEvents

const NAMES: Readonly<Record<keyof All, true>> = {
  allowed: true,
  denied: true,
  keyExpiring: true,
  quotaLow: true,
  uncounted: true,
  storeDown: true,
  storeUp: true,
  keyCreated: true,
  keyImported: true,
  keyChanged: true,
  keyRotated: true,
  keyRevoked: true,
  keyDeleted: true,
  secretRevealed: true,
  accountCreated: true,
  accountChanged: true,
}

/** @throws TypeError naming the listener that is none, or of something that does not happen. */
export function checkListeners(on: object = {}): void {
  if (typeof on !== 'object' || on === null) throw new TypeError('on must be an object of functions')
  for (const [name, listener] of Object.entries(on)) {
    if (!Object.hasOwn(NAMES, name)) throw new TypeError(`on.${name}: there is no such event`)
    if (listener !== undefined && typeof listener !== 'function') throw new TypeError(`on.${name} must be a function`)
  }
}

/** A listener that cannot break what it is told of. `undefined`: nobody listens, and nothing has to be made for it. */
export function quiet<Event>(listener: ((event: Event) => unknown) | undefined): ((event: Event) => void) | undefined {
  if (listener === undefined) return undefined
  return (event) => {
    try {
      const answer = listener(event)
      if (isPromise(answer)) answer.then(undefined, () => {})
    } catch {}
  }
}

/**
 * Lets through at most `limit` in each period of so many milliseconds, which begins with the first one. Answers how many
 * it has held back since, or `undefined`: this one is held back.
 */
export function sieve(limit: number, milliseconds: number): () => number | undefined {
  let end = -Infinity
  let passed = 0
  let leftOut = 0
  return () => {
    const moment = performance.now()
    if (moment >= end) {
      end = moment + milliseconds
      passed = 0
    }
    if (passed === limit) {
      leftOut++
      return undefined
    }
    passed++
    const before = leftOut
    leftOut = 0
    return before
  }
}
