import { type Awaitable, chain } from './awaitable.ts'
import type { ChargeFinder } from './charge.ts'
import type { AnyContract, Refund } from './contract.ts'
import { type Count, type Counting, count, leave, undo } from './count.ts'
import type { Charge, LimitState } from './limiter.ts'
import { type Denied, isDenied, NO_LIMITS } from './outcome.ts'
import type { Principal } from './principal.ts'
import { type Reservation, reserve } from './reservation.ts'

/** How a request ended: its answer was sent whole, or see {@link Refund}. */
export type Ending = 'finished' | Refund

/** What a request has taken on a mount or a route. */
export interface Take {
  readonly kind: 'taken'
  readonly limits: readonly LimitState[]
  readonly reservation: Reservation | undefined
  /** To be told when the request has ended. `undefined`: nothing is given back then. */
  readonly end: ((how: Ending) => void) | undefined
}

interface Priced {
  readonly cost?: number
  readonly refund?: readonly Refund[]
}

const NOTHING_TAKEN: Take = Object.freeze({ kind: 'taken', limits: NO_LIMITS, reservation: undefined, end: undefined })
const BOTH: readonly Refund[] = ['failed', 'broken']

/** Makes the step that takes all that a mount or a route counts, or nothing: windows → slot → cost. */
export function taker(
  contract: AnyContract,
  counting: Counting,
  chargeOf: ChargeFinder,
  { cost = 0, refund = contract.refund ?? BOTH }: Priced,
): (principal: Principal | undefined, ip: string | undefined, now: number) => Awaitable<Take | Denied> {
  const { name: quota } = contract.quota ?? { name: 'quota' }

  function pay(principal: Principal | undefined, now: number): Awaitable<Reservation | Denied | undefined> {
    if (principal === undefined) return undefined
    return reserve(counting, principal.account, now, quota, cost)
  }

  function endOf(charge: Charge | undefined, receipt: unknown, reservation: Reservation | undefined) {
    if (charge?.slots === undefined && reservation === undefined) return undefined
    return giverBack(charge, receipt, reservation)
  }

  function giverBack(charge: Charge | undefined, receipt: unknown, reservation: Reservation | undefined) {
    return (how: Ending): void => {
      if (charge !== undefined) leave(counting, charge, receipt)
      // A ledger that is down does not take it back, and nobody is there to be told.
      if (how !== 'finished' && refund.includes(how)) reservation?.release().catch(() => {})
    }
  }

  function payBehind(
    counted: Count | Denied,
    charge: Charge,
    principal: Principal | undefined,
    now: number,
  ): Awaitable<Take | Denied> {
    if (isDenied(counted)) return counted
    return cost === 0
      ? paidBehind(undefined, counted, charge, now)
      : chain(pay(principal, now), paidBehind, counted, charge, now)
  }

  function paidBehind(
    paid: Reservation | Denied | undefined,
    { states, receipt }: Count,
    charge: Charge,
    now: number,
  ): Awaitable<Take | Denied> {
    if (isDenied(paid)) return chain(undo(counting, charge, receipt, now), () => paid)
    return { kind: 'taken', limits: states, reservation: paid, end: endOf(charge, receipt, paid) }
  }

  function paidAlone(paid: Reservation | Denied | undefined): Take | Denied {
    if (paid === undefined || isDenied(paid)) return paid ?? NOTHING_TAKEN
    return { kind: 'taken', limits: NO_LIMITS, reservation: paid, end: endOf(undefined, undefined, paid) }
  }

  return (principal, ip, now) => {
    const charge = chargeOf(principal, ip)
    if (charge === undefined) return cost === 0 ? NOTHING_TAKEN : chain(pay(principal, now), paidAlone)
    const counted = count(counting, charge, now)
    return counted instanceof Promise
      ? chain(counted, payBehind, charge, principal, now)
      : payBehind(counted, charge, principal, now)
  }
}
