/** Limits and balances in Redis: exact, whoever counts, whatever ends in between. */
import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Allowance, Charge, KeyStore, Ledger, Limiter, Slots, Taken, Window } from '@latchkey/core'
import { testLedger, testLimiter } from '@latchkey/core/testing'
import { openRedis, type RedisClient, type RedisOptions } from '@latchkey/store-redis'
import { type RedisServer, startRedis } from '@latchkey/test-servers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeWith } from '../requirements.ts'
import { randomNumbers } from './programs/random.ts'
import type { Order, Spent } from './programs/spending.ts'
import { clientAt, limiterBy } from './redis-clock.ts'
import { nameOf } from './redis-names.ts'

const SEED = Number(process.env.LATCHKEY_SEED ?? randomInt(2 ** 31))
/** Of stores whose test is not about it, in milliseconds: a busy machine is slow. */
const TIMEOUT = 30_000
const LONG = 120_000
const MOST = Number.MAX_SAFE_INTEGER
/** A window may let a unit leave so much of its length late. */
const LATE = 1 / 50

const program = fileURLToPath(new URL('programs/dist/spend-redis.js', import.meta.url))

type Counting = KeyStore & { readonly limiter: Limiter; readonly ledger: Ledger }

describeWith('redis', 'Redis', (found) => {
  const isOurs = !/^rediss?:/.test(found)
  let server: RedisServer
  let options: RedisOptions & { readonly prefix: string }
  let store: Counting
  beforeAll(async () => {
    server = await startRedis(found)
    options = { prefix: server.prefix(), timeout: TIMEOUT }
    store = await open()
  }, LONG)
  afterAll(async () => {
    await store.close()
    await server.stop()
  })

  async function open(source: string | RedisClient = server.url, more: RedisOptions = {}): Promise<Counting> {
    const opened = await openRedis(source, { ...options, ...more })
    const { limiter, ledger } = opened
    if (limiter === undefined || ledger === undefined) throw new Error('it does not count')
    return { ...opened, limiter, ledger }
  }

  /** Two limiters on connections of their own, by the time that they are given. */
  async function timed(use: (limiters: readonly [Limiter, Limiter]) => Promise<void>): Promise<void> {
    let time = 0
    const set = (now: number) => {
      time = now
    }
    const client = clientAt(server.url, () => time)
    await using one = await open(client)
    await using other = await open(client)
    await use([limiterBy(one.limiter, set), limiterBy(other.limiter, set)])
  }

  const windowName = ({ name, seconds, bucket }: Window) =>
    nameOf(options.prefix, 'window', name, String(seconds), bucket)
  const slotsName = ({ name, bucket }: Slots) => nameOf(options.prefix, 'slots', name, bucket)
  const balanceName = ({ balanceId }: Allowance) => nameOf(options.prefix, 'balance', balanceId)

  async function countOf(window: Window): Promise<number> {
    const units = (await server.command('HVALS', windowName(window))) as string[]
    return units.reduce((count, some) => count + Number(some), 0)
  }

  describe('a limiter', () => {
    testLimiter({ describe, it }, timed)

    it(
      `lets no more in within any window, and all that fits but a fiftieth late (seed ${SEED})`,
      { timeout: LONG },
      () =>
        timed(async ([limiter]) => {
          const random = randomNumbers(SEED)
          const upTo = (most: number) => 1 + Math.floor(random() * most)
          for (const seconds of [1, 7]) {
            const window = windowOf({ seconds, limit: 20 })
            const length = seconds * 1000
            const log: { readonly at: number; readonly cost: number }[] = []
            const countSince = (start: number) =>
              log.reduce((count, { at, cost }) => count + (at > start ? cost : 0), 0)
            let now = Date.now()
            let refusals = 0
            for (let request = 0; request < 300; request++) {
              now += upTo(random() < 0.1 ? length : length / 15)
              const cost = upTo(4)
              const { taken } = await limiter.take(of({ ...window, cost }), now)
              if (taken) log.push({ at: now, cost })
              else refusals++
              expect(taken ? countSince(now - length) : 0).toBeLessThanOrEqual(20)
              expect(taken ? 21 : cost + countSince(now - length * (1 + LATE))).toBeGreaterThan(20)
              expect(await server.command('HLEN', windowName(window))).toBeLessThanOrEqual(102)
            }
            expect(refusals).toBeGreaterThan(0)
          }
        }),
    )

    it('goes by the clock of the server, whatever time a process has', async () => {
      const window = windowOf({ limit: 3 })
      for (const now of [0, Date.now(), Date.now() + 7_200_000]) {
        const taken = await store.limiter.take(of(window), now)
        expect(taken.taken).toBe(true)
        const wait = Number(taken.states[0]?.resetAt) - now
        expect(wait).toBeGreaterThan(60_000 - TIMEOUT)
        expect(wait).toBeLessThanOrEqual(60_000 * (1 + LATE))
      }
      for (const now of [0, Date.now() + 7_200_000]) {
        expect((await store.limiter.take(of(window), now)).taken).toBe(false)
      }
    })

    it('leaves nothing behind for ever', async () => {
      const [window, slots] = [windowOf(), slotsOf()]
      await store.limiter.take({ windows: [window], slots }, 0)
      await store.limiter.take({ windows: [window], slots: { ...slots, seconds: 10 } }, 0)
      for (const [name, seconds] of [
        [windowName(window), 60],
        [slotsName(slots), 300],
      ] as const) {
        const left = Number(await server.command('PTTL', name))
        expect(left).toBeGreaterThan(seconds * 1000 - TIMEOUT)
        expect(left).toBeLessThanOrEqual(seconds * 1000 * (1 + LATE))
      }
    })

    it('forgets what has left', () =>
      timed(async ([limiter]) => {
        const window = windowOf({ limit: 1000 })
        const now = Date.now()
        for (let after = 0; after < 240_000; after += 1200) await limiter.take(of(window), now + after)
        expect(await server.command('HLEN', windowName(window))).toBeLessThanOrEqual(51)
      }))

    it('counts as far as numbers go', async () => {
      const window = windowOf({ limit: MOST })
      const take = async (cost: number) => store.limiter.take(of({ ...window, cost }), 0)
      expect(remaining(await take(MOST - 2))).toEqual([2])
      expect(remaining(await take(1))).toEqual([1])
      expect([(await take(2)).taken, (await take(MOST)).taken]).toEqual([false, false])
      expect(remaining(await take(1))).toEqual([0])
      expect(await countOf(window)).toBe(MOST)
    })

    it('counts in windows of any length', async () => {
      for (const seconds of [3600, 1e9, MOST]) {
        const window = windowOf({ seconds, limit: 1 })
        expect((await store.limiter.take({ windows: [window], slots: slotsOf({ seconds }) }, 0)).taken).toBe(true)
        expect((await store.limiter.take(of(window), 0)).taken).toBe(false)
      }
    })

    it('has a name of its own for each bucket, whatever is in it', async () => {
      for (const bucket of ['a:1:b', 'a', '€', "'];x"]) {
        const window = windowOf({ bucket: `${bucket}${crypto.randomUUID()}`, limit: 1 })
        expect((await store.limiter.take(of(window), 0)).taken).toBe(true)
        expect((await store.limiter.take(of(window), 0)).taken).toBe(false)
      }
    })

    it('is down where what it has counted is damaged', async () => {
      const [window, other] = [windowOf(), windowOf({ name: 'other' })]
      await server.command('HSET', windowName(other), 'now', '1')
      await expect(Promise.resolve(store.limiter.take(of(window, other), 0))).rejects.toThrow()
      expect(await countOf(window)).toBe(0)
    })
  })

  describe('a ledger', () => {
    testLedger({ describe, it }, async (use) => {
      await using other = await open()
      await use([store.ledger, other.ledger])
    })

    it('keeps balances for ever', async () => {
      const allowance = allowanceOf()
      await store.ledger.reserve(allowance, 1)
      expect(await server.command('PTTL', balanceName(allowance))).toBe(-1)
    })

    it('counts as far as numbers go', async () => {
      const allowance = allowanceOf({ limit: MOST })
      await store.ledger.reserve(allowance, MOST - 1)
      expect(await store.ledger.reserve(allowance, 2)).toMatchObject({ charged: false, used: MOST - 1 })
      expect(await store.ledger.reserve(allowance, 1)).toMatchObject({ charged: true, used: MOST, limit: MOST })
      expect(await store.ledger.reserve(allowance, 1)).toMatchObject({ charged: false, used: MOST })
      await store.ledger.giveBack(allowance.balanceId, allowance.start, 2)
      expect(await store.ledger.read(allowance)).toEqual({ limit: MOST, used: MOST - 2, start: allowance.start })
    })

    it('keeps no number that it could not read again', async () => {
      const allowance = allowanceOf()
      for (const change of [{ used: -1 }, { used: 1.5 }, { limit: 2 ** 53 }, { limit: Number.NaN }]) {
        await expect(Promise.resolve(store.ledger.change(allowance, change))).rejects.toThrow(TypeError)
      }
      expect(await store.ledger.read(allowance)).toEqual({ limit: 10, used: 0, start: allowance.start })
    })

    it.each([
      ['used', 'many'],
      ['used', 'nan'],
      ['used', '-5'],
      ['limit', 'all'],
      ['limit', 'inf'],
      ['start', 'soon'],
    ])('rejects where a %s is damaged: %s', async (field, value) => {
      const allowance = allowanceOf()
      await store.ledger.change(allowance, { limit: 10, used: 10 })
      await server.command('HSET', balanceName(allowance), field, value)
      for (const call of [store.ledger.reserve(allowance, 1), store.ledger.read(allowance)]) {
        await expect(Promise.resolve(call)).rejects.toThrow()
      }
    })
  })

  it('rejects when it is closed', async () => {
    const closed = await open()
    const { limiter, ledger } = closed
    await closed.close()
    const charge = { windows: [windowOf()], slots: slotsOf() }
    const receipt = { at: '0', slot: 'a' }
    for (const call of [
      limiter.take(charge, 0),
      limiter.undo(charge, receipt, 0),
      limiter.leave(charge, receipt, 0),
      ledger.reserve(allowanceOf(), 1),
      ledger.giveBack('a', 0, 1),
      ledger.read(allowanceOf()),
      ledger.change(allowanceOf(), { used: 1 }),
    ]) {
      await expect(Promise.resolve(call)).rejects.toThrow('the store is closed')
    }
  })

  describe.skipIf(!isOurs)('on a server of its own', () => {
    it('rejects in time while the server is stopped, and nothing is counted later', async () => {
      await using hasty = await open(server.url, { timeout: 2000 })
      const [window, slots, allowance] = [windowOf({ limit: 9 }), slotsOf(), allowanceOf()]
      const charge = { windows: [window], slots }
      await hasty.limiter.take(charge, 0)
      await hasty.ledger.reserve(allowance, 1)
      server.pause()
      const calls = [hasty.limiter.take(charge, 0), hasty.ledger.reserve(allowance, 1)]
      const failed = await Promise.allSettled(calls)
      // Until the deadline of the last one is over by the server's clock, too.
      await new Promise((resolve) => setTimeout(resolve, 100))
      server.resume()
      const late = new Error('no answer within 2000 ms')
      expect(failed).toEqual(calls.map(() => ({ status: 'rejected', reason: late })))
      expect(await store.ledger.read(allowance)).toMatchObject({ used: 1 })
      expect([await countOf(window), await server.command('ZCARD', slotsName(slots))]).toEqual([1, 1])
    })

    it('takes nothing where memory is full, and takes back', async () => {
      const [window, slots, allowance] = [windowOf(), slotsOf(), allowanceOf()]
      const charge = { windows: [window], slots }
      const [left, undone] = [await store.limiter.take(charge, 0), await store.limiter.take(charge, 0)]
      await store.ledger.reserve(allowance, 2)
      await server.command('CONFIG', 'SET', 'maxmemory', '1')
      try {
        for (const call of [store.limiter.take(charge, 0), store.ledger.reserve(allowance, 1)]) {
          await expect(Promise.resolve(call)).rejects.toThrow('OOM')
        }
        await store.limiter.leave(charge, receiptOf(left), 0)
        await store.limiter.undo(charge, receiptOf(undone), 0)
        await store.ledger.giveBack(allowance.balanceId, allowance.start, 1)
      } finally {
        await server.command('CONFIG', 'SET', 'maxmemory', '0')
      }
      expect(await store.ledger.read(allowance)).toMatchObject({ used: 1 })
      expect([await countOf(window), await server.command('EXISTS', slotsName(slots))]).toEqual([1, 0])
    })

    it('is exact for a thousand requests of three processes, one of which is killed', { timeout: LONG }, async () => {
      const [window, allowance] = [windowOf({ limit: 500, seconds: 3600 }), allowanceOf({ limit: 300 })]
      const order = { url: server.url, window, allowance }
      const spenders = [334, 333, 333].map((requests) => spender({ ...order, requests }))
      const killed = spenders[2]
      await Promise.all(spenders.map(({ ready }) => ready))
      for (const { begin } of spenders) begin()
      await killed?.spent(1)
      killed?.kill()
      const heard = await Promise.all(spenders.map(({ all }) => all))
      const spent = heard.flat()
      const unheard = 1000 - spent.length
      expect(heard.map((lines) => lines.length).slice(0, 2)).toEqual([334, 333])
      // The rest alone asks for more than there is: so all of it is spent, and no more.
      const base = nameOf('latchkey', 'window', window.name, String(window.seconds), window.bucket)
      const units = (await server.command('HVALS', base)) as string[]
      expect(units.reduce((count, some) => count + Number(some), 0)).toBe(500)
      expect(await server.command('HGET', nameOf('latchkey', 'balance', allowance.balanceId), 'used')).toBe('300')
      // Whoever was told so has it, and what nobody was told of is of the process that was killed.
      for (const [limit, count] of [
        [500, spent.filter(({ taken }) => taken).length],
        [300, spent.filter(({ charged }) => charged).length],
      ] as const) {
        expect(count).toBeLessThanOrEqual(limit)
        expect(count).toBeGreaterThanOrEqual(limit - unheard)
      }
    })
  })
})

