import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Awaitable } from './awaitable.ts'
import { type CacheOptions, cachingReader, type Found, plainReader, type Reader } from './cache.ts'
import type { Change, ChangeFeed, ChangeListener } from './store.ts'

const LEASE = 400
const TIMEOUT = 1000

interface Record {
  readonly id: string
  readonly accountId: string
  readonly value: number
}

/** Reads that are answered when the test says so, with what it says. */
interface Read {
  readonly id: string
  answer(record: Record | undefined): void
  fail(): void
}

/** A store whose answers, announcements and heartbeats are in the test's hand. */
function worldOf(options: CacheOptions = {}) {
  const listeners: ChangeListener[] = []
  const reads: Read[] = []
  const world = {
    isCut: false,
    isMute: false,
    lookup: undefined as unknown as (id: string) => Found<Record>,
    /** Keeps what is kept under an id now, and says later whether it still holds. */
    hold: undefined as unknown as (id: string) => () => boolean,
    reads,
    change: (change: Change) => {
      for (const listener of listeners) listener.changed(change)
    },
    lose: () => {
      for (const listener of listeners.splice(0)) listener.lost(new Error('reset'))
    },
    closed: 0,
    close: async () => {},
    /** Another one, in the same process, that holds the same lease. */
    join: (): Reader => cachingReader(feed, options, TIMEOUT),
  }
  const feed: ChangeFeed = {
    lease: LEASE,
    subscribe(listener) {
      if (world.isCut) throw new Error('away')
      listeners.push(listener)
      return {
        beat: () => (world.isCut || world.isMute ? new Promise<void>(() => {}) : Promise.resolve()),
        close: () => void world.closed++,
      }
    },
    announce: () => undefined,
  }
  const reader = cachingReader(feed, options, TIMEOUT)
  world.close = reader.close
  const { find, kept, holds } = reader.lookup<Record, Record>({
    make: (read, _id, freeze) => freeze(read),
    read: (id) =>
      new Promise((resolve, reject) => {
        reads.push({ id, answer: (record) => resolve(record && { ...record }), fail: () => reject(new Error('away')) })
      }),
    subjectOf: (record) => (record === undefined ? {} : { keyId: record.id, accountId: record.accountId }),
  })
  // As it is used: what is kept is asked for first.
  world.lookup = (id) => {
    const known = kept(id)
    return known === undefined ? find(id) : known.value
  }
  world.hold = (id) => {
    const known = kept(id)
    if (known === undefined) throw new Error('it is not kept')
    return () => holds(known)
  }
  return world
}

const record = (id: string, value = 1): Record => ({ id, accountId: 'account_1', value })
const changed = (id: string): Change => ({ kind: 'key', service: 'acme', id })

/** What has been answered by now; `waiting` where nothing has. */
async function now<T>(answer: Awaitable<T>): Promise<T | 'waiting'> {
  const waiting = new Promise<'waiting'>((resolve) => setTimeout(() => resolve('waiting'), 0))
  await vi.advanceTimersByTimeAsync(0)
  const settled = Promise.race([answer, waiting])
  await vi.advanceTimersByTimeAsync(1)
  return settled
}

const unavailable = (message: string) => ({ kind: 'denied', code: 'unavailable', cause: new Error(message) })

beforeEach(() => {
  vi.useFakeTimers({ now: 1_790_000_000_000 })
})

afterEach(() => {
  vi.useRealTimers()
})

/** A world in which this record is kept. */
async function keeping(kept: Record | undefined, id: string, options?: CacheOptions) {
  const world = worldOf(options)
  const answer = world.lookup(id)
  await vi.advanceTimersByTimeAsync(0)
  world.reads[0]?.answer(kept)
  expect(await now(answer)).toEqual(kept)
  return world
}

