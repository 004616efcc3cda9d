/** The header fields that an answer gets where there is no server of Node's. */
import { covers } from '@latchkey/core/node'
import type { Context } from 'hono'

const APPENDED = { append: true } as const

export function setHeaders(c: Context, headers: Readonly<Record<string, string>>): void {
  for (const name in headers) c.header(name, headers[name], name === 'Vary' ? APPENDED : undefined)
}

/**
 * A handler that returned a `Response` of its own has passed by the context's fields. What it set itself stays; only the
 * carriers are added to its `Vary`, because a cache that did not know of them would answer one caller for another.
 */
export function completeHeaders(c: Context, headers: Readonly<Record<string, string>>): void {
  // An error or an upgrade is no answer whose fields could be changed.
  if (c.res.status < 200) return
  const { headers: sent } = c.res
  for (const name in headers) {
    const value = headers[name] as string
    const present = sent.get(name)
    // Most answers are made of the context, and have it as it was set.
    if (present === value) continue
    if (present === null || (name === 'Vary' && !covers(present, value))) c.header(name, value, APPENDED)
  }
}
