import type { Charge, Limiter, LimitState, Slots, Taken, Window } from '../limiter.ts'
import { equal, holds } from './equal.ts'
import { type Cases, register, type TestFramework } from './framework.ts'

/**
 * Opens limiters that count together, as on connections of their own where it is shared, calls `use` with them, and closes
 * them. At least one. They go by the time that they are given.
 */
export type LimiterSubject = (use: (limiters: readonly [Limiter, ...Limiter[]]) => Promise<void>) => Promise<void>

/** Registers what every limiter has to do. */
export function testLimiter(framework: TestFramework, subject: LimiterSubject): void {
  register(framework, { 'a window': windows, 'several windows': several, slots, 'a clock': clocks, races }, (run) =>
    subject((limiters) => run(worldOf(limiters))),
  )
}

interface World {
  readonly limiters: readonly Limiter[]
  readonly limiter: Limiter
  readonly now: number
  /** Three in a minute, of a bucket that nobody else has. */
  readonly minute: Window
  readonly hour: Window
  /** Two at a time. */
  readonly slots: Slots
}

/** A window may let a unit leave so much of its length late. */
const LATE = 1 / 50
const MINUTE = 60_000

function worldOf(limiters: readonly [Limiter, ...Limiter[]]): World {
  const bucket = `acme:account:${crypto.randomUUID()}`
  return {
    limiters,
    limiter: limiters[0],
    now: Date.now(),
    minute: { name: 'minute', bucket, limit: 3, seconds: 60, cost: 1 },
    hour: { name: 'hour', bucket, limit: 5, seconds: 3600, cost: 1 },
    slots: { name: 'requests', bucket, limit: 2, seconds: 300 },
  }
}

function of(...windows: readonly Window[]): Charge {
  return { windows, slots: undefined }
}

function remaining({ states }: Taken): readonly number[] {
  return states.map((state) => state.remaining)
}

function refusal(taken: Taken): LimitState {
  if (taken.taken || taken.refusedBy === 'slots') throw new Error('it was not refused by a window')
  return taken.refusedBy
}

/** When something comes back that was counted so, or a little later, but not earlier. */
function isBackAt(resetAt: number, at: number, { seconds }: Window): boolean {
  return resetAt >= at && resetAt <= at + seconds * 1000 * LATE
}