describe('a lookup that keeps', () => {
  it('reads once, and answers without a promise from then on', async () => {
    const { lookup, reads } = await keeping(record('key_1'), 'a')
    expect(lookup('a')).toEqual(record('key_1'))
    expect(reads).toHaveLength(1)
  })

  it('keeps that there is nothing, too', async () => {
    const { lookup, reads } = await keeping(undefined, 'a')
    expect(lookup('a')).toBeUndefined()
    expect(reads).toHaveLength(1)
  })

  it('gives all requests the same record, which none of them can write to', async () => {
    const { lookup } = await keeping({ ...record('key_1'), inner: { list: [{}] } } as Record, 'a')
    const kept = lookup('a') as Record & { readonly inner: { readonly list: readonly object[] } }
    expect(lookup('a')).toBe(kept)
    expect([kept, kept.inner, kept.inner.list, kept.inner.list[0]].every(Object.isFrozen)).toBe(true)
  })

  it.each([
    ['its key', changed('key_1')],
    ['its account', { kind: 'account', id: 'account_1' }],
    ['all', { kind: 'all' }],
  ] as const)('reads again after a change of %s', async (_, change) => {
    const { lookup, reads, change: announce } = await keeping(record('key_1'), 'a')
    announce(change)
    const answer = lookup('a')
    reads[1]?.answer(record('key_1', 2))
    expect(await now(answer)).toEqual(record('key_1', 2))
    expect(lookup('a')).toEqual(record('key_1', 2))
    expect(reads).toHaveLength(2)
  })

  it('goes on after a change of another key', async () => {
    const { lookup, reads, change } = await keeping(record('key_1'), 'a')
    change(changed('key_2'))
    expect(lookup('a')).toEqual(record('key_1'))
    expect(reads).toHaveLength(1)
  })

  it('finds what was not there before, after a change of any key', async () => {
    const { lookup, reads, change } = await keeping(undefined, 'a')
    change(changed('key_1'))
    const answer = lookup('a')
    reads[1]?.answer(record('key_1'))
    expect(await now(answer)).toEqual(record('key_1'))
    expect(lookup('a')).toEqual(record('key_1'))
  })

  it('finds that something is gone, and keeps that', async () => {
    const { lookup, reads, change } = await keeping(record('key_1'), 'a')
    change(changed('key_1'))
    const answer = lookup('a')
    reads[1]?.answer(undefined)
    expect(await now(answer)).toBeUndefined()
    expect(lookup('a')).toBeUndefined()
    expect(reads).toHaveLength(2)
  })

  it('does not keep what a read brings that was under way at the change', async () => {
    const { lookup, reads, change } = worldOf()
    const answer = lookup('a')
    await vi.advanceTimersByTimeAsync(0)
    change(changed('key_1'))
    reads[0]?.answer(record('key_1'))
    expect(await now(answer)).toEqual(record('key_1'))
    expect(lookup('a')).toBeInstanceOf(Promise)
    expect(reads).toHaveLength(2)
  })

  it('does not put what was read before a change in the place of what was read after it', async () => {
    const { lookup, reads, change } = await keeping(record('other'), 'other')
    lookup('a')
    change(changed('key_1'))
    await vi.advanceTimersByTimeAsync(LEASE / 2)
    lookup('other')
    await vi.advanceTimersByTimeAsync(0)
    const later = lookup('a')
    reads[2]?.answer(record('key_1', 2))
    await now(later)
    reads[1]?.answer(record('key_1'))
    await now(undefined)
    expect(lookup('a')).toEqual(record('key_1', 2))
  })

  it('does not keep what a read brings that was under way while nobody listened', async () => {
    const { lookup, reads, lose } = worldOf()
    const answer = lookup('a')
    await vi.advanceTimersByTimeAsync(0)
    lose()
    const other = lookup('b')
    await vi.advanceTimersByTimeAsync(0)
    reads[0]?.answer(record('key_1'))
    reads[1]?.answer(record('key_2'))
    expect([await now(answer), await now(other)]).toEqual([record('key_1'), record('key_2')])
    expect(lookup('b')).toEqual(record('key_2'))
    expect(lookup('a')).toBeInstanceOf(Promise)
    expect(reads.map(({ id }) => id)).toEqual(['a', 'b', 'a'])
  })

  it('keeps neither failures nor what came too late', async () => {
    const { lookup, reads } = worldOf()
    const failing = lookup('a')
    await vi.advanceTimersByTimeAsync(0)
    reads[0]?.fail()
    expect(await now(failing)).toEqual(unavailable('away'))
    const hanging = lookup('a')
    await vi.advanceTimersByTimeAsync(TIMEOUT)
    expect(await now(hanging)).toEqual(unavailable(`no answer within ${TIMEOUT} ms`))
    reads[1]?.answer(record('key_1'))
    await vi.advanceTimersByTimeAsync(0)
    const again = lookup('a')
    await vi.advanceTimersByTimeAsync(0)
    reads[2]?.answer(record('key_1', 3))
    expect(await now(again)).toEqual(record('key_1', 3))
  })

  it('reads every time while the lease cannot be held, and believes what it kept when it can again', async () => {
    const world = await keeping(record('key_1'), 'a')
    world.isCut = true
    await vi.advanceTimersByTimeAsync(LEASE)
    const first = world.lookup('a')
    await vi.advanceTimersByTimeAsync(100)
    for (const value of [2, 3]) {
      const answer = value === 2 ? first : world.lookup('a')
      await vi.advanceTimersByTimeAsync(0)
      world.reads.at(-1)?.answer(record('key_1', value))
      expect(await now(answer)).toEqual(record('key_1', value))
    }
    expect(world.reads).toHaveLength(3)
  })

  describe('says of what it kept that it holds', () => {
    it('as long as nothing of it has changed', async () => {
      const { change, hold } = await keeping(record('key_1'), 'a')
      const holds = hold('a')
      change(changed('key_2'))
      expect(holds()).toBe(true)
      change(changed('key_1'))
      expect(holds()).toBe(false)
    })

    it('as long as the lease is held', async () => {
      const world = await keeping(record('key_1'), 'a')
      const holds = world.hold('a')
      world.isCut = true
      await vi.advanceTimersByTimeAsync(LEASE - 10)
      expect(holds()).toBe(true)
      await vi.advanceTimersByTimeAsync(10)
      expect(holds()).toBe(false)
    })

    it('until it is closed, though others hold the lease', async () => {
      const world = await keeping(record('key_1'), 'a')
      const holds = world.hold('a')
      const other = world.join()
      expect(holds()).toBe(true)
      await world.close()
      expect(holds()).toBe(false)
      await other.close()
    })
  })

  it('has no more records than it is told, and the least used ones go first', async () => {
    const { lookup, reads } = await keeping(record('key_1'), 'a', { keys: 2, unknown: 2 })
    for (const id of ['b', 'c']) {
      lookup('a')
      const answer = lookup(id)
      reads.at(-1)?.answer(record(`key_${id}`))
      await now(answer)
    }
    expect(lookup('a')).toEqual(record('key_1'))
    expect(lookup('c')).toEqual(record('key_c'))
    expect(lookup('b')).toBeInstanceOf(Promise)
  })

  it('loses no key to what is unknown', async () => {
    const { lookup, reads } = await keeping(record('key_1'), 'a', { keys: 2, unknown: 2 })
    for (const id of ['b', 'c', 'd', 'e']) {
      const answer = lookup(id)
      reads.at(-1)?.answer(undefined)
      await now(answer)
    }
    expect(lookup('a')).toEqual(record('key_1'))
    expect([lookup('d'), lookup('e')]).toEqual([undefined, undefined])
    expect(lookup('b')).toBeInstanceOf(Promise)
  })

  it('reads every time when it was closed, and ends its subscription', async () => {
    const world = await keeping(record('key_1'), 'a')
    await world.close()
    expect(world.closed).toBe(1)
    for (const value of [2, 3]) {
      const answer = world.lookup('a')
      world.reads.at(-1)?.answer(record('key_1', value))
      expect(await now(answer)).toEqual(record('key_1', value))
    }
    await world.close()
    expect(world.closed).toBe(1)
  })
})

