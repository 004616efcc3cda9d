import { viesus, viesusErrors } from '@latchkey/contracts'
import {
  type Answer,
  type AnyAuth,
  type Balances,
  createAuth,
  type Denied,
  type KeyStore,
  manageAccounts,
  manageBalances,
  manageKeys,
  type Principal,
} from '@latchkey/core'
import { buildSchema, GraphQLError } from 'graphql'
import { createHandler } from 'graphql-http'
import type { Counting } from '../counting.ts'
import { issue } from '../issue.ts'
import { answerTo, type Call, type Credentials, jsonOf, provenBy, type Service } from '../service.ts'

/** Fifty credits in each calendar month. */
const contract = viesus({ credits: { limit: 50, period: { months: 1 } } })
const BALANCES = { viesus_customer: { limit: 50, used: 8 }, viesus_empty: { limit: 50, used: 50 } }
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

export function viesusService(store: KeyStore, counting: Counting): Service {
  const auth = createAuth({ contract, store, ...counting })
  const answer = graphqlServer(auth, manageBalances({ contract, ledger: counting.ledger }))
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

type Context = { readonly principal: Principal; readonly denials: Denied[] } & Record<PropertyKey, unknown>

function graphqlServer(auth: AnyAuth, balances: Balances) {
  const root = {
    async credits(_arguments: unknown, { principal, denials }: Context) {
      const balance = await balances
        .find(principal.account)
        .catch((cause) => deny({ kind: 'denied', code: 'unavailable', cause }, denials))
      if (balance === undefined) throw new Error('the account has no balance')
      return {
        remainingCreditsThisPeriod: balance.remaining,
        usedCreditsThisPeriod: balance.used,
        periodStart: new Date(balance.start).toISOString(),
        periodEnd: new Date(balance.end ?? balance.start).toISOString(),
      }
    },
    // The price of a field is known only here, so it is charged here: once for each time that the field is asked for.
    async createEnhancedImage(_arguments: unknown, { principal, denials }: Context) {
      const outcome = await auth.check(principal, { cost: 1 })
      if (outcome.kind === 'denied') return deny(outcome, denials)
      return { id: crypto.randomUUID() }
    },
  }

  function deny(denied: Denied, denials: Denied[]): never {
    denials.push(denied)
    const { errors } = JSON.parse(auth.render(denied, { get: () => null }).body)
    throw new GraphQLError(errors[0].message, { extensions: errors[0].extensions })
  }

  const handle = createHandler<Call, { readonly denials: Denied[] }, Context>({
    schema,
    rootValue: root,
    context: ({ raw, context: { denials } }) => ({ principal: provenBy(raw), denials }),
  })

  return async (call: Call): Promise<Answer> => {
    const accept = call.header('accept')?.includes(GRAPHQL_RESPONSE) ? GRAPHQL_RESPONSE : 'application/json'
    const denials: Denied[] = []
    const [body, { status, headers = {} }] = await handle({
      method: call.method === 'HEAD' ? 'GET' : call.method,
      url: `/graphql?${call.query}`,
      // Whatever the client says, the body is read as JSON.
      headers: { accept, 'content-type': 'application/json' },
      body: call.method === 'POST' ? await jsonOf(call) : null,
      raw: call,
      context: { denials },
    })
    // Of a field that is refused the others are still told; without the store nothing is certain.
    const unavailable = denials.find(({ code }) => code === 'unavailable')
    if (unavailable !== undefined) return answerTo(unavailable, { auth }, call)
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
