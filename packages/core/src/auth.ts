import { admit } from './admit.ts'
import { allowanceFinder } from './allowance.ts'
import { DEFAULT_TIMEOUT } from './attempt.ts'
import {
  type Access,
  authorize,
  CHECK_REQUIREMENTS,
  checkRequirement,
  MOUNT_REQUIREMENTS,
  type PlanRequirement,
  planDenial,
  type Requirement,
  ROUTE_REQUIREMENTS,
  routeDenial,
} from './authorize.ts'
import { type Awaitable, chain } from './awaitable.ts'
import { createBrake } from './brake.ts'
import { type CacheOptions, cachingReader, plainReader, type Reader, type Watch } from './cache.ts'
import { type Asked, countsByAddress } from './charge.ts'
import { clientIp } from './client-ip.ts'
import type { Contract } from './contract.ts'
import type { Counting } from './count.ts'
import { type Fields, fieldNameOf } from './credential.ts'
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
import {
  type Allowed,
  ANONYMOUS,
  type Anonymous,
  type Denied,
  isDenied,
  MISSING,
  NO_LIMITS,
  type Outcome,
} from './outcome.ts'
import { EVERYONE, type Everyone, type IdentityPrincipal, type KeyedPrincipal, type Principal } from './principal.ts'
import { prover } from './prove.ts'
import { type Rendered, renderer } from './render.ts'
import type { Reservation } from './reservation.ts'
import { slot } from './slot.ts'
import type { ChangeFeed, KeyRecord } from './store.ts'
import { type Take, taker } from './take.ts'
import { teller } from './tell.ts'
import { UNANSWERED, useRecorder } from './uses.ts'

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
   * @throws TypeError when the requirement names what the contract does not know.
   */
  check(
    principal: P,
    requirement: Requirement<NoInfer<Plan>, NoInfer<Permission>, NoInfer<Feature>>,
    access?: Access,
  ): Awaitable<Outcome<P>>
  /**
   * Says what a request has cost in truth, where its route took the most that it may cost: the rest is given back at once.
   * See {@link Reservation}. Nothing happens where the account is not metered.
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
  const takeForMount = taker(contract, counting, contract)
  const brake = options.brake ? createBrake(options.brake === true ? {} : options.brake) : undefined
  const reader = readerOf(store.changes, options.cache, timeout, tell.read)
  const prove = prover({ contract, store, reader, accounts, pepper, masterKey, timeout })
  const uses = useRecorder(contract.name, store, timeout)
  const anonymousHeaders = { Vary: [...new Set(contract.carriers.map(fieldNameOf))].join(', ') }
  const baseHeaders = { 'Cache-Control': 'private', ...anonymousHeaders }
  const everyone: Allowed<Everyone> = { kind: 'allowed', principal: EVERYONE, limits: NO_LIMITS }
  const establishedBy = slot<Allowed<Principal | Everyone>>()
  const countedAnonymous = new WeakSet<object>()
  const reservations = new WeakMap<object, Reservation>()

  async function close(): Promise<void> {
    await Promise.all([uses.flush(), reader.close()])
  }

  /** Only where it is counted: it costs a look at the header fields. */
  function addressFinder<Request extends object>({ peerOf }: Host<Request>, asked: Asked) {
    if (!countsByAddress(asked)) return () => undefined
    return (request: Request, fields: Fields) => clientIp(fields, peerOf?.(request), trustedHops)
  }

  function authenticator<Request extends object>(requirement: AuthenticateOptions = {}, host: Host<Request> = {}) {
    checkRequirement(contract, requirement, MOUNT_REQUIREMENTS)
    const ipOf = brake === undefined ? addressFinder(host, contract) : addressFinder(host, BY_ADDRESS)

    function admitted(
      proof: Principal | Denied,
      request: Request,
      ip: string | undefined,
      at: number,
    ): Awaitable<Outcome<Principal | Everyone>> {
      if (isDenied(proof)) {
        const denied = brake === undefined || ip === undefined ? proof : brake.answerTo(proof, ip, at)
        return report(denied, undefined)
      }
      if (proof.via !== 'identity') used(proof.key, request, host, at)
      const denied = admit(contract, proof, requirement)
      if (denied !== undefined) return report(denied, proof)
      const taken = takeForMount(proof, ip, at)
      return taken instanceof Promise ? chain(taken, counted, proof, request) : counted(taken, proof, request)
    }

    function counted(taken: Take | Denied, proof: Principal, request: Request): Outcome<Principal | Everyone> {
      if (isDenied(taken)) return report(taken, proof)
      if (taken.end !== undefined) host.onEnd?.(request, taken.end)
      tell.allowed(proof)
      return establish(request, { kind: 'allowed', principal: proof, limits: taken.limits })
    }

    return (request: Request, fields: Fields): Awaitable<Outcome<Principal | Everyone> | Anonymous> => {
      const before = establishedBy.get(request)
      if (before !== undefined) return report(again(before, requirement), before.principal)
      if (insecureAllowEveryone === true) return establish(request, everyone)
      const at = now()
      const ip = ipOf(request, fields)
      // Where the address is not known nobody can be singled out.
      const gate = ip === undefined ? undefined : brake?.gateFor(ip, at)
      const proven = prove(fields, at, gate)
      if (proven === MISSING && requirement.optional === true) return anonymous(request, ip, at)
      // Without `chain`, here and where it is counted: the engine puts what is called by name into one piece.
      return proven instanceof Promise ? chain(proven, admitted, request, ip, at) : admitted(proven, request, ip, at)
    }
  }

  /** Whatever it will be answered with: a key that is refused for its plan is in use too. */
  function used<Request extends object>(key: KeyRecord, request: Request, host: Host<Request>, at: number): void {
    tell.presented(key, at)
    if (!uses.isCounted) return
    if (host.onAnswer === undefined) uses.note(key.id, UNANSWERED, at)
    else host.onAnswer(request, (answer) => uses.note(key.id, answer, at))
  }

  // Counted by address alone, and once for each request.
  function anonymous(request: object, ip: string | undefined, at: number): Awaitable<Anonymous | Denied> {
    if (countedAnonymous.has(request) || !countsByAddress(contract)) return ANONYMOUS
    return chain(takeForMount(undefined, ip, at), (taken) => {
      if (isDenied(taken)) return report(taken, undefined)
      countedAnonymous.add(request)
      return ANONYMOUS
    })
  }

  // Mounted twice, the second mount asks for its plan alone: the rate was counted by the first.
  function again(before: Allowed<Principal | Everyone>, requirement: PlanRequirement): Outcome<Principal | Everyone> {
    const { principal } = before
    return (principal.via === 'none' ? undefined : planDenial(contract, principal.plan, requirement)) ?? before
  }

  function establish(request: object, allowed: Allowed<Principal | Everyone>): Allowed<Principal | Everyone> {
    establishedBy.set(request, allowed)
    return allowed
  }

  function authorizer<Request extends object>(
    requirement: AuthorizeOptions<string, string, string, Principal | Everyone, Request>,
    host: Host<Request> = {},
  ) {
    checkRequirement(contract, requirement, ROUTE_REQUIREMENTS)
    const authenticate = authenticator({}, host)
    const take = taker(contract, counting, requirement)
    const { limits = [], concurrency, cost = 0 } = requirement
    const takes = limits.length > 0 || concurrency !== undefined || cost > 0
    const ipOf = addressFinder(host, requirement)
    const { resource } = requirement
    if (resource !== undefined && typeof resource !== 'function') {
      throw new TypeError('requirement.resource must be a function of the principal and the request')
    }

    function decide(
      access: Access,
      allowed: Allowed<Principal | Everyone>,
      request: Request,
      fields: Fields,
    ): Awaitable<Outcome<Principal | Everyone>> {
      const { principal } = allowed
      const denied = authorize(contract, principal, requirement, access)
      if (denied !== undefined) return report(denied, principal)
      if (principal.via === 'none' || !takes) return allowed
      return chain(take(principal, ipOf(request, fields), now()), counted, allowed, request)
    }

    function counted(
      taken: Take | Denied,
      allowed: Allowed<Principal | Everyone>,
      request: Request,
    ): Outcome<Principal | Everyone> {
      if (isDenied(taken)) return report(taken, allowed.principal)
      if (taken.end !== undefined) host.onEnd?.(request, taken.end)
      if (taken.reservation !== undefined) reservations.set(request, taken.reservation)
      return withLimits(allowed, taken)
    }

    function authenticated(
      outcome: Outcome<Principal | Everyone> | Anonymous,
      request: Request,
      fields: Fields,
    ): Awaitable<Outcome<Principal | Everyone>> {
      // Without `optional` nobody is anonymous; the type does not know.
      if (outcome.kind !== 'allowed') return outcome.kind === 'denied' ? outcome : MISSING
      if (resource === undefined) return decide('allow', outcome, request, fields)
      // The resource's rule may read the application's database: it is asked once the cheaper checks have passed.
      const denied = routeDenial(contract, outcome.principal, requirement)
      if (denied !== undefined) return report(denied, outcome.principal)
      return chain(resource(outcome.principal, request), decide, outcome, request, fields)
    }

    return (request: Request, fields: Fields): Awaitable<Outcome<Principal | Everyone>> => {
      const outcome = authenticate(request, fields)
      return outcome instanceof Promise
        ? chain(outcome, authenticated, request, fields)
        : authenticated(outcome, request, fields)
    }
  }

  function check(
    principal: Principal | Everyone,
    requirement: Requirement,
    ...rule: [access?: Access]
  ): Awaitable<Outcome<Principal | Everyone>> {
    checkRequirement(contract, requirement, CHECK_REQUIREMENTS)
    if (countsByAddress(requirement)) {
      throw new TypeError('requirement.limits must be per key or account: a check knows no address')
    }
    // Not a default value: a rule that forgot to return must not be taken for one that is not there.
    const access = rule.length === 0 ? 'allow' : (rule[0] as Access)
    const denied = authorize(contract, principal, requirement, access)
    if (denied !== undefined) return report(denied, principal)
    if (principal.via === 'none') return { kind: 'allowed', principal, limits: NO_LIMITS }
    return chain(taker(contract, counting, requirement)(principal, undefined, now()), (taken) => {
      if (isDenied(taken)) return report(taken, principal)
      const { limits, reservation } = taken
      return { kind: 'allowed', principal, limits, ...(reservation && { reservation }) }
    })
  }

  function report<T>(outcome: T, principal: Principal | Everyone | undefined): T {
    if (isDenied(outcome)) tell.denied(outcome, principal)
    return outcome
  }

  return {
    contract,
    authenticator,
    authorizer,
    check,
    async settle(request: object, actual: number) {
      await reservations.get(request)?.settle(actual)
    },
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

/** What is counted by address, for a brake. */
const BY_ADDRESS: Asked = { limits: [{ name: 'failures', seconds: 1, limit: 1, per: 'ip' }] }

/** The windows of a route stand beside those of the mount. */
function withLimits<P>(allowed: Allowed<P>, { limits }: Take): Allowed<P> {
  return limits.length === 0 ? allowed : { ...allowed, limits: [...allowed.limits, ...limits] }
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
