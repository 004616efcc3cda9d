import { allowanceFinder } from './allowance.ts'
import { DEFAULT_TIMEOUT } from './attempt.ts'
import { authenticatorOf } from './authenticator.ts'
import type { Access, Requirement } from './authorize.ts'
import { authorizingOf } from './authorizer.ts'
import type { Awaitable } from './awaitable.ts'
import { createBrake } from './brake.ts'
import { type CacheOptions, cachingReader, plainReader, type Reader, type Watch } from './cache.ts'
import type { Contract } from './contract.ts'
import type { Counting } from './count.ts'
import { type Fields, fieldNameOf } from './credential.ts'
import type { Deciding } from './deciding.ts'
import { defineContract } from './define-contract.ts'
import type { IdentityProvider } from './identity.ts'
import { checkText, leasePassed, settled } from './manage.ts'
import { memoryLedger } from './memory-ledger.ts'
import { memoryLimiter } from './memory-limiter.ts'
import {
  type AuthenticateOptions,
  type AuthOptions,
  type AuthorizeOptions,
  checkOptions,
  type Host,
} from './options.ts'
import type { Allowed, Anonymous, Denied, Outcome } from './outcome.ts'
import type { Everyone, IdentityPrincipal, KeyedPrincipal, Principal } from './principal.ts'
import { prover } from './prove.ts'
import { type Rendered, renderer } from './render.ts'
import type { Reservation } from './reservation.ts'
import { slot } from './slot.ts'
import type { ChangeFeed } from './store.ts'
import { teller } from './tell.ts'
import { useRecorder } from './uses.ts'

/**
 * One provider's authentication. The two functions that it makes are what adapters are built from. A request is any
 * object that stands for one request from beginning to end: what is proven is remembered by its identity, so it cannot
 * be set from outside, and two auths never see each other's principals.
 */
export interface Auth<
  Plan extends string = string,
  Permission extends string = string,
  Feature extends string = string,
  P = Principal<Plan, Permission> | Everyone,
> extends AsyncDisposable {
  readonly contract: Contract<Plan, Permission, Feature, readonly IdentityProvider[]>
  /**
   * Makes the function that proves who a request belongs to and admits the account: plan, feature, rate limits. Repeated
   * for the same request it does not count again. Returns a promise only when the store or the limiter does.
   *
   * @throws TypeError when the options name what the contract does not know.
   */
  authenticator<Request extends object>(
    options?: AuthenticateOptions<NoInfer<Plan>, NoInfer<Feature>>,
    host?: Host<Request>,
  ): (request: Request, fields: Fields) => Awaitable<Outcome<P> | Anonymous>
  /**
   * Makes the function that authorizes a request for a route. It takes the principal that this auth established for this
   * request, and authenticates by itself when there is none, so that a forgotten mount stays closed.
   *
   * @throws TypeError when the options name what the contract does not know.
   */
  authorizer<Request extends object>(
    options: AuthorizeOptions<NoInfer<Plan>, NoInfer<Permission>, NoInfer<Feature>, NoInfer<P>, Request>,
    host?: Host<Request>,
  ): (request: Request, fields: Fields) => Awaitable<Outcome<P>>
  /**
   * Checks a requirement inside a handler, where a loaded resource (`access`) or a cost is known only then. Takes the
   * cost when it allows: it is final, unless `reservation` of the outcome is settled or released.
   *
   * @throws TypeError when the requirement names what the contract does not know, or the principal is another contract's.
   */
  check(
    principal: P,
    requirement: Requirement<NoInfer<Plan>, NoInfer<Permission>, NoInfer<Feature>>,
    access?: Access,
  ): Awaitable<Outcome<P>>
  /**
   * Says what a request has cost in truth, where its route took the most that it may cost: the rest is given back at once.
   * See {@link Reservation}. Nothing happens where the account is not metered. Rejects with a TypeError where this auth has
   * proven nobody for the request: it is the adapter's (Hono's and Koa's context, Express's `req`).
   */
  settle(request: object, actual: number): Promise<void>
  /** What this auth established for this request, if it did. */
  established(request: object): Allowed<P> | undefined
  /** The documented answer to a denial. */
  render(denied: Denied, fields: Fields): Rendered
  /**
   * The header fields that the answer starts with; a handler may overwrite them. An anonymous one only says what it
   * depends on: a shared cache may keep it, for others without a credential.
   */
  headersFor(outcome: Allowed<P> | Anonymous): Readonly<Record<string, string>>
  /** Those of them that tell of the limits: a route may have counted more than the mount. */
  limitHeadersFor(outcome: Allowed<P>): Readonly<Record<string, string>>
  /**
   * Says that an account has changed that is not in the store: see `accounts` of {@link AuthOptions}. Answers when no process
   * goes on with what it has kept of it. Rejects when it cannot be announced.
   */
  invalidate(what: { readonly account: string }): Promise<void>
  /**
   * Writes down what is still to be written, how keys were used, and keeps nothing from now on. Does not close the
   * store. `await using` does it too.
   */
  close(): Promise<void>
}

// biome-ignore lint/suspicious/noExplicitAny: stands for every auth in a constraint, where variance forbids the bounds.
export type AnyAuth = Auth<any, any, any, any>
export type PrincipalOf<A> = A extends Auth<infer _Plan, infer _Permission, infer _Feature, infer P> ? P : never

