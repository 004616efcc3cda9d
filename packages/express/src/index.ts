import {
  type Anonymous,
  type AnyAuth,
  type Auth,
  type AuthenticateOptions,
  type AuthorizeOptions,
  type Awaitable,
  type Denied,
  type Fields,
  type Guarded,
  guard,
  type Host,
  isPromise,
  type Outcome,
} from '@latchkey/core'
import { rawFields, setAllowedHeaders, whenAnswered, whenEnded, writeRendered } from '@latchkey/core/node'
import type { NextFunction, Request, RequestHandler, Response } from 'express'

export type { AnyAuth, Auth, AuthenticateOptions, AuthorizeOptions, Denied } from '@latchkey/core'
export { principalOf } from '@latchkey/core'

/**
 * Middleware that proves who a request belongs to and admits the account: plan, feature, rate limits. A denial is
 * answered as the contract documents, before the body is read and before anything behind it runs. The principal is then
 * in `req.auth`, for reading; `principalOf` is the access that other middleware cannot write.
 *
 * Does not check permissions or resources: see `requires`.
 *
 * @throws TypeError when the options name what the contract does not know, as the app is put together.
 */
export function authenticate<Plan extends string, Permission extends string, Feature extends string, P>(
  auth: Auth<Plan, Permission, Feature, P>,
  options?: AuthenticateOptions<NoInfer<Plan>, NoInfer<Feature>>,
): RequestHandler {
  return middleware(auth, (auth) => auth.authenticator(options, HOST))
}

/**
 * Middleware that authorizes a route: permission, resource, cost. Behind `authenticate(auth)` it takes the principal that
 * was proven there; without it it authenticates by itself, so that a forgotten mount stays closed.
 *
 * @throws TypeError when the options name what the contract does not know, as the app is put together.
 */
export function requires<Plan extends string, Permission extends string, Feature extends string, P>(
  auth: Auth<Plan, Permission, Feature, P>,
  options: AuthorizeOptions<NoInfer<Plan>, NoInfer<Permission>, NoInfer<Feature>, NoInfer<P>, Request>,
): RequestHandler {
  return middleware(auth, (auth) => auth.authorizer(options, HOST))
}

const HOST: Host<Request> = {
  // Not `req.ip`: it is what the app's `trust proxy` says, and hops are counted here.
  peerOf: (req) => req.socket.remoteAddress,
  onEnd: (req, ended) => req.res && whenEnded(req.res, ended),
  onAnswer: (req, answered) => req.res && whenAnswered(req.res, req, routeOf, answered),
}

/** Without where its router is mounted: of that Express tells what was asked for, not what was written. */
function routeOf({ method, route }: Request): string | undefined {
  return route && `${method} ${String(route.path)}`
}

/** Answers with the contract's answer to a denial that a handler got from `auth.check`. */
export function deny(auth: AnyAuth, res: Response, denied: Denied): void {
  // Not `res.json`: it would add a charset and an ETag.
  writeRendered(res, auth.render(denied, rawFields(res.req)))
}

function middleware(
  auth: AnyAuth,
  make: (auth: AnyAuth) => (request: Request, fields: Fields) => Awaitable<Outcome<unknown> | Anonymous>,
): RequestHandler {
  const guarded = guard(auth, make)
  return (req, res, next) => {
    const decided = guarded(req, rawFields(req))
    if (isPromise(decided)) decided.then((guarded) => respond(auth, guarded, req as object, res, next)).catch(next)
    else respond(auth, decided, req as object, res, next)
  }
}

function respond(
  auth: AnyAuth,
  { denied, principal, headers }: Guarded<unknown>,
  req: { auth?: unknown },
  res: Response,
  next: NextFunction,
): void {
  if (principal !== undefined) req.auth = principal
  if (headers !== undefined) setAllowedHeaders(res, headers)
  if (denied === undefined) next()
  else deny(auth, res, denied)
}
