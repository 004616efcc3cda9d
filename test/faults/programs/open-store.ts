import type { KeyStore } from '@latchkey/core'
import { openRedis } from '@latchkey/store-redis'
import { openPostgres, openSqlite } from '@latchkey/store-sql'

/** The store at `sqlite:PATH`, `postgres://…` or `redis://…#PREFIX`. */
export function openStore(url: string, lease?: number): Promise<KeyStore> {
  const options = lease === undefined ? {} : { lease }
  if (url.startsWith('sqlite:')) return openSqlite(url.slice('sqlite:'.length), options)
  if (url.startsWith('postgres:')) return openPostgres(url, options)
  const [server = '', prefix = ''] = url.split('#')
  return openRedis(server, { ...options, prefix })
}
