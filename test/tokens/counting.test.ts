/** What holds of windows, balances and periods, whatever they are given. */
import fc from 'fast-check'
import { describe, expect } from 'vitest'
import type { Charge, Window } from '../../packages/core/src/limiter.ts'
import { memoryLedger } from '../../packages/core/src/memory-ledger.ts'
import { memoryLimiter } from '../../packages/core/src/memory-limiter.ts'
import { type Period, periodFinder, zoneClock } from '../../packages/core/src/period.ts'
import type { Account } from '../../packages/core/src/store.ts'
import { holds } from './runs.ts'

const NOW = 1_790_000_000_000

describe('windows in memory', () => {
  const seconds = fc.constantFrom(1, 2, 60, 3600)
  const request = fc.record({
    pause: fc.oneof(fc.nat(5), fc.nat(2500), fc.nat(5_000_000)),
    cost: fc.integer({ min: 1, max: 4 }),
    undone: fc.boolean(),
  })
  const requests = fc.array(request, { minLength: 1, maxLength: 30 })
  const limits = fc.integer({ min: 1, max: 8 })
  const of = (cost: number, ...windows: readonly Omit<Window, 'cost'>[]): Charge => ({
    windows: windows.map((window) => ({ ...window, cost })),
    slots: undefined,
  })

  interface Counted {
    readonly at: number
    readonly cost: number
  }

  /** What was counted later than `length` before `now`, exactly. */
  const within = (counted: readonly Counted[], now: number, length: number) =>
    counted.filter(({ at }) => at > now - length && at <= now).reduce((sum, { cost }) => sum + cost, 0)

  holds(
    'never let more through than the limit on end, nor refuse much more than that, also where some is undone',
    fc.property(limits, seconds, requests, (limit, seconds, requests) => {
      const limiter = memoryLimiter()
      const window = { name: 'w', bucket: 'b', limit, seconds }
      const counted: Counted[] = []
      let now = NOW
      for (const { pause, cost, undone } of requests) {
        now += pause
        const charge = of(cost, window)
        const taken = limiter.take(charge, now)
        if (taken.taken && undone) limiter.undo(charge, taken.receipt, now)
        if (taken.taken && !undone) counted.push({ at: now, cost })
        expect(within(counted, now, seconds * 1000)).toBeLessThanOrEqual(limit)
        expect(taken.states[0]?.remaining).toBeGreaterThanOrEqual(0)
        // Requests close together leave the window together: at most a thousandth of it late.
        if (!taken.taken) expect(within(counted, now, seconds * 1001) + cost).toBeGreaterThan(limit)
      }
    }),
  )

  holds(
    'say how long to wait, and that is enough',
    fc.property(limits, seconds, requests, (limit, seconds, requests) => {
      const limiter = memoryLimiter()
      const windows = [
        { name: 'short', bucket: 'b', limit, seconds },
        { name: 'long', bucket: 'b', limit: limit * 3, seconds: seconds * 10 },
      ]
      let now = NOW
      for (const { pause, cost } of requests) {
        now += pause
        const taken = limiter.take(of(cost, ...windows), now)
        if (taken.taken || taken.refusedBy === 'slots' || cost > limit) continue
        const { resetAt } = taken.refusedBy
        expect(resetAt).toBeGreaterThan(now)
        now += Math.ceil((resetAt - now) / 1000) * 1000
        expect(limiter.take(of(cost, ...windows), now).taken).toBe(true)
      }
    }),
  )

  holds(
    'are charged all or none',
    fc.property(limits, limits, requests, (one, two, requests) => {
      const limiter = memoryLimiter()
      const windows = [
        { name: 'one', bucket: 'b', limit: one, seconds: 60 },
        { name: 'two', bucket: 'b', limit: two, seconds: 60 },
      ]
      let charged = 0
      for (const { cost } of requests) {
        const { taken, states } = limiter.take(of(cost, ...windows), NOW)
        expect(taken).toBe(charged + cost <= Math.min(one, two))
        if (taken) charged += cost
        expect(states.map(({ remaining }) => remaining)).toEqual([one - charged, two - charged])
      }
    }),
  )

  holds(
    'free nothing, however the clock jumps to and fro within their length',
    fc.property(limits, fc.array(fc.nat(59_999), { maxLength: 40 }), (limit, readings) => {
      const limiter = memoryLimiter()
      const charge = of(1, { name: 'w', bucket: 'b', limit, seconds: 60 })
      const taken = readings.filter((after) => limiter.take(charge, NOW + after).taken)
      expect(taken.length).toBe(Math.min(limit, readings.length))
    }),
  )
})

