import { describe, expect, it } from 'vitest'
import { balanceOf, type Window } from './limiter.ts'
import { memoryLimiter } from './memory-limiter.ts'

const NOW = 1_790_000_000_000
const MINUTE: Window = { name: 'minute', bucket: 'acme:key:key_1', limit: 3, seconds: 60 }
const HOUR: Window = { name: 'hour', bucket: 'acme:key:key_1', limit: 5, seconds: 3600 }

describe('take', () => {
  it('takes up to the limit and says how it stands', () => {
    const limiter = memoryLimiter()
    const state = { name: 'minute', limit: 3, seconds: 60, resetAt: NOW + 60_000 }
    expect(limiter.take([MINUTE], 1, NOW)).toEqual({ taken: true, states: [{ ...state, remaining: 2 }] })
    expect(limiter.take([MINUTE], 1, NOW + 10_000)).toEqual({ taken: true, states: [{ ...state, remaining: 1 }] })
    expect(limiter.take([MINUTE], 1, NOW + 20_000)).toEqual({ taken: true, states: [{ ...state, remaining: 0 }] })
    expect(limiter.take([MINUTE], 1, NOW + 30_000)).toEqual({
      taken: false,
      states: [{ ...state, remaining: 0 }],
      refusedBy: { ...state, remaining: 0 },
    })
  })

  it('answers synchronously', () => {
    expect(memoryLimiter().take([MINUTE], 1, NOW)).not.toBeInstanceOf(Promise)
  })

  it('gives each unit back when its own window has passed, at the exact millisecond', () => {
    const limiter = memoryLimiter()
    for (const at of [0, 10_000, 20_000]) limiter.take([MINUTE], 1, NOW + at)
    expect(limiter.take([MINUTE], 1, NOW + 59_999).taken).toBe(false)
    expect(limiter.take([MINUTE], 1, NOW + 60_000).taken).toBe(true)
    expect(limiter.take([MINUTE], 1, NOW + 60_000).taken).toBe(false)
    expect(limiter.take([MINUTE], 1, NOW + 69_999).taken).toBe(false)
    expect(limiter.take([MINUTE], 1, NOW + 70_000).taken).toBe(true)
  })

  it('has no edge at which two bursts fit side by side', () => {
    const limiter = memoryLimiter()
    const taken: number[] = []
    for (let at = 0; at < 300_000; at += 250) if (limiter.take([MINUTE], 1, NOW + at).taken) taken.push(at)
    expect(taken.length).toBeGreaterThan(3)
    for (const start of taken) {
      expect(taken.filter((at) => at >= start && at < start + 60_000).length).toBeLessThanOrEqual(3)
    }
  })

  it('does not let a burst at the end of a minute be followed by one in the next', () => {
    const limiter = memoryLimiter()
    for (let i = 0; i < 3; i++) expect(limiter.take([MINUTE], 1, NOW + 59_990).taken).toBe(true)
    for (let i = 0; i < 3; i++) expect(limiter.take([MINUTE], 1, NOW + 60_010).taken).toBe(false)
  })

  it('charges nothing for a request that it refuses', () => {
    const limiter = memoryLimiter()
    for (let i = 0; i < 3; i++) limiter.take([MINUTE], 1, NOW)
    for (let at = 1; at < 60_000; at += 1000) limiter.take([MINUTE], 1, NOW + at)
    expect(limiter.take([MINUTE], 1, NOW + 60_000).states[0]?.remaining).toBe(2)
  })

  it('is not blocked by what was counted while the clock was ahead', () => {
    const limiter = memoryLimiter()
    limiter.take([MINUTE], 1, NOW + 3_600_000)
    for (let i = 0; i < 3; i++) expect(limiter.take([MINUTE], 1, NOW + i).taken).toBe(true)
    expect(limiter.take([MINUTE], 1, NOW + 3)).toMatchObject({ refusedBy: { resetAt: NOW + 60_002 } })
  })

  it('charges all windows or none', () => {
    const limiter = memoryLimiter()
    for (let i = 0; i < 3; i++) expect(limiter.take([MINUTE, HOUR], 1, NOW).taken).toBe(true)
    const refused = limiter.take([MINUTE, HOUR], 1, NOW)
    expect(refused.taken).toBe(false)
    expect(refused.states.map((state) => state.remaining)).toEqual([0, 2])
    expect(refused).toMatchObject({ refusedBy: { name: 'minute' } })
    const refusedAgain = limiter.take([HOUR, MINUTE], 1, NOW)
    expect(refusedAgain.states.map((state) => state.remaining)).toEqual([2, 0])
  })

  it('names the window that takes longest to have room', () => {
    const limiter = memoryLimiter()
    const short = { ...MINUTE, limit: 1 }
    const long = { ...HOUR, limit: 1 }
    limiter.take([short, long], 1, NOW)
    const expected = { name: 'hour', limit: 1, seconds: 3600, remaining: 0, resetAt: NOW + 3_600_000 }
    expect(limiter.take([short, long], 1, NOW + 1)).toMatchObject({ refusedBy: expected })
    expect(limiter.take([long, short], 1, NOW + 1)).toMatchObject({ refusedBy: expected })
  })

  it('says when enough has come back for a cost above one', () => {
    const limiter = memoryLimiter()
    for (const at of [0, 10_000, 20_000]) limiter.take([MINUTE], 1, NOW + at)
    const refused = limiter.take([MINUTE], 2, NOW + 30_000)
    expect(refused).toMatchObject({ refusedBy: { resetAt: NOW + 70_000 } })
    expect(refused.states[0]?.resetAt).toBe(NOW + 60_000)
    expect(limiter.take([MINUTE], 2, NOW + 69_999).taken).toBe(false)
    expect(limiter.take([MINUTE], 2, NOW + 70_000).taken).toBe(true)
  })

  it('takes a cost that fits exactly, and refuses one that never fits', () => {
    const limiter = memoryLimiter()
    const refused = limiter.take([MINUTE], 4, NOW)
    expect(refused).toMatchObject({ taken: false, refusedBy: { remaining: 3, resetAt: NOW + 60_000 } })
    expect(limiter.take([MINUTE], 3, NOW)).toMatchObject({ taken: true, states: [{ remaining: 0 }] })
  })

  it.each([
    ['bucket', { bucket: 'acme:key:key_2' }],
    ['name', { name: 'burst' }],
    ['length', { seconds: 61 }],
  ])('counts windows apart that differ in %s', (_what, change) => {
    const limiter = memoryLimiter()
    for (let i = 0; i < 3; i++) limiter.take([MINUTE], 1, NOW)
    expect(limiter.take([{ ...MINUTE, ...change }], 1, NOW).states[0]?.remaining).toBe(2)
    expect(limiter.take([MINUTE], 1, NOW).taken).toBe(false)
  })

  it('applies a narrowed limit to what was counted before', () => {
    const limiter = memoryLimiter()
    for (let i = 0; i < 3; i++) limiter.take([MINUTE], 1, NOW)
    expect(limiter.take([{ ...MINUTE, limit: 2 }], 1, NOW)).toMatchObject({ taken: false, states: [{ remaining: 0 }] })
    expect(limiter.take([{ ...MINUTE, limit: 4 }], 1, NOW)).toMatchObject({ taken: true, states: [{ remaining: 0 }] })
  })

  it('counts requests within a thousandth of the window together, and never forgets one early', () => {
    const limiter = memoryLimiter()
    limiter.take([MINUTE], 1, NOW)
    limiter.take([MINUTE], 1, NOW + 59)
    limiter.take([MINUTE], 1, NOW + 60)
    expect(limiter.take([MINUTE], 1, NOW + 60_058).taken).toBe(false)
    expect(limiter.take([MINUTE], 1, NOW + 60_059).states[0]?.remaining).toBe(1)
    expect(limiter.take([MINUTE], 1, NOW + 60_059).states[0]?.remaining).toBe(0)
    expect(limiter.take([MINUTE], 1, NOW + 60_120).states[0]?.remaining).toBe(0)
  })

  it('does not stretch a run for as long as requests keep coming', () => {
    const limiter = memoryLimiter()
    const window = { ...MINUTE, limit: 100_000 }
    for (let at = 0; at < 60_000; at += 10) limiter.take([window], 1, NOW + at)
    // Of 6000 the first 600 or so have left after another six seconds.
    const left = 100_000 - (limiter.take([window], 1, NOW + 66_000).states[0]?.remaining ?? 0)
    expect(left).toBeGreaterThanOrEqual(5400)
    expect(left).toBeLessThanOrEqual(5410)
  })

  it('keeps counting when the clock goes back', () => {
    const limiter = memoryLimiter()
    for (let i = 0; i < 3; i++) limiter.take([MINUTE], 1, NOW)
    expect(limiter.take([MINUTE], 1, NOW - 30_000).taken).toBe(false)
    expect(limiter.take([MINUTE], 1, NOW + 60_000).taken).toBe(true)
  })

  it('keeps live windows through the sweep of dead ones', () => {
    const limiter = memoryLimiter()
    for (let i = 0; i < 3; i++) limiter.take([MINUTE], 1, NOW)
    for (let i = 0; i < 3000; i++) limiter.take([{ ...MINUTE, bucket: `b${i}` }], 1, NOW + 1000)
    expect(limiter.take([MINUTE], 1, NOW + 1000).taken).toBe(false)
  })

  it('takes with no window', () => {
    expect(memoryLimiter().take([], 1, NOW)).toEqual({ taken: true, states: [] })
  })
})

