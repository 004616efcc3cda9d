import { type Awaitable, chain, isPromise } from './awaitable.ts'
import { createEpochs, type Epochs } from './epochs.ts'
import type { ChangeFeed, ChangeSubscription } from './store.ts'
import { unheld } from './timer.ts'

/**
 * Whether what was read of a store may be believed without asking again: not longer than the feed's `lease` after a
 * heartbeat was sent that has come back. One for each feed and process. Decision 008 has the argument.
 */
export interface Lease {
  /** What has changed since it was read, as far as it was told. That is all of it while the lease is held. */
  readonly epochs: Epochs
  /** Where half of it is over, the next heartbeat is sent, and nobody waits for it. */
  isHeld(): boolean
  /**
   * Tries to hold it again: true once a heartbeat has come back. All who ask meanwhile wait for the same one, but not for
   * long; when that was in vain, nobody waits any more until one has come back.
   */
  renew(): Awaitable<boolean>
  /** Another number with each heartbeat that has come back. */
  term(): number
}

/** How long who asks waits for a heartbeat, in milliseconds; where a lease is short, a quarter of it. */
const LONGEST_WAIT = 100
/** How long a heartbeat, or a new subscription, may be under way before it is given up, in milliseconds. */
const PATIENCE = 2000
/** How long nothing is tried after a failure, in milliseconds: doubled with each one, up to the limit. */
const FIRST_PAUSE = 50
const LONGEST_PAUSE = 1000

interface Trip {
  readonly beganAt: number
  /** What those who wait are told. */
  readonly answer: Promise<boolean>
}

interface Shared {
  readonly lease: Lease
  readonly close: () => Promise<void>
  users: number
}

/** All auths of a process that read a store share its lease: there is one heartbeat for them. */
const shared = new WeakMap<ChangeFeed, Shared>()

/** A part in the lease of a feed. */
export interface LeaseMember {
  readonly lease: Lease
  /** To be called once, when it is not needed any more. The last one to leave ends the subscription. */
  leave(): Promise<void>
}

export function joinLease(feed: ChangeFeed): LeaseMember {
  const joined = shared.get(feed) ?? { ...createLease(feed), users: 0 }
  shared.set(feed, joined)
  joined.users++
  return {
    lease: joined.lease,
    async leave() {
      joined.users--
      if (joined.users === 0) await joined.close()
    },
  }
}

export function createLease(feed: ChangeFeed): Pick<Shared, 'lease' | 'close'> {
  const epochs = createEpochs()
  let subscription: ChangeSubscription | undefined
  /** Counts subscriptions, so that what comes of an earlier one is known for it. */
  let generation = 0
  /** When the heartbeat was sent that came back last, by both clocks. */
  let sentAt = -Infinity
  let sentAtWall = -Infinity
  let term = 0
  let trip: Trip | undefined
  let isLate = false
  let pause = FIRST_PAUSE
  let nextTryAt = -Infinity

  // The monotonic clock stands still while a machine sleeps, and the wall clock may be set back: whichever says more.
  function elapsed(): number {
    return Math.max(performance.now() - sentAt, Date.now() - sentAtWall)
  }

  function isHeld(): boolean {
    // What is never over needs no clock.
    if (feed.lease === Infinity) return sentAt !== -Infinity
    const age = elapsed()
    if (age >= feed.lease) return false
    if (age >= feed.lease / 2) renew()
    return true
  }

  function renew(): Awaitable<boolean> {
    const now = performance.now()
    if (trip !== undefined && now - trip.beganAt >= PATIENCE) fail()
    if (trip !== undefined) return isLate ? false : trip.answer
    if (now < nextTryAt) return false
    try {
      const held = travel()
      if (!isPromise(held)) return held
      trip = { beganAt: now, answer: inTime(held, generation) }
      return isLate ? false : trip.answer
    } catch {
      return fail()
    }
  }

  /** One round trip. True: the lease is held by it. */
  function travel(): Awaitable<boolean> {
    return chain(subscription ?? subscribe(), (subscribed) => {
      // Before it is sent: what is committed from now on may be told after it.
      const [now, nowWall] = [performance.now(), Date.now()]
      return chain(subscribed.beat(), () => {
        if (subscribed !== subscription) return false
        sentAt = now
        sentAtWall = nowWall
        term++
        pause = FIRST_PAUSE
        // One that took longer than a lease says nothing of now.
        return elapsed() < feed.lease
      })
    })
  }

  function subscribe(): Awaitable<ChangeSubscription> {
    const own = ++generation
    const lost = () => {
      if (own !== generation) return
      // At once anew, unless it has never worked.
      if (sentAt === -Infinity) fail()
      else drop()
    }
    return chain(feed.subscribe({ changed: epochs.advance, lost }), (opened) => {
      if (own !== generation) {
        closeQuietly(opened)
        throw new Error('the subscription was given up')
      }
      // What was read before may have changed while nobody listened.
      epochs.advance({ kind: 'all' })
      subscription = opened
      return opened
    })
  }

  function inTime(held: Promise<boolean>, own: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(
        () => {
          if (own === generation) isLate = true
          resolve(false)
        },
        Math.min(feed.lease / 4, LONGEST_WAIT),
      )
      unheld(timer)
      const arrive = (isHeld: boolean) => {
        clearTimeout(timer)
        resolve(isHeld)
      }
      held.then(
        (isHeld) => {
          if (own === generation) {
            trip = undefined
            isLate = !isHeld
          }
          arrive(isHeld)
        },
        () => {
          if (own === generation) fail()
          arrive(false)
        },
      )
    })
  }

  /** The subscription, and what was under way, is over. */
  function drop(): ChangeSubscription | undefined {
    const dropped = subscription
    generation++
    subscription = undefined
    trip = undefined
    sentAt = -Infinity
    sentAtWall = -Infinity
    return dropped
  }

  function fail(): false {
    closeQuietly(drop())
    isLate = true
    // Not all processes at the same moment.
    nextTryAt = performance.now() + pause * (0.5 + Math.random() / 2)
    pause = Math.min(2 * pause, LONGEST_PAUSE)
    return false
  }

  const lease: Lease = { epochs, isHeld, renew, term: () => term }
  return { lease, close: () => closeQuietly(drop()) }
}

async function closeQuietly(subscription: ChangeSubscription | undefined): Promise<void> {
  try {
    await subscription?.close()
  } catch {
    // What does not close has broken already.
  }
}
