import { admit } from './admit.ts'
import { checkRequirement, MOUNT_REQUIREMENTS, type PlanRequirement, planDenial } from './authorize.ts'
import { type Awaitable, chain } from './awaitable.ts'
import type { Brake } from './brake.ts'
import type { Gate } from './cache.ts'
import { type Asked, chargeFinder, countsByAddress } from './charge.ts'
import type { Fields } from './credential.ts'
import { addressFinder, type Deciding, reporter } from './deciding.ts'
import { memoOf } from './key-memo.ts'
import type { AuthenticateOptions, Host } from './options.ts'
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
import { EVERYONE, type Everyone, type KeyedPrincipal, type Principal } from './principal.ts'
import type { Slot } from './slot.ts'
import { type Take, taker } from './take.ts'
import { UNANSWERED, type Uses } from './uses.ts'

/** What proves who a request belongs to, beside what all decisions share. */
export interface Authenticating extends Deciding {
  readonly prove: (fields: Fields, now: number, gate?: Gate) => Awaitable<Principal | Denied>
  readonly brake: Brake | undefined
  readonly uses: Uses
  /** By request, what was proven of it. */
  readonly establishedBy: Slot<Allowed<Principal | Everyone>>
}

export type Authenticator = <Request extends object>(
  requirement?: AuthenticateOptions,
  host?: Host<Request>,
) => (request: Request, fields: Fields) => Awaitable<Outcome<Principal | Everyone> | Anonymous>

/** What is counted by address, for a brake. */
const BY_ADDRESS: Asked = { limits: [{ name: 'failures', seconds: 1, limit: 1, per: 'ip' }] }

/** Makes an auth's `authenticator`: prove → admit → count → establish. */
export function authenticatorOf(authenticating: Authenticating): Authenticator {
  const { contract, counting, prove, brake, uses, tell, establishedBy, insecureAllowEveryone } = authenticating
  const takeForMount = taker(contract, counting, chargeFinder(contract, contract), contract)
  const report = reporter(authenticating)
  const everyone: Allowed<Everyone> = { kind: 'allowed', principal: EVERYONE, limits: NO_LIMITS }
  const countedAnonymous = new WeakSet<object>()

  function authenticator<Request extends object>(requirement: AuthenticateOptions = {}, host: Host<Request> = {}) {
    checkRequirement(contract, requirement, MOUNT_REQUIREMENTS)
    const ipOf = addressFinder(authenticating, host, brake === undefined ? contract : BY_ADDRESS)

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
      if (proof.via !== 'identity') used(proof, request, host, at)
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
      if (insecureAllowEveryone) return establish(request, everyone)
      const at = counting.now()
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
  function used<Request extends object>(
    proof: KeyedPrincipal,
    request: Request,
    host: Host<Request>,
    at: number,
  ): void {
    const { key } = proof
    tell.presented(key, at)
    if (!uses.isCounted) return
    if (host.onAnswer === undefined) uses.note(key.id, UNANSWERED, at, memoOf(proof))
    else host.onAnswer(request, (answer) => uses.note(key.id, answer, at, memoOf(proof)))
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

  return authenticator
}
