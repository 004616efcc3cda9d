/** The same little guarded app on every framework. */
import { createServer, type Server as HttpServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import * as forExpress from '@latchkey/express'
import * as forKoa from '@latchkey/koa'
import express5 from 'express'
import express4 from 'express-4'
import Koa3 from 'koa'
import Koa2 from 'koa-2'
import { answerFor, honoApp, type Mount } from './hono-app.ts'
import { type Answer, type Ask, ask, askFetch } from './wire.ts'

export type { Mount }

export interface Server {
  ask(ask: Ask): Promise<Answer>
  /** `undefined` where there is no socket. */
  readonly port: number | undefined
  close(): void
}

export type Framework = (mounts: readonly Mount[]) => Promise<Server>

export const FRAMEWORKS = {
  'hono over a socket': (mounts) => listen(createAdaptorServer({ fetch: honoApp(mounts).fetch }) as HttpServer),
  'hono over fetch': async (mounts) => {
    const app = honoApp(mounts)
    return { port: undefined, ask: (request) => askFetch((it) => app.fetch(it), request), close() {} }
  },
  'express 5': (mounts) => listen(createServer(expressApp(express5, mounts))),
  'express 4': (mounts) => listen(createServer(expressApp(express4, mounts))),
  'koa 3': (mounts) => listen(createServer(koaApp(Koa3, mounts))),
  'koa 2': (mounts) => listen(createServer(koaApp(Koa2, mounts))),
} satisfies Record<string, Framework>

export const frameworks: [name: string, start: Framework][] = Object.entries(FRAMEWORKS)

/** Runs the app for as long as `use` takes. */
export async function serving<T>(
  start: Framework,
  mounts: readonly Mount[],
  use: (server: Server) => Promise<T>,
): Promise<T> {
  const server = await start(mounts)
  try {
    return await use(server)
  } finally {
    server.close()
  }
}

function expressApp(express: typeof express5, mounts: readonly Mount[]): RequestListener {
  const app = express()
  app.disable('x-powered-by')
  for (const mount of mounts) {
    app.use(mount.path, forExpress.authenticate(mount.auth, mount.authenticate))
    if (mount.requires) app.use(`${mount.path}/resource`, forExpress.requires(mount.auth, mount.requires))
    app.get(`${mount.path}/resource`, (req, res) => {
      if (mount.deny) return forExpress.deny(mount.auth, res, mount.deny)
      const { body, fields } = answerFor(mount, req)
      for (const [name, value] of Object.entries(fields)) res.setHeader(name, value)
      res.end(body)
    })
  }
  return app
}

function koaApp(Koa: typeof Koa3, mounts: readonly Mount[]): RequestListener {
  const app = new Koa()
  for (const mount of mounts) {
    const authenticate = forKoa.authenticate(mount.auth, mount.authenticate)
    const requires = mount.requires && forKoa.requires(mount.auth, mount.requires)
    app.use((ctx, next) => {
      if (!ctx.path.startsWith(`${mount.path}/`)) return next()
      const handle = async () => {
        if (ctx.path !== `${mount.path}/resource`) return
        if (mount.deny) return forKoa.deny(mount.auth, ctx, mount.deny)
        const { body, fields } = answerFor(mount, ctx)
        ctx.set(fields)
        ctx.body = body
      }
      return authenticate(ctx, () => (requires === undefined ? handle() : requires(ctx, handle)))
    })
  }
  return app.callback()
}

export async function listen(server: HttpServer): Promise<Server> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    ask: (request) => ask(port, request),
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}
