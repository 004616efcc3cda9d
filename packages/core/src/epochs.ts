import type { Change } from './store.ts'

/** So many ids share a number, by chance: a change of one ends what was read of the others too. That costs them a read. */
const SLOTS = 2 ** 14

/** What was read, and when: enough to tell later whether it has changed. */
export interface Mark {
  /** The epoch in which the read began, or a later one in which it was still so. */
  epoch: number
  readonly keySlot: number
  readonly accountSlot: number
}

/** What a read is about. A key that was not found may be any. */
export interface Subject {
  readonly keyId?: string | undefined
  readonly accountId?: string | undefined
}

/**
 * Counts what is announced. Of anything that was read, two comparisons tell whether it was announced since its read began,
 * also when that was while the read was under way; one, where nothing at all was announced since it was last asked.
 */
export interface Epochs {
  readonly now: () => number
  /** Begins a new epoch for what has changed. */
  readonly advance: (change: Change) => void
  readonly mark: (subject: Subject, epoch: number) => Mark
  readonly isCurrent: (mark: Mark) => boolean
}

export function createEpochs(): Epochs {
  let now = 0
  let allChangedAt = 0
  // By slot, the epoch of the last change. The last but one is for any key, the last one never changes.
  const changedAt = new Float64Array(SLOTS + 2)
  const anyKey = SLOTS
  const nothing = SLOTS + 1

  return {
    now: () => now,
    advance(change: Change): void {
      now++
      if (change.kind === 'key') {
        changedAt[slotOf(change.id)] = now
        changedAt[anyKey] = now
      } else if (change.kind === 'account') {
        changedAt[slotOf(change.id)] = now
      } else {
        allChangedAt = now
      }
    },
    mark({ keyId, accountId }: Subject, epoch: number): Mark {
      const accountSlot = accountId === undefined ? nothing : slotOf(accountId)
      if (keyId !== undefined) return { epoch, keySlot: slotOf(keyId), accountSlot }
      return { epoch, keySlot: accountId === undefined ? anyKey : nothing, accountSlot }
    },
    isCurrent(mark: Mark): boolean {
      const { epoch, keySlot, accountSlot } = mark
      if (epoch === now) return true
      if (epoch < allChangedAt || epoch < (changedAt[keySlot] as number)) return false
      if (epoch < (changedAt[accountSlot] as number)) return false
      mark.epoch = now
      return true
    },
  }
}

/** FNV-1a over the UTF-16 units. Who chooses ids so that they meet makes reads of the store, and nothing else. */
function slotOf(id: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193)
  return hash & (SLOTS - 1)
}
