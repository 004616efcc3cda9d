import {
  type Anonymous,
  type AnyAuth,
  type Auth,
  type AuthenticateOptions,
  type AuthorizeOptions,
  type Awaitable,
  type Denied,
  type Fields,
  guard,
  type Host,
  isPromise,
  type Outcome,
  type PrincipalOf,
} from '@latchkey/core'
import { rawFields, setAllowedHeaders, whenAnswered, whenEnded } from '@latchkey/core/node'
import type { Context, Middleware } from 'koa'

export type { AnyAuth, Auth, AuthenticateOptions, AuthorizeOptions, Denied } from '@latchkey/core'
export { principalOf } from '@latchkey/core'

/** The state of an app behind `authenticate(auth)`: it types `ctx.state.auth`. */
export interface AuthState<A extends AnyAuth> {
  auth: PrincipalOf<A>
}

/**
 * Middleware that proves who a request belongs to and admits the account: plan, feature, rate limits. A denial is
 * answered as the contract documents, before the body is read and before anything behind it runs. The principal is then
 * in `ctx.state.auth`, for reading; `principalOf` is the access that other middleware cannot write.
 *
 * Does not check permissions or resources: see `requires`.
 *
 * @throws TypeError when the options name what the contract does not know, as the app is put together.
 */
export function authenticate<Plan extends string, Permission extends string, Feature extends string, P>(
  auth: Auth<Plan, Permission, Feature, P>,
  options?: AuthenticateOptions<NoInfer<Plan>, NoInfer<Feature>>,
): Middleware {
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
  options: AuthorizeOptions<NoInfer<Plan>, NoInfer<Permission>, NoInfer<Feature>, NoInfer<P>, Context>,
): Middleware {
  return middleware(auth, (auth) => auth.authorizer(options, HOST))
}

const HOST: Host<Context> = {
  // Not `ctx.ip`: it is what the app's `proxy` says, and hops are counted here.
  peerOf: (ctx) => ctx.req.socket.remoteAddress,
  onEnd: (ctx, ended) => whenEnded(ctx.res, ended),
  onAnswer: (ctx, answered) => whenAnswered(ctx.res, ctx, routeOf, answered),
}

/** As `@koa/router` tells it. Koa itself has no routes. */
function routeOf({ method, _matchedRoute: pattern }: Context): string | undefined {
  return pattern === undefined ? undefined : `${method} ${String(pattern)}`
}

/** Answers with the contract's answer to a denial that a handler got from `auth.check`. */
export function deny(auth: AnyAuth, ctx: Context, denied: Denied): void {
  const { status, headers, body } = auth.render(denied, rawFields(ctx.req))
  // Set, not thrown: Koa's error handler drops all header fields and answers in plain text. And not `ctx.type`: it would
  // add a charset.
  ctx.status = status
  ctx.set(headers)
  ctx.body = body
}

function middleware(
  auth: AnyAuth,
  make: (auth: AnyAuth) => (request: Context, fields: Fields) => Awaitable<Outcome<unknown> | Anonymous>,
): Middleware {
  const guarded = guard(auth, make)
  return async (ctx, next) => {
    const decided = guarded(ctx, rawFields(ctx.req))
    const { denied, principal, headers } = isPromise(decided) ? await decided : decided
    if (principal !== undefined) ctx.state.auth = principal
    if (headers !== undefined) setAllowedHeaders(ctx.res, headers)
    if (denied !== undefined) return deny(auth, ctx, denied)
    return next()
  }
}
