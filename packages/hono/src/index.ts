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
  type PrincipalOf,
} from '@latchkey/core'
import { rawFields } from '@latchkey/core/node'
import type { Context, MiddlewareHandler } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { onAnswer, onEnd, ownEnding } from './ending.ts'
import { completeHeaders, setHeaders } from './head.ts'
import { incomingOf } from './node-server.ts'

export type { AnyAuth, Auth, AuthenticateOptions, AuthorizeOptions, Denied } from '@latchkey/core'
export { principalOf } from '@latchkey/core'

/** The environment of an app behind `authenticate(auth)`: it types `c.var.auth`. */
export interface AuthEnv<A extends AnyAuth> {
  Variables: { auth: PrincipalOf<A> }
}

interface PrincipalEnv<P> {
  Variables: { auth: P }
}

/** Where a client's address comes from. */
export interface AddressOptions {
  /**
   * The address of who is connected, where it is not Node's server that knows: on Workers
   * `(c) => c.req.header('CF-Connecting-IP')`. Default: of Node's socket. A promise is not waited for: where something is counted
   * by address, the request is a TypeError.
   */
  readonly clientIp?: (c: Context) => string | undefined
}

/** An auth, or on Workers, where bindings arrive with the request, how to get it: one for each `env`, not each request. */
export type AuthSource<A> = A | ((c: Context) => A)

/**
 * Middleware that proves who a request belongs to and admits the account: plan, feature, rate limits. A denial is
 * answered as the contract documents, before the body is read and before anything behind it runs. The principal is then
 * in `c.var.auth`, for reading; `principalOf` is the access that other middleware cannot write.
 *
 * Does not check permissions or resources: see `requires`.
 *
 * @throws TypeError when the options name what the contract does not know, as the app is put together.
 */
export function authenticate<Plan extends string, Permission extends string, Feature extends string, P>(
  auth: AuthSource<Auth<Plan, Permission, Feature, P>>,
  options?: AuthenticateOptions<NoInfer<Plan>, NoInfer<Feature>> & AddressOptions & { readonly optional?: false },
): MiddlewareHandler<PrincipalEnv<P>>
/** With `optional` the principal may be absent, and `c.var.auth` says so. */
export function authenticate<Plan extends string, Permission extends string, Feature extends string, P>(
  auth: AuthSource<Auth<Plan, Permission, Feature, P>>,
  options?: AuthenticateOptions<NoInfer<Plan>, NoInfer<Feature>> & AddressOptions,
): MiddlewareHandler<PrincipalEnv<P | undefined>>
export function authenticate(
  auth: AuthSource<AnyAuth>,
  { clientIp, ...options }: AuthenticateOptions & AddressOptions = {},
): MiddlewareHandler {
  return middleware(auth, (auth) => auth.authenticator(options, hostOf(clientIp)))
}

/**
 * Middleware that authorizes a route: permission, resource, cost. Behind `authenticate(auth)` it takes the principal that
 * was proven there; without it it authenticates by itself, so that a forgotten mount stays closed.
 *
 * @throws TypeError when the options name what the contract does not know, as the app is put together.
 */
export function requires<Plan extends string, Permission extends string, Feature extends string, P>(
  auth: AuthSource<Auth<Plan, Permission, Feature, P>>,
  options: AuthorizeOptions<NoInfer<Plan>, NoInfer<Permission>, NoInfer<Feature>, NoInfer<P>, Context> & AddressOptions,
): MiddlewareHandler<PrincipalEnv<P>> {
  const { clientIp, ...requirement } = options ?? {}
  // Left out it is no requirement, which is a mistake.
  return middleware(auth, (auth) => auth.authorizer(options && requirement, hostOf(clientIp)))
}

/** @throws TypeError when `clientIp` is no function. */
function hostOf(clientIp: AddressOptions['clientIp']): Host<Context> {
  if (clientIp !== undefined && typeof clientIp !== 'function') throw new TypeError('clientIp must be a function')
  return { peerOf: clientIp ?? ((c) => incomingOf(c)?.socket?.remoteAddress), onEnd, onAnswer }
}

/** The contract's answer to a denial that a handler got from `auth.check`. */
export function deny(auth: AnyAuth, c: Context, denied: Denied): Response {
  const { status, headers, body } = auth.render(denied, fieldsOf(c))
  // Not `new Response`: `c.body` keeps what earlier middleware has set, such as CORS fields.
  return c.body(body, status as ContentfulStatusCode, { ...headers })
}

type Decide<P> = (request: Context, fields: Fields) => Awaitable<Outcome<P> | Anonymous>

function middleware<A extends AnyAuth>(
  source: AuthSource<A>,
  make: (auth: A) => Decide<PrincipalOf<A>>,
): MiddlewareHandler<PrincipalEnv<PrincipalOf<A>>> {
  const guardOf = memoised(source, (auth) => guard(auth, make))
  return async (c, next) => {
    const auth = typeof source === 'function' ? source(c) : source
    let guarded: Guarded<PrincipalOf<A>>
    try {
      const decided = guardOf(auth)(c, fieldsOf(c))
      guarded = isPromise(decided) ? await decided : decided
    } catch (error) {
      // A rule of the application's has thrown: what was taken before it is given back.
      ownEnding(c)?.failed()
      throw error
    }
    const { denied, principal, headers } = guarded
    if (principal !== undefined) c.set('auth', principal)
    if (headers !== undefined) setHeaders(c, headers)
    const ending = ownEnding(c)
    if (denied !== undefined) {
      const answer = deny(auth, c, denied)
      ending?.denied(answer.status)
      return answer
    }
    try {
      await next()
    } catch (error) {
      ending?.failed()
      throw error
    }
    if (headers !== undefined) completeHeaders(c, headers)
    ending?.answered()
  }
}

// On Node the raw lines say what the joined fields cannot: that lines were dropped.
function fieldsOf(c: Context): Fields {
  const incoming = incomingOf(c)
  return incoming === undefined ? c.req.raw.headers : rawFields(incoming)
}

/** Options are checked once: now if the auth is here, else when each auth is first seen. */
function memoised<A extends AnyAuth, T>(source: AuthSource<A>, make: (auth: A) => T): (auth: A) => T {
  if (typeof source !== 'function') {
    const only = make(source)
    return () => only
  }
  const made = new WeakMap<A, T>()
  return (auth) => {
    const known = made.get(auth)
    if (known !== undefined) return known
    const first = make(auth)
    made.set(auth, first)
    return first
  }
}
