import { attempt } from './attempt.ts'
import { type Awaitable, chain } from './awaitable.ts'
import { type IdentityVerifier, identityVerifier } from './identity.ts'
import { type Denied, isDenied, tokenInvalid } from './outcome.ts'
import type { ParsedToken } from './parse-token.ts'
import type { Principal } from './principal.ts'
import type { Proving } from './proving.ts'
import { isText } from './record.ts'
import type { SeenTokens } from './seen-tokens.ts'

/** Makes the function that proves a token of an identity provider: issuer → verify → subject → account → permissions. */
export function identityProver(
  { contract, accountsById, timeout }: Proving,
  seen: SeenTokens | undefined,
): (token: ParsedToken, text: string, now: number) => Promise<Principal | Denied> {
  const { identity: providers = [], permissions: ofContract = {} } = contract
  const verifiers = providers.map((provider) => identityVerifier(provider, timeout))

  /** Whom a token means that holds. That is found anew for each request: the callbacks and accounts are the application's. */
  function identify({ provider }: IdentityVerifier, claims: ParsedToken['claims']): Awaitable<Principal | Denied> {
    const { sub: subject } = claims
    if (typeof subject !== 'string' || subject === '') return tokenInvalid('subject')
    const { issuer, accountId = () => subject, permissions = scopesOf } = provider
    // What they throw is no reason to let anybody in, nor the caller's fault.
    const id = attempt(() => chain(accountId(claims), textOf), timeout)
    const found = chain(id, (id) => (id === undefined || isDenied(id) ? id : accountsById.find(id)))
    return chain(found, (account) => {
      if (isDenied(account)) return account
      if (account === undefined) return tokenInvalid('subject')
      return chain(
        attempt(() => chain(permissions(claims), knownOf), timeout),
        (known): Principal | Denied =>
          isDenied(known)
            ? known
            : { via: 'identity', account, plan: account.plan, permissions: known, issuer, subject, claims },
      )
    })
  }

  // Only names that the contract knows: a wildcard is ours to give, not a provider's.
  function knownOf(permissions: unknown): readonly string[] {
    return Array.isArray(permissions) ? permissions.filter(isKnown) : []
  }

  function isKnown(permission: unknown): permission is string {
    return typeof permission === 'string' && Object.hasOwn(ofContract, permission) && !permission.endsWith('*')
  }

  return async (token, text, now) => {
    // What is remembered holds these alone: the rest of the token holds its text, which works for who has it.
    const { claims } = token
    // What the token says of its issuer chooses who checks it; that one then checks that it is so.
    const verifier = verifiers.find(({ provider }) => provider.issuer === claims.iss)
    if (verifier === undefined) return tokenInvalid('issuer')
    const hold = await verifier.verify(text, token, now)
    if (isDenied(hold)) return hold
    if (seen?.mark(text) === true) {
      seen.keep(text, (now) => (verifier.isStill(hold, now) ? identify(verifier, claims) : undefined))
    }
    return identify(verifier, claims)
  }
}

/** A claim may be anything, whatever a callback's type says of it: only a text that can be an id names an account. */
function textOf(value: unknown): string | undefined {
  return isText(value) ? value : undefined
}

function scopesOf({ scope }: Readonly<Record<string, unknown>>): readonly string[] {
  return typeof scope === 'string' ? scope.split(' ') : []
}
