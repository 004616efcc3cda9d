import { type AnyContract, numberFor } from './contract.ts'
import { type Allowance, balanceOf } from './ledger.ts'
import { periodFinder } from './period.ts'
import type { Account } from './store.ts'

const FOR_EVER = Object.freeze({ start: 0, end: Infinity })

/** Makes the function that finds what an account may use up now, and how its balance is called. */
export function allowanceFinder({ name, quota, plans }: AnyContract): (account: Account, now: number) => Allowance {
  const known = new WeakMap<Account, Allowance>()
  const periodOf = quota?.period === undefined ? () => FOR_EVER : periodFinder(quota.period)

  return (account, now) => {
    const before = known.get(account)
    if (before !== undefined && before.start <= now && now < before.end) return before
    const { start, end } = periodOf(account, now)
    const limit = quota?.limit === undefined ? undefined : numberFor(account.plan, quota.limit, plans)
    const allowance = Object.freeze({ balanceId: balanceOf(name, account.id), limit, start, end })
    // What is not frozen may be changed in place: to another plan.
    if (Object.isFrozen(account)) known.set(account, allowance)
    return allowance
  }
}
