import { randomUUID } from 'node:crypto'
import type { Change, ChangeFeed, ChangeListener, ChangeSubscription } from '@latchkey/core'
import type { Connection } from './connection.ts'
import { plainError } from './failure.ts'
import { openLine, type RedisConnection } from './line.ts'
import type { Names } from './names.ts'
import { publish } from './scripts/changes.ts'
import { within } from './timeout.ts'

/*
 * Every change is published by the script that makes it, and Redis runs one script after the other: what a listening
 * connection is told comes in the order of the changes. A heartbeat is published by a script too, on the connection for
 * commands, and comes back on the listening one behind all that was published before it.
 *
 * Sharded channels, because they lie in the slot of their name's hash tag: commands and both channels are then with the
 * one server that keeps the records. In a cluster a plain PUBLISH may be sent to any server, and the way from there to
 * the listener is another one than that of the changes. When the slot moves to another server, the subscription ends.
 */

interface Listening {
  readonly feed: ChangeFeed
  close(): void
}

interface Waiting {
  resolve(): void
  reject(cause: Error): void
}

export function changeFeed(
  create: () => RedisConnection,
  connection: Connection,
  names: Names,
  { lease, timeout }: { readonly lease: number; readonly timeout: number },
): Listening {
  const closings = new Set<() => void>()
  let isOpen = true

  async function subscribe(listener: ChangeListener): Promise<ChangeSubscription> {
    if (!isOpen) throw new Error('the store is closed')
    const channel = names.of('beats', randomUUID())
    const waiting = new Map<string, Waiting>()
    let state: 'beginning' | 'listening' | 'over' = 'beginning'
    let sent = 0

    const line = openLine(create(), (cause) => {
      const wasListening = state === 'listening'
      end(cause)
      if (wasListening) listener.lost(cause)
    })

    function end(cause: Error): void {
      state = 'over'
      closings.delete(close)
      for (const { reject } of waiting.values()) reject(cause)
    }

    function close(): void {
      const closed = new Error('the subscription is closed')
      end(closed)
      line.cut(closed)
    }

    async function listen(): Promise<void> {
      await line.connected
      const { client } = line
      await Promise.all([
        client.sSubscribe(names.changes, (text) => state !== 'over' && listener.changed(changeOf(text))),
        client.sSubscribe(channel, (text) => waiting.get(text)?.resolve()),
      ])
    }

    async function beat(): Promise<void> {
      if (state !== 'listening') throw new Error('the subscription has ended')
      const text = String(++sent)
      const back = new Promise<void>((resolve, reject) => waiting.set(text, { resolve, reject }))
      const came = within(back, timeout)
      came.catch(() => {})
      try {
        const heard = await connection.run(publish, [names.meta, channel], { text })
        if (heard !== 1) throw new Error('the subscription is with another server')
        await came
      } finally {
        waiting.get(text)?.resolve()
        waiting.delete(text)
      }
    }

    closings.add(close)
    try {
      await within(listen(), timeout)
    } catch (error) {
      close()
      throw plainError(error)
    }
    const cause = line.cause()
    if (cause !== undefined) throw cause
    state = 'listening'
    return { beat, close }
  }

  return {
    feed: {
      lease,
      subscribe,
      async announce(change) {
        await connection.run(publish, [names.meta, names.changes], { text: textOf(change) })
      },
    },
    close() {
      isOpen = false
      for (const close of closings) close()
    },
  }
}

function textOf(change: Change): string {
  if (change.kind === 'all') return JSON.stringify(['all'])
  return JSON.stringify(change.kind === 'key' ? ['key', change.service, change.id] : ['account', change.id])
}

/** What names nothing may mean anything: then nobody can say what has changed. */
function changeOf(text: string): Change {
  const [kind, first, second, ...more] = partsOf(text)
  if (kind === 'key' && first !== undefined && second !== undefined && more.length === 0) {
    return { kind, service: first, id: second }
  }
  if (kind === 'account' && first !== undefined && second === undefined) return { kind, id: first }
  return { kind: 'all' }
}

function partsOf(text: string): readonly string[] {
  try {
    const parts: unknown = JSON.parse(text)
    return Array.isArray(parts) && parts.every((part) => typeof part === 'string') ? parts : []
  } catch {
    return []
  }
}
