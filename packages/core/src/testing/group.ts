import type { StoreCapabilities } from '../store.ts'
import type { StoreSubject } from './subject.ts'
import { inWorld, type World } from './world.ts'

/** One thing that a store must do. */
export interface StoreCase {
  /** What it is about. Group and name are unique together. */
  readonly group: string
  /** A sentence, with the group before it or alone. */
  readonly name: string
  /** Opens the store, and closes it. Rejects with what is not as it must be. */
  run(subject: StoreSubject): Promise<void>
}

export interface Group {
  readonly cases: readonly StoreCase[]
  /** Whether a store with these capabilities has to pass them. */
  asks(capabilities: StoreCapabilities): boolean
}

/** Cases about one thing, by name. */
export function group(
  name: string,
  cases: Readonly<Record<string, (world: World) => Promise<void>>>,
  asks: (capabilities: StoreCapabilities) => boolean = () => true,
): Group {
  return {
    cases: Object.entries(cases).map(([sentence, run]) => ({
      group: name,
      name: sentence,
      run: (subject) => inWorld(subject, run),
    })),
    asks,
  }
}
