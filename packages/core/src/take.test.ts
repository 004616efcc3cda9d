import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { allowanceFinder } from './allowance.ts'
import { type Asked, chargeFinder } from './charge.ts'
import type { AnyContract, Contract, DenialTable, Refund } from './contract.ts'
import type { Counting } from './count.ts'
import { bearer } from './credential.ts'
import type { Allowance, Charged, Ledger } from './ledger.ts'
import type { Limiter, Taken } from './limiter.ts'
import { memoryLedger } from './memory-ledger.ts'
import { memoryLimiter } from './memory-limiter.ts'
import type { Denied } from './outcome.ts'
import type { KeyPrincipal } from './principal.ts'
import { type Take, taker } from './take.ts'

const NOW = 1_790_000_000_000
const CONTRACT: Contract = {
  name: 'acme',
  carriers: [bearer()],
  plans: ['free', 'pro'],
  quota: { name: 'month', limit: { pro: 10 }, period: { months: 1 } },
  // Nothing is rendered here.
  denials: {} as DenialTable,
}
const LIMITS = [{ name: 'minute', seconds: 60, limit: 2, per: 'key' }] as const
const JOBS = { name: 'jobs', limit: 1, per: 'account' } as const
const PRINCIPAL: KeyPrincipal = {
  via: 'key',
  account: { id: 'account_1', plan: 'pro', status: 'active', email: null, metadata: {} },
  key: {
    id: 'key_1',
    service: 'acme',
    accountId: 'account_1',
    name: 'ci',
    environment: null,
    permissions: [],
    createdAt: 0,
    expiresAt: null,
    revokedAt: null,
    revokedReason: null,
    metadata: {},
  },
  plan: 'pro',
  permissions: [],
}
const SEPTEMBER: Allowance = {
  balanceId: 'acme:account_1',
  limit: 10,
  start: Date.UTC(2026, 8),
  end: Date.UTC(2026, 9),
}

function countingWith(parts: Partial<Counting> = {}): Counting {
  const [limiter, ledger] = [memoryLimiter(), memoryLedger()]
  return {
    limiter,
    ledger,
    allowanceOf: allowanceFinder(CONTRACT),
    now: () => NOW,
    timeout: 50,
    uncounted: undefined,
    quotaLow: () => {},
    ...parts,
  }
}

function takerOf(
  contract: AnyContract,
  counting: Counting,
  asked: Asked & { readonly cost?: number; readonly refund?: readonly Refund[] },
) {
  return taker(contract, counting, chargeFinder(contract, asked), asked)
}

/** What was taken, of a request that was not denied. */
function taken(answer: Take | Denied | Promise<Take | Denied>): Take {
  if (answer instanceof Promise || answer.kind !== 'taken') throw new Error('it was denied, or not synchronous')
  return answer
}

const unavailable = { kind: 'denied', code: 'unavailable', cause: expect.anything() }
const limiterWith = (parts: Partial<Limiter>): Limiter => ({ ...memoryLimiter(), ...parts })
const ledgerWith = (parts: Partial<Ledger>): Ledger => ({ ...memoryLedger(), ...parts })

