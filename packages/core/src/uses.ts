import { attempt } from './attempt.ts'
import type { KeyMemo } from './key-memo.ts'
import { isText } from './record.ts'
import type { KeyReader, KeyUse } from './store.ts'
import { unheld } from './timer.ts'

/** How long uses are collected before they are written, in milliseconds. */
const INTERVAL = 1000

/** So many requests are written sooner than that. */
const REQUESTS = 1000

/** A store that hangs must not fill the memory: of so many counts at once no further one is begun. */
const COUNTS = 20_000

const DAY = 86_400_000

/** Stands for the route where no pattern is known. The path itself is never kept: it may hold a secret. */
const UNROUTED = '(none)'

/** What a request was answered with. */
export interface Answered {
  /** The method and the route's pattern, as the application wrote it: `GET /users/:id`. `undefined`: it is not known. */
  readonly route: string | undefined
  /** 499: the client was gone before there was an answer. 0: it is not known. */
  readonly status: number
}

/** Of a request that nobody says the end of. */
export const UNANSWERED: Answered = Object.freeze({ route: undefined, status: 0 })

/** Counts the uses of one key that are alike. */
export interface Counter {
  readonly keyId: string
  route: string
  /** Day and status in one number. */
  moment: number
  /** Since it was written last. −1 in a memo of which nothing was counted yet. */
  count: number
  /** In milliseconds since its day began: engines keep a small whole number where its object is. */
  firstAt: number
  lastAt: number
}

interface ListedCounter extends Counter {
  /** Another one of the same key, which has counted before this one. */
  next: ListedCounter | undefined
}

export interface Uses {
  /** Whether there is somebody to write it. */
  readonly isCounted: boolean
  /**
   * @param memo of the key: it counts what comes first after it was written, from the second use on; what comes beside that is
   * counted where the id says
   */
  note(keyId: string, answer: Answered, at: number, memo?: KeyMemo): void
  /** Writes what was noted. */
  flush(): Promise<void>
}

/**
 * Counts the uses of keys in memory, so that a request writes nothing: a store is told once a second, or once for 1000
 * requests. Each batch is written once. One that the store fails to take is lost, because nobody knows whether it was
 * taken; so is the one that a process has not written when it is killed. On Workers, where nothing runs between requests,
 * `ctx.waitUntil(auth.close())` writes what a request has noted.
 */
