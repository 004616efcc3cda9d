import type { Authenticator } from './authenticator.ts'
import {
  type Access,
  authorize,
  CHECK_REQUIREMENTS,
  checkRequirement,
  type Requirement,
  ROUTE_REQUIREMENTS,
  routeDenial,
} from './authorize.ts'
import { type Awaitable, chain } from './awaitable.ts'
import { chargeFinder, chargeFor, countsByAddress } from './charge.ts'
import type { Fields } from './credential.ts'
import { addressFinder, type Deciding, reporter } from './deciding.ts'
import type { AuthorizeOptions, Host } from './options.ts'
import { type Allowed, type Anonymous, type Denied, isDenied, MISSING, NO_LIMITS, type Outcome } from './outcome.ts'
import type { Everyone, Principal } from './principal.ts'
import type { Reservation } from './reservation.ts'
import type { Slot } from './slot.ts'
import { type Take, taker } from './take.ts'

/** What an auth asks once it knows who somebody is. */
export interface Authorizing {
  authorizer<Request extends object>(
    requirement: AuthorizeOptions<string, string, string, Principal | Everyone, Request>,
    host?: Host<Request>,
  ): (request: Request, fields: Fields) => Awaitable<Outcome<Principal | Everyone>>
  check(
    principal: Principal | Everyone,
    requirement: Requirement,
    ...rule: [access?: Access]
  ): Awaitable<Outcome<Principal | Everyone>>
  settle(request: object, actual: number): Promise<void>
}

/** Makes an auth's `authorizer` and `check`: plan → feature → permission → resource → count → cost. */
export function authorizingOf(
  deciding: Deciding,
  authenticator: Authenticator,
  establishedBy: Slot<Allowed<Principal | Everyone>>,
): Authorizing {
  const { contract, counting, insecureAllowEveryone } = deciding
  const report = reporter(deciding)
  const reservations = new WeakMap<object, Reservation>()

  function authorizer<Request extends object>(
    requirement: AuthorizeOptions<string, string, string, Principal | Everyone, Request>,
    host: Host<Request> = {},
  ) {
    checkRequirement(contract, requirement, ROUTE_REQUIREMENTS)
    const authenticate = authenticator({}, host)
    const take = taker(contract, counting, chargeFinder(contract, requirement), requirement)
    const { limits = [], concurrency, cost = 0 } = requirement
    const takes = limits.length > 0 || concurrency !== undefined || cost > 0
    const ipOf = addressFinder(deciding, host, requirement)
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
      return chain(take(principal, ipOf(request, fields), counting.now()), counted, allowed, request)
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
    if (!isOwn(principal)) throw new TypeError(`principal must be one that was proven for ${contract.name}`)
    // Not a default value: a rule that forgot to return must not be taken for one that is not there.
    const access = rule.length === 0 ? 'allow' : (rule[0] as Access)
    const denied = authorize(contract, principal, requirement, access)
    if (denied !== undefined) return report(denied, principal)
    if (principal.via === 'none') return { kind: 'allowed', principal, limits: NO_LIMITS }
    // Nothing is remembered of it: another requirement may be asked each time.
    const take = taker(contract, counting, (of) => chargeFor(contract, requirement, of), requirement)
    return chain(take(principal, undefined, counting.now()), (taken) => {
      if (isDenied(taken)) return report(taken, principal)
      const { limits, reservation } = taken
      return { kind: 'allowed', principal, limits, ...(reservation && { reservation }) }
    })
  }

  // Of another contract plans and permissions mean something else, though they have the same names.
  function isOwn(principal: Principal | Everyone): boolean {
    if (principal?.via === 'none') return insecureAllowEveryone
    if (principal?.via !== 'identity') return principal?.key?.service === contract.name
    return contract.identity?.some(({ issuer }) => issuer === principal.issuer) === true
  }

  return {
    authorizer,
    check,
    async settle(request, actual) {
      // What is not given back because of a slip is paid by the customer.
      if (establishedBy.get(request) === undefined)
        throw new TypeError('request must be one that was proven: see principalOf')
      await reservations.get(request)?.settle(actual)
    },
  }
}

/** The windows of a route stand beside those of the mount. */
function withLimits<P>(allowed: Allowed<P>, { limits }: Take): Allowed<P> {
  return limits.length === 0 ? allowed : { ...allowed, limits: [...allowed.limits, ...limits] }
}