describe('windows', () => {
  it('are charged and told of, and refuse with all that was asked and whole seconds to wait', () => {
    const take = takerOf(CONTRACT, countingWith(), {
      limits: [...LIMITS, { name: 'hour', seconds: 3600, limit: 9, per: 'key' }],
    })
    for (const left of [1, 0]) {
      expect(take(PRINCIPAL, undefined, NOW)).toMatchObject({ limits: [{ remaining: left }, { remaining: left + 7 }] })
    }
    const limit = { name: 'minute', limit: 2, seconds: 60, remaining: 0, resetAt: NOW + 60_000 }
    const hour = { name: 'hour', limit: 9, seconds: 3600, remaining: 7, resetAt: NOW + 3_600_000 }
    expect(take(PRINCIPAL, undefined, NOW + 30_001)).toEqual({
      kind: 'denied',
      code: 'rate_limited',
      limit,
      limits: [limit, hour],
      retryAfter: 30,
    })
    expect(take(PRINCIPAL, undefined, NOW + 59_999)).toMatchObject({ retryAfter: 1 })
    expect(take(PRINCIPAL, undefined, NOW + 60_000)).toMatchObject({ kind: 'taken' })
  })

  it('say for how long a cost does not fit, in place of when the next unit is back', () => {
    const counting = countingWith()
    const one = takerOf(CONTRACT, counting, { limits: LIMITS })
    const two = takerOf(CONTRACT, counting, { limits: [{ ...LIMITS[0], cost: 2 }] })
    one(PRINCIPAL, undefined, NOW)
    one(PRINCIPAL, undefined, NOW + 10_000)
    const limit = expect.objectContaining({ resetAt: NOW + 70_000 })
    expect(two(PRINCIPAL, undefined, NOW + 20_000)).toMatchObject({ limit, limits: [limit], retryAfter: 50 })
  })

  it('ask to wait a second at least', () => {
    const limit = { name: 'minute', limit: 2, seconds: 60, remaining: 0, resetAt: NOW - 5000 }
    const limiter = limiterWith({ take: () => ({ taken: false, states: [limit], refusedBy: limit }) })
    expect(takerOf(CONTRACT, countingWith({ limiter }), { limits: LIMITS })(PRINCIPAL, undefined, NOW)).toMatchObject({
      retryAfter: 1,
    })
  })

  it('are not asked about where there are none', () => {
    const limiter = limiterWith({
      take() {
        throw new Error('asked')
      },
    })
    expect(takerOf(CONTRACT, countingWith({ limiter }), {})(PRINCIPAL, undefined, NOW)).toMatchObject({ limits: [] })
  })

  it('wait for a limiter that answers with a promise', async () => {
    const memory = memoryLimiter()
    const limiter = limiterWith({ take: async (charge, now) => memory.take(charge, now) })
    const take = takerOf(CONTRACT, countingWith({ limiter }), { limits: LIMITS })
    for (let i = 0; i < 2; i++) expect(await take(PRINCIPAL, undefined, NOW)).toMatchObject({ kind: 'taken' })
    expect(await take(PRINCIPAL, undefined, NOW)).toMatchObject({ code: 'rate_limited' })
  })
})

describe('a limiter that is down', () => {
  const cause = new Error('gone')
  const DOWN: readonly [string, Limiter['take']][] = [
    [
      'throws',
      () => {
        throw cause
      },
    ],
    ['rejects', () => Promise.reject(cause)],
    ['hangs', () => new Promise(() => {})],
    ...[
      undefined,
      null,
      {},
      { taken: false, states: [] },
      { taken: false, states: [], refusedBy: 'windows' },
      { taken: true },
      { taken: true, states: [{ name: 'minute', limit: 1, seconds: 60, remaining: NaN, resetAt: 0 }] },
      { taken: 'no', states: [] },
      'OK',
      1,
    ].map((garbage): [string, Limiter['take']] => [
      `says ${JSON.stringify(garbage)}`,
      () => garbage as unknown as Taken,
    ]),
  ]

  it.each(DOWN)('refuses: it %s', async (_what, take) => {
    const counting = countingWith({ limiter: limiterWith({ take }) })
    expect(await takerOf(CONTRACT, counting, { limits: LIMITS })(PRINCIPAL, undefined, NOW)).toEqual(unavailable)
  })

  it.each(DOWN)('lets requests through uncounted where that was decided, and says so: it %s', async (_what, take) => {
    const told: unknown[] = []
    const touched: string[] = []
    const limiter = limiterWith({
      take,
      undo: () => void touched.push('undo'),
      leave: () => void touched.push('leave'),
    })
    const counting = countingWith({ limiter, uncounted: (fault) => told.push(fault) })
    const through = await takerOf(CONTRACT, counting, { limits: LIMITS, concurrency: JOBS })(PRINCIPAL, undefined, NOW)
    expect(through).toMatchObject({ kind: 'taken', limits: [] })
    expect(told).toEqual([unavailable])
    taken(through).end?.('finished')
    expect(touched).toEqual([])
  })
})

