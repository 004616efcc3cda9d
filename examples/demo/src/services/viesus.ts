import { viesus, viesusErrors } from '@latchkey/contracts'
import {
  type Answer,
  type AnyAuth,
  balanceOf,
  createAuth,
  issueKey,
  type KeyStore,
  type Limiter,
  type Principal,
} from '@latchkey/core'
import { buildSchema, GraphQLError } from 'graphql'
import { createHandler } from 'graphql-http'
import { type Call, jsonOf, provenBy, type Service } from '../service.ts'

const contract = viesus()
const GRAPHQL_RESPONSE = 'application/graphql-response+json'

const schema = buildSchema(`
  type Query {
    "The credits of this period; also the check that a key is valid."
    credits: Credits!
  }

  type Mutation {
    "Costs 1 credit."
    createEnhancedImage(imageUrl: String): EnhancedImage!
  }

  type Credits {
    remainingCreditsThisPeriod: Int!
    usedCreditsThisPeriod: Int!
    periodStart: String!
    periodEnd: String!
  }

  type EnhancedImage {
    id: ID!
  }
`)

export function viesusService(store: KeyStore, limiter: Limiter): Service {
  const auth = createAuth({ contract, store, limiter })
  const answer = graphqlServer(auth, limiter)
  return {
    prefix: '/viesus',
    auth,
    errors: viesusErrors,
    routes: [
      { method: 'GET', path: '/graphql', handle: answer },
      { method: 'POST', path: '/graphql', handle: answer },
    ],
  }
}

type Context = { readonly principal: Principal } & Record<PropertyKey, unknown>

function graphqlServer(auth: AnyAuth, limiter: Limiter) {
  const root = {
    async credits(_arguments: unknown, { principal }: Context) {
      const balance = await limiter.balance(balanceOf(contract.name, principal.account.id))
      return {
        remainingCreditsThisPeriod: balance?.remaining ?? 0,
        usedCreditsThisPeriod: balance?.used ?? 0,
        ...periodOf(new Date()),
      }
    },
    // The price of a field is known only here, so it is charged here: once for each time that the field is asked for.
    async createEnhancedImage(_arguments: unknown, { principal }: Context) {
      const outcome = await auth.check(principal, { cost: 1 })
      if (outcome.kind === 'denied') {
        const { errors } = JSON.parse(auth.render(outcome, { get: () => null }).body)
        throw new GraphQLError(errors[0].message, { extensions: errors[0].extensions })
      }
      return { id: crypto.randomUUID() }
    },
  }

  const handle = createHandler<Call, undefined, Context>({
    schema,
    rootValue: root,
    context: (request) => ({ principal: provenBy(request.raw) }),
  })

  return async (call: Call): Promise<Answer> => {
    const accept = call.header('accept')?.includes(GRAPHQL_RESPONSE) ? GRAPHQL_RESPONSE : 'application/json'
    const [body, { status, headers = {} }] = await handle({
      method: call.method === 'HEAD' ? 'GET' : call.method,
      url: `/graphql?${call.query}`,
      // Whatever the client says, the body is read as JSON.
      headers: { accept, 'content-type': 'application/json' },
      body: call.method === 'POST' ? await jsonOf(call) : null,
      raw: call,
      context: undefined,
    })
    // A mutation by GET has no body in graphql-http's answer; every answer of this API has the envelope.
    if (body === null) return { ...viesusErrors.bad_request, status, headers }
    const mediaType = headers['content-type']?.split(';')[0] ?? 'application/json'
    const result = JSON.parse(body)
    // An answer with errors may be a denial, and no cache keeps one.
    const noStore = result.errors === undefined ? {} : { 'Cache-Control': 'no-store' }
    return { status, headers: { 'Content-Type': mediaType, ...noStore }, body: result }
  }
}

export async function seedViesus(store: KeyStore, limiter: Limiter): Promise<Record<string, string>> {
  for (const [id, remaining] of [
    ['viesus_customer', 42],
    ['viesus_empty', 0],
  ] as const) {
    await store.insertAccount({ id, plan: 'cloud', status: 'active', email: null, metadata: {} })
    await limiter.setBalance(balanceOf(contract.name, id), { remaining, used: 50 - remaining })
  }
  const issue = (name: string, accountId = 'viesus_customer') => issueKey(store, contract, { accountId, name })
  const deleted = await issue('Deleted')
  await store.deleteKey(contract.name, deleted.key.id)
  return {
    live: (await issue('production')).text,
    live2: (await issue('staging')).text,
    deleted: deleted.text,
    zeroCredits: (await issue('empty', 'viesus_empty')).text,
  }
}

/** The calendar month, in UTC. */
function periodOf(now: Date) {
  const month = (offset: number) =>
    new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + offset, 1)).toISOString()
  return { periodStart: month(0), periodEnd: month(1) }
}
