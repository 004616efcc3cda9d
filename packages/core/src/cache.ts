import { LRUCache } from 'lru-cache'
import { attempt } from './attempt.ts'
import { type Awaitable, chain, isPromise } from './awaitable.ts'
import type { Mark, Subject } from './epochs.ts'
import { joinLease, type Lease, type LeaseMember } from './lease.ts'
import { type Denied, isUnavailable } from './outcome.ts'
import { frozen } from './record.ts'
import type { ChangeFeed } from './store.ts'

export interface CacheOptions {
  /** How many keys, and of identity providers how many accounts, are kept. Some 1 kB each. Default 10,000. */
  readonly keys?: number | undefined
  /** How many credentials that no key has are remembered, apart from the keys. Some 200 bytes each. Default 10,000. */
  readonly unknown?: number | undefined
}

/** Finds what a store has under an id. */
export interface Lookup<T> {
  /** What is kept of it and certain now. `undefined`: nothing is, so it has to be found. */
  kept(id: string): Kept<T> | undefined
  /** Whether what `kept` of this lookup has answered once is certain now, too. */
  holds(kept: Kept<T>): boolean
  /** What the store throws, or does not say in time, is `unavailable`. */
  find(id: string, gate?: Gate): Found<T>
}

export interface Kept<T> {
  /** `undefined`: there is nothing under the id. */
  readonly value: T | undefined
}

export type Found<T> = Awaitable<T | undefined | Denied<'unavailable' | 'rate_limited'>>

/** Asked before a store is asked, and not where the answer is kept. What it says is answered instead. */
export type Gate = () => Denied<'rate_limited'> | undefined

/** Sees to it that nobody writes to what many requests share. */
export type Freeze = <V>(value: V) => V

export interface Reading<T, Read = T> {
  read(id: string): Awaitable<Read | undefined>
  /** Makes of it what is found, and perhaps kept. What it keeps of what was read, it freezes. */
  make(read: Read | undefined, id: string, freeze: Freeze): T | undefined
  /** By what it is found to have changed. Of what was not found: by what it would be found to be there. */
  subjectOf(value: T | undefined, id: string): Subject
}

/** Makes lookups in a store that keep what they have read, as long as it is certain that it has not changed. */
export interface Reader {
  /** It keeps what it has read. */
  readonly keeps: boolean
  lookup<T extends object, Read>(reading: Reading<T, Read>): Lookup<T>
  close(): Promise<void>
}

const DEFAULT_KEYS = 10_000
const DEFAULT_UNKNOWN = 10_000

interface Entry<T> extends Mark, Kept<T> {}

/** A read under way. */
interface Flight<T> {
  /** The lease's term in which it began; `undefined` where nobody held it. */
  readonly term: number | undefined
  /** When it began, as `moment` counts. Infinity: it has not begun yet. */
  began: number
  readonly entry: Promise<Entry<T> | Denied<'unavailable'>>
}

/** Told what each read has come to. */
export type Watch = (answer: unknown) => void

const UNWATCHED: Watch = () => {}

const AS_IT_IS: Freeze = (value) => value

/** Reads every time. */
export function plainReader(timeout: number, watch: Watch = UNWATCHED): Reader {
  return {
    keeps: false,
    lookup: <T extends object, Read>({ read, make }: Reading<T, Read>): Lookup<T> => ({
      kept: () => undefined,
      holds: () => false,
      find: (id, gate) =>
        gate?.() ??
        watched(
          attempt(() => chain(read(id), make, id, AS_IT_IS), timeout),
          watch,
        ),
    }),
    close: async () => {},
  }
}

function watched<T>(answer: Awaitable<T>, watch: Watch): Awaitable<T> {
  return chain(answer, (value) => {
    watch(value)
    return value
  })
}

/** @param timeout of a read, in milliseconds */
export function cachingReader(
  feed: ChangeFeed,
  options: CacheOptions,
  timeout: number,
  watch: Watch = UNWATCHED,
): Reader {
  let member: LeaseMember | undefined = joinLease(feed)
  const { lease } = member
  return {
    keeps: true,
    lookup<T extends object, Read>(reading: Reading<T, Read>): Lookup<T> {
      const keeping = keepingLookup(lease, reading, options, timeout, watch)
      const plain = plainReader(timeout, watch).lookup(reading)
      return {
        kept: (id) => (member === undefined ? undefined : keeping.kept(id)),
        holds: (kept) => member !== undefined && keeping.holds(kept),
        find: (id, gate) => (member === undefined ? plain : keeping).find(id, gate),
      }
    },
    async close() {
      const left = member
      member = undefined
      await left?.leave()
    },
  }
}