describe('a read under way', () => {
  it('serves 10,000 requests that come meanwhile', async () => {
    const { lookup, reads } = worldOf()
    const answers = Array.from({ length: 10_000 }, () => lookup('a'))
    await vi.advanceTimersByTimeAsync(0)
    answers.push(lookup('a'))
    expect(reads).toHaveLength(1)
    reads[0]?.answer(record('key_1'))
    await vi.advanceTimersByTimeAsync(0)
    expect(new Set(await Promise.all(answers)).size).toBe(1)
  })

  it('is joined by nobody who asks for something else', async () => {
    const { lookup, reads } = worldOf()
    const answers = [lookup('a'), lookup('b')]
    await vi.advanceTimersByTimeAsync(0)
    reads[0]?.answer(record('key_1'))
    reads[1]?.answer(record('key_2'))
    expect([await now(answers[0]), await now(answers[1])]).toEqual([record('key_1'), record('key_2')])
  })

  it('does not answer who joined it, when the key was changed meanwhile: that one reads anew', async () => {
    const { lookup, reads, change } = await keeping(record('other'), 'other')
    const first = lookup('a')
    const joined = [lookup('a'), lookup('a')]
    change(changed('key_1'))
    reads[1]?.answer(record('key_1'))
    expect(await now(first)).toEqual(record('key_1'))
    expect(await now(joined[0])).toBe('waiting')
    expect(reads).toHaveLength(3)
    reads[2]?.answer(record('key_1', 2))
    expect([await now(joined[0]), await now(joined[1])]).toEqual([record('key_1', 2), record('key_1', 2)])
  })

  it('is waited for in vain once at most, however often the key changes', async () => {
    const { lookup, reads, change } = await keeping(record('other'), 'other')
    const answers = Array.from({ length: 6 }, () => lookup('a'))
    for (let round = 0; round < 4; round++) {
      change(changed('key_1'))
      for (const { answer } of reads) answer(record('key_1', round))
      await now(undefined)
    }
    // One by the first, and one for all who had joined it: that one began after each of them.
    expect(reads.filter(({ id }) => id === 'a')).toHaveLength(2)
    expect((await Promise.all(answers)).map((found) => (found as Record).value)).toEqual([0, 1, 1, 1, 1, 1])
  })

  it('is joined under the same heartbeat only, so that one that hangs holds nobody up for long', async () => {
    const { lookup, reads } = await keeping(record('other'), 'other')
    const hanging = lookup('a')
    await vi.advanceTimersByTimeAsync(LEASE / 2)
    lookup('other')
    await vi.advanceTimersByTimeAsync(0)
    const later = lookup('a')
    reads[2]?.answer(record('key_1'))
    expect(await now(later)).toEqual(record('key_1'))
    expect(await now(hanging)).toBe('waiting')
    reads[1]?.fail()
    expect(await now(hanging)).toEqual(unavailable('away'))
    expect(lookup('a')).toEqual(record('key_1'))
  })

  it('serves all who waited for a heartbeat in vain, because it began after each of them', async () => {
    const world = worldOf()
    world.isMute = true
    const answers = Array.from({ length: 1000 }, () => world.lookup('a'))
    await vi.advanceTimersByTimeAsync(100)
    expect(world.reads).toHaveLength(1)
    world.reads[0]?.answer(record('key_1'))
    await vi.advanceTimersByTimeAsync(0)
    expect(new Set(await Promise.all(answers)).size).toBe(1)
  })

  it('is joined by nobody who comes later while the lease is not held: one more serves all who come in the same turn', async () => {
    const world = worldOf()
    world.isMute = true
    const first = world.lookup('a')
    await vi.advanceTimersByTimeAsync(100)
    const later = Array.from({ length: 1000 }, () => world.lookup('a'))
    expect(world.reads).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(0)
    expect(world.reads).toHaveLength(2)
    const last = world.lookup('a')
    await vi.advanceTimersByTimeAsync(0)
    expect(world.reads).toHaveLength(3)
    for (const [index, { answer }] of world.reads.entries()) answer(record('key_1', index))
    await vi.advanceTimersByTimeAsync(0)
    const values = (await Promise.all([first, ...later, last])).map((found) => (found as Record).value)
    expect(values).toEqual([0, ...later.map(() => 1), 2])
  })

  it('fails for all who joined it, and is begun anew by who comes next', async () => {
    const { lookup, reads } = await keeping(record('other'), 'other')
    const answers = [lookup('a'), lookup('a')]
    reads[1]?.fail()
    expect([await now(answers[0]), await now(answers[1])]).toEqual([unavailable('away'), unavailable('away')])
    lookup('a')
    expect(reads).toHaveLength(3)
  })
})