describe('slots', () => {
  it('are given back when the request ends, however it does', () => {
    const take = takerOf(CONTRACT, countingWith(), { concurrency: JOBS })
    for (const how of ['finished', 'failed', 'broken'] as const) {
      const { end } = taken(take(PRINCIPAL, undefined, NOW))
      expect(take(PRINCIPAL, undefined, NOW)).toEqual({ kind: 'denied', code: 'concurrency', limit: 1 })
      end?.(how)
    }
    expect(take(PRINCIPAL, undefined, NOW)).toMatchObject({ kind: 'taken' })
  })

  describe('where the limiter is down when they are given back', () => {
    beforeEach(() => void vi.useFakeTimers())
    afterEach(() => void vi.useRealTimers())

    /** A limiter that does not take slots back until `isDown` is over, and when it was asked to. */
    function failing() {
      const memory = memoryLimiter()
      const state = { isDown: true, asked: [] as number[] }
      const down = () => Promise.reject(new Error('down'))
      const limiter: Limiter = {
        ...memory,
        undo: (...given) => (state.isDown ? down() : memory.undo(...given)),
        leave(...given) {
          state.asked.push(Date.now())
          return state.isDown ? down() : memory.leave(...given)
        },
      }
      return { state, counting: countingWith({ limiter, now: Date.now }) }
    }

    it('are asked for again, at longer and longer pauses, until it has them', async () => {
      const { state, counting } = failing()
      const take = takerOf(CONTRACT, counting, { concurrency: JOBS })
      const start = Date.now()
      taken(take(PRINCIPAL, undefined, start)).end?.('finished')
      await vi.advanceTimersByTimeAsync(20_000)
      expect(state.asked.map((at) => at - start)).toEqual([0, 250, 750, 1750, 3750, 7750, 15_750])
      expect(take(PRINCIPAL, undefined, Date.now())).toMatchObject({ code: 'concurrency' })
      state.isDown = false
      await vi.advanceTimersByTimeAsync(8000)
      expect(take(PRINCIPAL, undefined, Date.now())).toMatchObject({ kind: 'taken' })
      expect(state.asked).toHaveLength(8)
      await vi.advanceTimersByTimeAsync(60_000)
      expect(state.asked).toHaveLength(8)
    })

    it('are not asked for any more when their time is over', async () => {
      const { state, counting } = failing()
      const start = Date.now()
      const take = takerOf(CONTRACT, counting, { concurrency: { ...JOBS, seconds: 2 } })
      taken(take(PRINCIPAL, undefined, start)).end?.('broken')
      await vi.advanceTimersByTimeAsync(600_000)
      expect(state.asked.map((at) => at - start)).toEqual([0, 250, 750, 1750])
    })

    it('are asked for again also where a denial gives them back', async () => {
      const { state, counting } = failing()
      const ledger: Ledger = { ...memoryLedger(), reserve: () => ({ charged: false, limit: 0, used: 0, start: 0 }) }
      const take = takerOf(CONTRACT, { ...counting, ledger }, { concurrency: JOBS, cost: 1 })
      expect(await take(PRINCIPAL, undefined, Date.now())).toMatchObject({ code: 'exhausted' })
      expect(state.asked).toHaveLength(1)
      state.isDown = false
      await vi.advanceTimersByTimeAsync(250)
      expect(takerOf(CONTRACT, counting, { concurrency: JOBS })(PRINCIPAL, undefined, Date.now())).toMatchObject({
        kind: 'taken',
      })
    })
  })

  it('are not waited for: nothing has to be told of a request without them', () => {
    expect(taken(takerOf(CONTRACT, countingWith(), { limits: LIMITS })(PRINCIPAL, undefined, NOW)).end).toBeUndefined()
  })
})

