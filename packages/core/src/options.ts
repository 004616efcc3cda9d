import { DEFAULT_TIMEOUT } from './attempt.ts'
import type { Access, PlanRequirement, Requirement } from './authorize.ts'
import type { Awaitable } from './awaitable.ts'
import { type BrakeOptions, DEFAULT_BRAKE } from './brake.ts'
import type { CacheOptions } from './cache.ts'
import type { Contract } from './contract.ts'
import { type AuthEvents, checkListeners, type Listeners } from './events.ts'
import type { IdentityProvider } from './identity.ts'
import { checkMembers, membersOf } from './known.ts'
import type { Ledger } from './ledger.ts'
import type { Limiter } from './limiter.ts'
import type { Everyone, Principal } from './principal.ts'
import { type MasterKey, sealer } from './seal.ts'
import type { AccountReader, KeyReader } from './store.ts'
import type { Ending } from './take.ts'
import type { Answered } from './uses.ts'

export interface AuthOptions<
  Plan extends string,
  Permission extends string,
  Feature extends string,
  Providers extends readonly IdentityProvider[] = readonly IdentityProvider[],
> {
  readonly contract: Contract<Plan, Permission, Feature, Providers>
  readonly store: KeyReader
  /**
   * What is kept of what the store has said, where the store announces changes (`store.changes`): a change is acted on
   * by every process when the call that made it returns, kept or not. False: every request reads the store. Records that
   * are kept are frozen.
   */
  readonly cache?: CacheOptions | false
  /** Where accounts are, if not in the store: an application's own user table. */
  readonly accounts?: AccountReader
  /**
   * Counts rate limits and concurrency. Default: a `memoryLimiter()`, for this process alone, which answers at once. With
   * `store.limiter` all processes on the store count together, and each request that is counted asks it.
   */
  readonly limiter?: Limiter | undefined
  /** Keeps the balances that costs are taken from. Default: the store's, or a `memoryLedger()`, for this process alone. */
  readonly ledger?: Ledger | undefined
  /**
   * What happens while the limiter throws or does not answer in time: requests are refused as `unavailable`, or let through
   * without being counted. Costs are never given away: a ledger that is down always refuses. Default `refuse`.
   */
  readonly whenLimiterDown?: 'refuse' | 'allow-uncounted'
  /**
   * How many proxies of one's own are in front of the server, each of which adds to `X-Forwarded-For` who is connected to
   * it. More than there are lets clients choose their address. Default 0: the field is not read.
   */
  readonly trustedHops?: number
  /**
   * Refuses credentials of addresses that have failed too often, before the store is asked (429). A credential that is
   * in the cache and good passes all the same. `true`: with the defaults. Default false.
   */
  readonly brake?: BrakeOptions | boolean
  /** Mixed into the digests of keys, at least 32 bytes; the store's digests must have been made with it. Default: none. */
  readonly pepper?: string
  /** Opens signing secrets. Required where the contract has token rules. */
  readonly masterKey?: MasterKey | undefined
  /** How long a store, limiter, account reader, identity callback or key fetch may take, in milliseconds. Default 2000. */
  readonly timeout?: number
  /** The time in milliseconds since the epoch. Default `Date.now`. */
  readonly now?: () => number
  /** What is told of what happens, for logs, metrics and alerts. */
  readonly on?: Listeners<AuthEvents>
  /** Switches authentication off: every request is `Everyone`. For on-premises servers; see the README. Default false. */
  readonly insecureAllowEveryone?: boolean
}

/** What an adapter knows of its framework's requests. */
export interface Host<Request extends object> {
  /** The address of who is connected to the server, if it is known. A request with anything else but a text is a TypeError. */
  readonly peerOf?: (request: Request) => string | undefined
  /**
   * Calls `ended` once, when the answer was sent or its connection broke; at once, if that has happened. Without it slots
   * come back when their time is over, and no cost is given back.
   */
  readonly onEnd?: (request: Request, ended: (how: Ending) => void) => void
  /**
   * Calls `answered` once, when it is known what the request was answered with: at the latest when it has ended. Without it
   * the uses of keys are counted at once, as of no route and no status.
   */
  readonly onAnswer?: (request: Request, answered: (answer: Answered) => void) => void
}

/** Per mount: what is asked of the account, and whether the credential may be absent. */
export interface AuthenticateOptions<Plan extends string = string, Feature extends string = string>
  extends PlanRequirement<Plan, Feature> {
  /** Lets requests without any credential through as anonymous; a credential that is there must be good. Default false. */
  readonly optional?: boolean
}

/** Per route: see {@link Requirement}; `resource` is the resource's own rule. */
export interface AuthorizeOptions<
  Plan extends string = string,
  Permission extends string = string,
  Feature extends string = string,
  P = Principal<Plan, Permission> | Everyone,
  Request = never,
> extends Requirement<Plan, Permission, Feature> {
  /** Default: every resource is allowed. What it throws or rejects with is passed on: it is the application's code. */
  readonly resource?: (principal: P, request: Request) => Awaitable<Access>
}

