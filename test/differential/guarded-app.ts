/** A small app with mounted routers, guarded as the adapters' documentation shows, on each framework and major. */
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import KoaRouter from '@koa/router'
import { problemDetails } from '@latchkey/contracts'
import { type Auth, createAuth, manageKeys, memoryStore, principalOf } from '@latchkey/core'
import * as forExpress from '@latchkey/express'
import * as forHono from '@latchkey/hono'
import * as forKoa from '@latchkey/koa'
import express5 from 'express'
import express4 from 'express-4'
import { Hono } from 'hono'
import Koa3 from 'koa'
import Koa2 from 'koa-2'
import mount from 'koa-mount'

type Plan = 'free' | 'pro'
type Permission = 'read' | 'write' | 'admin'
type AppAuth = Auth<Plan, Permission, never>

const contract = problemDetails({
  name: 'guarded',
  plans: ['free', 'pro'],
  permissions: { read: [], write: [], admin: [] },
})

/** Whose request it is. `reader` lacks `write` and `admin`; `free` has every permission, but not the plan. */
export const CALLERS = ['none', 'reader', 'free', 'good'] as const
export type Caller = (typeof CALLERS)[number]

interface Needs {
  readonly plan?: 'pro'
  readonly permission?: Permission
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Below its mount. */
  readonly path: string
  readonly needs: Needs
}

/** Behind `authenticate(auth)` on the mount. */
const API: readonly Route[] = [
  { method: 'GET', path: '/open', needs: {} },
  { method: 'POST', path: '/open', needs: {} },
  { method: 'GET', path: '/reports/:id', needs: { permission: 'write' } },
  { method: 'DELETE', path: '/reports/:id', needs: { permission: 'admin' } },
  { method: 'POST', path: '/render', needs: { plan: 'pro', permission: 'write' } },
]
/** In a router of its own, mounted with `requires(auth, { permission: 'admin' })`. */
const ADMIN: readonly Route[] = [{ method: 'GET', path: '/users', needs: { permission: 'admin' } }]
/** In a router of its own, mounted with `authenticate(auth, { plan: 'pro' })`. */
const PRO: readonly Route[] = [{ method: 'GET', path: '/stats', needs: { plan: 'pro' } }]
/** Nobody mounted `authenticate`: `requires` has to do it. */
const BARE: readonly Route[] = [{ method: 'GET', path: '/thing', needs: { permission: 'write' } }]

/** By their whole path, for everybody who wants to reach them. */
export const ROUTES: readonly Route[] = [
  ...API.map((route) => ({ ...route, path: `/api${route.path}` })),
  ...ADMIN.map((route) => ({ ...route, path: `/api/admin${route.path}` })),
  ...PRO.map((route) => ({ ...route, path: `/api/pro${route.path}` })),
  ...BARE.map((route) => ({ ...route, path: `/bare${route.path}` })),
]

/** A handler that ran. */
export interface Call {
  /** `undefined`: the public route. */
  readonly route: Route | undefined
  /** The key's name as the auth proved it; `none` where nothing was proven. */
  readonly caller: string
}

export interface App {
  readonly port: number
  /** Every handler that ran since the last `calls.splice(0)`. */
  readonly calls: Call[]
  close(): void
}

export interface Keys {
  readonly auth: AppAuth
  readonly texts: Readonly<Record<Exclude<Caller, 'none'>, string>>
}

export async function makeKeys(): Promise<Keys> {
  const store = memoryStore()
  const plans: readonly Plan[] = ['free', 'pro']
  store.insertAll({
    accounts: plans.map((plan) => ({ id: plan, plan, status: 'active', email: null, metadata: {} })),
    keys: [],
  })
  const { create } = manageKeys({ contract, store, by: 'test' })
  const issue = async (name: string, accountId: Plan, permissions: Permission[]) =>
    (await create({ accountId, name, permissions })).secret ?? ''
  const texts = {
    reader: await issue('reader', 'pro', ['read']),
    free: await issue('free', 'free', ['read', 'write', 'admin']),
    good: await issue('good', 'pro', ['read', 'write', 'admin']),
  }
  return { auth: createAuth({ contract, store }), texts }
}

/** What a handler does: counts itself and answers whose request it was. */
type Handle = (route: Route | undefined, request: object) => string

const FIELDS = { 'Content-Type': 'application/json' }

function honoListener(auth: AppAuth, handle: Handle): Hono {
  const { authenticate, requires } = forHono
  const routed = (app: Hono, routes: readonly Route[]) => {
    for (const route of routes) {
      const answer = (c: object & { body(text: string, status: 200, fields: Record<string, string>): Response }) =>
        c.body(handle(route, c), 200, FIELDS)
      if (Object.keys(route.needs).length === 0) app.on(route.method, route.path, answer)
      else app.on(route.method, route.path, requires(auth, route.needs), answer)
    }
    return app
  }
  const admin = new Hono().use(requires(auth, { permission: 'admin' })) as unknown as Hono
  const pro = new Hono().use(authenticate(auth, { plan: 'pro' })) as unknown as Hono
  const api = new Hono().use(authenticate(auth)) as unknown as Hono
  routed(api, API)
    .route('/admin', routed(admin, ADMIN))
    .route('/pro', routed(pro, unguarded(PRO)))
  const app = new Hono()
  app.get('/public/*', (c) => c.body(handle(undefined, c), 200, FIELDS))
  app.route('/api', api).route('/bare', routed(new Hono(), BARE))
  return app
}

