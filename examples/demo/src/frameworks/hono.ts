import type { RequestListener } from 'node:http'
import { getRequestListener, type HttpBindings } from '@hono/node-server'
import type { AnyAuth } from '@latchkey/core'
import { type AuthEnv, authenticate, principalOf, requires } from '@latchkey/hono'
import { type Context, Hono } from 'hono'
import type { ContentfulStatusCode, StatusCode } from 'hono/utils/http-status'
import { answerOf, encode, type Page, type Service, textOf } from '../service.ts'
import { NOWHERE, pathOf, queryOf } from './shared.ts'

type Env = AuthEnv<AnyAuth> & { Bindings: HttpBindings }

export function honoListener(services: readonly Service[]): RequestListener {
  // Routes are matched against the path as it was sent, as Express and Koa do; Hono alone would resolve `..` and `%61`.
  const app = new Hono<Env>({ getPath: (_request, options) => pathOf(options?.env?.incoming.url ?? '/') })
  for (const service of services) app.route(service.prefix, serviceApp(service))
  app.notFound((c) => send(c, NOWHERE))
  return getRequestListener(app.fetch, { hostname: 'localhost' })
}

function serviceApp(service: Service): Hono<Env> {
  const { auth, mount, routes, ownGuard = [], errors, headers } = service
  const app = new Hono<Env>()
  if (headers !== undefined) {
    app.use((c, next) => {
      for (const [name, value] of Object.entries(headers())) c.header(name, value)
      return next()
    })
  }
  for (const route of ownGuard) app.all(route.path, (c) => handle(c, service, route))
  app.use(authenticate(auth, mount))
  for (const route of routes) {
    const { resource } = route
    const guard = requires(auth, {
      ...route.requires,
      ...(resource && { resource: (principal, c) => resource(principal, c.req.param()) }),
    })
    app.on(route.method, route.path, guard, (c) => handle(c, service, route))
  }
  app.all('*', (c) => send(c, errors.not_found))
  app.onError((error, c) => {
    console.error(error)
    return send(c, errors.internal_error)
  })
  return app
}

async function handle(c: Context<Env>, service: Service, route: Page): Promise<Response> {
  const answer = await answerOf(service, route, {
    method: c.req.method,
    principal: principalOf(service.auth, c, { optional: true }),
    parameters: c.req.param(),
    query: queryOf(c.env.incoming.url),
    header: (name) => c.req.header(name),
    settle: (actual) => service.auth.settle(c, actual),
    text: () => textOf(c.req.raw.body),
  })
  return send(c, answer)
}

function send(c: Context<Env>, answer: Parameters<typeof encode>[0]): Response {
  const { status, headers, body } = encode(answer)
  const fields = { ...headers }
  return body === null
    ? c.body(null, status as StatusCode, fields)
    : c.body(body, status as ContentfulStatusCode, fields)
}
