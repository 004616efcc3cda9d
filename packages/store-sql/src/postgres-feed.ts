import type { Change, ChangeFeed, ChangeListener, ChangeSubscription } from '@latchkey/core'
import { changeNamed } from './change.ts'
import type { Connection } from './connection.ts'
import { plainError } from './failure.ts'
import type { PostgresNotification } from './postgres.ts'
import { within } from './timeout.ts'

/** A connection that does nothing but listen. */
export interface Listening {
  query(text: string): Promise<unknown>
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'notification', listener: (notification: PostgresNotification) => void): unknown
  end(): void
}

interface PostgresFeed {
  readonly changes: ChangeFeed
  /** Ends every subscription, and there are no new ones. */
  end(): void
}

interface Beat {
  came(): void
  failed(error: Error): void
}

const CHANNEL = 'latchkey'

/** Longer ones Postgres refuses, in bytes. */
const LONGEST_PAYLOAD = 7999

/*
 * Why a heartbeat that is back has brought all before it: a transaction that announces takes one lock of the whole server
 * before it commits, and holds it until others see the commit. So announcements stand in the server's queue in the order of
 * the commits, and each listener is told them in this order. While a commit waits for a synchronous replica, heartbeats wait
 * behind it.
 *
 * A heartbeat is a transaction of its own that writes nothing else: Postgres does not wait for the disk with it.
 *
 * A transaction that has announced cannot be prepared (`prepare transaction`): changes of keys are not made that way. A
 * standby refuses to listen: there every request reads. After a failover the connections break, and so does the
 * subscription. Where the old server lives on unnoticed, what is kept is as old as what is read there.
 */

/** @param timeout of the wait until it listens, in milliseconds */
export function postgresFeed(
  connection: Connection,
  lease: number,
  timeout: number,
  listen: () => Promise<Listening>,
): PostgresFeed {
  const subscriptions = new Set<(cause: unknown) => void>()
  let isOpen = true

  // Over a connection of the pool, never the one that listens. Behind a pooler of transactions (PgBouncer) that one may
  // be given a server's connection for each statement, and what comes in between is lost: its own heartbeat would still
  // come back to it. This one then never does, and nothing is trusted.
  function notify(channel: string, payload: string): Promise<unknown> {
    return Promise.resolve(connection.read({ sql: 'select pg_notify($1, $2)', parameters: [channel, payload] }))
  }

  async function subscribe(listener: ChangeListener): Promise<ChangeSubscription> {
    // Nobody else's: heartbeats of others would wake each process.
    const channel = `${CHANNEL}_${crypto.randomUUID().replaceAll('-', '')}`
    const beats = new Map<string, Beat>()
    let count = 0
    let isSubscribed = false
    let ended: Error | undefined
    const listening = await listen().catch((error) => {
      throw plainError(error)
    })

    function end(error: Error): void {
      ended = error
      subscriptions.delete(lose)
      listening.end()
      for (const beat of beats.values()) beat.failed(error)
      beats.clear()
    }

    function lose(cause: unknown): void {
      if (ended !== undefined) return
      const error = plainError(cause)
      end(error)
      if (isSubscribed) listener.lost(error)
    }

    function hear({ channel: heard, payload = '' }: PostgresNotification): void {
      if (ended !== undefined) return
      if (heard === CHANNEL) listener.changed(changeOf(payload))
      if (heard !== channel) return
      beats.get(payload)?.came()
      beats.delete(payload)
    }

    subscriptions.add(lose)
    listening.on('error', lose)
    listening.on('notification', hear)
    if (isOpen) await within(listening.query(`listen ${CHANNEL}; listen ${channel}`), timeout, timeout).catch(lose)
    else lose(new Error('the store is closed'))
    if (ended !== undefined) throw ended
    isSubscribed = true

    return {
      beat() {
        if (ended !== undefined) return Promise.reject(ended)
        const number = String(++count)
        return new Promise((came, failed) => {
          beats.set(number, { came, failed })
          notify(channel, number).catch((error) => {
            beats.delete(number)
            failed(error)
          })
        })
      },
      close() {
        if (ended === undefined) end(new Error('the subscription is closed'))
      },
    }
  }

  return {
    changes: {
      lease,
      subscribe,
      async announce(change: Change) {
        await notify(CHANNEL, payloadOf(change))
      },
    },
    end() {
      isOpen = false
      for (const lose of subscriptions) lose(new Error('the store is closed'))
    },
  }
}

function changeOf(payload: string): Change {
  const [kind, service, id] = partsOf(payload)
  return changeNamed(kind, service, id)
}

function partsOf(payload: string): readonly unknown[] {
  try {
    const parts: unknown = JSON.parse(payload)
    return Array.isArray(parts) ? parts : []
  } catch {
    return []
  }
}

/** As the triggers write it. */
function payloadOf(change: Change): string {
  const parts = [change.kind, change.kind === 'key' ? change.service : null, change.kind === 'all' ? null : change.id]
  const payload = JSON.stringify(parts)
  return Buffer.byteLength(payload) > LONGEST_PAYLOAD ? '["all", null, null]' : payload
}
