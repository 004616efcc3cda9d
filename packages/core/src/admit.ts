import { type PlanRequirement, planDenial } from './authorize.ts'
import type { AnyContract } from './contract.ts'
import type { Denied } from './outcome.ts'
import type { Principal } from './principal.ts'

/** Whether a proven principal's account comes in at all, before its requests are counted: account active → plan reaches. */
export function admit(contract: AnyContract, principal: Principal, requirement: PlanRequirement): Denied | undefined {
  const { account, plan } = principal
  if (account.status !== 'active') return { kind: 'denied', code: 'suspended', accountId: account.id }
  return planDenial(contract, plan, requirement)
}
