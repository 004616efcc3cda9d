import { viesus, viesusErrors } from '@latchkey/contracts'
import {
  type Answer,
  type AnyAuth,
  balanceOf,
  createAuth,
  type KeyStore,
  type Limiter,
  manageAccounts,
  manageKeys,
  type Principal,
} from '@latchkey/core'
import { buildSchema, GraphQLError } from 'graphql'
import { createHandler } from 'graphql-http'
import { issue } from '../issue.ts'
import { type Call, type Credentials, jsonOf, provenBy, type Service } from '../service.ts'

const contract = viesus()
const BALANCES = { viesus_customer: { remaining: 42, used: 8 }, viesus_empty: { remaining: 0, used: 50 } }
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
    balances: BALANCES,
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

export async function seedViesus(store: KeyStore): Promise<Credentials> {
  const accounts = manageAccounts({ store, by: 'demo' })
  for (const id of Object.keys(BALANCES)) await accounts.create({ id, plan: 'cloud' })
  const keys = manageKeys({ contract, store, by: 'demo' })
  const ofCustomer = (name: string, accountId = 'viesus_customer') => issue(keys, { accountId, name })
  const deleted = await ofCustomer('Deleted')
  await keys.delete(deleted.id)
  return {
    live: (await ofCustomer('production')).text,
    live2: (await ofCustomer('staging')).text,
    deleted: deleted.text,
    zeroCredits: (await ofCustomer('empty', 'viesus_empty')).text,
  }
}

/** The calendar month, in UTC. */
function periodOf(now: Date) {
  const month = (offset: number) =>
    new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + offset, 1)).toISOString()
  return { periodStart: month(0), periodEnd: month(1) }
}
