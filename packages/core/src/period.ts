import type { Account } from './store.ts'

/**
 * How long a quota lasts before it is there anew: `{ months: 1 }` are calendar months, `{ days: 30, since }` thirty days from
 * a day of the account's own. A month that does not have the day on which the first one began begins on its last day.
 */
export type Period = Length & {
  /** The IANA time zone of days and months, such as `Europe/Vienna`. Default `UTC`. */
  readonly zone?: string
  /** When the first period began, in milliseconds since the epoch. Default: the midnight with which 1970 began in the zone. */
  readonly since?: number | ((account: Account) => number)
}

type Length =
  | { readonly months: number; readonly days?: undefined }
  | { readonly days: number; readonly months?: undefined }

/** From the first millisecond to the first one after it. */
export interface Span {
  readonly start: number
  readonly end: number
}

const DAY = 86_400_000
const MEAN_MONTH = 30.436875 * DAY

/**
 * Makes the function that finds the period of a moment. What it throws, where the account has no beginning that is a time,
 * is the application's fault. Periods leave no gap and do not overlap.
 */
export function periodFinder(period: Period): (account: Account, now: number) => Span {
  const { months, days, zone = 'UTC', since } = period
  const clock = zoneClock(zone)

  function boundary(origin: number, n: number): number {
    return clock.instantOf(days === undefined ? plusMonths(origin, n * months) : origin + n * days * DAY)
  }

  return (account, now) => {
    const begun = typeof since === 'function' ? since(account) : since
    if (begun !== undefined && !isTime(begun)) throw new Error('the period of an account must begin at a time')
    // The wall clock's reading at the beginning, as if it were UTC: days and months are those that people see.
    const origin = begun === undefined ? 0 : clock.readingAt(begun)
    const length = days === undefined ? months * MEAN_MONTH : days * DAY
    // A guess that is at most one or two off, because months and days are not all of one length.
    let n = Math.floor((clock.readingAt(now) - origin) / length)
    while (boundary(origin, n) > now) n--
    while (boundary(origin, n + 1) <= now) n++
    return { start: boundary(origin, n), end: boundary(origin, n + 1) }
  }
}

/** Whether it is a moment that dates can be reckoned with, in the years 101 to 9986. */
export function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) > -59_000_000_000_000 && Number(value) < 253_000_000_000_000
}

function plusMonths(reading: number, months: number): number {
  const date = new Date(reading)
  const day = date.getUTCDate()
  date.setUTCDate(1)
  date.setUTCMonth(date.getUTCMonth() + months)
  date.setUTCDate(Math.min(day, daysIn(date.getUTCFullYear(), date.getUTCMonth())))
  return date.getTime()
}

function daysIn(year: number, month: number): number {
  return new Date(Date.UTC(year, month + 1, 0)).getUTCDate()
}

/** What the clock on the wall shows. A reading is written as the moment at which it would be shown in UTC. */
interface ZoneClock {
  readingAt(instant: number): number
  /** The first moment at which the clock shows the reading, or where it skips it, the moment of the skip. */
  instantOf(reading: number): number
}

/** @throws RangeError when there is no such zone. */
export function zoneClock(zone: string): ZoneClock {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  if (zone === 'UTC') return { readingAt: (instant) => instant, instantOf: (reading) => reading }

  function readingAt(instant: number): number {
    const parts: Record<string, number> = {}
    for (const { type, value } of format.formatToParts(instant)) parts[type] = Number(value)
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts
    // The remainder of a negative moment is negative.
    const milliseconds = ((instant % 1000) + 1000) % 1000
    return Date.UTC(year, month - 1, day, hour, minute, second, milliseconds)
  }

  return {
    readingAt,
    instantOf(reading: number): number {
      // Zones change their offset, but not twice within two days: one of the two offsets is the right one.
      const before = reading - (readingAt(reading - DAY) - (reading - DAY))
      const after = reading - (readingAt(reading + DAY) - (reading + DAY))
      const shown = [before, after].filter((instant) => readingAt(instant) === reading)
      if (shown.length > 0) return Math.min(...shown)
      return skipBetween(Math.min(before, after), Math.max(before, after), reading)
    },
  }

  // In a gap the earlier candidate still shows less than the reading, and the later one more.
  function skipBetween(from: number, to: number, reading: number): number {
    let [low, high] = [from, to]
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2)
      if (readingAt(middle) < reading) low = middle
      else high = middle
    }
    return high
  }
}
