import type { ConcurrencyLimit, Numbers, Quota, RateLimit, Refund } from './contract.ts'
import { checkKnown, checkMembers, membersOf } from './known.ts'
import { isTime, type Period, zoneClock } from './period.ts'

/** What may stand between the quotes of a header field: printable ASCII without blank, quote and backslash. */
const QUOTABLE = /^[\x21\x23-\x5b\x5d-\x7e]+$/
const SHARED_BY: readonly unknown[] = ['key', 'account', 'ip']
const REFUNDS: readonly unknown[] = ['failed', 'broken']

const RATE_LIMIT = membersOf<RateLimit>({ name: true, seconds: true, limit: true, per: true, cost: true })
const CONCURRENCY_LIMIT = membersOf<ConcurrencyLimit>({ name: true, limit: true, per: true, seconds: true })
const QUOTA = membersOf<Quota>({ name: true, limit: true, period: true })
const PERIOD = membersOf<Period>({ months: true, days: true, zone: true, since: true })

export function isQuotable(text: string): boolean {
  return typeof text === 'string' && QUOTABLE.test(text)
}

/** @throws TypeError naming the option. `beside`: limits that are counted for the same request. */
export function checkLimits(
  option: string,
  limits: readonly RateLimit[],
  plans: readonly string[] = [],
  beside: readonly RateLimit[] = [],
): void {
  if (!Array.isArray(limits)) throw new TypeError(`${option} must be a list of limits`)
  for (const limit of limits) checkMembers(`each of ${option}`, limit, RATE_LIMIT)
  if (new Set([...limits, ...beside].map(({ name }) => name)).size < limits.length + beside.length) {
    throw new TypeError(`${option} must have a name each: two of one name would share a window`)
  }
  for (const { name, seconds, limit, per, cost = 1 } of limits) {
    const named = `${option} "${name}"`
    checkShared(named, name, per)
    checkWhole(`${named}: seconds`, seconds)
    checkWhole(`${named}: cost`, cost)
    checkNumbers(named, limit, plans)
  }
}

/** @throws TypeError naming the option. `beside`: the slots that are taken for the same request. */
export function checkConcurrency(
  option: string,
  concurrency: ConcurrencyLimit,
  plans: readonly string[] = [],
  beside?: ConcurrencyLimit,
): void {
  checkMembers(option, concurrency, CONCURRENCY_LIMIT)
  const { name, seconds = 1, limit, per } = concurrency
  if (name === beside?.name) throw new TypeError(`${option} must have a name of its own: it would share the slots`)
  checkShared(option, name, per)
  checkWhole(`${option}: seconds`, seconds)
  checkNumbers(option, limit, plans)
}

/** @throws TypeError naming the option. */
export function checkQuota(option: string, quota: Quota, plans: readonly string[] = []): void {
  checkMembers(option, quota, QUOTA)
  const { name, limit, period } = quota
  if (!isQuotable(name)) throw new TypeError(`${option}: name must be printable ASCII without blank or quote`)
  if (limit !== undefined) checkNumbers(option, limit, plans)
  if (period === undefined) return
  checkMembers(`${option}.period`, period, PERIOD)
  const { months, days, zone = 'UTC', since } = period
  if ((months === undefined) === (days === undefined)) throw new TypeError(`${option}.period must have months or days`)
  checkWhole(`${option}.period`, months ?? days)
  if (since !== undefined && typeof since !== 'function' && !isTime(since)) {
    throw new TypeError(`${option}.period.since must be milliseconds since the epoch, or a function of the account`)
  }
  try {
    zoneClock(zone)
  } catch (cause) {
    throw new TypeError(`${option}.period.zone: there is no time zone "${zone}"`, { cause })
  }
}

/** @throws TypeError naming the option. */
export function checkRefund(option: string, refund: readonly Refund[]): void {
  if (!Array.isArray(refund) || !refund.every((word) => REFUNDS.includes(word))) {
    throw new TypeError(`${option} must be a list of any of failed, broken`)
  }
}

function checkShared(option: string, name: string, per: unknown): void {
  if (!isQuotable(name)) throw new TypeError(`${option}: name must be printable ASCII without blank or quote`)
  if (!SHARED_BY.includes(per)) throw new TypeError(`${option}: per must be key, account or ip`)
}

function checkNumbers(option: string, numbers: Numbers, plans: readonly string[]): void {
  const byPlan = typeof numbers === 'number' ? {} : numbers
  if (typeof numbers === 'number') checkWhole(`${option}: limit`, numbers)
  else if (Object.keys(Object(numbers)).length === 0) {
    throw new TypeError(`${option}: limit must be a number, or one for each plan`)
  }
  for (const [plan, number] of Object.entries(byPlan)) {
    checkKnown(option, 'plan', plan, plans)
    checkWhole(`${option}: limit`, number)
  }
}

function checkWhole(option: string, value: unknown): void {
  if (!(Number.isSafeInteger(value) && Number(value) > 0))
    throw new TypeError(`${option} must be a whole number above 0`)
}