const windows: Cases<World> = {
  'takes up to the limit, and says how it stands': async ({ limiter, minute, now }) => {
    for (const left of [2, 1, 0]) {
      const taken = await limiter.take(of(minute), now)
      holds(taken.taken, 'there was room')
      const [state] = taken.states
      equal({ ...state, resetAt: 0 }, { name: 'minute', limit: 3, seconds: 60, remaining: left, resetAt: 0 })
      holds(isBackAt(state?.resetAt ?? 0, now + MINUTE, minute), 'the first unit comes back after a minute')
    }
    const refused = await limiter.take(of(minute), now + 1)
    equal(remaining(refused), [0])
    equal({ ...refusal(refused), resetAt: 0 }, { name: 'minute', limit: 3, seconds: 60, remaining: 0, resetAt: 0 })
  },

  'gives a unit back when it says, and not before': async ({ limiter, minute, now }) => {
    for (const after of [0, 20_000, 40_000]) await limiter.take(of(minute), now + after)
    const { resetAt } = refusal(await limiter.take(of(minute), now + 50_000))
    holds(isBackAt(resetAt, now + MINUTE, minute), 'the oldest unit leaves first')
    holds(!(await limiter.take(of(minute), resetAt - 1)).taken, 'it is not back a millisecond before')
    holds((await limiter.take(of(minute), resetAt)).taken, 'it is back at that millisecond')
    holds(!(await limiter.take(of(minute), resetAt)).taken, 'one came back, not two')
  },

  'has no edge at which two bursts fit side by side': async ({ limiter, minute, now }) => {
    const taken: number[] = []
    for (let after = 0; after < 5 * MINUTE; after += 1300) {
      if ((await limiter.take(of(minute), now + after)).taken) taken.push(after)
    }
    for (const first of taken) {
      holds(taken.filter((at) => at >= first && at < first + MINUTE).length <= 3, 'three in any minute at most')
    }
    // Each that leaves is let in again at the next attempt, late by what is allowed.
    holds(taken.length >= 12, 'the limit is granted, too')
  },

  'charges nothing for what it refuses': async ({ limiter, minute, now }) => {
    for (let i = 0; i < 3; i++) await limiter.take(of(minute), now)
    for (let after = 1; after < MINUTE; after += 5000) await limiter.take(of(minute), now + after)
    equal(remaining(await limiter.take(of(minute), now + MINUTE * (1 + LATE))), [2])
  },

  'takes a cost, and refuses one that never fits': async ({ limiter, minute, now }) => {
    const refused = await limiter.take(of({ ...minute, cost: 4 }), now)
    equal([refused.taken, refusal(refused).resetAt], [false, now + MINUTE])
    equal(remaining(await limiter.take(of({ ...minute, cost: 2 }), now)), [1])
    holds(!(await limiter.take(of({ ...minute, cost: 2 }), now)).taken, 'one is left, and two do not fit')
    equal(remaining(await limiter.take(of(minute), now)), [0])
  },

  'says when enough has come back for a cost': async ({ limiter, minute, now }) => {
    for (const after of [0, 20_000, 40_000]) await limiter.take(of(minute), now + after)
    const two = of({ ...minute, cost: 2 })
    const { resetAt } = refusal(await limiter.take(two, now + 50_000))
    holds(isBackAt(resetAt, now + 20_000 + MINUTE, minute), 'two are back when the second one is')
    holds(!(await limiter.take(two, resetAt - 1)).taken, 'they are not back before')
    holds((await limiter.take(two, resetAt)).taken, 'they are back then')
  },

  'is the same one for the same bucket, name and length, whatever the limit': async ({ limiter, minute, now }) => {
    for (let i = 0; i < 3; i++) await limiter.take(of({ ...minute }), now)
    equal(remaining(await limiter.take(of({ ...minute, limit: 5 }), now)), [1])
    const narrowed = await limiter.take(of({ ...minute, limit: 2 }), now)
    equal([narrowed.taken, ...remaining(narrowed)], [false, 0])
  },

  'is another one for another bucket, name or length': async ({ limiter, minute, now }) => {
    for (let i = 0; i < 3; i++) await limiter.take(of(minute), now)
    for (const change of [{ bucket: `${minute.bucket}2` }, { name: 'burst' }, { seconds: 61 }]) {
      equal(remaining(await limiter.take(of({ ...minute, ...change }), now)), [2])
    }
  },

  'takes back what is undone': async ({ limiter, minute, now }) => {
    const charge = of({ ...minute, cost: 2 })
    const taken = await limiter.take(charge, now)
    if (!taken.taken) throw new Error('there was room')
    await limiter.undo(charge, taken.receipt, now + 10)
    equal(remaining(await limiter.take(of(minute), now + 20)), [2])
  },

  'takes nothing back that has left': async ({ limiter, minute, now }) => {
    const charge = of(minute)
    const taken = await limiter.take(charge, now)
    if (!taken.taken) throw new Error('there was room')
    for (let i = 0; i < 3; i++) await limiter.take(charge, now + 2 * MINUTE)
    await limiter.undo(charge, taken.receipt, now + 2 * MINUTE)
    holds(!(await limiter.take(charge, now + 2 * MINUTE)).taken, 'what others have taken since stays')
  },
}

const several: Cases<World> = {
  'are charged all or none': async ({ limiter, minute, hour, now }) => {
    const both = of(minute, hour)
    for (let i = 0; i < 3; i++) holds((await limiter.take(both, now)).taken, 'there was room')
    const refused = await limiter.take(both, now)
    equal([refusal(refused).name, ...remaining(refused)], ['minute', 0, 2])
    equal(remaining(await limiter.take(of(hour), now)), [1])
  },

  'refuse by the one that takes longest': async ({ limiter, minute, hour, now }) => {
    const both = [
      { ...minute, limit: 1 },
      { ...hour, limit: 1 },
    ]
    await limiter.take(of(...both), now)
    equal(refusal(await limiter.take(of(...both), now + 1)).name, 'hour')
    equal(refusal(await limiter.take(of(...both.reverse()), now + 1)).name, 'hour')
  },

  'have their states in their order, and a cost each': async ({ limiter, minute, hour, now }) => {
    const taken = await limiter.take(of({ ...hour, cost: 4 }, minute), now)
    equal(
      taken.states.map(({ name, remaining }) => [name, remaining]),
      [
        ['hour', 1],
        ['minute', 2],
      ],
    )
  },
}

async function holding({ limiter, slots, now }: World, after = 0): Promise<Extract<Taken, { taken: true }>> {
  const taken = await limiter.take({ windows: [], slots }, now + after)
  if (!taken.taken) throw new Error('there was a slot')
  return taken
}

