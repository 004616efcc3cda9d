import { plainError } from './failure.ts'

/** The part of a node-redis client that is used of each connection. */
export interface RedisConnection {
  connect(): Promise<unknown>
  destroy(): void
  sendCommand(args: string[]): Promise<unknown>
  sSubscribe(channel: string, listener: (message: string) => void): Promise<unknown>
  on(event: 'error' | 'sharded-channel-moved', listener: (cause: unknown) => void): unknown
}

/** One connection, from the moment that it is asked for. When it breaks it is done with. */
export interface Line {
  readonly client: RedisConnection
  /** Rejects where there is no connection. */
  readonly connected: Promise<void>
  /** Why there is no connection any more; `undefined`: there is. */
  cause(): Error | undefined
  cut(cause: unknown): void
}

/** @param onCut is told once, also where the connection breaks by itself */
export function openLine(client: RedisConnection, onCut: (cause: Error) => void = () => {}): Line {
  let end: Error | undefined

  function cut(cause: unknown): void {
    if (end !== undefined) return
    end = plainError(cause)
    onCut(end)
    client.destroy()
  }

  // Said of all that a client cannot go on with, of bytes that it cannot read among them: the answers that follow would
  // be taken for those to other questions.
  client.on('error', cut)
  client.on('sharded-channel-moved', () => cut(new Error('the slot has moved to another server')))
  const connected = client.connect().then(() => {
    if (end === undefined) return
    // What is cut while it connects finishes connecting first.
    client.destroy()
    throw end
  })
  connected.catch(cut)
  return { client, connected, cause: () => end, cut }
}