export function useRecorder(service: string, store: KeyReader, timeout: number): Uses {
  /**
   * By key, the counter that has counted last, beside its memo: most requests are like the one before. They stay from batch to
   * batch, so that those make nothing new.
   */
  let counters = new Map<string, ListedCounter>()
  let size = 0
  /** The counters that have something to be written. */
  let counted: Counter[] = []
  let requests = 0
  /** The latest day that was counted in, in days since the epoch. */
  let day = -Infinity
  let timer: ReturnType<typeof setTimeout> | undefined
  /** When the timer began, by the clock of those who note. `undefined`: nothing was noted since. */
  let startedAt: number | undefined
  let isWriting = false
  let writing: Promise<void> = Promise.resolve()

  function counterOf(keyId: string, route: string, moment: number, memo?: KeyMemo): Counter | undefined {
    // Where a key is read anew for each request, each would have a counter of its own.
    if (memo?.count === -1) memo.count = 0
    else if (memo?.count === 0) return counting(memo, route, moment)
    else if (memo?.route === route && memo.moment === moment) return memo
    const first = counters.get(keyId)
    if (first?.route === route && first.moment === moment) return first
    return first && counterBehind(first, route, moment)
  }

  /** Puts it in front. */
  function counterBehind(first: ListedCounter, route: string, moment: number): Counter | undefined {
    let before = first
    while (before.next !== undefined && !(before.next.route === route && before.next.moment === moment)) {
      before = before.next
    }
    const found = before.next
    if (found === undefined) return undefined
    before.next = found.next
    found.next = first
    counters.set(found.keyId, found)
    return found
  }

  function newCounter(keyId: string, route: string, moment: number): Counter {
    const counter = { keyId, route, moment, count: 0, firstAt: 0, lastAt: 0, next: counters.get(keyId) }
    counters.set(keyId, counter)
    size++
    return counter
  }

  /** What has something to be written is written all the same. */
  function forgetAll(): void {
    counters = new Map()
    size = 0
  }

  /** `undefined`: too many have something to be written already. */
  function counterFor(keyId: string, route: string, moment: number, memo?: KeyMemo): Counter | undefined {
    const known = counterOf(keyId, route, moment, memo)
    if ((known === undefined || known.count === 0) && counted.length >= COUNTS) return undefined
    return known ?? newCounter(keyId, route, moment)
  }

  function add(counter: Counter, count: number, firstAt: number, lastAt: number): void {
    if (counter.count === 0) {
      counted.push(counter)
      counter.firstAt = firstAt
      counter.lastAt = lastAt
    } else if (firstAt < counter.firstAt) {
      // A slow request is noted after a later one.
      counter.firstAt = firstAt
    }
    if (lastAt > counter.lastAt) counter.lastAt = lastAt
    counter.count += count
  }

  async function write(): Promise<void> {
    const batch = counted
    const uses = batch.map((counter) => useOf(service, counter))
    for (const counter of batch) counter.count = 0
    counted = []
    requests = 0
    // Those that rest must not fill the memory either.
    if (size > COUNTS) forgetAll()
    if (uses.length === 0) return
    const taken = await attempt(() => store.recordUses?.(uses), timeout)
    if (taken !== false) return
    for (const { keyId, route, status, day, count, firstAt, lastAt } of uses) {
      const counter = counterFor(keyId, route, (day / DAY) * 1000 + status)
      if (counter !== undefined) add(counter, count, firstAt - day, lastAt - day)
    }
  }

  async function flush(): Promise<void> {
    clearTimeout(timer)
    isWriting = true
    // After what is being written: who closes the store next waits for both. Not for ever: on Workers a write is cut off
    // with the request that began it.
    const before = writing
    const own = (async () => {
      await attempt(() => before, timeout)
      await write()
    })()
    writing = own
    await own
    if (writing !== own) return
    isWriting = false
    clearTimeout(timer)
    timer = undefined
    if (requests >= REQUESTS) void flush()
    else if (counted.length > 0) start()
  }

  function start(at?: number): void {
    startedAt = at
    timer = unheld(setTimeout(flush, INTERVAL))
  }

  return {
    isCounted: store.recordUses !== undefined,
    note(keyId: string, { route = UNROUTED, status }: Answered, at: number, memo?: KeyMemo): void {
      if (store.recordUses === undefined) return
      const today = Math.floor(at / DAY)
      // Nobody counts in those of yesterday any more, but for who is late.
      if (today > day) forgetAll()
      day = Math.max(day, today)
      const moment = today * 1000 + status
      const counter = counterFor(keyId, route, moment, memo)
      if (counter === undefined) return
      const ofDay = at - today * DAY
      add(counter, 1, ofDay, ofDay)
      requests++
      // The next batch waits until this one is written: a store that is slow is not asked twice. On Workers a timer goes
      // with its request: one that is long overdue is not waited for.
      startedAt ??= at
      if (requests === REQUESTS && !isWriting) void flush()
      else if (timer === undefined || Math.abs(at - startedAt) > INTERVAL + 2 * timeout) start(at)
    },
    flush,
  }
}

/** What has counted nothing counts others next. */
function counting(counter: Counter, route: string, moment: number): Counter {
  counter.route = route
  counter.moment = moment
  return counter
}

function useOf(service: string, { keyId, route: written, moment, count, firstAt, lastAt }: Counter): KeyUse {
  const number = Math.floor(moment / 1000)
  const day = number * DAY
  const status = moment - number * 1000
  const route = isText(written) ? written : UNROUTED
  return { service, keyId, route, status, day, count, firstAt: day + firstAt, lastAt: day + lastAt }
}
