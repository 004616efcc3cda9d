import type { Charge, Limiter, LimitState, Slots, Taken, Window } from './limiter.ts'
import { erase, fitsAt, forget, nextLeaves, record, type SlidingLog, slidingLog } from './sliding-log.ts'
import { slot } from './slot.ts'

export type MemoryLimiter = {
  readonly [M in keyof Limiter]: (...args: Parameters<Limiter[M]>) => Exclude<ReturnType<Limiter[M]>, Promise<unknown>>
}

/** A slot that is taken. */
interface Hold {
  readonly takenAt: number
  readonly endsAt: number
}

interface WindowPlace {
  readonly kind: 'window'
  readonly log: SlidingLog
  /** It was empty, and nobody finds it by its name any more. */
  isDropped: boolean
}

interface SlotPlace {
  readonly kind: 'slots'
  readonly held: Set<Hold>
  isDropped: boolean
}

/** A window of a charge, and where it is counted. */
interface Counted {
  readonly window: Window
  readonly place: WindowPlace
}

/** Where a charge is counted. */
interface Places {
  readonly windows: readonly Counted[]
  readonly slots: SlotPlace | undefined
}

/**
 * Counts in this process's memory; synchronous. A window is a log of the units in it, not a counter that is reset, so
 * there is no edge at which two bursts fit side by side. Memory for each window is bounded by a thousand runs: units closer
 * together than a thousandth of the window leave it together, never early.
 */
export function memoryLimiter(): MemoryLimiter {
  const places = new Map<string, WindowPlace | SlotPlace>()
  // Found by identity: on the way of a request no name is put together.
  const known = slot<Places>()
  let hand = places.entries()

  function placesOf(charge: Charge, now: number): Places {
    const found = known.get(charge)
    if (found !== undefined && isWhole(found)) return found
    const { slots } = charge
    // Before any is opened: an empty one may be dropped. More are looked at than are made, so the dead cannot outgrow the
    // living, and nobody waits for a sweep of all.
    for (let i = 0; i < 2 * (charge.windows.length + 1); i++) sweep(now)
    const opened: Places = {
      windows: charge.windows.map((window) => ({ window, place: windowPlace(window) })),
      slots: slots && slotPlace(slots),
    }
    known.set(charge, opened)
    return opened
  }

  function windowPlace({ name, seconds, bucket }: Window): WindowPlace {
    const id = `window\n${name}\n${seconds}\n${bucket}`
    const there = places.get(id)
    if (there?.kind === 'window') return there
    return placed(id, { kind: 'window', log: slidingLog(seconds), isDropped: false })
  }

  function slotPlace({ name, bucket }: Slots): SlotPlace {
    const id = `slots\n${name}\n${bucket}`
    const there = places.get(id)
    if (there?.kind === 'slots') return there
    return placed(id, { kind: 'slots', held: new Set(), isDropped: false })
  }

  function placed<P extends WindowPlace | SlotPlace>(id: string, place: P): P {
    places.set(id, place)
    return place
  }

  function sweep(now: number): void {
    const next = hand.next()
    if (next.done) {
      hand = places.entries()
      return
    }
    const [id, place] = next.value
    if (!isIdle(place, now)) return
    place.isDropped = true
    places.delete(id)
  }

  return {
    take(charge: Charge, now: number): Taken {
      const { windows, slots } = placesOf(charge, now)
      let isFull = false
      for (const { window, place } of windows) {
        forget(place.log, now)
        if (place.log.count + window.cost > window.limit) isFull = true
      }
      if (isFull) return refused(windows, now)
      if (slots !== undefined && charge.slots !== undefined && !hasRoom(slots, charge.slots, now)) {
        return { taken: false, states: statesOf(windows, now), refusedBy: 'slots' }
      }
      for (const { window, place } of windows) record(place.log, window.cost, now)
      const receipt: Hold | number = charge.slots === undefined ? now : holdOf(charge.slots, now)
      if (typeof receipt !== 'number') slots?.held.add(receipt)
      return { taken: true, states: statesOf(windows, now), receipt }
    },

    undo(charge: Charge, receipt: unknown, now: number): void {
      const hold = receipt as Hold | number
      const takenAt = typeof hold === 'number' ? hold : hold.takenAt
      const { windows, slots } = placesOf(charge, now)
      for (const { window, place } of windows) {
        forget(place.log, now)
        erase(place.log, window.cost, takenAt)
      }
      if (typeof hold !== 'number') slots?.held.delete(hold)
    },

    leave(charge: Charge, receipt: unknown, now: number): void {
      placesOf(charge, now).slots?.held.delete(receipt as Hold)
    },
  }
}

function isWhole({ windows, slots }: Places): boolean {
  for (const { place } of windows) if (place.isDropped) return false
  return slots === undefined || !slots.isDropped
}

function isIdle(place: WindowPlace | SlotPlace, now: number): boolean {
  if (place.kind === 'slots') return place.held.size === 0
  forget(place.log, now)
  return place.log.count === 0
}

function hasRoom({ held }: SlotPlace, { limit }: Slots, now: number): boolean {
  if (held.size < limit) return true
  for (const hold of held) if (hold.endsAt <= now) held.delete(hold)
  return held.size < limit
}

function holdOf({ seconds }: Slots, now: number): Hold {
  return { takenAt: now, endsAt: now + seconds * 1000 }
}

function statesOf(windows: Places['windows'], now: number): LimitState[] {
  // Not pushed one by one: an empty list that grows is made with room for seventeen.
  const states = new Array<LimitState>(windows.length)
  for (let i = 0; i < windows.length; i++) {
    const { window, place } = windows[i] as Counted
    states[i] = stateOf(window, place.log, nextLeaves(place.log, now))
  }
  return states
}

function stateOf({ name, limit, seconds }: Window, { count }: SlidingLog, resetAt: number): LimitState {
  return { name, limit, seconds, remaining: Math.max(0, limit - count), resetAt }
}

function refused(windows: Places['windows'], now: number): Taken {
  let refusedBy: LimitState | undefined
  for (const { window, place } of windows) {
    const { log } = place
    if (log.count + window.cost <= window.limit) continue
    const state = stateOf(window, log, fitsAt(log, window.cost, window.limit, now))
    if (refusedBy === undefined || state.resetAt > refusedBy.resetAt) refusedBy = state
  }
  return { taken: false, states: statesOf(windows, now), refusedBy: refusedBy as LimitState }
}