describe('balances', () => {
  it('are not metered where there is none', () => {
    const limiter = memoryLimiter()
    expect(limiter.spend('acme:a', 1)).toBeUndefined()
    expect(limiter.refund('acme:a', 1)).toBeUndefined()
    expect(limiter.balance('acme:a')).toBeUndefined()
  })

  it('are spent and counted', () => {
    const limiter = memoryLimiter()
    limiter.setBalance('acme:a', { remaining: 42, used: 8 })
    expect(limiter.spend('acme:a', 2)).toEqual({ spent: true, balance: { remaining: 40, used: 10 } })
    expect(limiter.balance('acme:a')).toEqual({ remaining: 40, used: 10 })
  })

  it('never go below zero: a cost that is not covered takes nothing', () => {
    const limiter = memoryLimiter()
    limiter.setBalance('acme:a', { remaining: 3, used: 0 })
    expect(limiter.spend('acme:a', 4)).toEqual({ spent: false, balance: { remaining: 3, used: 0 } })
    expect(limiter.spend('acme:a', 3)).toEqual({ spent: true, balance: { remaining: 0, used: 3 } })
    expect(limiter.spend('acme:a', 1)).toEqual({ spent: false, balance: { remaining: 0, used: 3 } })
    expect(limiter.balance('acme:a')).toEqual({ remaining: 0, used: 3 })
  })

  it('are given back, at most what was used', () => {
    const limiter = memoryLimiter()
    limiter.setBalance('acme:a', { remaining: 10, used: 0 })
    limiter.spend('acme:a', 3)
    expect(limiter.refund('acme:a', 2)).toEqual({ remaining: 9, used: 1 })
    expect(limiter.refund('acme:a', 5)).toEqual({ remaining: 10, used: 0 })
    expect(limiter.refund('acme:a', 5)).toEqual({ remaining: 10, used: 0 })
  })

  it('are apart from each other, and replaced whole', () => {
    const limiter = memoryLimiter()
    limiter.setBalance('acme:a', { remaining: 1, used: 0 })
    limiter.setBalance('acme:b', { remaining: 2, used: 0 })
    limiter.spend('acme:a', 1)
    expect(limiter.balance('acme:b')).toEqual({ remaining: 2, used: 0 })
    limiter.setBalance('acme:a', { remaining: 5, used: 0 })
    expect(limiter.balance('acme:a')).toEqual({ remaining: 5, used: 0 })
  })

  it('do not change with the object that they were made from', () => {
    const limiter = memoryLimiter()
    const made = { remaining: 1, used: 0 }
    limiter.setBalance('acme:a', made)
    made.remaining = 100
    expect(limiter.balance('acme:a')).toEqual({ remaining: 1, used: 0 })
  })

  it('of one limiter are not those of another', () => {
    const [a, b] = [memoryLimiter(), memoryLimiter()]
    a.setBalance('acme:a', { remaining: 1, used: 0 })
    expect(b.balance('acme:a')).toBeUndefined()
  })
})

describe('balanceOf', () => {
  it('names the balance of an account for one service', () => {
    expect(balanceOf('acme', 'account_1')).toBe('acme:account_1')
    expect(balanceOf('other', 'account_1')).not.toBe(balanceOf('acme', 'account_1'))
  })
})
