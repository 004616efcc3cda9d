import type { KeyStore } from '@latchkey/core'
import { openRedis } from '@latchkey/store-redis'
import { openPostgres, openSqlite } from '@latchkey/store-sql'

/** The store at `sqlite:PATH`, `postgres://…` or `redis://…`. */
export function openStore(
  url: string,
  options: { readonly lease?: number; readonly timeout?: number } = {},
): Promise<KeyStore> {
  if (url.startsWith('redis:')) return openRedis(url, options)
  return url.startsWith('sqlite:') ? openSqlite(url.slice('sqlite:'.length), options) : openPostgres(url, options)
}
