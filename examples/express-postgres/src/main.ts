import { once } from 'node:events'
import { problemDetails, problemErrors } from '@latchkey/contracts'
import { type Answer, createAuth, manageAccounts, manageKeys } from '@latchkey/core'
import { authenticate, deny, principalOf, requires } from '@latchkey/express'
import { openPostgres } from '@latchkey/store-sql'
import express, { type NextFunction, type Request, type Response } from 'express'

const contract = problemDetails({
  name: 'acme',
  key: { prefix: 'acme_live_', length: 32, alphabet: 'base62', checksum: true },
  plans: ['free', 'pro'],
  permissions: { read: [], write: [], admin: ['*'] },
  limits: [{ name: 'minute', seconds: 60, limit: { free: 60, pro: 600 }, per: 'account' }],
})
const store = await openPostgres(process.env.DATABASE_URL ?? 'postgres://localhost/acme')
const auth = createAuth({ contract, store })

// The first start makes a customer and prints its key; later starts, and other processes, find them there.
await manageAccounts({ store, by: 'setup', plans: contract.plans }).create({ id: 'customer_1', plan: 'pro' })
const admin = { accountId: 'customer_1', name: 'Admin', permissions: ['admin'] } as const
const { secret } = await manageKeys({ contract, store, by: 'setup' }).create(admin, { onlyFirst: true })
if (secret !== null) console.log(`The admin key of customer_1, shown this once: ${secret}`)

const app = express().disable('x-powered-by')
app.use('/v1', authenticate(auth))
app.get('/v1/me', (req, res) => {
  const { account, key, plan } = principalOf(auth, req)
  res.json({ account: account.id, plan, key: key.id, permissions: key.permissions })
})
app.post('/v1/things', requires(auth, { permission: 'write' }), (_req, res) => res.status(201).json({ made: true }))

// Customers see and revoke the keys of their own account: for them, others do not exist. A key never makes keys: that is
// for people who have signed in, or for a terminal.
const keysOf = (req: Request) => {
  const { account, key } = principalOf(auth, req)
  return manageKeys({ contract, store, accountId: account.id, by: key.id })
}
app.use('/v1/keys', requires(auth, { permission: 'admin' }))
app.get('/v1/keys', async (req, res) => {
  const { after } = req.query
  res.json(await keysOf(req).list(typeof after === 'string' ? { after } : {}))
})
app.delete('/v1/keys/:id', async (req, res, next) => {
  const revoked = await keysOf(req).revoke(req.params.id)
  return revoked === undefined ? next() : res.json({ id: revoked.id, revokedAt: revoked.revokedAt })
})
// What is no key's id, or no cursor, is a TypeError; all else is the store.
app.use('/v1/keys', (error: Error, _req: Request, res: Response, _next: NextFunction) => {
  if (error instanceof TypeError) send(res, problemErrors.bad_request)
  else deny(auth, res, { kind: 'denied', code: 'unavailable', cause: error })
})
app.use((_req, res) => send(res, problemErrors.not_found))
const send = (res: Response, { status, headers = {}, body }: Answer) =>
  res.status(status).set(headers).set('Cache-Control', 'no-store').json(body)
const server = app.listen(Number(process.env.PORT ?? 3000), () => console.log('Listening on', server.address()))
await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
await new Promise((resolve) => server.close(resolve))
await auth.close()
await store.close()
