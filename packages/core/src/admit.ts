import { attempt } from './attempt.ts'
import { type PlanRequirement, planDenial } from './authorize.ts'
import { type Awaitable, chain } from './awaitable.ts'
import type { AnyContract } from './contract.ts'
import { type Counting, isTaken, type Window } from './limiter.ts'
import { isDenied, NO_LIMITS, type Outcome, unavailable } from './outcome.ts'
import type { Principal } from './principal.ts'

/** Whether a proven principal's account comes in at all: account active → plan reaches → rate. */
export function admit(
  contract: AnyContract,
  { limiter, timeout }: Counting,
  principal: Principal,
  requirement: PlanRequirement,
  now: number,
): Awaitable<Outcome<Principal>> {
  const { account, plan } = principal
  if (account.status !== 'active') return { kind: 'denied', code: 'suspended', accountId: account.id }
  const denied = planDenial(contract, plan, requirement)
  if (denied !== undefined) return denied

  const windows = windowsOf(contract, principal)
  if (windows.length === 0) return { kind: 'allowed', principal, limits: NO_LIMITS }
  const taken = attempt(() => limiter.take(windows, 1, now), timeout)
  return chain(taken, (result) => {
    if (isDenied(result)) return result
    if (!isTaken(result)) return unavailable(new Error('the limiter returned a broken answer'))
    if (result.taken) return { kind: 'allowed', principal, limits: result.states }
    const retryAfter = Math.max(1, Math.ceil((result.refusedBy.resetAt - now) / 1000))
    return { kind: 'denied', code: 'rate_limited', limit: result.refusedBy, retryAfter }
  })
}

function windowsOf({ name: service, limits = [], plans = [] }: AnyContract, principal: Principal): Window[] {
  const { account, plan } = principal
  // Without a key of ours the subject stands for one: it is what the caller holds.
  const keyId = principal.via === 'identity' ? `${principal.issuer} ${principal.subject}` : principal.key.id
  return limits.flatMap(({ name, seconds, limit: limits, per }) => {
    const limit = typeof limits === 'number' ? limits : limitOf(plan, plans, limits)
    if (limit === undefined) return []
    return [{ name, seconds, limit, bucket: `${service}:${per}:${per === 'key' ? keyId : account.id}` }]
  })
}

/** A plan without a number has no such limit; a plan that the contract does not know has the tightest of all. */
function limitOf(
  plan: string,
  plans: readonly string[],
  limits: Readonly<Partial<Record<string, number>>>,
): number | undefined {
  return plans.includes(plan) ? limits[plan] : Math.min(...Object.values(limits).map(Number))
}