const slots: Cases<World> = {
  'are taken up to the limit': async (world) => {
    const { limiter, slots, now } = world
    for (let i = 0; i < 2; i++) await holding(world)
    equal(await limiter.take({ windows: [], slots }, now), { taken: false, states: [], refusedBy: 'slots' })
  },

  'are free again when they are left, also twice': async (world) => {
    const { limiter, slots, now } = world
    const charge = { windows: [], slots }
    const first = await holding(world)
    await holding(world)
    for (let i = 0; i < 2; i++) await limiter.leave(charge, first.receipt, now + 5)
    await holding(world, 10)
    equal((await limiter.take(charge, now + 10)).taken, false)
  },

  'are free again when they are undone': async (world) => {
    const { limiter, slots, now } = world
    const first = await holding(world)
    await holding(world)
    await limiter.undo({ windows: [], slots }, first.receipt, now + 5)
    await holding(world, 10)
  },

  'come back by themselves when their time is over, and not before': async (world) => {
    const { limiter, slots, now } = world
    const charge = { windows: [], slots }
    const first = await holding(world)
    await holding(world, 1000)
    equal((await limiter.take(charge, now + 299_999)).taken, false)
    await holding(world, 300_000)
    // Who comes late gives back what was his, and not another's.
    await limiter.leave(charge, first.receipt, now + 300_001)
    equal((await limiter.take(charge, now + 300_001)).taken, false)
  },

  'charge no window where all are taken': async (world) => {
    const { limiter, slots, minute, now } = world
    for (let i = 0; i < 2; i++) await holding(world)
    const refused = await limiter.take({ windows: [minute], slots }, now)
    equal([refused.taken, ...remaining(refused)], [false, 3])
    equal(remaining(await limiter.take(of(minute), now)), [2])
  },

  'are not taken where a window refuses': async (world) => {
    const { limiter, slots, minute, now } = world
    for (let i = 0; i < 3; i++) await limiter.take(of(minute), now)
    for (let i = 0; i < 3; i++) equal(refusal(await limiter.take({ windows: [minute], slots }, now)).name, 'minute')
    await holding(world)
    await holding(world)
  },

  'are others for another bucket or name': async (world) => {
    const { limiter, slots, now } = world
    for (let i = 0; i < 2; i++) await holding(world)
    for (const change of [{ bucket: `${slots.bucket}2` }, { name: 'jobs' }]) {
      holds((await limiter.take({ windows: [], slots: { ...slots, ...change } }, now)).taken, 'they are free')
    }
  },

  'keep their windows charged when they are left': async ({ limiter, slots, minute, now }) => {
    const charge = { windows: [minute], slots }
    const taken = await limiter.take(charge, now)
    if (!taken.taken) throw new Error('there was room')
    await limiter.leave(charge, taken.receipt, now)
    equal(remaining(await limiter.take(charge, now)), [1])
  },
}

const clocks: Cases<World> = {
  'that goes back frees nothing': async ({ limiter, minute, now }) => {
    for (let i = 0; i < 3; i++) await limiter.take(of(minute), now)
    equal((await limiter.take(of(minute), now - 30_000)).taken, false)
    equal((await limiter.take(of(minute), now + MINUTE * (1 + LATE))).taken, true)
  },

  'that was far ahead blocks nothing when it is right again': async ({ limiter, minute, now }) => {
    for (let i = 0; i < 3; i++) await limiter.take(of(minute), now + 60 * MINUTE)
    for (let i = 0; i < 3; i++) holds((await limiter.take(of(minute), now + i)).taken, 'there is room')
    equal((await limiter.take(of(minute), now + 3)).taken, false)
  },
}

const races: Cases<World> = {
  'let as many in as there is room for, and no more': async ({ limiters, minute, now }) => {
    const charge = of({ ...minute, limit: 30 })
    const all = await Promise.all(
      Array.from({ length: 100 }, async (_, i) => limiters[i % limiters.length]?.take(charge, now)),
    )
    equal(all.filter((taken) => taken?.taken).length, 30)
  },

  'give out each slot once': async ({ limiters, slots, now }) => {
    const charge = { windows: [], slots: { ...slots, limit: 7 } }
    const all = await Promise.all(
      Array.from({ length: 50 }, async (_, i) => limiters[i % limiters.length]?.take(charge, now)),
    )
    equal(all.filter((taken) => taken?.taken).length, 7)
  },
}
