/** What `@hono/node-server` has in the environment of a request: the objects of Node's own server. */
import type { rawFields, whenEnded } from '@latchkey/core/node'
import type { Context } from 'hono'

type Outgoing = Parameters<typeof whenEnded>[0]
type Incoming = Parameters<typeof rawFields>[0] & { readonly socket?: { readonly remoteAddress?: string } }

/** `undefined`: it is no server of Node's. */
export function incomingOf(c: Context): Incoming | undefined {
  const incoming: Partial<Incoming> | undefined = c.env?.incoming
  return Array.isArray(incoming?.rawHeaders) ? (incoming as Incoming) : undefined
}

/** `undefined`: it is no server of Node's. */
export function outgoingOf(c: Context): Outgoing | undefined {
  const outgoing: Partial<Outgoing> | undefined = c.env?.outgoing
  return typeof outgoing?.on === 'function' ? (outgoing as Outgoing) : undefined
}