function keepingLookup<T extends object, Read>(
  lease: Lease,
  reading: Reading<T, Read>,
  { keys = DEFAULT_KEYS, unknown = DEFAULT_UNKNOWN }: CacheOptions,
  timeout: number,
  watch: Watch,
): Lookup<T> {
  // Apart, so that a flood of unknown credentials drives out no key. Each is made with room for all, so only when it is needed.
  let found: LRUCache<string, Entry<T>> | undefined
  let missed: LRUCache<string, Entry<T>> | undefined
  const flights = new Map<string, Flight<T>>()
  const { epochs } = lease
  let moment = 0

  function kept(id: string): Entry<T> | undefined {
    return lease.isHeld() ? current(id) : undefined
  }

  function current(id: string): Entry<T> | undefined {
    const entry = found?.get(id) ?? missed?.get(id)
    return entry !== undefined && epochs.isCurrent(entry) ? entry : undefined
  }

  function find(id: string, gate?: Gate): Found<T> {
    if (lease.isHeld()) return recall(id, gate)
    const asked = ++moment
    return chain(lease.renew(), (isHeld) => (isHeld ? recall(id, gate) : (gate?.() ?? readSince(asked, id))))
  }

  function recall(id: string, gate?: Gate): Found<T> {
    const entry = current(id)
    if (entry !== undefined) return entry.value
    const closed = gate?.()
    if (closed !== undefined) return closed
    const flight = flights.get(id)
    // One of an earlier term is not waited for: it may hang.
    if (flight !== undefined && flight.term === lease.term()) return join(flight, id)
    return chain(begin(id), foundIn)
  }

  function join({ entry }: Flight<T>, id: string): Found<T> {
    const asked = ++moment
    return entry.then((landed) => {
      if (isUnavailable(landed) || epochs.isCurrent(landed)) return foundIn(landed)
      // Changed since that read began, perhaps before this request began: to this one it may say what is no longer so.
      return readSince(asked, id)
    })
  }

  /** By a read that began after the request: what it finds is true for it, whatever changes meanwhile. */
  function readSince(asked: number, id: string): Found<T> {
    const flight = flights.get(id)
    if (flight === undefined) return chain(begin(id), foundIn)
    // Where others are reading it already, the next read is one for all who ask in this turn.
    return (flight.began > asked ? flight.entry : beginSoon(id)).then(foundIn)
  }

  function begin(id: string): Awaitable<Entry<T> | Denied<'unavailable'>> {
    const term = lease.term()
    const entry = read(id)
    if (isPromise(entry)) takeOff(id, { term, began: ++moment, entry })
    return entry
  }

  function beginSoon(id: string): Flight<T>['entry'] {
    const turn = new Promise<void>((resolve) => {
      setTimeout(resolve, 0)
    })
    const entry = turn.then(() => {
      flight.began = ++moment
      return read(id)
    })
    const flight: Flight<T> = { term: undefined, began: Infinity, entry }
    takeOff(id, flight)
    return entry
  }

  function takeOff(id: string, flight: Flight<T>): void {
    flights.set(id, flight)
    const land = () => {
      if (flights.get(id) === flight) flights.delete(id)
    }
    flight.entry.then(land, land)
  }

  function read(id: string): Awaitable<Entry<T> | Denied<'unavailable'>> {
    // Before it is read: what is announced from here on may not be in what is read.
    const epoch = epochs.now()
    const value = watched(
      attempt(() => chain(reading.read(id), reading.make, id, frozen), timeout),
      watch,
    )
    return chain(value, (answer) => (isUnavailable(answer) ? answer : keep(id, answer, epoch)))
  }

  function keep(id: string, value: T | undefined, epoch: number): Entry<T> {
    // Member by member: a spread would put them where they take more room, and there are many.
    const { keySlot, accountSlot } = epochs.mark(reading.subjectOf(value, id), epoch)
    const entry = { value, epoch, keySlot, accountSlot }
    if (!epochs.isCurrent(entry)) return entry
    if (value === undefined) {
      missed ??= new LRUCache({ max: unknown })
      missed.set(id, entry)
      found?.delete(id)
    } else {
      found ??= new LRUCache({ max: keys })
      found.set(id, entry)
      missed?.delete(id)
    }
    return entry
  }

  return { kept, holds: (kept) => lease.isHeld() && epochs.isCurrent(kept as Entry<T>), find }
}

function foundIn<T>(entry: Entry<T> | Denied<'unavailable'>): T | undefined | Denied<'unavailable'> {
  return isUnavailable(entry) ? entry : entry.value
}