const AUTH_OPTIONS = membersOf<AuthOptions<string, string, string>>({
  contract: true,
  store: true,
  cache: true,
  accounts: true,
  limiter: true,
  ledger: true,
  whenLimiterDown: true,
  trustedHops: true,
  brake: true,
  pepper: true,
  masterKey: true,
  timeout: true,
  now: true,
  on: true,
  insecureAllowEveryone: true,
})
const CACHE_OPTIONS = membersOf<CacheOptions>({ keys: true, unknown: true })

/** @throws TypeError naming the option that is wrong. */
export function checkOptions(options: AuthOptions<string, string, string>): void {
  checkMembers('options', options, AUTH_OPTIONS)
  const {
    contract,
    store,
    cache,
    accounts,
    limiter,
    ledger,
    whenLimiterDown = 'refuse',
    trustedHops = 0,
    brake,
    pepper,
    masterKey,
    timeout = DEFAULT_TIMEOUT,
    insecureAllowEveryone = false,
    on,
  } = options
  checkListeners(on)
  if (typeof contract !== 'object' || contract === null) throw new TypeError('contract must be a contract')
  if (typeof store?.findByDigest !== 'function') throw new TypeError('store must be a store, such as memoryStore()')
  if (contract.token !== undefined && typeof store.findSigningKey !== 'function') {
    throw new TypeError('store must find signing keys: the contract has token rules')
  }
  if (limiter !== undefined && !(typeof limiter.take === 'function' && typeof limiter.undo === 'function')) {
    throw new TypeError('limiter must be a limiter, such as memoryLimiter()')
  }
  if (ledger !== undefined && !(typeof ledger.reserve === 'function' && typeof ledger.giveBack === 'function')) {
    throw new TypeError('ledger must be a ledger, such as memoryLedger()')
  }
  if (whenLimiterDown !== 'refuse' && whenLimiterDown !== 'allow-uncounted') {
    throw new TypeError('whenLimiterDown must be refuse or allow-uncounted')
  }
  if (!(Number.isInteger(trustedHops) && trustedHops >= 0)) {
    throw new TypeError('trustedHops must be a whole number, 0 or more')
  }
  checkBrake(brake)
  if (contract.identity?.length && accounts === undefined && typeof store.findAccount !== 'function') {
    throw new TypeError('accounts must be given: the contract has identity providers and the store has no accounts')
  }
  if (accounts !== undefined && typeof accounts.find !== 'function') throw new TypeError('accounts must have find(id)')
  checkCache(cache)
  if (accounts?.cached === true && (cache === false || store.changes === undefined)) {
    throw new TypeError('accounts.cached needs a cache, and a store that announces changes')
  }
  if (masterKey !== undefined) sealer(masterKey)
  else if (contract.token !== undefined && insecureAllowEveryone !== true) {
    throw new TypeError('masterKey must be given: the contract has token rules')
  }
  checkPepper(pepper)
  checkTimeout(timeout)
  // "true" or 1 from a configuration file is not a decision to switch authentication off.
  if (typeof insecureAllowEveryone !== 'boolean') throw new TypeError('insecureAllowEveryone must be true or false')
}

function checkCache(cache: CacheOptions | false | undefined): void {
  if (cache === undefined || cache === false) return
  if (typeof cache !== 'object' || cache === null) throw new TypeError('cache must be options, or false')
  checkMembers('cache', cache, CACHE_OPTIONS)
  for (const name of ['keys', 'unknown'] as const) {
    const size = cache[name]
    // The cache sets its places aside beforehand.
    if (size !== undefined && !(Number.isInteger(size) && size >= 1 && size <= 10_000_000)) {
      throw new TypeError(`cache.${name} must be a whole number from 1 to 10000000`)
    }
  }
}

function checkBrake(brake: BrakeOptions | boolean | undefined): void {
  if (brake === undefined || typeof brake === 'boolean') return
  if (typeof brake !== 'object' || brake === null) throw new TypeError('brake must be true, false or options')
  checkMembers('brake', brake, Object.keys(DEFAULT_BRAKE))
  for (const [name, value] of Object.entries({ ...DEFAULT_BRAKE, ...brake })) {
    if (!(Number.isInteger(value) && value >= 1 && value <= 10_000_000)) {
      throw new TypeError(`brake.${name} must be a whole number from 1 to 10000000`)
    }
  }
}

export function checkPepper(pepper: string | undefined): void {
  if (pepper !== undefined && !(typeof pepper === 'string' && new TextEncoder().encode(pepper).length >= 32)) {
    throw new TypeError('pepper must be a text of at least 32 bytes')
  }
}

export function checkTimeout(timeout: number): void {
  // Timers hold 31 bits; a longer timeout would be over at once.
  if (!(Number.isInteger(timeout) && timeout > 0 && timeout < 2 ** 31)) {
    throw new TypeError('timeout must be whole milliseconds, from 1 to 2147483647')
  }
}