describe('balances in memory', () => {
  const moves = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 8 }), fc.nat(3)), { maxLength: 20 })

  holds(
    'are apart, never spend more in a period than there is, and never go back to an earlier one, whatever the clock does',
    fc.property(fc.nat(20), moves, (limit, moves) => {
      const ledger = memoryLedger()
      const of = (balanceId: string, month: number) => ({ balanceId, limit, start: month, end: month + 1 })
      let [period, used] = [-1, 0]
      for (const [takes, amount, month] of moves) {
        if (!takes) {
          ledger.giveBack('a', month, amount)
          if (month === period) used = Math.max(0, used - amount)
          continue
        }
        const charged = ledger.reserve(of('a', month), amount)
        const [start, before] = month > period ? [month, 0] : [period, used]
        expect(charged).toMatchObject({ charged: before + amount <= limit, start })
        if (charged?.charged) [period, used] = [start, before + amount]
        expect(used).toBeLessThanOrEqual(limit)
      }
      expect(ledger.read(of('b', 0))).toEqual({ limit, used: 0, start: 0 })
    }),
  )
})

const ACCOUNT: Account = { id: 'a', plan: 'pro', status: 'active', email: null, metadata: {} }

describe('periods', () => {
  const zones = fc.constantFrom(
    'UTC',
    'Europe/Vienna',
    'America/New_York',
    'Asia/Kolkata',
    'Pacific/Apia',
    'Africa/Cairo',
    'Australia/Lord_Howe',
  )
  const moments = fc.integer({ min: Date.UTC(1950, 0), max: Date.UTC(2100, 0) })
  const lengths = fc.oneof(
    fc.record({ months: fc.integer({ min: 1, max: 14 }) }),
    fc.record({ days: fc.integer({ min: 1, max: 400 }) }),
  )
  const periods = fc
    .tuple(lengths, zones, fc.option(moments, { nil: undefined }))
    .map(([length, zone, since]): Period => ({ ...length, zone, ...(since !== undefined && { since }) }))

  holds(
    'hold the moment, and follow on each other without a gap',
    fc.property(periods, moments, (period, now) => {
      const find = periodFinder(period)
      const { start, end } = find(ACCOUNT, now)
      expect(start <= now && now < end).toBe(true)
      expect(find(ACCOUNT, start)).toEqual({ start, end })
      expect(find(ACCOUNT, end - 1)).toEqual({ start, end })
      expect(find(ACCOUNT, end).start).toBe(end)
      expect(find(ACCOUNT, start - 1).end).toBe(start)
    }),
  )

  holds(
    'begin at their beginning, or at the first moment that shows the same on the wall',
    fc.property(lengths, zones, moments, (length, zone, since) => {
      const { start } = periodFinder({ ...length, zone, since })(ACCOUNT, since)
      const clock = zoneClock(zone)
      expect(start <= since && clock.readingAt(start) === clock.readingAt(since)).toBe(true)
    }),
  )

  holds(
    'are read from the wall clock and found again on it',
    fc.property(zones, moments, (zone, instant) => {
      const clock = zoneClock(zone)
      const found = clock.instantOf(clock.readingAt(instant))
      // Of two moments that show the same, the first one.
      expect(found <= instant && clock.readingAt(found) === clock.readingAt(instant)).toBe(true)
    }),
  )
})
