/**
 * The header fields that an answer gets. They stand in the context, although fields that Node's own answer is given take a
 * third of the time: what stands around the mount sees them there, a cache above all, which must not keep what is private.
 */
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

/** Whether a `Vary` names the carriers already. */
function covers(vary: string, carriers: string): boolean {
  const members = vary
    .toLowerCase()
    .split(',')
    .map((member) => member.trim())
  const wanted = carriers.toLowerCase().split(', ')
  return members.includes('*') || wanted.every((carrier) => members.includes(carrier))
}
