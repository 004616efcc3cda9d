import type { Carrier, Fields } from './credential.ts'
import type { IdentityProvider } from './identity.ts'
import type { KeyFormat } from './key-format.ts'
import type { LimitState } from './limiter.ts'
import type { DenialCode, Denied } from './outcome.ts'
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

/** At most `limit` requests in any `seconds` on end. */
export interface RateLimit<Plan extends string = string> {
  readonly name: string
  readonly seconds: number
  /** One number, or one for each plan; a plan without a number has no such limit. */
  readonly limit: number | Readonly<Partial<Record<Plan, number>>>
  /** Who shares a window. */
  readonly per: 'key' | 'account'
}

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
  /** The `WWW-Authenticate` of every 401 that has none of its own (RFC 9110 §15.5.2). Default: from the carriers. */
  readonly challenge?: string
  readonly denials: DenialTable
  /** Header fields of answers to authenticated requests. `now`: milliseconds since the epoch. */
  readonly allowed?: (limits: readonly LimitState[], now: number) => Readonly<Record<string, string>>
}

/** @throws TypeError when a value is none of those that the contract names. */
export function checkKnown(option: string, kind: string, value: string, known: readonly string[]): void {
  if (known.includes(value)) return
  const accepted = known.length > 0 ? `one of ${known.join(', ')}` : 'left out: the contract has none'
  throw new TypeError(`${option}: unknown ${kind} "${value}"; it must be ${accepted}`)
}
