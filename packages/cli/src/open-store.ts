import { type KeyStore, memoryStore } from '@latchkey/core'

const ACCEPTED = 'sqlite:PATH, postgres://…, redis://… or memory:'

/**
 * Opens the store that a URL names: `sqlite:PATH` (the file is made if it is not there), `postgres://…`, `redis://…`
 * (`rediss://…` with TLS), or `memory:`, which is gone with the process. Tables are made or brought up to date.
 *
 * Rejects with a TypeError when there is no such kind of store, and with the store's error when it does not open. Does
 * not repeat the URL: it may hold a password.
 */
export async function openStore(url: string): Promise<KeyStore> {
  switch (schemeOf(url)) {
    case 'memory':
      return memoryStore()
    case 'sqlite': {
      const { openSqlite } = await import('@latchkey/store-sql')
      return openSqlite(url)
    }
    case 'postgres':
    case 'postgresql': {
      const { openPostgres } = await import('@latchkey/store-sql')
      return openPostgres(url)
    }
    case 'redis':
    case 'rediss': {
      const { openRedis } = await import('@latchkey/store-redis')
      return openRedis(url)
    }
    default:
      throw new TypeError(`a store's URL must be ${ACCEPTED}`)
  }
}

/** The scheme of a URL in lower case, or nothing. */
export function schemeOf(url: string): string {
  return /^([a-z]+):/i.exec(url)?.[1]?.toLowerCase() ?? ''
}
