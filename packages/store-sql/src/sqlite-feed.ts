import type { Change, ChangeFeed, ChangeListener, ChangeSubscription } from '@latchkey/core'
import { changeNamed } from './change.ts'
import type { Query, Row } from './connection.ts'

/** A connection that only reads. Every answer is synchronous. */
export interface Watching {
  read(query: Query): readonly Row[]
  close(): void
}

interface SqliteFeed {
  readonly changes: ChangeFeed
  /** Tells what this process itself has changed. */
  look(): void
  /** Ends every subscription, and there are no new ones. */
  end(): void
}

interface Entry {
  readonly sequence: unknown
  readonly kind: unknown
  readonly service: unknown
  readonly id: unknown
}

interface Subscription extends ChangeSubscription {
  beat(): void
  end(cause: unknown): void
}

const LAST = 'select sequence, kind, service, id from latchkey_changes order by sequence desc limit 1'
const SINCE = 'select sequence, kind, service, id from latchkey_changes where sequence >= ? order by sequence'

/**
 * Reads the log of changes.
 *
 * @param lease Infinity: nobody else writes to the database
 * @param watch opens a connection of its own; where nobody else writes, it may be the one that does
 * @param announce adds a change to the log
 */
export function sqliteFeed(lease: number, watch: () => Watching, announce: (change: Change) => void): SqliteFeed {
  const subscriptions = new Set<Subscription>()
  let isOpen = true

  function subscribe(listener: ChangeListener): ChangeSubscription {
    if (!isOpen) throw new Error('the store is closed')
    const subscription = watched(watch(), lease, listener, () => void subscriptions.delete(subscription))
    subscriptions.add(subscription)
    return subscription
  }

  return {
    changes: { lease, subscribe, announce },
    look() {
      for (const subscription of subscriptions) {
        try {
          subscription.beat()
        } catch {
          // The change is made. Whoever listens knows that it hears nothing more.
        }
      }
    },
    end() {
      isOpen = false
      for (const subscription of subscriptions) subscription.end(new Error('the store is closed'))
    },
  }
}

function watched(watching: Watching, lease: number, listener: ChangeListener, ended: () => void): Subscription {
  let isOpen = true
  let version: unknown
  let last: Entry | undefined

  function close(): void {
    if (!isOpen) return
    isOpen = false
    watching.close()
    ended()
  }

  function end(cause: unknown): void {
    close()
    listener.lost(cause)
  }

  /** Moves with each commit of another connection, in microseconds. It does not move with this one's own. */
  function versionNow(): unknown {
    return watching.read({ sql: 'pragma data_version', parameters: [] })[0]?.data_version
  }

  function tell(): void {
    // The version first: a commit that comes after it is in the log that is read then, or moves the version once more.
    const now = versionNow()
    if (now === version && lease !== Infinity) return
    const [before, ...news] = watching.read({ sql: SINCE, parameters: [last?.sequence ?? 0] }).map(entryOf)
    // Where the last entry that was seen is still there, and the same, what follows it is all that there was. Otherwise the
    // log has lost it: there were many since, or somebody has emptied the log, or put back an older one.
    const isWhole = JSON.stringify(before) === JSON.stringify(last)
    last = news.at(-1) ?? before
    version = now
    if (!isWhole) listener.changed({ kind: 'all' })
    else for (const entry of news) listener.changed(changeNamed(entry.kind, entry.service, entry.id))
  }

  try {
    version = versionNow()
    last = watching.read({ sql: LAST, parameters: [] }).map(entryOf)[0]
  } catch (error) {
    watching.close()
    throw error
  }

  return {
    beat() {
      if (!isOpen) throw new Error('the subscription has ended')
      try {
        tell()
      } catch (error) {
        // Not once more: libsql does not reset a statement that fails, and what it has seen then it would see for ever.
        end(error)
        throw error
      }
    },
    close,
    end,
  }
}

function entryOf({ sequence, kind, service, id }: Row): Entry {
  return { sequence, kind, service, id }
}
