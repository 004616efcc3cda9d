/** The stores that nodes share: each node comes to it by a way of its own, which can be broken. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres, startRedis } from '@latchkey/test-servers'
import pg from 'pg'
import { createClient } from 'redis'
import { startProxy, type TcpProxy } from '../stores/tcp-proxy.ts'
import { openStore } from './programs/open-store.ts'

export type StoreName = 'sqlite' | 'postgres' | 'redis'

export interface Site {
  readonly store: StoreName
  /** In milliseconds. */
  readonly lease: number
  /** Where a node finds the store. */
  urlFor(node: string): string
  /** The way of a node. There is none to a file. */
  proxyOf(node: string): TcpProxy
  /** Ends what is wrong with the way of a node. */
  heal(node: string): void
  /** Tells everybody who listens, past the store. */
  publish(message: string): Promise<void>
  /** What everybody was told up to now. */
  heard(): readonly string[]
  /** Breaks the connections that listen, at the server. */
  cutListeners(): Promise<void>
  /** Kills the server and starts it anew. `undefined`: it is not ours. */
  readonly restart: (() => Promise<void>) | undefined
  stop(): Promise<void>
}

export interface SiteOptions {
  /** In milliseconds. Default: the store's. */
  readonly lease?: number | undefined
}

export async function sqliteSite(): Promise<Site> {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-nodes-'))
  const url = `sqlite:${join(directory, 'keys.db')}`
  return {
    store: 'sqlite',
    lease: await settleLease(url),
    urlFor: () => url,
    proxyOf: none,
    heal: () => {},
    publish: none,
    heard: none,
    cutListeners: none,
    restart: undefined,
    stop: async () => rmSync(directory, { recursive: true }),
  }
}

function none(): never {
  throw new Error('a file is not reached by a network')
}

/** @param found what `startPostgres` takes */
export async function postgresSite(found: string, nodes: readonly string[], options: SiteOptions = {}): Promise<Site> {
  const server = await startPostgres(found, { settings: { fsync: 'off' } })
  const url = await server.database()
  const ways = await waysTo(url, nodes)
  const heard: string[] = []
  let client = await listener()

  async function listener(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: url })
    client.on('error', () => {})
    client.on('notification', ({ payload = '' }) => heard.push(payload))
    await client.connect()
    await client.query('listen latchkey')
    return client
  }

  return {
    store: 'postgres',
    lease: await settleLease(url, options),
    ...ways,
    async publish(message) {
      await client.query('select pg_notify($1, $2)', ['latchkey', message])
    },
    heard: () => heard,
    async cutListeners() {
      await client.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where query ~* '^listen' and pid <> pg_backend_pid()`,
      )
    },
    restart:
      server.directory === undefined
        ? undefined
        : async () => {
            await server.crash()
            client = await listener()
          },
    async stop() {
      await ways.stop()
      await client.end()
      await server.stop()
    },
  }
}

/** @param found what `startRedis` takes */
export async function redisSite(found: string, nodes: readonly string[], options: SiteOptions = {}): Promise<Site> {
  // What it has acknowledged it has on disk, so that it may be killed.
  const server = await startRedis(found, { settings: { appendonly: 'yes', appendfsync: 'always' } })
  const prefix = server.prefix()
  const channel = `{${prefix}}:changes`
  const url = `${server.url}#${prefix}`
  const ways = await waysTo(url, nodes)
  const heard: string[] = []
  let client = await listener()

  async function listener() {
    const client = createClient({ url: server.url, socket: { reconnectStrategy: false } })
    client.on('error', () => {})
    await client.connect()
    await client.sSubscribe(channel, (message) => heard.push(message))
    return client
  }

  return {
    store: 'redis',
    lease: await settleLease(url, options),
    ...ways,
    publish: async (message) => void (await server.command('SPUBLISH', channel, message)),
    heard: () => heard,
    async cutListeners() {
      const list = String(await server.command('CLIENT', 'LIST', 'TYPE', 'PUBSUB'))
      const ids = [...list.matchAll(/^id=(\d+)/gm)].map(([, id = '']) => id)
      await Promise.all(ids.map((id) => server.command('CLIENT', 'KILL', 'ID', id)))
      client = await listener()
    },
    restart:
      server.directory === undefined
        ? undefined
        : async () => {
            await server.crash()
            client = await listener()
          },
    async stop() {
      client.destroy()
      await ways.stop()
      await server.stop()
    },
  }
}

async function waysTo(
  url: string,
  nodes: readonly string[],
): Promise<Pick<Site, 'urlFor' | 'proxyOf' | 'heal' | 'stop'>> {
  const proxies = new Map<string, TcpProxy>()
  for (const node of nodes) proxies.set(node, await startProxy(url))
  const proxyOf = (node: string): TcpProxy => {
    const proxy = proxies.get(node)
    if (proxy === undefined) throw new Error(`there is no node ${node}`)
    return proxy
  }
  return {
    urlFor: (node) => proxyOf(node).url,
    proxyOf,
    heal: (node) => proxyOf(node).heal(),
    async stop() {
      for (const proxy of proxies.values()) await proxy.stop()
    },
  }
}

/** The store keeps the first one that it is opened with, for all. */
async function settleLease(url: string, { lease }: SiteOptions = {}): Promise<number> {
  await using store = await openStore(url, lease)
  return store.capabilities.lease
}
