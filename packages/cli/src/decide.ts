import {
  type AnyContract,
  createAuth,
  type KeyRecord,
  type KeyStore,
  type MasterKey,
  type Outcome,
  type Principal,
} from '@latchkey/core'
import { Failure } from './failure.ts'
import type { Presented } from './presented.ts'

/** What a mount and a route would ask. */
export interface Asked {
  readonly plan?: string | undefined
  readonly feature?: string | undefined
  readonly permission?: string | undefined
  readonly cost?: number | undefined
}

export interface DecideOptions {
  readonly contract: AnyContract
  readonly store: KeyStore
  readonly pepper?: string
  readonly masterKey?: MasterKey
  readonly now: () => number
  readonly timeout: number
}

export interface Decision {
  readonly outcome: Outcome<Principal>
  /** Who it is, where that was proven: also of some who are denied. */
  readonly principal: Principal | undefined
  /** The key that it is about, where one is known. */
  readonly key: KeyRecord | undefined
  /** What the contract answers; status and body of an allowed request are the handler's. */
  readonly response: Response
}

interface Response {
  readonly status: number | null
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
}

/** Decides as a server with this contract and store would: the mount first, then the route. Does not note a use. */
export async function decide(options: DecideOptions, presented: Presented, asked: Asked): Promise<Decision> {
  const { store } = options
  let denied: Principal | undefined
  const auth = createAuth({
    ...options,
    // Without `recordUses`: that somebody has looked is no use of the key.
    store: {
      findByDigest: (service, digest) => store.findByDigest(service, digest),
      findSigningKey: (service, id) => store.findSigningKey(service, id),
      findAccount: (id) => store.findAccount(id),
    },
    on: {
      denied({ principal }) {
        if (principal?.via !== 'none') denied = principal
      },
    },
  })
  const { plan, feature, permission, cost } = asked
  const mount = auth.authenticator({ ...(plan !== undefined && { plan }), ...(feature !== undefined && { feature }) })
  const route = auth.authorizer({
    ...(permission !== undefined && { permission }),
    ...(cost !== undefined && { cost }),
  })

  const request = {}
  const admitted = await mount(request, presented.fields)
  const outcome = admitted.kind === 'allowed' ? await route(request, presented.fields) : admitted
  // Without `optional` nobody is anonymous; the type does not know.
  if (outcome.kind === 'anonymous') throw new Error('an anonymous request was let in')
  if (outcome.kind === 'allowed') {
    const { principal } = outcome
    const headers = auth.headersFor(outcome)
    return { outcome, principal, key: keyOf(principal), response: { status: null, headers, body: null } }
  }
  if (outcome.code === 'unavailable' && outcome.cause instanceof Failure) throw outcome.cause
  const { status, headers, body } = auth.render(outcome, presented.fields)
  const key = keyOf(denied) ?? (await findKey(options, presented, outcome))
  return { outcome, principal: denied, key, response: { status, headers, body: JSON.parse(body) } }
}

function keyOf(principal: Principal | undefined): KeyRecord | undefined {
  return principal === undefined || principal.via === 'identity' ? undefined : principal.key
}

/** The key that a denial is about: the one that it names, or that the token names. An unknown key has none. */
async function findKey(
  { store, contract }: DecideOptions,
  { kind, kid }: Presented,
  outcome: Outcome<Principal>,
): Promise<KeyRecord | undefined> {
  if (outcome.kind === 'allowed' || kind === 'identity' || outcome.code === 'unavailable') return undefined
  const named = outcome.code === 'revoked' || outcome.code === 'expired' ? outcome.keyId : undefined
  const id = named ?? (outcome.code === 'token_invalid' ? kid : undefined)
  return id === undefined ? undefined : (await store.findKey({ service: contract.name, id }))?.key
}
