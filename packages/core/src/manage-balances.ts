import { allowanceFinder } from './allowance.ts'
import { DEFAULT_TIMEOUT } from './attempt.ts'
import { chain } from './awaitable.ts'
import type { AnyContract } from './contract.ts'
import { checkMembers, membersOf } from './known.ts'
import type { BalanceChange, Ledger } from './ledger.ts'
import { settled } from './manage.ts'
import { checkTimeout } from './options.ts'
import type { Account } from './store.ts'

export interface ManageBalancesOptions {
  /** Whose quota it is. */
  readonly contract: AnyContract
  readonly ledger: Ledger
  /** How long the ledger may take for each call, in milliseconds. Default 2000. */
  readonly timeout?: number | undefined
  /** The time in milliseconds since the epoch. Default `Date.now`. */
  readonly now?: (() => number) | undefined
}

/** How a balance stands. Times are milliseconds since the epoch. */
export interface Balance {
  readonly limit: number
  readonly used: number
  /** Never below 0. */
  readonly remaining: number
  /** When the period began; 0 where nothing is ever refilled. */
  readonly start: number
  /** When it is there anew; `null`: never. */
  readonly end: number | null
}

/** What accounts have left. Rejects when the ledger fails, or does not answer in time. */
export interface Balances {
  /** As it stands now, also at zero. `undefined`: the account is not metered. */
  find(account: Account): Promise<Balance | undefined>
  /**
   * Changes what is given and leaves the rest: `limit`, in place of the plan's, is how credits are given; `null` is the
   * plan's again. Rejects with a TypeError when one is no whole number, 0 or more.
   */
  change(account: Account, change: BalanceChange): Promise<void>
}

const OPTIONS = membersOf<ManageBalancesOptions>({ contract: true, ledger: true, timeout: true, now: true })
const CHANGE = membersOf<BalanceChange>({ limit: true, used: true })

/**
 * Reads and changes the balances that routes' costs are taken from.
 *
 * @throws TypeError naming the option that is wrong.
 */
export function manageBalances(options: ManageBalancesOptions): Balances {
  checkMembers('options', options, OPTIONS)
  const { contract, ledger, timeout = DEFAULT_TIMEOUT, now = Date.now } = options
  if (typeof ledger?.change !== 'function') throw new TypeError('ledger must be a ledger, such as memoryLedger()')
  checkTimeout(timeout)
  const allowanceOf = allowanceFinder(contract)

  return {
    find: async (account: Account) =>
      settled(
        () =>
          chain(ledger.read(allowanceOf(account, now())), (standing) => {
            if (standing === undefined) return undefined
            const { limit, used } = standing
            // A clock that was ahead may have begun a later period than the present one.
            const { start, end } = allowanceOf(account, standing.start)
            return { limit, used, remaining: Math.max(0, limit - used), start, end: end === Infinity ? null : end }
          }),
        timeout,
      ),
    async change(account: Account, given: BalanceChange) {
      checkMembers('change', given, CHANGE)
      const { limit, used } = given
      for (const [name, value] of Object.entries({ limit: limit ?? undefined, used })) {
        if (value !== undefined && !(Number.isSafeInteger(value) && value >= 0)) {
          throw new TypeError(`${name} must be a whole number, 0 or more`)
        }
      }
      const change = { ...(limit !== undefined && { limit }), ...(used !== undefined && { used }) }
      await settled(() => ledger.change(allowanceOf(account, now()), change), timeout)
    },
  }
}
