import type { AnyAuth, PrincipalOf } from './auth.ts'
import { type Awaitable, chain } from './awaitable.ts'
import type { Fields } from './credential.ts'
import type { Allowed, Anonymous, Denied, Outcome } from './outcome.ts'

/** What an adapter does with a decision: set what is there, then answer the denial or go on. */
export interface Guarded<P> {
  /** Answered instead of going on. */
  readonly denied: Denied | undefined
  /** For the place where the framework's users look; there when this guard was the first to prove it. */
  readonly principal: P | undefined
  /** The header fields that the answer starts with; once for each request, and again where a route has counted more. */
  readonly headers: Readonly<Record<string, string>> | undefined
}

/**
 * Makes a middleware's decision of one of `auth.authenticator` or `auth.authorizer`: the part that is the same on every
 * framework. The denial of a route (403, 404) is an answer to an authenticated request, so it has its fields too.
 *
 * @param make the authenticator or authorizer of the auth
 * @throws TypeError when the auth is none, and what `make` throws.
 */
export function guard<A extends AnyAuth, R extends object>(
  auth: A,
  make: (auth: A) => (request: R, fields: Fields) => Awaitable<Outcome<PrincipalOf<A>> | Anonymous>,
): (request: R, fields: Fields) => Awaitable<Guarded<PrincipalOf<A>>> {
  type P = PrincipalOf<A>
  if (typeof auth?.authenticator !== 'function') throw new TypeError('auth must be what createAuth returns')
  const decide = make(auth)
  return (request, fields) => {
    const before = auth.established(request)
    return chain(decide(request, fields), guarded, before, request)
  }

  function guarded(outcome: Outcome<P> | Anonymous, before: Allowed<P> | undefined, request: object): Guarded<P> {
    // What is neither allowed nor anonymous is denied, whatever it may be.
    const denied = outcome.kind === 'allowed' || outcome.kind === 'anonymous' ? undefined : outcome
    if (before !== undefined) return { denied, principal: undefined, headers: laterHeaders(outcome, before) }
    // A route's denial is one of somebody who was proven, perhaps a moment ago.
    const first = denied === undefined ? (outcome as Allowed<P> | Anonymous) : auth.established(request)
    return {
      denied,
      principal: first?.kind === 'allowed' ? first.principal : undefined,
      headers: first && auth.headersFor(first),
    }
  }

  // What a route has counted beside the mount stands in its own answer's fields.
  function laterHeaders(outcome: Outcome<P> | Anonymous, before: Allowed<P>) {
    return outcome.kind === 'allowed' && outcome.limits !== before.limits ? auth.limitHeadersFor(outcome) : undefined
  }
}
