import type { KeyStore } from '@latchkey/core'
import { openPostgres, openSqlite } from '@latchkey/store-sql'

/** The store at `sqlite:PATH` or `postgres://…`. */
export function openStore(url: string, options: { readonly lease?: number } = {}): Promise<KeyStore> {
  return url.startsWith('sqlite:') ? openSqlite(url.slice('sqlite:'.length), options) : openPostgres(url, options)
}
