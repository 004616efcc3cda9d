import { once } from 'node:events'
import Router from '@koa/router'
import { problemErrors } from '@latchkey/contracts'
import { type Answer, createAuth, manageAccounts, manageKeys } from '@latchkey/core'
import { type AuthState, authenticate, principalOf, requires } from '@latchkey/koa'
import { openRedis } from '@latchkey/store-redis'
import Koa, { type Context } from 'koa'
import { contract } from './contract.ts'

const store = await openRedis(process.env.REDIS_URL ?? 'redis://localhost')
const auth = createAuth({ contract, store })

// The first start makes a customer and prints its key; later starts, and other processes, find them there.
await manageAccounts({ store, by: 'setup', plans: contract.plans }).create({ id: 'customer_1', plan: 'pro' })
const { key, secret } = await manageKeys({ contract, store, by: 'setup' }).create(
  { accountId: 'customer_1', name: 'Backend', permissions: ['write'] },
  { onlyFirst: true },
)
if (secret !== null) console.log(`The key ${key.id} of customer_1, shown this once: ${secret}`)

const router = new Router<AuthState<typeof auth>>({ prefix: '/v1' })
router.get('/me', (ctx) => {
  const { account, plan, key } = principalOf(auth, ctx)
  ctx.body = { account: account.id, plan, key: key.id, permissions: key.permissions }
})
router.post('/things', requires(auth, { permission: 'write' }), (ctx) => {
  send(ctx, { status: 201, body: { made: true } })
})

const app = new Koa()
// Before the router: what is behind it is closed, whatever its path.
app.use(authenticate(auth)).use(router.routes())
app.use((ctx) => send(ctx, problemErrors.not_found))

function send(ctx: Context, { status, headers = {}, body }: Answer): void {
  ctx.status = status
  ctx.set({ ...headers, 'Cache-Control': 'no-store' })
  ctx.body = body
}

const server = app.listen(Number(process.env.PORT ?? 3000), () => console.log('Listening on', server.address()))
await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
await new Promise((resolve) => server.close(resolve))
await auth.close()
await store.close()
