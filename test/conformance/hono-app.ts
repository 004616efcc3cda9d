/** The little guarded app on Hono, for every runtime: nothing here knows of a socket. */
import {
  type Access,
  type AnyAuth,
  type AuthenticateOptions,
  type Awaitable,
  type Denied,
  principalOf,
  type Requirement,
} from '@latchkey/core'
import { authenticate, deny, requires } from '@latchkey/hono'
import { Hono } from 'hono'

/** One guarded path: `GET <path>/resource`. */
export interface Mount {
  readonly path: string
  readonly auth: AnyAuth
  /** What the mount asks for. */
  readonly authenticate?: AuthenticateOptions
  /** What the route asks for, if it asks. */
  readonly requires?: Requirement & { readonly resource?: () => Awaitable<Access> }
  /** A denial that the handler found out for itself. */
  readonly deny?: Denied
  /** Fields that the handler sets on its own answer. */
  readonly fields?: Readonly<Record<string, string>>
}

/** What the handler answers: whose key it was. */
export function answerFor(mount: Mount, request: object): { body: string; fields: Record<string, string> } {
  const principal: unknown = principalOf(mount.auth, request, { optional: true })
  const key = (principal as { readonly key?: { readonly id: string } } | undefined)?.key
  const body = JSON.stringify({ key: key?.id ?? null })
  return { body, fields: { 'Content-Type': 'application/json', 'Content-Length': `${body.length}`, ...mount.fields } }
}

export function honoApp(mounts: readonly Mount[]): Hono {
  const app = new Hono()
  for (const mount of mounts) {
    app.use(`${mount.path}/*`, authenticate(mount.auth, mount.authenticate))
    if (mount.requires) app.use(`${mount.path}/resource`, requires(mount.auth, mount.requires))
    app.get(`${mount.path}/resource`, (c) => {
      if (mount.deny) return deny(mount.auth, c, mount.deny)
      const { body, fields } = answerFor(mount, c)
      return c.body(body, 200, fields)
    })
  }
  return app
}