function windowOf(others: Partial<Window> = {}): Window {
  return { name: 'minute', bucket: crypto.randomUUID(), limit: 3, seconds: 60, cost: 1, ...others }
}

function slotsOf(others: Partial<Slots> = {}): Slots {
  return { name: 'requests', bucket: crypto.randomUUID(), limit: 2, seconds: 300, ...others }
}

function allowanceOf(others: Partial<Allowance> = {}): Allowance {
  const [start, end] = [Date.UTC(2026, 6), Date.UTC(2026, 7)]
  return { balanceId: `acme:${crypto.randomUUID()}`, limit: 10, start, end, ...others }
}

function of(...windows: readonly Window[]): Charge {
  return { windows, slots: undefined }
}

function remaining({ states }: Taken): readonly number[] {
  return states.map((state) => state.remaining)
}

function receiptOf(taken: Taken): unknown {
  if (!taken.taken) throw new Error('there was room')
  return taken.receipt
}

/** A process that is loaded, begins when it is told to, and says what became of each request. */
function spender(order: Order) {
  const child = spawn(process.execPath, [program], {
    env: { PATH: process.env.PATH },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines: Spent[] = []
  const reader = createInterface(child.stdout)
  const ended = once(child, 'close')
  return {
    ready: once(reader, 'line').then(() => reader.on('line', (line) => lines.push(JSON.parse(line) as Spent))),
    begin: () => child.stdin.write(`${JSON.stringify(order)}\n`),
    async spent(count: number) {
      while (lines.length < count) await Promise.race([once(reader, 'line'), ended])
    },
    kill: () => child.kill('SIGKILL'),
    all: ended.then(() => lines),
  }
}
