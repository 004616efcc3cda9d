import type { KeyStore } from '@latchkey/core'
import { connectionBy } from './connection.ts'
import { changeFeed } from './feed.ts'
import type { RedisConnection } from './line.ts'
import { namesUnder } from './names.ts'
import { checkNames } from './options.ts'
import { SCHEMA } from './records.ts'
import { redisStore } from './redis-store.ts'
import { open } from './scripts/changes.ts'
import { checkTimeout } from './timeout.ts'

export type { RedisConnection } from './line.ts'

export interface RedisOptions {
  /**
   * Every name in Redis begins with `{prefix}`. Letters, digits and `._:-`. Default: that of the URL (`redis://…?prefix=NAME`,
   * by which commands find the store too), or `latchkey`.
   */
  readonly prefix?: string
  /**
   * How long a process may go on with what it has read, unless it hears that it has changed, in milliseconds; so long every
   * change waits. 0: nothing is kept, and no change waits. At most 60000. The database has one for all that use it: another
   * one than it has rejects. Default: the one that it has, or 400 where it has none.
   */
  readonly lease?: number
  /**
   * How long a call may take, from the wait for a connection to the answer, in milliseconds; for long lists, as of
   * `insertAll`, as long for each thousand records. A change that comes later than that is not made. Default 2000.
   */
  readonly timeout?: number
}

/** The part of a node-redis client (`createClient`) that is used: connections like its own are made. */
export interface RedisClient {
  readonly options: { readonly socket?: object | undefined }
  duplicate(overrides: object): RedisConnection
}

const LEASE = 400
/** Longer, and whoever revokes a key waits for a minute. */
const LONGEST = 60_000

/**
 * Opens a store in Redis 7 or newer, by its URL (`redis://`, or `rediss://` with TLS), or with the settings of a client of
 * the application's own, which is left alone: the store has two connections beside it, for commands and for what changes.
 * It counts limits and keeps balances, too (`limiter`, `ledger`).
 *
 * What it has acknowledged is as durable as the server is told to make it: `appendonly yes` with `appendfsync always`. It
 * must not evict (`maxmemory-policy noeviction`). A failover to a replica may lose acknowledged changes, revocations
 * among them; `min-replicas-to-write` keeps a server that was cut off from its replicas from making any.
 *
 * Rejects when Redis cannot be reached, has a newer schema, or keeps another lease than the one that is given.
 */
export async function openRedis(source: string | RedisClient, options: RedisOptions = {}): Promise<KeyStore> {
  const { prefix = prefixIn(source) ?? 'latchkey', lease, timeout = 2000 } = options
  checkNames(options, ['prefix', 'lease', 'timeout'])
  if (!/^[\w.:-]+$/.test(prefix)) throw new TypeError('prefix must be of letters, digits and ._:-')
  if (lease !== undefined && !isLease(lease)) {
    throw new TypeError(`lease must be whole milliseconds, from 0 to ${LONGEST}`)
  }
  checkTimeout(timeout)
  const create = typeof source === 'string' ? await connectionsTo(source, timeout) : connectionsLike(source, timeout)
  const names = namesUnder(prefix)
  const connection = connectionBy(create, timeout)
  try {
    const [schema, kept] = (await connection.run(open, [names.meta], { lease: String(lease ?? LEASE) })) as readonly [
      string | null,
      string | null,
    ]
    const stored = leaseOf(schema, kept)
    if (lease !== undefined && lease !== stored) {
      throw new Error(`the database has a lease of ${stored} ms, and ${lease} ms were asked for`)
    }
    const listening = stored > 0 ? changeFeed(create, connection, names, { lease: stored, timeout }) : undefined
    return redisStore(connection, names, stored, listening?.feed, async () => {
      listening?.close()
      await connection.close()
    })
  } catch (error) {
    await connection.close()
    throw error
  }
}

function isLease(lease: number): boolean {
  return Number.isInteger(lease) && lease >= 0 && lease <= LONGEST
}

function leaseOf(schema: string | null, kept: string | null): number {
  if (schema !== SCHEMA) {
    throw new Error(`the store has schema version ${schema}, and this version of Latchkey knows ${SCHEMA}`)
  }
  const lease = /^\d+$/.test(kept ?? '') ? Number(kept) : Number.NaN
  if (!isLease(lease)) throw new Error('the lease that the store keeps is damaged')
  return lease
}

/** Of every connection: a question is asked now or not at all, and what breaks is replaced, not repaired. */
function settings(timeout: number, socket: object = {}): object {
  return {
    RESP: 3,
    disableOfflineQueue: true,
    commandsQueueMaxLength: 0,
    commandOptions: { timeout: 0 },
    maintNotifications: 'disabled',
    clientSideCache: undefined,
    emitInvalidate: false,
    pingInterval: 0,
    socket: { ...socket, reconnectStrategy: false, connectTimeout: timeout },
  }
}

async function connectionsTo(url: string, timeout: number): Promise<() => RedisConnection> {
  if (!/^rediss?:\/\//.test(url)) throw noUrl()
  const { createClient } = await import('redis')
  const create = () => createClient({ url, ...settings(timeout) })
  try {
    create().destroy()
  } catch {
    // Its error holds the URL.
    throw noUrl()
  }
  return create
}

/** The driver leaves what it does not know of a URL alone. */
function prefixIn(source: unknown): string | undefined {
  if (typeof source !== 'string' || !URL.canParse(source)) return undefined
  return new URL(source).searchParams.get('prefix') ?? undefined
}

function noUrl(): TypeError {
  return new TypeError('source must be a URL that begins with redis:// or rediss://')
}

function connectionsLike(client: RedisClient, timeout: number): () => RedisConnection {
  if (typeof client?.duplicate !== 'function') throw new TypeError("source must be a URL, or a client of node-redis's")
  return () => client.duplicate(settings(timeout, client.options.socket))
}
