import type { KeyStore } from '@latchkey/core'
import { openPostgres, openSqlite } from '@latchkey/store-sql'

/** The store at `sqlite:PATH` or `postgres://…`. */
export function openStore(url: string): Promise<KeyStore> {
  return url.startsWith('sqlite:') ? openSqlite(url.slice('sqlite:'.length)) : openPostgres(url)
}
