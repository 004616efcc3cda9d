import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Awaitable } from './awaitable.ts'
import { heap } from './fixtures/heap.ts'
import type { KeyMemo } from './key-memo.ts'
import type { KeyReader, KeyUse } from './store.ts'
import { useRecorder } from './uses.ts'

const TIMEOUT = 5000
const DAY = 86_400_000
/** When nobody waits for a timer any more. */
const LATE = 1000 + 2 * TIMEOUT + 2

const ROUTE = 'GET /things/:id'
const OK = { route: ROUTE, status: 200 }

/** A key's uses, from the first to the last. */
const use = (keyId: string, count: number, lastAt: number, firstAt = lastAt): KeyUse => ({
  service: 'acme',
  keyId,
  route: ROUTE,
  status: 200,
  day: Math.floor(lastAt / DAY) * DAY,
  count,
  firstAt,
  lastAt,
})

/** Of a key that was just read. */
function newMemo(keyId = 'key_1'): KeyMemo {
  return { charges: undefined, keyId, route: '', moment: 0, count: -1, firstAt: 0, lastAt: 0 }
}

/** As a store adds them: by route, status and day, in their order. */
function summed(uses: readonly KeyUse[]): KeyUse[] {
  const sums = new Map<string, KeyUse>()
  for (const use of uses) {
    const id = JSON.stringify([use.keyId, use.route, use.status, use.day])
    const { count, firstAt, lastAt } = sums.get(id) ?? { ...use, count: 0 }
    const [first, last] = [Math.min(firstAt, use.firstAt), Math.max(lastAt, use.lastAt)]
    sums.set(id, { ...use, count: count + use.count, firstAt: first, lastAt: last })
  }
  return [...sums.values()]
}

/** A store that remembers what it was told, and answers as it is said to. */
function recording(answer: () => Awaitable<boolean> = () => true) {
  const told: (readonly KeyUse[])[] = []
  const store: KeyReader = {
    findByDigest: () => undefined,
    findSigningKey: () => undefined,
    recordUses(uses) {
      told.push(uses)
      return answer()
    },
  }
  return { told, store }
}