/**
 * The principal that this auth proved for this request: the adapter's request object (Hono's and Koa's context, Express's
 * `req`). Nothing that the client sends and no other middleware can set it.
 *
 * @throws TypeError when there is none: the mount is missing, or it is `optional` and the request anonymous. With
 * `{ optional: true }` it is `undefined` then.
 */
export function principalOf<A extends AnyAuth>(auth: A, request: object): PrincipalOf<A>
export function principalOf<A extends AnyAuth>(
  auth: A,
  request: object,
  options: { readonly optional: true },
): PrincipalOf<A> | undefined
export function principalOf(auth: AnyAuth, request: object, options?: { readonly optional: true }): unknown {
  const allowed = auth.established(request)
  if (allowed === undefined && options?.optional !== true) {
    throw new TypeError('no principal: mount authenticate(auth) before this handler')
  }
  return allowed?.principal
}

/** Where a contract names no plans (or permissions), none can be required, but an account still has some text there. */
type Stored<Name extends string> = [Name] extends [never] ? string : Name

/** Without identity providers every principal has a key, so nothing has to be narrowed to read it. */
type PrincipalBy<Plan extends string, Permission extends string, Providers extends readonly IdentityProvider[]> =
  | KeyedPrincipal<Stored<Plan>, Stored<Permission>>
  | (Providers extends readonly [] ? never : IdentityPrincipal<Stored<Plan>, Stored<Permission>>)

/**
 * Puts a contract and a store together.
 *
 * @throws TypeError naming the option, when one is wrong or the contract is not whole (see `defineContract`).
 */
export function createAuth<
  Plan extends string = string,
  Permission extends string = string,
  Feature extends string = string,
  Providers extends readonly IdentityProvider[] = readonly [],
>(
  options: AuthOptions<Plan, Permission, Feature, Providers> & { readonly insecureAllowEveryone?: false },
): Auth<Plan, Permission, Feature, PrincipalBy<Plan, Permission, Providers>>
export function createAuth<
  Plan extends string = string,
  Permission extends string = string,
  Feature extends string = string,
  Providers extends readonly IdentityProvider[] = readonly [],
>(
  options: AuthOptions<Plan, Permission, Feature, Providers>,
): Auth<Plan, Permission, Feature, PrincipalBy<Plan, Permission, Providers> | Everyone>
export function createAuth(options: AuthOptions<string, string, string>): Auth {
  checkOptions(options)
  const contract = defineContract(options.contract)
  const {
    store,
    accounts,
    limiter = memoryLimiter(),
    ledger = store.ledger ?? memoryLedger(),
    whenLimiterDown,
    trustedHops = 0,
    pepper,
    masterKey,
    timeout = DEFAULT_TIMEOUT,
    now = Date.now,
    on = {},
    insecureAllowEveryone,
  } = options
  const allowanceOf = allowanceFinder(contract)
  const tell = teller(contract.name, on)
  const uncounted = whenLimiterDown === 'allow-uncounted' ? tell.uncounted : undefined
  const counting: Counting = { limiter, ledger, allowanceOf, now, timeout, uncounted, quotaLow: tell.quotaLow }
  const reader = readerOf(store.changes, options.cache, timeout, tell.read)
  const uses = useRecorder(contract.name, store, timeout)
  const establishedBy = slot<Allowed<Principal | Everyone>>()
  const deciding: Deciding = {
    contract,
    counting,
    tell,
    trustedHops,
    insecureAllowEveryone: insecureAllowEveryone === true,
  }
  const authenticator = authenticatorOf({
    ...deciding,
    prove: prover({ contract, store, reader, accounts, pepper, masterKey, timeout }),
    brake: options.brake ? createBrake(options.brake === true ? {} : options.brake) : undefined,
    uses,
    establishedBy,
  })
  const anonymousHeaders = { Vary: [...new Set(contract.carriers.map(fieldNameOf))].join(', ') }
  const baseHeaders = { 'Cache-Control': 'private', ...anonymousHeaders }

  async function close(): Promise<void> {
    await Promise.all([uses.flush(), reader.close()])
  }

  return {
    contract,
    authenticator,
    ...authorizingOf(deciding, authenticator, establishedBy),
    established: (request: object) => establishedBy.get(request),
    render: renderer(contract),
    headersFor(outcome: Allowed<Principal | Everyone> | Anonymous) {
      if (outcome.kind === 'anonymous') return anonymousHeaders
      return contract.allowed === undefined
        ? baseHeaders
        : { ...baseHeaders, ...contract.allowed(outcome.limits, now()) }
    },
    limitHeadersFor: ({ limits }: Allowed<Principal | Everyone>) => contract.allowed?.(limits, now()) ?? {},
    async invalidate({ account }: { readonly account: string }) {
      const { changes } = store
      if (changes === undefined) return
      await settled(() => changes.announce({ kind: 'account', id: checkText('account', account) }), timeout)
      await leasePassed(changes.lease === Infinity ? 0 : changes.lease)
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

function readerOf(
  changes: ChangeFeed | undefined,
  cache: CacheOptions | false | undefined,
  timeout: number,
  watch: Watch,
): Reader {
  if (changes === undefined || cache === false) return plainReader(timeout, watch)
  return cachingReader(changes, cache ?? {}, timeout, watch)
}