describe('a cost', () => {
  it('is reserved in full, and stays charged when the request is answered', () => {
    const counting = countingWith()
    const { reservation, end } = taken(takerOf(CONTRACT, counting, { cost: 4 })(PRINCIPAL, undefined, NOW))
    expect(reservation?.amount).toBe(4)
    expect(counting.ledger.read(SEPTEMBER)).toMatchObject({ used: 4 })
    end?.('finished')
    expect(counting.ledger.read(SEPTEMBER)).toMatchObject({ used: 4 })
  })

  it.each(['failed', 'broken'] as const)('is given back when the request has %s, unless that was ruled out', (how) => {
    const counting = countingWith()
    const used = () => counting.ledger.read(SEPTEMBER)
    taken(takerOf(CONTRACT, counting, { cost: 4 })(PRINCIPAL, undefined, NOW)).end?.(how)
    expect(used()).toMatchObject({ used: 0 })
    taken(takerOf({ ...CONTRACT, refund: [] }, counting, { cost: 4 })(PRINCIPAL, undefined, NOW)).end?.(how)
    expect(used()).toMatchObject({ used: 4 })
    taken(takerOf(CONTRACT, counting, { cost: 3, refund: [] })(PRINCIPAL, undefined, NOW)).end?.(how)
    expect(used()).toMatchObject({ used: 7 })
    taken(takerOf({ ...CONTRACT, refund: [] }, counting, { cost: 3, refund: [how] })(PRINCIPAL, undefined, NOW)).end?.(
      how,
    )
    expect(used()).toMatchObject({ used: 7 })
  })

  it('is what it was said to be in truth, and that is not given back', async () => {
    const counting = countingWith()
    const { reservation, end } = taken(takerOf(CONTRACT, counting, { cost: 8 })(PRINCIPAL, undefined, NOW))
    await reservation?.settle(3)
    end?.('broken')
    expect(counting.ledger.read(SEPTEMBER)).toMatchObject({ used: 3 })
    await expect(reservation?.settle(2)).rejects.toThrow(/settled before/)
    expect(counting.ledger.read(SEPTEMBER)).toMatchObject({ used: 3 })
  })

  it('may be said after the answer was sent, and is nothing when it was given back before', async () => {
    const counting = countingWith()
    const late = taken(takerOf(CONTRACT, counting, { cost: 8 })(PRINCIPAL, undefined, NOW))
    late.end?.('finished')
    await late.reservation?.settle(1)
    expect(counting.ledger.read(SEPTEMBER)).toMatchObject({ used: 1 })
    const broken = taken(takerOf(CONTRACT, counting, { cost: 8 })(PRINCIPAL, undefined, NOW))
    broken.end?.('broken')
    await broken.reservation?.settle(5)
    await broken.reservation?.release()
    expect(counting.ledger.read(SEPTEMBER)).toMatchObject({ used: 1 })
  })

  it.each([-1, 9, 0.5, NaN])('is at most what was reserved: not %d', async (actual) => {
    const counting = countingWith()
    const { reservation } = taken(takerOf(CONTRACT, counting, { cost: 8 })(PRINCIPAL, undefined, NOW))
    await expect(reservation?.settle(actual)).rejects.toThrow(TypeError)
    expect(counting.ledger.read(SEPTEMBER)).toMatchObject({ used: 8 })
  })

  it('that the balance does not cover is exhausted, and gives back what was taken before it', () => {
    const counting = countingWith()
    const dear = takerOf(CONTRACT, counting, { limits: LIMITS, concurrency: JOBS, cost: 11 })
    for (let i = 0; i < 5; i++) {
      expect(dear(PRINCIPAL, undefined, NOW)).toEqual({
        kind: 'denied',
        code: 'exhausted',
        quota: 'month',
        cost: 11,
        limit: 10,
        remaining: 10,
        refillsAt: SEPTEMBER.end,
      })
    }
    const cheap = takerOf(CONTRACT, counting, { limits: LIMITS, concurrency: JOBS, cost: 10 })
    expect(cheap(PRINCIPAL, undefined, NOW)).toMatchObject({ kind: 'taken', limits: [{ remaining: 1 }] })
  })

  it('is not taken where a window or the slots refuse', () => {
    const counting = countingWith()
    const take = takerOf(CONTRACT, counting, { limits: LIMITS, concurrency: JOBS, cost: 1 })
    taken(take(PRINCIPAL, undefined, NOW))
    expect(take(PRINCIPAL, undefined, NOW)).toMatchObject({ code: 'concurrency' })
    expect(counting.ledger.read(SEPTEMBER)).toMatchObject({ used: 1 })
  })

  it('is not metered for who has no limit, nor for who is nobody', () => {
    const free = { ...PRINCIPAL, account: { ...PRINCIPAL.account, plan: 'free' } }
    const take = takerOf(CONTRACT, countingWith(), { cost: 100 })
    expect(take(free, undefined, NOW)).toEqual({ kind: 'taken', limits: [] })
    expect(take(undefined, undefined, NOW)).toEqual({ kind: 'taken', limits: [] })
  })

  it('is there anew in the next month, once, also when the clock was ahead', () => {
    const take = takerOf(CONTRACT, countingWith(), { cost: 10 })
    expect(take(PRINCIPAL, undefined, NOW)).toMatchObject({ kind: 'taken' })
    expect(take(PRINCIPAL, undefined, SEPTEMBER.end)).toMatchObject({ kind: 'taken' })
    for (const now of [NOW, SEPTEMBER.end, SEPTEMBER.start, SEPTEMBER.end + 1]) {
      expect(take(PRINCIPAL, undefined, now)).toMatchObject({ code: 'exhausted' })
    }
  })
})

