import { Socket } from 'node:net'
import type { Client } from 'pg'
import type { PostgresPool } from './postgres.ts'
import type { Listening } from './postgres-feed.ts'

interface OwnPool {
  readonly pool: PostgresPool
  end(): Promise<void>
}

/**
 * Opens a pool of connections. None of them ends the process, whatever the server answers.
 *
 * @param timeout of the wait for a connection, in milliseconds
 */
export async function openPool(url: string, timeout: number): Promise<OwnPool> {
  if (!/^postgres(ql)?:\/\//.test(url)) throw new TypeError('source must be a URL that begins with postgres://')
  const { default: pg } = await import('pg')
  const pool = new pg.Pool({
    connectionString: url,
    connectionTimeoutMillis: timeout,
    keepAlive: true,
    stream: guardedSocket,
    Client: closing(pg.Client),
  })
  // A connection that breaks while nobody uses it is replaced by the next use.
  pool.on('error', () => {})
  return { pool, end: () => pool.end() }
}

/**
 * Opens a connection that is nobody else's. It is ended at once, also where nobody answers any more.
 *
 * @param timeout of the wait for it, in milliseconds
 */
export async function openListening(url: string, timeout: number): Promise<Listening> {
  const { default: pg } = await import('pg')
  const socket = guardedSocket()
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: timeout,
    keepAlive: true,
    stream: () => socket,
  })
  // Said as an event too, at times, where the call has failed.
  client.on('error', () => {})
  await client.connect().catch((error) => {
    socket.destroy()
    throw error
  })
  return {
    on: client.on.bind(client) as Listening['on'],
    query: (text) => client.query(text),
    end() {
      void client.end()
      socket.destroySoon()
    },
  }
}

/** What `pg` cannot read it throws where nobody can catch it: here that ends the connection, and not the process. */
function guardedSocket(): Socket {
  const socket = new Socket()
  const emit: (event: string | symbol, ...values: unknown[]) => boolean = socket.emit.bind(socket)
  socket.emit = (event: string | symbol, ...values: unknown[]) => {
    if (event !== 'data') return emit(event, ...values)
    try {
      return emit(event, ...values)
    } catch (error) {
      socket.destroy(error as Error)
      return true
    }
  }
  return socket
}

/** `pg` leaves a connection open that fails before it is ready, and a server has only so many. */
function closing(Base: typeof Client): typeof Client {
  return class extends Base {
    override connect(): Promise<Client>
    override connect(done: (error: Error) => void): void
    override connect(done?: (error: Error) => void): Promise<Client> | undefined {
      if (done === undefined) return super.connect()
      super.connect((error: Error) => {
        if (error) this.end(() => {})
        done(error)
      })
      return undefined
    }
  }
}