describe('a lookup in a store that answers at once', () => {
  it('is answered without a promise, kept or not', () => {
    let reads = 0
    const listeners: ChangeListener[] = []
    const feed: ChangeFeed = {
      lease: Infinity,
      subscribe(listener) {
        listeners.push(listener)
        return { beat: () => undefined, close: () => undefined }
      },
      announce: () => undefined,
    }
    const { find: lookup } = cachingReader(feed, {}, TIMEOUT).lookup<Record, Record>({
      make: (read, _id, freeze) => freeze(read),
      read: () => record('key_1', ++reads),
      subjectOf: () => ({ keyId: 'key_1' }),
    })
    expect([lookup('a'), lookup('a')]).toEqual([record('key_1', 1), record('key_1', 1)])
    listeners[0]?.changed(changed('key_1'))
    expect(lookup('a')).toEqual(record('key_1', 2))
  })

  it('is unavailable where the store throws, or returns what cannot be kept', () => {
    const feed: ChangeFeed = {
      lease: Infinity,
      subscribe: () => ({ beat: () => undefined, close: () => undefined }),
      announce: () => undefined,
    }
    const { find: lookup } = cachingReader(feed, {}, TIMEOUT).lookup<object, object>({
      make: (read, _id, freeze) => freeze(read),
      read(id) {
        if (id === 'a') throw new Error('away')
        return { bytes: new Uint8Array(1) }
      },
      subjectOf: () => ({}),
    })
    expect(lookup('a')).toEqual(unavailable('away'))
    expect(lookup('b')).toMatchObject({ kind: 'denied', code: 'unavailable', cause: expect.any(TypeError) })
  })
})

it('plainReader reads every time', async () => {
  let reads = 0
  const reader = plainReader(TIMEOUT)
  const { find, kept } = reader.lookup<Record, Record>({
    make: (read, _id, freeze) => freeze(read),
    read: () => record('key_1', ++reads),
    subjectOf: () => ({}),
  })
  expect([find('a'), find('a')]).toEqual([record('key_1', 1), record('key_1', 2)])
  expect(kept('a')).toBeUndefined()
  await reader.close()
})
