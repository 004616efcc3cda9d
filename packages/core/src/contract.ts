import type { Carrier, Fields } from './credential.ts'
import type { IdentityProvider } from './identity.ts'
import type { KeyFormat } from './key-format.ts'
import type { LimitState } from './limiter.ts'
import type { DenialCode, Denied } from './outcome.ts'
import type { Period } from './period.ts'
import type { TokenRules } from './verify-token.ts'

/** What a provider's documentation shows for an error. */
export interface Answer {
  readonly status: number
  /** Beside `Content-Type: application/json` (unless it is given here) and `Cache-Control: no-store`. */
  readonly headers?: Readonly<Record<string, string>>
  /** Serialised as JSON without white space, members in the order given. */
  readonly body: unknown
}

/**
 * The answer to one kind of denial. As a plain answer it is rendered once; as a function it sees the denial's facts and
 * the request's header fields (for `Accept`), and must be pure and quick.
 */
export type DenialRow<Code extends DenialCode> = Answer | ((denied: Denied<Code>, fields: Fields) => Answer)

/** An answer to every denial: a row that is missing does not compile. */
export type DenialTable = { readonly [Code in DenialCode]: DenialRow<Code> }

/** One number, or one for each plan; a plan without a number has no such limit. */
export type Numbers<Plan extends string = string> = number | Readonly<Partial<Record<Plan, number>>>

/** Who shares a limit: the requests with a key, of an account, or from an address (of IPv6, from a /64). */
export type SharedBy = 'key' | 'account' | 'ip'

/** At most `limit` units in any `seconds` on end. */
export interface RateLimit<Plan extends string = string> {
  readonly name: string
  readonly seconds: number
  readonly limit: Numbers<Plan>
  readonly per: SharedBy
  /** How many units a request takes. Default 1. */
  readonly cost?: number
}

/** At most `limit` requests under way at one time. */
export interface ConcurrencyLimit<Plan extends string = string> {
  readonly name: string
  readonly limit: Numbers<Plan>
  readonly per: SharedBy
  /**
   * After so long a request no longer counts, though it has not ended: its process may have died. As long as the longest
   * request that the server lets run. Default 300.
   */
  readonly seconds?: number
}

/** What an account may use up: routes take from it by their `cost`. All keys of an account share one balance. */
export interface Quota<Plan extends string = string> {
  readonly name: string
  /** For a period. Accounts that have neither this nor a limit of their own are not metered. Default: no plan has one. */
  readonly limit?: Numbers<Plan>
  /** Default: it is never there anew, such as credits that were bought. */
  readonly period?: Period
}

/** What gives the cost back: `failed`, an answer with a status of 500 or above; `broken`, one that nobody has got whole. */
export type Refund = 'failed' | 'broken'

/** A contract whatever its plans, permissions, features and identity providers are. */
export type AnyContract = Contract<string, string, string, readonly IdentityProvider[]>

/** How one provider's API authenticates and what it answers: its documentation, as data. */
export interface Contract<
  Plan extends string = string,
  Permission extends string = string,
  Feature extends string = string,
  Providers extends readonly IdentityProvider[] = readonly [],
> {
  /** The service that its keys belong to: a key of one service does not exist for another. */
  readonly name: string
  /** In order of precedence: the first carrier that holds something decides. */
  readonly carriers: readonly Carrier[]
  /** How its API keys are written. A contract accepts any of `key`, `token` and `identity`: no text fits two. */
  readonly key?: KeyFormat
  /** Keys made elsewhere are admitted, so texts that do not fit `key` reach the store too. Default false. */
  readonly imported?: boolean
  /** Key-signed tokens (HS256, the key's id as `kid`). With `key` too, a text with a dot is a token. */
  readonly token?: TokenRules
  /** Identity providers whose tokens are accepted: one each `iss`. A text with a dot is a token. */
  readonly identity?: { readonly [Index in keyof Providers]: IdentityProvider }
  /** The plans as a ladder, from the lowest: each reaches those before it. */
  readonly plans?: readonly Plan[]
  /** Which plans have a feature. Features are not a ladder. */
  readonly features?: Readonly<Record<Feature, readonly NoInfer<Plan>[]>>
  /** What each permission covers beside itself: other permissions, `prefix:*` for all that begin so, or `*` for all. */
  readonly permissions?: Readonly<Record<Permission, readonly string[]>>
  /** Counted on `authenticate`. */
  readonly limits?: readonly RateLimit<Plan>[]
  /** Requests under way at one time, counted on `authenticate`. */
  readonly concurrency?: ConcurrencyLimit<Plan>
  /** What the routes' costs are taken from. Default: balances that were given to accounts, and never refilled. */
  readonly quota?: Quota<Plan>
  /** When a cost is given back, unless the route says otherwise. Default both: `['failed', 'broken']`. */
  readonly refund?: readonly Refund[]
  /** The `WWW-Authenticate` of every 401 that has none of its own (RFC 9110 §15.5.2). Default: from the carriers. */
  readonly challenge?: string
  readonly denials: DenialTable
  /** Header fields of answers to authenticated requests. `now`: milliseconds since the epoch. */
  readonly allowed?: (limits: readonly LimitState[], now: number) => Readonly<Record<string, string>>
}

/** A plan without a number has none (`undefined`); a plan that the contract does not know has the lowest of all. */
export function numberFor(plan: string, numbers: Numbers, plans: readonly string[] = []): number | undefined {
  if (typeof numbers === 'number') return numbers
  return plans.includes(plan) ? numbers[plan] : Math.min(...Object.values(numbers).map(Number))
}
