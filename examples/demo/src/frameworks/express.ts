import type { RequestListener } from 'node:http'
import type { Answer } from '@latchkey/core'
import { authenticate, principalOf, requires } from '@latchkey/express'
import express, { type NextFunction, type Request, type Response, Router } from 'express'
import { answerOf, encode, type Page, type Service, textOf } from '../service.ts'
import { NOWHERE, queryOf } from './shared.ts'

export function expressListener(services: readonly Service[]): RequestListener {
  const app = express()
  app.disable('x-powered-by')
  // `/V1/ME` and `/v1/me/` are not `/v1/me`, as on Hono.
  app.enable('case sensitive routing')
  app.enable('strict routing')
  for (const service of services) app.use(service.prefix, serviceRouter(service))
  app.use((_req, res) => send(res, NOWHERE))
  return app
}

function serviceRouter(service: Service): Router {
  const { auth, mount, routes, ownGuard = [], errors, headers } = service
  const router = Router({ caseSensitive: true, strict: true })
  if (headers !== undefined) {
    router.use((_req, res, next) => {
      res.set(headers())
      next()
    })
  }
  for (const route of ownGuard) router.all(route.path, (req, res) => handle(req, res, service, route))
  router.use(authenticate(auth, mount))
  for (const route of routes) {
    const { resource } = route
    const guard = requires(auth, {
      ...route.requires,
      ...(resource && { resource: (principal, req) => resource(principal, parametersOf(req)) }),
    })
    const method = route.method.toLowerCase() as 'get' | 'post' | 'delete'
    router[method](route.path, guard, (req: Request, res: Response) => handle(req, res, service, route))
  }
  router.use((_req, res) => send(res, errors.not_found))
  router.use((error: unknown, _req: Request, res: Response, _next: NextFunction) => {
    console.error(error)
    send(res, errors.internal_error)
  })
  return router
}

async function handle(req: Request, res: Response, service: Service, route: Page): Promise<void> {
  const answer = await answerOf(service, route, {
    method: req.method,
    principal: principalOf(service.auth, req, { optional: true }),
    parameters: parametersOf(req),
    query: queryOf(req.originalUrl),
    header: (name) => req.get(name),
    settle: (actual) => service.auth.settle(req, actual),
    text: () => textOf(req),
  })
  send(res, answer)
}

function parametersOf(req: Request): Record<string, string | undefined> {
  return req.params as Record<string, string | undefined>
}

function send(res: Response, answer: Answer): void {
  const { status, headers, body } = encode(answer)
  res.statusCode = status
  // Not `res.set`: it would add a charset.
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value)
  res.end(body ?? undefined)
}
