/** Hears what a store tells of its changes. */
import type { Change, ChangeFeed, KeyStore } from '@latchkey/core'

export interface Hearing {
  beat(): Promise<void>
  close(): Promise<void>
  /** Sends a heartbeat, waits for it, and says what was told since the last time. */
  heard(): Promise<readonly Change[]>
  /** What was told since the last time. */
  told(): readonly Change[]
  /** Why the subscription was lost: once, or not. */
  readonly losses: readonly unknown[]
}

export async function hear(store: KeyStore): Promise<Hearing> {
  const changes: Change[] = []
  const losses: unknown[] = []
  const subscription = await feedOf(store).subscribe({
    changed: (change) => void changes.push(change),
    lost: (cause) => void losses.push(cause),
  })
  const beat = async () => subscription.beat()
  return {
    beat,
    close: async () => subscription.close(),
    async heard() {
      await beat()
      return distinct(changes.splice(0))
    },
    told: () => distinct(changes.splice(0)),
    losses,
  }
}

export function feedOf({ changes }: KeyStore): ChangeFeed {
  if (changes === undefined) throw new Error('the store tells nothing')
  return changes
}

/** Each once, in order of their first time: a key is told for each of its secrets too. */
function distinct(changes: readonly Change[]): readonly Change[] {
  return [...new Set(changes.map((change) => JSON.stringify(change)))].map((text) => JSON.parse(text) as Change)
}
