import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Awaitable } from './awaitable.ts'
import { createLease, joinLease } from './lease.ts'
import type { ChangeFeed, ChangeListener } from './store.ts'

const LEASE = 400

/** A feed in the test's hand: what it does is said, and what it was asked is remembered. */
function feedOf(lease = LEASE) {
  const listeners: ChangeListener[] = []
  const sent: { back(): void; breaks(): void }[] = []
  let closed = 0
  const answers = {
    subscribe: (): Awaitable<void> => undefined,
    beat: (): Awaitable<void> =>
      new Promise((resolve, reject) => {
        sent.push({ back: () => resolve(), breaks: () => reject(new Error('broken')) })
      }),
  }
  const feed: ChangeFeed = {
    lease,
    subscribe(listener) {
      listeners.push(listener)
      const subscription = { beat: () => answers.beat(), close: () => void closed++ }
      const ready = answers.subscribe()
      return ready === undefined ? subscription : ready.then(() => subscription)
    },
    announce: () => undefined,
  }
  return { feed, listeners, sent, answers, closed: () => closed }
}

const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds)

describe('a lease', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_790_000_000_000 })
  })

  afterEach(() => {
    vi.useRealTimers()
  })

  /** A lease that is held: its first heartbeat was sent just now, and has come back. */
  async function held(lease = LEASE) {
    const parts = feedOf(lease)
    const made = createLease(parts.feed)
    const renewing = made.lease.renew()
    parts.sent[0]?.back()
    expect(await renewing).toBe(true)
    return { ...made, ...parts }
  }

  it('does nothing before it is asked, and is not held', () => {
    const { feed, listeners } = feedOf()
    const { lease } = createLease(feed)
    expect(lease.isHeld()).toBe(false)
    expect(listeners).toEqual([])
  })

  it('is held until its length after the heartbeat was sent, not after it came back', async () => {
    const { feed, sent } = feedOf()
    const { lease } = createLease(feed)
    const renewing = lease.renew()
    await pass(90)
    expect(lease.isHeld()).toBe(false)
    sent[0]?.back()
    expect(await renewing).toBe(true)
    await pass(LEASE - 91)
    expect(lease.isHeld()).toBe(true)
    await pass(1)
    expect(lease.isHeld()).toBe(false)
  })

  it('is not held by a heartbeat that came back after its length', async () => {
    const { feed, sent } = feedOf()
    const { lease } = createLease(feed)
    lease.renew()
    await pass(LEASE)
    sent[0]?.back()
    await pass(0)
    expect(lease.isHeld()).toBe(false)
    expect(lease.renew()).toBe(false)
  })

  it('is held at once, and without a promise, where the heartbeat is answered at once', () => {
    const { feed, answers } = feedOf(40)
    answers.beat = () => undefined
    const { lease } = createLease(feed)
    expect(lease.renew()).toBe(true)
    expect(lease.isHeld()).toBe(true)
  })

  it('of no length is never held', () => {
    const { feed, answers } = feedOf(0)
    answers.beat = () => undefined
    const { lease } = createLease(feed)
    expect(lease.renew()).toBe(false)
    expect(lease.isHeld()).toBe(false)
  })

  it('without an end is held until the subscription ends', async () => {
    const { feed, listeners, answers } = feedOf(Infinity)
    answers.beat = () => undefined
    const { lease } = createLease(feed)
    lease.renew()
    await pass(1e9)
    expect(lease.isHeld()).toBe(true)
    listeners[0]?.lost(undefined)
    expect(lease.isHeld()).toBe(false)
  })

  it('sends the next heartbeat when half of it is over and somebody asks, one at a time, and none for nobody', async () => {
    const { lease, sent } = await held()
    await pass(LEASE / 2 - 1)
    expect(lease.isHeld()).toBe(true)
    expect(sent).toHaveLength(1)
    await pass(1)
    expect(lease.isHeld()).toBe(true)
    expect(lease.isHeld()).toBe(true)
    expect(sent).toHaveLength(2)
    sent[1]?.back()
    await pass(LEASE - 1)
    expect(sent).toHaveLength(2)
    expect(lease.isHeld()).toBe(true)
  })

  it('gives each heartbeat that comes back a term of its own', async () => {
    const { lease, sent } = await held()
    const before = lease.term()
    await pass(LEASE)
    lease.renew()
    expect(lease.term()).toBe(before)
    sent[1]?.back()
    await pass(0)
    expect(lease.term()).toBe(before + 1)
  })

  it('sends one heartbeat for all who ask meanwhile', async () => {
    const { feed, listeners, sent } = feedOf()
    const { lease } = createLease(feed)
    const asked = Array.from({ length: 100 }, () => lease.renew())
    expect([listeners.length, sent.length]).toEqual([1, 1])
    sent[0]?.back()
    expect(new Set(await Promise.all(asked))).toEqual(new Set([true]))
  })

  it('lets nobody wait for longer than a moment, and nobody at all after that, until a heartbeat has come back', async () => {
    const { feed, sent } = feedOf()
    const { lease } = createLease(feed)
    const waiting = lease.renew()
    await pass(100)
    expect(await waiting).toBe(false)
    expect(lease.renew()).toBe(false)
    sent[0]?.back()
    await pass(0)
    expect(lease.isHeld()).toBe(true)
    await pass(LEASE)
    expect(lease.renew()).toBeInstanceOf(Promise)
  })

  it('counts the time that a machine slept, in which its monotonic clock stood still', async () => {
    const { lease } = await held()
    vi.setSystemTime(Date.now() + LEASE)
    expect(lease.isHeld()).toBe(false)
  })

  it('counts the time by the monotonic clock where the wall clock is set back', async () => {
    const { lease } = await held()
    vi.setSystemTime(Date.now() - 3_600_000)
    await pass(LEASE - 1)
    expect(lease.isHeld()).toBe(true)
    await pass(1)
    expect(lease.isHeld()).toBe(false)
  })

  it('begins an epoch with each change, and one of all with each subscription', async () => {
    const { lease, listeners, sent } = await held()
    const first = lease.epochs.mark({ keyId: 'key_1' }, lease.epochs.now())
    const other = lease.epochs.mark({ keyId: 'key_2' }, lease.epochs.now())
    listeners[0]?.changed({ kind: 'key', service: 'acme', id: 'key_1' })
    expect([first, other].map(lease.epochs.isCurrent)).toEqual([false, true])
    listeners[0]?.lost(new Error('reset'))
    const renewing = lease.renew()
    sent[1]?.back()
    expect(await renewing).toBe(true)
    expect(lease.epochs.isCurrent(other)).toBe(false)
  })

  it('ends what was read while nobody listened', async () => {
    const { lease, listeners, sent, answers } = await held()
    listeners[0]?.lost(new Error('reset'))
    let ready = () => {}
    answers.subscribe = () => new Promise((resolve) => (ready = resolve))
    const renewing = lease.renew()
    const mark = lease.epochs.mark({ keyId: 'key_1' }, lease.epochs.now())
    ready()
    await pass(0)
    sent[1]?.back()
    expect(await renewing).toBe(true)
    expect(lease.epochs.isCurrent(mark)).toBe(false)
  })

  it('is not held from the moment that the subscription is lost, and is subscribed to anew at once', async () => {
    const { lease, listeners, sent } = await held()
    listeners[0]?.lost(new Error('reset'))
    expect(lease.isHeld()).toBe(false)
    const renewing = lease.renew()
    expect(listeners).toHaveLength(2)
    sent[1]?.back()
    expect(await renewing).toBe(true)
  })

  it('is not held by a heartbeat of a subscription that was lost meanwhile', async () => {
    const { lease, listeners, sent } = await held()
    await pass(LEASE / 2)
    lease.isHeld()
    listeners[0]?.lost(new Error('reset'))
    sent[1]?.back()
    await pass(0)
    expect(lease.isHeld()).toBe(false)
  })

  it('hears nothing of a subscription that was lost already', async () => {
    const { lease, listeners, sent } = await held()
    listeners[0]?.lost(new Error('reset'))
    const renewing = lease.renew()
    sent[1]?.back()
    await renewing
    listeners[0]?.lost(new Error('once more'))
    expect(lease.isHeld()).toBe(true)
  })

  it('gives up a heartbeat that does not come back, closes its subscription, and begins another one', async () => {
    const { lease, listeners, sent, closed } = await held()
    await pass(LEASE)
    lease.renew()
    await pass(1999)
    lease.renew()
    expect([listeners.length, closed()]).toEqual([1, 0])
    await pass(1)
    expect(lease.renew()).toBe(false)
    expect(closed()).toBe(1)
    await pass(50)
    lease.renew()
    expect(listeners).toHaveLength(2)
    // The old one comes back after all: it is not the new one's.
    sent[1]?.back()
    await pass(0)
    expect(lease.isHeld()).toBe(false)
    sent[2]?.back()
    await pass(0)
    expect(lease.isHeld()).toBe(true)
  })

  it('gives up a subscription that does not answer, and closes it when it comes after all', async () => {
    const { feed, answers, listeners, closed } = feedOf()
    const ready: (() => void)[] = []
    answers.subscribe = () => new Promise((resolve) => ready.push(resolve))
    const { lease } = createLease(feed)
    lease.renew()
    await pass(2000)
    lease.renew()
    await pass(50)
    lease.renew()
    expect(listeners).toHaveLength(2)
    ready[0]?.()
    await pass(0)
    expect(closed()).toBe(1)
  })

  it.each([
    ['rejects', () => Promise.reject(new Error('away'))],
    [
      'throws',
      () => {
        throw new Error('away')
      },
    ],
  ])(
    'tries again after pauses that grow to a second where subscribing %s, and when it is back at once',
    async (_, away) => {
      const { feed, answers, listeners, sent } = feedOf()
      answers.subscribe = away
      const { lease } = createLease(feed)
      expect(await lease.renew()).toBe(false)
      expect(lease.renew()).toBe(false)
      expect(listeners).toHaveLength(1)
      let waited = 0
      for (let failures = 2; failures <= 8; failures++) {
        for (; listeners.length < failures; waited++) {
          await pass(1)
          lease.renew()
        }
      }
      // 50 + 100 + 200 + 400 + 800 + 1000 + 1000, each at least half.
      expect(waited).toBeGreaterThanOrEqual(1775 - 7)
      expect(waited).toBeLessThanOrEqual(3550 + 7)
      answers.subscribe = () => undefined
      await pass(1000)
      expect(lease.renew()).toBe(false)
      sent[0]?.back()
      await pass(0)
      expect(lease.isHeld()).toBe(true)
    },
  )

  it('closes a subscription whose heartbeat cannot be sent, and pauses', async () => {
    const { lease, sent, listeners, closed } = await held()
    await pass(LEASE / 2)
    expect(lease.isHeld()).toBe(true)
    sent[1]?.breaks()
    await pass(0)
    expect(lease.isHeld()).toBe(false)
    expect(closed()).toBe(1)
    expect(lease.renew()).toBe(false)
    expect(listeners).toHaveLength(1)
    await pass(50)
    lease.renew()
    expect(listeners).toHaveLength(2)
  })

  it('pauses where a subscription is lost before a heartbeat of it has come back', async () => {
    const { feed, listeners } = feedOf()
    const { lease } = createLease(feed)
    const renewing = lease.renew()
    listeners[0]?.lost(new Error('reset'))
    lease.renew()
    expect(listeners).toHaveLength(1)
    await pass(100)
    expect(await renewing).toBe(false)
    lease.renew()
    expect(listeners).toHaveLength(2)
  })

  it('takes a subscription that does not close for one that has ended', async () => {
    const { feed, answers, sent } = feedOf()
    const broken: ChangeFeed = {
      ...feed,
      subscribe: (listener) => ({
        beat: () => feedBeat(listener),
        close: () => Promise.reject(new Error('does not close')),
      }),
    }
    const feedBeat = (_: ChangeListener) => answers.beat()
    const { lease, close } = createLease(broken)
    const renewing = lease.renew()
    sent[0]?.back()
    expect(await renewing).toBe(true)
    await close()
    expect(lease.isHeld()).toBe(false)
  })
})

describe('joinLease', () => {
  it('gives all who read a feed one lease, and ends its subscription when the last one leaves', async () => {
    const { feed, listeners, sent, closed } = feedOf()
    const [a, b] = [joinLease(feed), joinLease(feed)]
    const asked = [a.lease.renew(), b.lease.renew()]
    expect([listeners.length, sent.length]).toEqual([1, 1])
    sent[0]?.back()
    expect(await Promise.all(asked)).toEqual([true, true])
    await a.leave()
    expect([closed(), b.lease.isHeld()]).toEqual([0, true])
    await b.leave()
    expect([closed(), b.lease.isHeld()]).toEqual([1, false])
  })

  it('begins anew for who joins after the last one has left', async () => {
    const { feed, listeners, sent } = feedOf()
    const a = joinLease(feed)
    const first = a.lease.renew()
    sent[0]?.back()
    await first
    await a.leave()
    const b = joinLease(feed)
    const second = b.lease.renew()
    sent[1]?.back()
    expect(await second).toBe(true)
    expect(listeners).toHaveLength(2)
    await b.leave()
  })
})
