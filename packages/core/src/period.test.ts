import { describe, expect, it } from 'vitest'
import { type Period, periodFinder, zoneClock } from './period.ts'
import type { Account } from './store.ts'

const ACCOUNT: Account = { id: 'a', plan: 'pro', status: 'active', email: null, metadata: {} }

function spanOf(period: Period, now: number | string): readonly string[] {
  const { start, end } = periodFinder(period)(ACCOUNT, new Date(now).getTime())
  return [start, end].map((time) => new Date(time).toISOString())
}

describe('calendar months', () => {
  it.each([
    ['2026-02-14T12:00:00Z', '2026-02-01T00:00:00.000Z', '2026-03-01T00:00:00.000Z'],
    ['2026-02-01T00:00:00Z', '2026-02-01T00:00:00.000Z', '2026-03-01T00:00:00.000Z'],
    ['2026-01-31T23:59:59.999Z', '2026-01-01T00:00:00.000Z', '2026-02-01T00:00:00.000Z'],
    ['2028-02-29T12:00:00Z', '2028-02-01T00:00:00.000Z', '2028-03-01T00:00:00.000Z'],
    ['1969-12-31T12:00:00Z', '1969-12-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'],
  ])('%s lies in the one from %s to %s', (now, start, end) => {
    expect(spanOf({ months: 1 }, now)).toEqual([start, end])
  })

  it('begin at midnight of the zone, also where the clock changes within', () => {
    expect(spanOf({ months: 1, zone: 'Europe/Vienna' }, '2026-03-15T00:00:00Z')).toEqual([
      '2026-02-28T23:00:00.000Z',
      '2026-03-31T22:00:00.000Z',
    ])
    expect(spanOf({ months: 1, zone: 'America/New_York' }, '2026-11-30T00:00:00Z')).toEqual([
      '2026-11-01T04:00:00.000Z',
      '2026-12-01T05:00:00.000Z',
    ])
  })

  it('of three are quarters', () => {
    expect(spanOf({ months: 3 }, '2026-05-20T00:00:00Z')).toEqual([
      '2026-04-01T00:00:00.000Z',
      '2026-07-01T00:00:00.000Z',
    ])
  })
})

describe('rolling periods', () => {
  const since = Date.UTC(2026, 0, 31, 10)

  it.each([
    ['2026-02-10T00:00:00Z', '2026-01-31T10:00:00.000Z', '2026-02-28T10:00:00.000Z'],
    ['2026-02-28T10:00:00Z', '2026-02-28T10:00:00.000Z', '2026-03-31T10:00:00.000Z'],
    ['2026-04-30T09:59:59Z', '2026-03-31T10:00:00.000Z', '2026-04-30T10:00:00.000Z'],
    ['2028-03-01T00:00:00Z', '2028-02-29T10:00:00.000Z', '2028-03-31T10:00:00.000Z'],
    ['2026-01-01T00:00:00Z', '2025-12-31T10:00:00.000Z', '2026-01-31T10:00:00.000Z'],
  ])('of a month from the 31st: %s lies from %s to %s', (now, start, end) => {
    expect(spanOf({ months: 1, since }, now)).toEqual([start, end])
  })

  it('of a year from a leap day begin on the last of February', () => {
    const period = { months: 12, since: Date.UTC(2024, 1, 29) }
    expect(spanOf(period, '2025-06-01T00:00:00Z')).toEqual(['2025-02-28T00:00:00.000Z', '2026-02-28T00:00:00.000Z'])
    expect(spanOf(period, '2028-06-01T00:00:00Z')[0]).toBe('2028-02-29T00:00:00.000Z')
  })

  it('of days are days of the zone', () => {
    const day = { days: 1, zone: 'Europe/Vienna' }
    // That day has 23 hours.
    expect(spanOf(day, '2026-03-29T12:00:00Z')).toEqual(['2026-03-28T23:00:00.000Z', '2026-03-29T22:00:00.000Z'])
    const thirty = { days: 30, since: Date.UTC(2026, 0, 10) }
    expect(spanOf(thirty, '2026-02-20T00:00:00Z')).toEqual(['2026-02-09T00:00:00.000Z', '2026-03-11T00:00:00.000Z'])
  })

  it('begin when the account says', () => {
    const find = periodFinder({ months: 1, since: ({ metadata }) => Number(metadata.since) })
    expect(find({ ...ACCOUNT, metadata: { since } }, Date.UTC(2026, 1, 1)).start).toBe(since)
    expect(() => find(ACCOUNT, Date.UTC(2026, 1, 1))).toThrow(/must begin at a time/)
  })
})

describe('a clock that is changed at midnight', () => {
  it('begins the day when it skips midnight', () => {
    // Cairo's clocks went from midnight to one o'clock on 28 April 2023.
    expect(new Date(zoneClock('Africa/Cairo').instantOf(Date.UTC(2023, 3, 28))).toISOString()).toBe(
      '2023-04-27T22:00:00.000Z',
    )
  })

  it('begins the day that it skips whole with the next one', () => {
    // Samoa had no 30 December 2011.
    const skipped = zoneClock('Pacific/Apia').instantOf(Date.UTC(2011, 11, 30))
    expect(new Date(skipped).toISOString()).toBe('2011-12-30T10:00:00.000Z')
  })

  it('takes the first of two midnights', () => {
    // Havana's clocks went from one o'clock back to midnight on 5 November 2023.
    expect(new Date(zoneClock('America/Havana').instantOf(Date.UTC(2023, 10, 5))).toISOString()).toBe(
      '2023-11-05T04:00:00.000Z',
    )
  })

  it('of no zone that there is cannot be made', () => {
    expect(() => zoneClock('Europe/Atlantis')).toThrow(RangeError)
  })
})