describe('a ledger that is down', () => {
  const cause = new Error('gone')
  it.each<[string, Ledger['reserve']]>([
    [
      'throws',
      () => {
        throw cause
      },
    ],
    ['rejects', () => Promise.reject(cause)],
    ['hangs', () => new Promise(() => {})],
    ...[null, {}, { charged: true }, { charged: 'no', limit: 1, used: 0, start: 0 }, 'OK', 1].map(
      (garbage): [string, Ledger['reserve']] => [
        `says ${JSON.stringify(garbage)}`,
        () => garbage as unknown as Charged,
      ],
    ),
  ])('refuses, also where uncounted requests may pass, and keeps nothing: it %s', async (_what, reserve) => {
    const counting = countingWith({ ledger: ledgerWith({ reserve }), uncounted: () => {} })
    const take = takerOf(CONTRACT, counting, { limits: LIMITS, concurrency: JOBS, cost: 1 })
    for (let i = 0; i < 3; i++) expect(await take(PRINCIPAL, undefined, NOW)).toEqual(unavailable)
  })

  it('is unavailable where an account has no beginning that is a time', () => {
    const contract = { ...CONTRACT, quota: { name: 'month', limit: 1, period: { months: 1, since: () => NaN } } }
    const counting = countingWith({ allowanceOf: allowanceFinder(contract) })
    expect(takerOf(contract, counting, { cost: 1 })(PRINCIPAL, undefined, NOW)).toEqual(unavailable)
  })

  it('keeps what it does not take back, and says so to who asked, once', async () => {
    let asked = 0
    const giveBack = () => {
      asked++
      return Promise.reject(cause)
    }
    const counting = countingWith({ ledger: ledgerWith({ giveBack }) })
    const { reservation, end } = taken(takerOf(CONTRACT, counting, { cost: 8 })(PRINCIPAL, undefined, NOW))
    await expect(reservation?.settle(1)).rejects.toThrow(/did not take the rest back/)
    end?.('broken')
    await expect(reservation?.settle(1)).rejects.toThrow(TypeError)
    expect(asked).toBe(1)
  })
})

it('1,000 requests at once spend what there is, and no more', async () => {
  const [memory, book] = [memoryLimiter(), memoryLedger()]
  const tick = () => new Promise((resolve) => setImmediate(resolve))
  const limiter = limiterWith({ take: async (charge, now) => tick().then(() => memory.take(charge, now)) })
  const ledger = ledgerWith({
    reserve: async (allowance, amount) => tick().then(() => book.reserve(allowance, amount)),
  })
  const contract = { ...CONTRACT, quota: { name: 'month', limit: 333 } }
  const counting = countingWith({ limiter, ledger, allowanceOf: allowanceFinder(contract), timeout: 60_000 })
  const take = takerOf(contract, counting, { limits: [{ ...LIMITS[0], limit: 777 }], cost: 1 })
  const all = await Promise.all(Array.from({ length: 1000 }, () => take(PRINCIPAL, undefined, NOW)))
  expect(all.filter(({ kind }) => kind === 'taken').length).toBe(333)
})