describe('useRecorder', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })

  afterEach(() => {
    vi.useRealTimers()
  })

  it('tells the store a second after the first use, once for all, each key with its first and last', async () => {
    const { told, store } = recording()
    const { note } = useRecorder('acme', store, TIMEOUT)
    note('key_1', OK, 1)
    await vi.advanceTimersByTimeAsync(500)
    note('key_2', OK, 2)
    note('key_1', OK, 3)
    await vi.advanceTimersByTimeAsync(499)
    expect(told).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(told).toEqual([[use('key_1', 2, 3, 1), use('key_2', 1, 2)]])
  })

  it('keeps the first and the last time, in whatever order they are noted', async () => {
    const { told, store } = recording()
    const { note, flush } = useRecorder('acme', store, TIMEOUT)
    note('key_1', OK, 3)
    note('key_1', OK, 2)
    note('key_2', OK, 0)
    note('key_2', OK, -1)
    await flush()
    expect(told).toEqual([
      [use('key_1', 2, 3, 2), { ...use('key_2', 1, 0), day: 0 }, { ...use('key_2', 1, -1), day: -DAY }],
    ])
  })

  it('tells the store once a second, of fewer than a thousand requests', async () => {
    const { told, store } = recording()
    const { note } = useRecorder('acme', store, TIMEOUT)
    for (let at = 0; at < 3500; at += 10) {
      note('key_1', OK, at)
      await vi.advanceTimersByTimeAsync(10)
    }
    expect(told).toEqual([
      [use('key_1', 100, 990, 0)],
      [use('key_1', 100, 1990, 1000)],
      [use('key_1', 100, 2990, 2000)],
    ])
  })

  it('tells the store nothing when nothing is used', async () => {
    const { told, store } = recording()
    const { note } = useRecorder('acme', store, TIMEOUT)
    await vi.advanceTimersByTimeAsync(10_000)
    note('key_1', OK, 1)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(told).toEqual([[use('key_1', 1, 1)]])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('begins anew when its timer was lost, as on Workers with the request that set it', async () => {
    const { told, store } = recording()
    const { note } = useRecorder('acme', store, TIMEOUT)
    note('key_1', OK, 1)
    vi.clearAllTimers()
    await vi.advanceTimersByTimeAsync(LATE)
    note('key_2', OK, LATE)
    await vi.advanceTimersByTimeAsync(1000)
    expect(told).toEqual([[use('key_1', 1, 1), use('key_2', 1, LATE)]])
  })

  it('does not wait for a write that was cut off', async () => {
    const { told, store } = recording(() => new Promise(() => {}))
    const { note, flush } = useRecorder('acme', store, TIMEOUT)
    note('key_1', OK, 1)
    const cut = flush()
    await vi.advanceTimersByTimeAsync(0)
    vi.clearAllTimers()
    note('key_2', OK, 2)
    const flushed = flush()
    await vi.advanceTimersByTimeAsync(2 * TIMEOUT)
    await flushed
    expect(told).toEqual([[use('key_1', 1, 1)], [use('key_2', 1, 2)]])
    expect(await Promise.race([cut, 'cut off'])).toBe('cut off')
  })

  it('does not ask a store again that is still writing, and loses nothing', async () => {
    const { told, store } = recording(() => new Promise((resolve) => setTimeout(() => resolve(true), 2500)))
    const { note } = useRecorder('acme', store, TIMEOUT)
    note('key_1', OK, 1)
    await vi.advanceTimersByTimeAsync(1000)
    note('key_2', OK, 2)
    await vi.advanceTimersByTimeAsync(2499)
    note('key_1', OK, 3)
    expect(told).toEqual([[use('key_1', 1, 1)]])
    await vi.advanceTimersByTimeAsync(1000)
    expect(told).toEqual([[use('key_1', 1, 1)]])
    await vi.advanceTimersByTimeAsync(1)
    expect(told).toEqual([[use('key_1', 1, 1)], [use('key_2', 1, 2), use('key_1', 1, 3)]])
  })

  it.each([
    ['rejects', () => Promise.reject(new Error('disk full'))],
    [
      'throws',
      () => {
        throw new Error('disk full')
      },
    ],
    ['hangs', () => new Promise<boolean>(() => {})],
  ])('loses that batch alone when a store %s', async (_how, fail) => {
    let answer: () => Awaitable<boolean> = fail
    const { told, store } = recording(() => answer())
    const { note } = useRecorder('acme', store, 100)
    note('key_1', OK, 1)
    await vi.advanceTimersByTimeAsync(1200)
    answer = () => true
    note('key_2', OK, 2)
    await vi.advanceTimersByTimeAsync(1000)
    expect(told).toEqual([[use('key_1', 1, 1)], [use('key_2', 1, 2)]])
  })

  it('writes at once what was noted when it is flushed, and not again', async () => {
    const { told, store } = recording()
    const { note, flush } = useRecorder('acme', store, TIMEOUT)
    note('key_1', OK, 1)
    await flush()
    expect(told).toEqual([[use('key_1', 1, 1)]])
    await flush()
    await vi.advanceTimersByTimeAsync(5000)
    expect(told).toEqual([[use('key_1', 1, 1)]])
    expect(vi.getTimerCount()).toBe(0)
    note('key_1', OK, 2)
    await vi.advanceTimersByTimeAsync(1000)
    expect(told).toEqual([[use('key_1', 1, 1)], [use('key_1', 1, 2)]])
  })

  it('has flushed only when all is written, also what was being written before', async () => {
    const written: string[] = []
    const { told, store } = recording(() => {
      const name = `batch ${told.length}`
      return new Promise((resolve) => {
        // The first one takes longer than the second.
        const done = () => resolve(written.push(name) > 0)
        setTimeout(done, 500 / told.length)
      })
    })
    const { note, flush } = useRecorder('acme', store, TIMEOUT)
    note('key_1', OK, 1)
    await vi.advanceTimersByTimeAsync(1000)
    note('key_2', OK, 2)
    const flushed = flush().then(() => written.push('flushed'))
    await vi.advanceTimersByTimeAsync(1000)
    await flushed
    expect(written).toEqual(['batch 1', 'batch 2', 'flushed'])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('counts by key, route, status and day', async () => {
    const { told, store } = recording()
    const { note, flush } = useRecorder('acme', store, TIMEOUT)
    const denied = { ...OK, status: 429 }
    const post = { ...OK, route: 'POST /things' }
    for (const answer of [OK, OK, denied, post, OK]) note('key_1', answer, DAY)
    note('key_1', OK, DAY - 1)
    note('key_2', OK, DAY)
    note('key_1', { ...OK, status: 999 }, DAY)
    await flush()
    expect(told).toEqual([
      [
        use('key_1', 3, DAY),
        { ...use('key_1', 1, DAY), status: 429 },
        { ...use('key_1', 1, DAY), route: 'POST /things' },
        use('key_1', 1, DAY - 1),
        use('key_2', 1, DAY),
        { ...use('key_1', 1, DAY), status: 999 },
      ],
    ])
  })

  it('has one word for routes that are not known, or could not be written', async () => {
    const { told, store } = recording()
    const { note, flush } = useRecorder('acme', store, TIMEOUT)
    for (const route of [undefined, '', 'GET /\0', 'GET /\ud800', `GET /${'a'.repeat(300)}`]) {
      note('key_1', { route, status: 200 }, 1)
    }
    await flush()
    expect(new Set(told.flat().map(({ route }) => route))).toEqual(new Set(['(none)']))
    expect(told.flat().reduce((sum, { count }) => sum + count, 0)).toBe(5)
  })

  it('tells the store of a thousand requests before the second is over, and of the rest when it is', async () => {
    const { told, store } = recording()
    const { note } = useRecorder('acme', store, TIMEOUT)
    for (let i = 0; i < 999; i++) note('key_1', OK, 1)
    await vi.advanceTimersByTimeAsync(500)
    expect(told).toEqual([])
    note('key_1', OK, 1)
    await vi.advanceTimersByTimeAsync(0)
    expect(told).toEqual([[use('key_1', 1000, 1)]])
    note('key_1', OK, 2)
    await vi.advanceTimersByTimeAsync(999)
    expect(told).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(told).toEqual([[use('key_1', 1000, 1)], [use('key_1', 1, 2)]])
  })

  it('writes once for each thousand requests, however fast they come', async () => {
    const { told, store } = recording(() => new Promise((resolve) => setTimeout(() => resolve(true), 1)))
    const { note, flush } = useRecorder('acme', store, TIMEOUT)
    for (let i = 0; i < 10_000; i++) {
      note('key_1', OK, 1)
      if (i % 100 === 0) await vi.advanceTimersByTimeAsync(1)
    }
    const flushed = flush()
    await vi.advanceTimersByTimeAsync(10)
    await flushed
    expect(told.length).toBeLessThanOrEqual(11)
    expect(told.flat().reduce((sum, { count }) => sum + count, 0)).toBe(10_000)
  })

  it('gives a store again what it was too busy to take, with what came meanwhile, and in no hurry', async () => {
    let isBusy = true
    const { told, store } = recording(() => !isBusy)
    const { note } = useRecorder('acme', store, TIMEOUT)
    note('key_1', OK, 5)
    await vi.advanceTimersByTimeAsync(1000)
    note('key_1', OK, 7)
    await vi.advanceTimersByTimeAsync(1000)
    isBusy = false
    await vi.advanceTimersByTimeAsync(10_000)
    expect(told).toEqual([[use('key_1', 1, 5)], [use('key_1', 2, 7, 5)], [use('key_1', 2, 7, 5)]])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('begins no further count when there are twenty thousand, and goes on with those', async () => {
    const { told, store } = recording(() => false)
    const { note, flush } = useRecorder('acme', store, TIMEOUT)
    for (let key = 0; key < 20_500; key++) note(`key_${key}`, OK, 1)
    note('key_1', OK, 2)
    await flush()
    await flush()
    expect(told.at(-1)).toHaveLength(20_000)
    expect(told.at(-1)?.[1]).toEqual(use('key_1', 2, 2, 1))
  })

  it('goes on with no more than twenty thousand that rest, either', async () => {
    let isBusy = false
    const { told, store } = recording(() => !isBusy)
    const { note, flush } = useRecorder('acme', store, TIMEOUT)
    for (let key = 0; key < 18_000; key++) note(`old_${key}`, OK, 1)
    await flush()
    isBusy = true
    for (let key = 0; key < 18_000; key++) note(`new_${key}`, OK, 1)
    for (let key = 0; key < 18_000; key++) note(`old_${key}`, OK, 1)
    await flush()
    expect(told.at(-1)).toHaveLength(20_000)
  })

  it('begins a day anew, and counts who is late of the one before', async () => {
    const { told, store } = recording()
    const { note, flush } = useRecorder('acme', store, TIMEOUT)
    note('key_1', OK, DAY - 1)
    note('key_1', OK, DAY)
    note('key_1', OK, DAY - 2)
    note('key_1', OK, DAY)
    await flush()
    expect(told.flat()).toEqual([use('key_1', 1, DAY - 1), use('key_1', 2, DAY), use('key_1', 1, DAY - 2)])
  })

  it('counts a key with its memo as without, also on another day and another route', async () => {
    const { told, store } = recording()
    const { note, flush } = useRecorder('acme', store, TIMEOUT)
    const memo = newMemo()
    note('key_1', OK, DAY - 2, memo)
    note('key_1', OK, DAY - 1)
    note('key_1', OK, DAY - 1, memo)
    note('key_1', OK, DAY, memo)
    note('key_1', OK, DAY)
    const others = [
      { ...OK, status: 429 },
      { ...OK, route: 'GET /things' },
    ]
    for (const other of others) note('key_1', other, DAY, memo)
    note('key_1', OK, DAY, memo)
    await flush()
    // Several may be about the same.
    expect(summed(told.flat())).toEqual([
      use('key_1', 3, DAY - 1, DAY - 2),
      use('key_1', 3, DAY),
      ...others.map((other) => ({ ...use('key_1', 1, DAY), ...other })),
    ])
  })

  it('writes one use of a key that is read anew for each request', async () => {
    const { told, store } = recording()
    const { note, flush } = useRecorder('acme', store, TIMEOUT)
    for (let i = 0; i < 100; i++) note('key_1', OK, 1, newMemo())
    await flush()
    expect(told).toEqual([[use('key_1', 100, 1)]])
  })

  it('loses nothing of many keys, however often a store is busy', async () => {
    let isBusy = true
    const { told, store } = recording(() => !isBusy)
    const { note, flush } = useRecorder('acme', store, TIMEOUT)
    const memos = Array.from({ length: 8000 }, (_, key) => newMemo(`key_${key}`))
    for (let batch = 0; batch < 4; batch++) {
      for (const memo of memos) note(memo.keyId, OK, 1, memo)
      await flush()
    }
    isBusy = false
    await flush()
    expect(told.at(-1)?.reduce((sum, { count }) => sum + count, 0)).toBe(4 * 8000)
  })

  it('keeps no counters of keys that come no more', async () => {
    const { note, flush } = useRecorder('acme', { ...recording().store, recordUses: () => true }, TIMEOUT)
    const before = heap()
    for (let batch = 0; batch < 300; batch++) {
      for (let key = 0; key < 1000; key++) note(`key_${batch}_${key}`, OK, 1)
      await flush()
    }
    const more = heap() - before
    // Afterwards it is still there: what nobody calls any more is not measured.
    note('key_1', OK, 2)
    expect(more).toBeLessThan(10_000_000)
  })

  it('notes nothing for a store that does not take it', async () => {
    const { note, flush } = useRecorder(
      'acme',
      { findByDigest: () => undefined, findSigningKey: () => undefined },
      TIMEOUT,
    )
    note('key_1', OK, 1)
    expect(vi.getTimerCount()).toBe(0)
    expect(await flush()).toBeUndefined()
  })
})

describe('a process that is done', () => {
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length

  it('is not kept alive by what is to be written', () => {
    const { note } = useRecorder('acme', recording().store, TIMEOUT)
    const before = timers()
    note('key_1', OK, 1)
    expect(timers()).toBe(before)
  })

  it('is not kept alive by what was noted while another batch was written', async () => {
    let written = () => {}
    const { told, store } = recording(() => new Promise((resolve) => (written = () => resolve(true))))
    const { note, flush } = useRecorder('acme', store, TIMEOUT)
    note('key_1', OK, 1)
    const flushed = flush()
    await vi.waitUntil(() => told.length === 1)
    note('key_2', OK, 2)
    const before = timers()
    written()
    await flushed
    // The timer that the store was given is gone, and no other has come.
    expect(timers()).toBe(before - 1)
  })
})
