import { attempt } from './attempt.ts'
import { type Awaitable, chain } from './awaitable.ts'
import type { Counting } from './count.ts'
import type { Charged } from './ledger.ts'
import { type Denied, isDenied, isUnavailable, unavailable } from './outcome.ts'
import type { Account } from './store.ts'

/** A cost that was taken from a balance, in full. Nothing more has to be done for it to stay so. */
export interface Reservation {
  readonly amount: number
  /**
   * Says what it has cost in truth, and gives the rest back. Rejects with a TypeError when that is no whole number from 0
   * to the amount, or was said before; and when the ledger does not answer: the rest then counts as used. After `release`,
   * also by the end of the request, nothing happens.
   */
  settle(actual: number): Promise<void>
  /** Gives all back, unless it was settled before. Rejects as `settle` does. */
  release(): Promise<void>
}

/** Of a balance less than this part is little. */
const LOW = 0.1

/** Takes an amount from an account's balance. `undefined`: nothing is metered. */
export function reserve(
  { ledger, allowanceOf, timeout, quotaLow }: Counting,
  account: Account,
  now: number,
  quota: string,
  amount: number,
): Awaitable<Reservation | Denied | undefined> {
  const charged = attempt(() => {
    const allowance = allowanceOf(account, now)
    return chain(ledger.reserve(allowance, amount), (result) =>
      result === undefined ? undefined : { allowance, result },
    )
  }, timeout)
  return chain(charged, (answer) => {
    if (answer === undefined || isDenied(answer)) return answer
    const { allowance, result } = answer
    if (!isCharged(result)) return unavailable(new Error('the ledger returned a broken answer'))
    const { limit, used, start } = result
    const refillsAt = allowance.end === Infinity ? null : allowance.end
    if (result.charged) {
      const remaining = limit - used
      // By this request, and not by one before: each sees the balance as it left it.
      if (remaining < LOW * limit && remaining + amount >= LOW * limit) {
        quotaLow({ accountId: account.id, quota, limit, remaining: Math.max(0, remaining), refillsAt })
      }
      return reservation(amount, (rest) => ledger.giveBack(allowance.balanceId, start, rest), timeout)
    }
    return {
      kind: 'denied',
      code: 'exhausted',
      quota,
      cost: amount,
      limit,
      remaining: Math.max(0, limit - used),
      refillsAt,
    }
  })
}

function reservation(amount: number, giveBack: (rest: number) => Awaitable<void>, timeout: number): Reservation {
  let state: 'reserved' | 'settled' | 'released' = 'reserved'

  // Once only: whether a call that failed has come through is not known, and nothing is given back twice.
  async function give(rest: number): Promise<void> {
    const given = rest === 0 ? undefined : await attempt(() => giveBack(rest), timeout)
    if (isUnavailable(given)) throw new Error('the ledger did not take the rest back', { cause: given.cause })
  }

  return {
    amount,
    async settle(actual: number): Promise<void> {
      if (!(Number.isSafeInteger(actual) && actual >= 0 && actual <= amount)) {
        throw new TypeError(`the actual cost must be a whole number from 0 to ${amount}, what was reserved`)
      }
      if (state === 'settled') throw new TypeError('the cost was settled before')
      if (state === 'released') return
      state = 'settled'
      await give(amount - actual)
    },
    async release(): Promise<void> {
      if (state !== 'reserved') return
      state = 'released'
      await give(amount)
    },
  }
}

function isCharged(value: Charged): boolean {
  return (
    typeof value?.charged === 'boolean' &&
    Number.isFinite(value.limit) &&
    Number.isFinite(value.used) &&
    Number.isFinite(value.start)
  )
}
