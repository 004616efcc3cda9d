import { describe, expect, it } from 'vitest'
import type { Charge, Window } from './limiter.ts'
import { memoryLimiter } from './memory-limiter.ts'

const NOW = 1_790_000_000_000
const MINUTE: Window = { name: 'minute', bucket: 'acme:key:key_1', limit: 3, seconds: 60, cost: 1 }
const HOUR: Window = { name: 'hour', bucket: 'acme:key:key_1', limit: 5, seconds: 3600, cost: 1 }

/** Windows alone. */
function of(...windows: readonly Window[]): Charge {
  return { windows, slots: undefined }
}

describe('take', () => {
  it('takes up to the limit and says how it stands', () => {
    const limiter = memoryLimiter()
    const state = { name: 'minute', limit: 3, seconds: 60, resetAt: NOW + 60_000 }
    expect(limiter.take(of(MINUTE), NOW)).toMatchObject({ taken: true, states: [{ ...state, remaining: 2 }] })
    expect(limiter.take(of(MINUTE), NOW + 10_000)).toMatchObject({ taken: true, states: [{ ...state, remaining: 1 }] })
    expect(limiter.take(of(MINUTE), NOW + 20_000)).toMatchObject({ taken: true, states: [{ ...state, remaining: 0 }] })
    expect(limiter.take(of(MINUTE), NOW + 30_000)).toEqual({
      taken: false,
      states: [{ ...state, remaining: 0 }],
      refusedBy: { ...state, remaining: 0 },
    })
  })

  it('answers synchronously', () => {
    expect(memoryLimiter().take(of(MINUTE), NOW)).not.toBeInstanceOf(Promise)
  })

  it('gives each unit back when its own window has passed, at the exact millisecond', () => {
    const limiter = memoryLimiter()
    for (const at of [0, 10_000, 20_000]) limiter.take(of(MINUTE), NOW + at)
    expect(limiter.take(of(MINUTE), NOW + 59_999).taken).toBe(false)
    expect(limiter.take(of(MINUTE), NOW + 60_000).taken).toBe(true)
    expect(limiter.take(of(MINUTE), NOW + 60_000).taken).toBe(false)
    expect(limiter.take(of(MINUTE), NOW + 69_999).taken).toBe(false)
    expect(limiter.take(of(MINUTE), NOW + 70_000).taken).toBe(true)
  })

  it('has no edge at which two bursts fit side by side', () => {
    const limiter = memoryLimiter()
    const taken: number[] = []
    for (let at = 0; at < 300_000; at += 250) if (limiter.take(of(MINUTE), NOW + at).taken) taken.push(at)
    expect(taken.length).toBeGreaterThan(3)
    for (const start of taken) {
      expect(taken.filter((at) => at >= start && at < start + 60_000).length).toBeLessThanOrEqual(3)
    }
  })

  it('does not let a burst at the end of a minute be followed by one in the next', () => {
    const limiter = memoryLimiter()
    for (let i = 0; i < 3; i++) expect(limiter.take(of(MINUTE), NOW + 59_990).taken).toBe(true)
    for (let i = 0; i < 3; i++) expect(limiter.take(of(MINUTE), NOW + 60_010).taken).toBe(false)
  })

  it('charges nothing for a request that it refuses', () => {
    const limiter = memoryLimiter()
    for (let i = 0; i < 3; i++) limiter.take(of(MINUTE), NOW)
    for (let at = 1; at < 60_000; at += 1000) limiter.take(of(MINUTE), NOW + at)
    expect(limiter.take(of(MINUTE), NOW + 60_000).states[0]?.remaining).toBe(2)
  })

  it('is not blocked by what was counted while the clock was ahead', () => {
    const limiter = memoryLimiter()
    limiter.take(of(MINUTE), NOW + 3_600_000)
    for (let i = 0; i < 3; i++) expect(limiter.take(of(MINUTE), NOW + i).taken).toBe(true)
    expect(limiter.take(of(MINUTE), NOW + 3)).toMatchObject({ refusedBy: { resetAt: NOW + 60_002 } })
  })

  it('charges all windows or none', () => {
    const limiter = memoryLimiter()
    for (let i = 0; i < 3; i++) expect(limiter.take(of(MINUTE, HOUR), NOW).taken).toBe(true)
    const refused = limiter.take(of(MINUTE, HOUR), NOW)
    expect(refused.taken).toBe(false)
    expect(refused.states.map((state) => state.remaining)).toEqual([0, 2])
    expect(refused).toMatchObject({ refusedBy: { name: 'minute' } })
    const refusedAgain = limiter.take(of(HOUR, MINUTE), NOW)
    expect(refusedAgain.states.map((state) => state.remaining)).toEqual([2, 0])
  })

  it('names the window that takes longest to have room', () => {
    const limiter = memoryLimiter()
    const short = { ...MINUTE, limit: 1 }
    const long = { ...HOUR, limit: 1 }
    limiter.take(of(short, long), NOW)
    const expected = { name: 'hour', limit: 1, seconds: 3600, remaining: 0, resetAt: NOW + 3_600_000 }
    expect(limiter.take(of(short, long), NOW + 1)).toMatchObject({ refusedBy: expected })
    expect(limiter.take(of(long, short), NOW + 1)).toMatchObject({ refusedBy: expected })
  })

  it('says when enough has come back for a cost above one', () => {
    const limiter = memoryLimiter()
    for (const at of [0, 10_000, 20_000]) limiter.take(of(MINUTE), NOW + at)
    const refused = limiter.take(of({ ...MINUTE, cost: 2 }), NOW + 30_000)
    expect(refused).toMatchObject({ refusedBy: { resetAt: NOW + 70_000 } })
    expect(refused.states[0]?.resetAt).toBe(NOW + 60_000)
    expect(limiter.take(of({ ...MINUTE, cost: 2 }), NOW + 69_999).taken).toBe(false)
    expect(limiter.take(of({ ...MINUTE, cost: 2 }), NOW + 70_000).taken).toBe(true)
  })

  it('takes a cost that fits exactly, and refuses one that never fits', () => {
    const limiter = memoryLimiter()
    const refused = limiter.take(of({ ...MINUTE, cost: 4 }), NOW)
    expect(refused).toMatchObject({ taken: false, refusedBy: { remaining: 3, resetAt: NOW + 60_000 } })
    expect(limiter.take(of({ ...MINUTE, cost: 3 }), NOW)).toMatchObject({ taken: true, states: [{ remaining: 0 }] })
  })

  it.each([
    ['bucket', { bucket: 'acme:key:key_2' }],
    ['name', { name: 'burst' }],
    ['length', { seconds: 61 }],
  ])('counts windows apart that differ in %s', (_what, change) => {
    const limiter = memoryLimiter()
    for (let i = 0; i < 3; i++) limiter.take(of(MINUTE), NOW)
    expect(limiter.take(of({ ...MINUTE, ...change }), NOW).states[0]?.remaining).toBe(2)
    expect(limiter.take(of(MINUTE), NOW).taken).toBe(false)
  })

  it('applies a narrowed limit to what was counted before', () => {
    const limiter = memoryLimiter()
    for (let i = 0; i < 3; i++) limiter.take(of(MINUTE), NOW)
    expect(limiter.take(of({ ...MINUTE, limit: 2 }), NOW)).toMatchObject({ taken: false, states: [{ remaining: 0 }] })
    expect(limiter.take(of({ ...MINUTE, limit: 4 }), NOW)).toMatchObject({ taken: true, states: [{ remaining: 0 }] })
  })

  it('counts requests within a thousandth of the window together, and never forgets one early', () => {
    const limiter = memoryLimiter()
    limiter.take(of(MINUTE), NOW)
    limiter.take(of(MINUTE), NOW + 59)
    limiter.take(of(MINUTE), NOW + 60)
    expect(limiter.take(of(MINUTE), NOW + 60_058).taken).toBe(false)
    expect(limiter.take(of(MINUTE), NOW + 60_059).states[0]?.remaining).toBe(1)
    expect(limiter.take(of(MINUTE), NOW + 60_059).states[0]?.remaining).toBe(0)
    expect(limiter.take(of(MINUTE), NOW + 60_120).states[0]?.remaining).toBe(0)
  })

  it('does not stretch a run for as long as requests keep coming', () => {
    const limiter = memoryLimiter()
    const window = { ...MINUTE, limit: 100_000 }
    for (let at = 0; at < 60_000; at += 10) limiter.take(of(window), NOW + at)
    // Of 6000 the first 600 or so have left after another six seconds.
    const left = 100_000 - (limiter.take(of(window), NOW + 66_000).states[0]?.remaining ?? 0)
    expect(left).toBeGreaterThanOrEqual(5400)
    expect(left).toBeLessThanOrEqual(5410)
  })

  it('keeps counting when the clock goes back', () => {
    const limiter = memoryLimiter()
    for (let i = 0; i < 3; i++) limiter.take(of(MINUTE), NOW)
    expect(limiter.take(of(MINUTE), NOW - 30_000).taken).toBe(false)
    expect(limiter.take(of(MINUTE), NOW + 60_000).taken).toBe(true)
  })

  it('keeps live windows through the sweep of dead ones', () => {
    const limiter = memoryLimiter()
    for (let i = 0; i < 3; i++) limiter.take(of(MINUTE), NOW)
    for (let i = 0; i < 3000; i++) limiter.take(of({ ...MINUTE, bucket: `b${i}` }), NOW + 1000)
    expect(limiter.take(of(MINUTE), NOW + 1000).taken).toBe(false)
  })

  it('takes with no window', () => {
    expect(memoryLimiter().take(of(), NOW)).toMatchObject({ taken: true, states: [] })
  })

  it('counts a charge and one like it together, also when nobody had counted for long', () => {
    const limiter = memoryLimiter()
    const charge = of(MINUTE)
    limiter.take(charge, NOW)
    // Others come and go meanwhile, and the empty window is dropped.
    for (let i = 0; i < 50; i++) limiter.take(of({ ...MINUTE, bucket: `b${i}` }), NOW + 120_000)
    for (const each of [of(MINUTE), charge, of(MINUTE)]) limiter.take(each, NOW + 120_000)
    expect(limiter.take(charge, NOW + 120_000).taken).toBe(false)
    expect(limiter.take(of(MINUTE), NOW + 120_000).taken).toBe(false)
  })

  it('lets the clock step to and fro without a second burst beyond what a step frees', () => {
    const limiter = memoryLimiter()
    let taken = 0
    for (let i = 0; i < 30; i++) if (limiter.take(of(MINUTE), NOW + (i % 2) * 30_000).taken) taken++
    expect(taken).toBe(3)
  })
})
