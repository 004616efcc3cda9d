import type { RequestListener } from 'node:http'
import Router from '@koa/router'
import type { Answer } from '@latchkey/core'
import { authenticate, principalOf, requires } from '@latchkey/koa'
import Koa, { type Context } from 'koa'
import mount from 'koa-mount'
import { answerOf, encode, type Page, type Service, textOf } from '../service.ts'
import { NOWHERE, queryOf } from './shared.ts'

export function koaListener(services: readonly Service[]): RequestListener {
  const app = new Koa()
  // Bugs are logged below; what is left for Koa to print is clients that hang up.
  app.silent = true
  for (const service of services) app.use(mount(service.prefix, serviceApp(service)))
  app.use((ctx) => send(ctx, NOWHERE))
  return app.callback()
}

function serviceApp(service: Service): Koa {
  const { auth, mount: mounted, routes, ownGuard = [], errors, headers } = service
  const app = new Koa()
  app.use(async (ctx, next) => {
    try {
      await next()
    } catch (error) {
      console.error(error)
      send(ctx, errors.internal_error)
    }
  })
  if (headers !== undefined) {
    app.use((ctx, next) => {
      ctx.set(headers())
      return next()
    })
  }
  app.use(routerOf(ownGuard, (router, route) => router.all(route.path, (ctx) => handle(ctx, service, route))))
  app.use(authenticate(auth, mounted))
  app.use(
    routerOf(routes, (router, route) => {
      const { resource } = route
      const guard = requires(auth, {
        ...route.requires,
        ...(resource && { resource: (principal, ctx) => resource(principal, parametersOf(ctx)) }),
      })
      router.register(route.path, [route.method], [guard, (ctx) => handle(ctx, service, route)])
    }),
  )
  app.use((ctx) => send(ctx, errors.not_found))
  return app
}

function routerOf<R extends Page>(routes: readonly R[], add: (router: Router, route: R) => void): Koa.Middleware {
  // `/V1/ME` and `/v1/me/` are not `/v1/me`, as on Hono.
  const router = new Router({ sensitive: true, strict: true })
  for (const route of routes) add(router, route)
  return router.routes() as Koa.Middleware
}

async function handle(ctx: Context, service: Service, route: Page): Promise<void> {
  const answer = await answerOf(service, route, {
    method: ctx.method,
    principal: principalOf(service.auth, ctx, { optional: true }),
    parameters: parametersOf(ctx),
    query: queryOf(ctx.originalUrl),
    header: (name) => ctx.get(name) || undefined,
    settle: (actual) => service.auth.settle(ctx, actual),
    text: () => textOf(ctx.req),
  })
  send(ctx, answer)
}

function parametersOf(ctx: Context): Record<string, string | undefined> {
  return ctx.params ?? {}
}

function send(ctx: Context, answer: Answer): void {
  const { status, headers, body } = encode(answer)
  ctx.status = status
  // Not `ctx.type`: it would add a charset.
  ctx.set({ ...headers })
  ctx.body = body
}
