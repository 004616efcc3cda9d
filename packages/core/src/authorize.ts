import { checkConcurrency, checkLimits, checkRefund } from './check-limits.ts'
import type { AnyContract, ConcurrencyLimit, RateLimit, Refund } from './contract.ts'
import { checkKnown, checkMembers } from './known.ts'
import { type Denied, HIDDEN } from './outcome.ts'
import type { Everyone, Principal } from './principal.ts'

/** What a resource's own rule says: `forbid` is answered 403, `hide` as a resource that does not exist. */
export type Access = 'allow' | 'forbid' | 'hide'

/** What a mount asks of the account. */
export interface PlanRequirement<Plan extends string = string, Feature extends string = string> {
  /** The lowest plan of the ladder that is enough. */
  readonly plan?: Plan
  /** A feature that the plan must have. */
  readonly feature?: Feature
}

/** What a route asks. Checked in this order: plan, feature, permission, resource, limits, concurrency, cost. */
export interface Requirement<
  Plan extends string = string,
  Permission extends string = string,
  Feature extends string = string,
> extends PlanRequirement<Plan, Feature> {
  /** A permission that the key's permissions must cover. */
  readonly permission?: Permission
  /** Windows of the route's own, beside the contract's. Routes that name one alike share it. */
  readonly limits?: readonly RateLimit<Plan>[]
  /** Requests to the route that are under way at one time. Not in `auth.check`, which does not see a request end. */
  readonly concurrency?: ConcurrencyLimit<Plan>
  /**
   * Units taken from the account's balance once all else is allowed: at most what the route may cost, see
   * `auth.settle`. Default 0. An account without a balance is not metered.
   */
  readonly cost?: number
  /** When the cost is given back. Default: as the contract says. */
  readonly refund?: readonly Refund[]
}

/** What a mount may ask for, and what a route or a check may. */
export const MOUNT_REQUIREMENTS: readonly string[] = ['plan', 'feature', 'optional']
export const CHECK_REQUIREMENTS: readonly string[] = ['plan', 'feature', 'permission', 'limits', 'cost']
export const ROUTE_REQUIREMENTS: readonly string[] = [...CHECK_REQUIREMENTS, 'concurrency', 'refund', 'resource']

/**
 * @throws TypeError when a requirement names what the contract does not know, its cost is no whole number, or it has a
 * member that is misspelt or `undefined`: a route would be open where its author meant to close it.
 */
export function checkRequirement(contract: AnyContract, requirement: Requirement, accepted: readonly string[]): void {
  if (typeof requirement !== 'object' || requirement === null) {
    throw new TypeError(`requirement must be an object with any of ${accepted.join(', ')}`)
  }
  checkMembers('requirement', requirement, accepted)
  for (const [name, value] of Object.entries(requirement)) {
    if (value === undefined) throw new TypeError(`requirement.${name} must have a value, or be left out`)
  }
  const { plan, feature, permission, limits, concurrency, cost = 0, refund } = requirement
  if (plan !== undefined) checkKnown('requirement.plan', 'plan', plan, contract.plans ?? [])
  if (feature !== undefined) {
    checkKnown('requirement.feature', 'feature', feature, Object.keys(contract.features ?? {}))
  }
  if (permission !== undefined) {
    checkKnown('requirement.permission', 'permission', permission, Object.keys(contract.permissions ?? {}))
  }
  if (limits !== undefined) checkLimits('requirement.limits', limits, contract.plans, contract.limits)
  if (concurrency !== undefined) {
    checkConcurrency('requirement.concurrency', concurrency, contract.plans, contract.concurrency)
  }
  if (refund !== undefined) checkRefund('requirement.refund', refund)
  if (!Number.isSafeInteger(cost) || cost < 0) throw new TypeError('requirement.cost must be a whole number, 0 or more')
}

/** Whether the plan reaches the one asked for, and has the feature. A plan that the contract does not know has none. */
export function planDenial(
  contract: AnyContract,
  plan: string,
  requirement: PlanRequirement,
): Denied<'plan'> | undefined {
  const { plan: needs, feature } = requirement
  if (needs !== undefined && !reaches(contract.plans ?? [], plan, needs)) {
    return { kind: 'denied', code: 'plan', plan, needs, upgrades: upgradesFor(contract, requirement) }
  }
  if (feature !== undefined && !contract.features?.[feature]?.includes(plan)) {
    return { kind: 'denied', code: 'plan', plan, feature, upgrades: upgradesFor(contract, requirement) }
  }
  return undefined
}

/** Of all that is required together: an upgrade that leads to the next refusal is none. */
function upgradesFor({ plans = [], features }: AnyContract, { plan: needs, feature }: PlanRequirement): string[] {
  return plans.filter((plan) => {
    if (needs !== undefined && !reaches(plans, plan, needs)) return false
    return feature === undefined || features?.[feature]?.includes(plan) === true
  })
}

function reaches(ladder: readonly string[], plan: string, needs: string): boolean {
  const step = ladder.indexOf(plan)
  const needed = ladder.indexOf(needs)
  return needed >= 0 && step >= needed
}

/**
 * Whether granted permissions cover a needed one: by name, by what the contract says that a granted one covers, or by a
 * wildcard (`*`, `datasets:*`). Nothing is implied that the contract does not say.
 */
export function covers(contract: AnyContract, granted: readonly string[], needed: string): boolean {
  // Most keys have what is needed by name.
  if (granted.includes(needed)) return true
  const seen = new Set<string>()
  const open = [...granted]
  for (let permission = open.pop(); permission !== undefined; permission = open.pop()) {
    if (permission === needed || isWildcardFor(permission, needed)) return true
    if (seen.has(permission)) continue
    seen.add(permission)
    // A permission from a store may be any text: only the contract's own names have a row.
    if (Object.hasOwn(contract.permissions ?? {}, permission)) open.push(...(contract.permissions?.[permission] ?? []))
  }
  return false
}

function isWildcardFor(permission: string, needed: string): boolean {
  return permission === '*' || (permission.endsWith(':*') && needed.startsWith(permission.slice(0, -1)))
}

/** What needs no look at the resource: plan → feature → permission. Everyone (authentication off) passes. */
export function routeDenial(
  contract: AnyContract,
  principal: Principal | Everyone,
  requirement: Requirement,
): Denied<'plan' | 'forbidden'> | undefined {
  if (principal.via === 'none') return undefined
  const { permission } = requirement
  const denied = planDenial(contract, principal.plan, requirement)
  if (denied !== undefined) return denied
  if (permission !== undefined && !covers(contract, principal.permissions, permission)) {
    return { kind: 'denied', code: 'forbidden', permission }
  }
  return undefined
}

/**
 * Whether a proven principal may do what a route does, before it is counted: plan → feature → permission → resource.
 * `access` is the answer of the resource's own rule.
 *
 * Everyone (authentication switched off) passes plan and permission; the resource's rule still holds.
 */
export function authorize(
  contract: AnyContract,
  principal: Principal | Everyone,
  requirement: Requirement,
  access: Access,
): Denied | undefined {
  const denied = routeDenial(contract, principal, requirement)
  if (denied !== undefined) return denied
  if (access === 'hide') return HIDDEN
  // Anything but the word itself is a refusal: a rule that forgot to return must not open the resource.
  return access === 'allow' ? undefined : { kind: 'denied', code: 'forbidden' }
}
