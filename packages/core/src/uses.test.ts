import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Awaitable } from './awaitable.ts'
import type { KeyReader, KeyUse } from './store.ts'
import { useRecorder } from './uses.ts'

const TIMEOUT = 5000

const use = (keyId: string, at: number): KeyUse => ({ service: 'acme', keyId, at })

/** A store that remembers what it was told, and answers as it is said to. */
function recording(answer: () => Awaitable<void> = () => undefined) {
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

  it('tells the store a second after the first use, once for all, each key with its newest', async () => {
    const { told, store } = recording()
    const { note } = useRecorder('acme', store, TIMEOUT)
    note('key_1', 1)
    await vi.advanceTimersByTimeAsync(500)
    note('key_2', 2)
    note('key_1', 3)
    await vi.advanceTimersByTimeAsync(499)
    expect(told).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(told).toEqual([[use('key_1', 3), use('key_2', 2)]])
  })

  it('keeps the newest time when an older one is noted after it', async () => {
    const { told, store } = recording()
    const { note, flush } = useRecorder('acme', store, TIMEOUT)
    note('key_1', 3)
    note('key_1', 2)
    note('key_2', 0)
    note('key_2', -1)
    await flush()
    expect(told).toEqual([[use('key_1', 3), use('key_2', 0)]])
  })

  it('tells the store at most once a second, however much is used', async () => {
    const { told, store } = recording()
    const { note } = useRecorder('acme', store, TIMEOUT)
    for (let at = 0; at < 3500; at += 10) {
      note('key_1', at)
      await vi.advanceTimersByTimeAsync(10)
    }
    expect(told).toEqual([[use('key_1', 990)], [use('key_1', 1990)], [use('key_1', 2990)]])
  })

  it('tells the store nothing when nothing is used', async () => {
    const { told, store } = recording()
    const { note } = useRecorder('acme', store, TIMEOUT)
    await vi.advanceTimersByTimeAsync(10_000)
    note('key_1', 1)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(told).toEqual([[use('key_1', 1)]])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('begins anew when its timer was lost, as on Workers with the request that set it', async () => {
    const { told, store } = recording()
    const { note } = useRecorder('acme', store, TIMEOUT)
    note('key_1', 1)
    vi.clearAllTimers()
    await vi.advanceTimersByTimeAsync(1000 + 2 * TIMEOUT + 1)
    note('key_2', 2)
    await vi.advanceTimersByTimeAsync(1000)
    expect(told).toEqual([[use('key_1', 1), use('key_2', 2)]])
  })

  it('does not wait for a write that was cut off', async () => {
    const { told, store } = recording(() => new Promise(() => {}))
    const { note, flush } = useRecorder('acme', store, TIMEOUT)
    note('key_1', 1)
    const cut = flush()
    await vi.advanceTimersByTimeAsync(0)
    vi.clearAllTimers()
    note('key_2', 2)
    const flushed = flush()
    await vi.advanceTimersByTimeAsync(2 * TIMEOUT)
    await flushed
    expect(told).toEqual([[use('key_1', 1)], [use('key_2', 2)]])
    expect(await Promise.race([cut, 'cut off'])).toBe('cut off')
  })

  it('does not ask a store again that is still writing, and loses nothing', async () => {
    const { told, store } = recording(() => new Promise((resolve) => setTimeout(resolve, 2500)))
    const { note } = useRecorder('acme', store, TIMEOUT)
    note('key_1', 1)
    await vi.advanceTimersByTimeAsync(1000)
    note('key_2', 2)
    await vi.advanceTimersByTimeAsync(2499)
    note('key_1', 3)
    expect(told).toEqual([[use('key_1', 1)]])
    await vi.advanceTimersByTimeAsync(1000)
    expect(told).toEqual([[use('key_1', 1)]])
    await vi.advanceTimersByTimeAsync(1)
    expect(told).toEqual([[use('key_1', 1)], [use('key_2', 2), use('key_1', 3)]])
  })

  it.each([
    ['rejects', () => Promise.reject(new Error('disk full'))],
    [
      'throws',
      () => {
        throw new Error('disk full')
      },
    ],
    ['hangs', () => new Promise<void>(() => {})],
  ])('loses that batch alone when a store %s', async (_how, fail) => {
    let answer: () => Awaitable<void> = fail
    const { told, store } = recording(() => answer())
    const { note } = useRecorder('acme', store, 100)
    note('key_1', 1)
    await vi.advanceTimersByTimeAsync(1200)
    answer = () => undefined
    note('key_2', 2)
    await vi.advanceTimersByTimeAsync(1000)
    expect(told).toEqual([[use('key_1', 1)], [use('key_2', 2)]])
  })

  it('writes at once what was noted when it is flushed, and not again', async () => {
    const { told, store } = recording()
    const { note, flush } = useRecorder('acme', store, TIMEOUT)
    note('key_1', 1)
    await flush()
    expect(told).toEqual([[use('key_1', 1)]])
    await flush()
    await vi.advanceTimersByTimeAsync(5000)
    expect(told).toEqual([[use('key_1', 1)]])
    expect(vi.getTimerCount()).toBe(0)
    note('key_1', 2)
    await vi.advanceTimersByTimeAsync(1000)
    expect(told).toEqual([[use('key_1', 1)], [use('key_1', 2)]])
  })

  it('has flushed only when all is written, also what was being written before', async () => {
    const written: string[] = []
    const { told, store } = recording(() => {
      const name = `batch ${told.length}`
      return new Promise((resolve) => {
        // The first one takes longer than the second.
        const done = () => resolve(void written.push(name))
        setTimeout(done, 500 / told.length)
      })
    })
    const { note, flush } = useRecorder('acme', store, TIMEOUT)
    note('key_1', 1)
    await vi.advanceTimersByTimeAsync(1000)
    note('key_2', 2)
    const flushed = flush().then(() => written.push('flushed'))
    await vi.advanceTimersByTimeAsync(1000)
    await flushed
    expect(written).toEqual(['batch 1', 'batch 2', 'flushed'])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('notes nothing for a store that does not take it', async () => {
    const { note, flush } = useRecorder(
      'acme',
      { findByDigest: () => undefined, findSigningKey: () => undefined },
      TIMEOUT,
    )
    note('key_1', 1)
    expect(vi.getTimerCount()).toBe(0)
    expect(await flush()).toBeUndefined()
  })
})

describe('a process that is done', () => {
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length

  it('is not kept alive by what is to be written', () => {
    const { note } = useRecorder('acme', recording().store, TIMEOUT)
    const before = timers()
    note('key_1', 1)
    expect(timers()).toBe(before)
  })

  it('is not kept alive by what was noted while another batch was written', async () => {
    let written = () => {}
    const { told, store } = recording(() => new Promise((resolve) => (written = resolve)))
    const { note, flush } = useRecorder('acme', store, TIMEOUT)
    note('key_1', 1)
    const flushed = flush()
    await vi.waitUntil(() => told.length === 1)
    note('key_2', 2)
    const before = timers()
    written()
    await flushed
    // The timer that the store was given is gone, and no other has come.
    expect(timers()).toBe(before - 1)
  })
})
