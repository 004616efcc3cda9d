import { answered, attempt } from './attempt.ts'
import { type Awaitable, chain } from './awaitable.ts'
import type { Allowance, Ledger } from './ledger.ts'
import type { Charge, Limiter, LimitState, Taken } from './limiter.ts'
import { type Denied, isDenied, isUnavailable, unavailable } from './outcome.ts'
import type { Account } from './store.ts'
import type { Teller } from './tell.ts'
import { unheld } from './timer.ts'

/** What an auth counts with. */
export interface Counting {
  readonly limiter: Limiter
  readonly ledger: Ledger
  /** What an account may use up now. */
  readonly allowanceOf: (account: Account, now: number) => Allowance
  /** The time in milliseconds since the epoch. */
  readonly now: () => number
  /** How long limiter or ledger may take, in milliseconds. */
  readonly timeout: number
  /** Told when the limiter is down and requests are let through uncounted. Without it they are refused. */
  readonly uncounted: ((fault: Denied<'unavailable'>) => void) | undefined
  /** Told when little of a balance is left. */
  readonly quotaLow: Teller['quotaLow']
}

/** What was taken. */
export type Count = Extract<Taken, { readonly taken: true }>

/** The receipt of what no limiter has counted. */
const UNCOUNTED = Symbol('uncounted')

/** Charges all windows and takes a slot, or denies. */
export function count(counting: Counting, charge: Charge, now: number): Awaitable<Count | Denied> {
  const answer = answerOf(counting, charge, now)
  return answer instanceof Promise
    ? chain(answer, countOf, counting, charge, now)
    : countOf(answer, counting, charge, now)
}

function answerOf(
  { limiter, timeout }: Counting,
  charge: Charge,
  now: number,
): Awaitable<Taken | Denied<'unavailable'>> {
  try {
    return answered(limiter.take(charge, now), timeout)
  } catch (cause) {
    return unavailable(cause)
  }
}

function countOf(
  result: Taken | Denied<'unavailable'>,
  counting: Counting,
  charge: Charge,
  now: number,
): Count | Denied {
  if (isDenied(result)) return down(counting, result)
  if (!isTaken(result)) return down(counting, unavailable(new Error('the limiter returned a broken answer')))
  if (result.taken) return result
  if (result.refusedBy === 'slots') return { kind: 'denied', code: 'concurrency', limit: charge.slots?.limit ?? 0 }
  return rateLimited(result.refusedBy, result.states, now)
}

/** `limit` refused; `limits` are all that were asked. */
export function rateLimited(limit: LimitState, limits: readonly LimitState[], now: number): Denied<'rate_limited'> {
  // Of the one that refused, what counts is when the cost fits, not when the next unit comes back.
  const asked = limits.map((each) => (each.name === limit.name ? limit : each))
  const retryAfter = Math.max(1, Math.ceil((limit.resetAt - now) / 1000))
  return { kind: 'denied', code: 'rate_limited', limit, limits: asked, retryAfter }
}

/** Gives all back that was taken. A limiter that is down keeps what its windows have counted, and is asked for the slot again. */
export function undo(counting: Counting, charge: Charge, receipt: unknown, now: number): Awaitable<void> {
  if (receipt === UNCOUNTED) return
  const { limiter, timeout } = counting
  return chain(
    attempt(() => limiter.undo(charge, receipt, now), timeout),
    (answer) => {
      if (isUnavailable(answer)) leave(counting, charge, receipt)
    },
  )
}

/** How long a limiter that was down is left alone before it is asked again, and at most, in milliseconds. */
const FIRST_PAUSE = 250
const LONGEST_PAUSE = 8000

/**
 * Gives the slot back, if one was taken. A limiter that is down is asked again, for as long as it holds the slot: who has all of
 * them under way when it goes down must not be locked out until their time is over.
 */
export function leave({ limiter, timeout, now }: Counting, charge: Charge, receipt: unknown): void {
  if (receipt === UNCOUNTED || charge.slots === undefined) return
  const freeAt = now() + charge.slots.seconds * 1000
  const ask = (pause: number): unknown =>
    chain(
      attempt(() => limiter.leave(charge, receipt, now()), timeout),
      (answer) => {
        if (!isUnavailable(answer) || now() + pause >= freeAt) return
        unheld(setTimeout(ask, pause, Math.min(2 * pause, LONGEST_PAUSE)))
      },
    )
  ask(FIRST_PAUSE)
}

function down({ uncounted }: Counting, fault: Denied<'unavailable'>): Count | Denied {
  if (uncounted === undefined) return fault
  uncounted(fault)
  return { taken: true, states: [], receipt: UNCOUNTED }
}

/** A limiter that answers something else must not open a request: what it returns is looked at before it is believed. */
function isTaken(value: Taken): boolean {
  if (typeof value?.taken !== 'boolean' || !Array.isArray(value.states) || !value.states.every(isState)) return false
  return value.taken || value.refusedBy === 'slots' || isState(value.refusedBy)
}

function isState(value: LimitState | null | undefined): boolean {
  return (
    typeof value?.name === 'string' &&
    Number.isFinite(value.limit) &&
    Number.isFinite(value.seconds) &&
    Number.isFinite(value.remaining) &&
    Number.isFinite(value.resetAt)
  )
}