function expressListener(express: typeof express5, auth: AppAuth, handle: Handle): RequestListener {
  const { authenticate, requires } = forExpress
  const routed = (router: express5.Router, routes: readonly Route[]) => {
    for (const route of routes) {
      const guards = Object.keys(route.needs).length === 0 ? [] : [requires(auth, route.needs)]
      const method = route.method.toLowerCase() as 'get' | 'post' | 'delete'
      router[method](route.path, ...guards, (req, res) => {
        const body = handle(route, req)
        res.writeHead(200, { ...FIELDS, 'Content-Length': body.length }).end(body)
      })
    }
    return router
  }
  const admin = routed(express.Router().use(requires(auth, { permission: 'admin' })), ADMIN)
  const pro = routed(express.Router().use(authenticate(auth, { plan: 'pro' })), unguarded(PRO))
  const api = routed(express.Router().use(authenticate(auth)), API)
  api.use('/admin', admin).use('/pro', pro)
  const app = express()
  app.disable('x-powered-by')
  app.use('/public', (req, res) => {
    res.setHeader('Content-Type', 'application/json')
    res.end(handle(undefined, req))
  })
  app.use('/api', api).use('/bare', routed(express.Router(), BARE))
  // Express writes errors of its own (a path that cannot be decoded) to standard error otherwise.
  app.set('env', 'test')
  return app
}

function koaListener(Koa: typeof Koa3, auth: AppAuth, handle: Handle): RequestListener {
  const { authenticate, requires } = forKoa
  const routed = (app: Koa3, routes: readonly Route[]) => {
    const router = new KoaRouter()
    for (const route of routes) {
      const guards = Object.keys(route.needs).length === 0 ? [] : [requires(auth, route.needs)]
      router.register(
        route.path,
        [route.method],
        [
          ...guards,
          (ctx: Koa3.Context) => {
            ctx.set(FIELDS)
            ctx.body = handle(route, ctx)
          },
        ],
      )
    }
    return app.use(router.routes() as Koa3.Middleware)
  }
  const admin = routed(new Koa().use(requires(auth, { permission: 'admin' })), ADMIN)
  const pro = routed(new Koa().use(authenticate(auth, { plan: 'pro' })), unguarded(PRO))
  const api = routed(new Koa().use(authenticate(auth)), API)
  api.use(mount('/admin', admin)).use(mount('/pro', pro))
  const app = new Koa()
  app.silent = true
  app.use(
    mount('/public', (ctx) => {
      ctx.set(FIELDS)
      ctx.body = handle(undefined, ctx)
    }),
  )
  app.use(mount('/api', api)).use(mount('/bare', routed(new Koa(), BARE)))
  return app.callback()
}

/** Routes whose mount asks for all that they need. */
function unguarded(routes: readonly Route[]): Route[] {
  return routes.map((route) => ({ ...route, needs: {} }))
}

const SERVERS = {
  // `hostname` is for HTTP/1.0, where no `Host` is fine.
  hono: (auth, handle) =>
    createAdaptorServer({ fetch: honoListener(auth, handle).fetch, hostname: 'localhost' }) as Server,
  'express 5': (auth, handle) => createServer(expressListener(express5, auth, handle)),
  'express 4': (auth, handle) => createServer(expressListener(express4, auth, handle)),
  'koa 3': (auth, handle) => createServer(koaListener(Koa3, auth, handle)),
  'koa 2': (auth, handle) => createServer(koaListener(Koa2, auth, handle)),
} satisfies Record<string, (auth: AppAuth, handle: Handle) => Server>

export type Framework = keyof typeof SERVERS
export const FRAMEWORKS = Object.keys(SERVERS) as Framework[]

export async function startApp(framework: Framework, auth: AppAuth): Promise<App> {
  const calls: Call[] = []
  const server = SERVERS[framework](auth, (route, request) => {
    const principal = principalOf(auth, request, { optional: true })
    const caller = principal !== undefined && 'key' in principal ? principal.key.name : 'none'
    calls.push({ route: wholeRoute(route), caller })
    return JSON.stringify({ caller })
  })
  // No line is dropped in silence, so that every line of a test counts.
  server.maxHeadersCount = 0
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    calls,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

function wholeRoute(route: Route | undefined): Route | undefined {
  if (route === undefined) return undefined
  const found = ROUTES.find((whole) => whole.method === route.method && whole.path.endsWith(route.path))
  if (found === undefined) throw new Error(`no route ends in ${route.path}`)
  return found
}

/** What is answered to this caller, if the request reaches the route. */
export function statusFor(caller: Caller, { needs }: Route): number {
  if (caller === 'none') return 401
  if (caller === 'free' && needs.plan === 'pro') return 403
  if (caller === 'reader' && needs.permission !== undefined && needs.permission !== 'read') return 403
  return 200
}
