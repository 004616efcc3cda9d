/**
 * What runs on each runtime: every situation of the conformance table, an app as the README shows it, and one that takes
 * an identity provider's tokens. Nothing is made before a request asks for it: a module of workerd must not draw random
 * values, set timers or read anything.
 */
import { problemDetails } from '@latchkey/contracts'
import { createAuth, type IdentityProvider, isPromise, manageKeys, memoryLimiter, memoryStore } from '@latchkey/core'
import { type AuthEnv, authenticate } from '@latchkey/hono'
import { type Context, Hono } from 'hono'
import { exportJWK, exportSPKI, generateKeyPair, importSPKI, type JSONWebKeySet, SignJWT } from 'jose'
import { CODES, situationsOf } from '../conformance/expected.ts'
import { honoApp } from '../conformance/hono-app.ts'
import { PROVIDERS, type Provider, providers } from '../conformance/providers.ts'
import type { Arranged } from '../conformance/situations.ts'
import { sign } from '../conformance/tokens.ts'
import { type Lines, MASTER_KEY, NOW, present, world } from '../conformance/world.ts'

/** How the credential is presented, by the path that it opens or does not. */
export type Credentials = Readonly<Record<string, Lines>>

/** What an identity provider has signed. */
export interface IdentityTokens {
  readonly good: string
  readonly forged: string
  readonly expired: string
  readonly forAnotherApi: string
}

const ACCOUNT = { id: 'user_abc123', status: 'active', email: null, metadata: {} } as const

const app = new Hono()
export default app

// The conformance table.

const arrangedAt = new Map<string, Arranged>()
const servedAt = new Map<string, Hono>()

app.post('/situations', async (c) => {
  for (const [name, provider] of providers) {
    for (const code of CODES) {
      for (const [index, situation] of situationsOf(code, provider).entries()) {
        serve(`/situations/${name}/${code}/${index}`, await situation.arrange(provider))
      }
    }
  }
  const signing = await world(PROVIDERS.visualLayer)
  serve('/situations/visualLayer/token/0', { world: signing, lines: signing.lines })
  const lines = [...arrangedAt].map(([path, situation]) => [path, situation.lines] as const)
  return c.json(Object.fromEntries(lines) satisfies Credentials)
})

app.get('/situations/:provider/:code/:index/resource', (c) => {
  const served = servedAt.get(c.req.path.replace(/\/resource$/, ''))
  return served?.fetch(c.req.raw) ?? c.notFound()
})

app.get('/denials/*', (c) => c.json(situationAt(c, '/denials').world.denials.map((denial) => denial.code)))

app.post('/after/*', (c) => {
  situationAt(c, '/after').before?.later?.()
  return c.json('done')
})

function serve(path: string, arranged: Arranged): void {
  const { world, authenticate, requires, deny } = arranged
  const mount = { path, auth: world.auth, ...(authenticate && { authenticate }), ...(requires && { requires }) }
  arrangedAt.set(path, arranged)
  servedAt.set(path, honoApp([{ ...mount, ...(deny && { deny }) }]))
}

function situationAt(c: Context, prefix: string): Arranged {
  const found = arrangedAt.get(c.req.path.slice(prefix.length))
  if (found === undefined) throw new Error(`no situation for ${c.req.path}`)
  return found
}

// Put together as the module is loaded, with the real clock; the keys are issued by a request.

const issuers = providers.map(([name, provider]) => standing(`/standing/${name}`, provider))

app.post('/standing', async (c) => {
  const issued = await Promise.all(issuers.map((issue) => issue()))
  return c.json(Object.fromEntries(issued) satisfies Credentials)
})

function standing(path: string, provider: Provider): () => Promise<[path: string, lines: Lines]> {
  const contract = provider.contract()
  const store = memoryStore()
  const auth = createAuth({ contract, store, masterKey: MASTER_KEY, limiter: memoryLimiter() })
  const guarded = new Hono<AuthEnv<typeof auth>>()
  guarded.use(authenticate(auth))
  guarded.get('/resource', (c) => c.json({ account: c.var.auth.account.id, via: c.var.auth.via }))
  app.route(path, guarded)
  app.get(`/decision${path}`, (c) => {
    const decision = auth.authenticator()(c, c.req.raw.headers)
    return c.json(isPromise(decision) ? 'a promise' : decision.kind)
  })

  return async () => {
    store.insertAll({ accounts: [{ ...ACCOUNT, plan: provider.ladder.enough }], keys: [] })
    const keys = manageKeys({ contract, store, by: 'test', masterKey: MASTER_KEY })
    const { key, secret } = await keys.create({ accountId: ACCOUNT.id, name: 'test' })
    if (provider.credential !== 'token') return [path, present(provider, secret ?? '')]
    const iat = Math.floor(Date.now() / 1000)
    const claims = { sub: key.id, iat, exp: iat + 600, iss: 'sdk' }
    return [path, present(provider, sign({ header: { kid: key.id }, claims, secret: secret ?? '' }))]
  }
}

// An identity provider's tokens, with its keys given and with its keys published.

const ISSUER = { issuer: 'https://id.example', audience: 'https://api.example', algorithms: ['ES256'] } as const
let published: JSONWebKeySet = { keys: [] }
const guardedBy = new Map<string, Hono>()

app.post('/identity', async (c) => {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  const forger = await generateKeyPair('ES256')
  // Not of the very key that was made: Node 20 may wait for itself for ever then.
  const read = await importSPKI(await exportSPKI(publicKey), 'ES256', { extractable: true })
  published = { keys: [{ ...(await exportJWK(read)), kid: 'current' }] }
  guardedBy.set('given', identityApp({ ...ISSUER, jwks: published }))
  guardedBy.set('published', identityApp({ ...ISSUER, jwks: `${c.req.query('origin')}/identity/keys` }))

  const iat = NOW / 1000
  const claims = { iss: ISSUER.issuer, aud: ISSUER.audience, sub: ACCOUNT.id, iat, exp: iat + 600, scope: 'read' }
  const signed = (key: typeof privateKey, others = {}) =>
    new SignJWT({ ...claims, ...others }).setProtectedHeader({ alg: 'ES256', typ: 'JWT', kid: 'current' }).sign(key)
  return c.json({
    good: await signed(privateKey),
    forged: await signed(forger.privateKey),
    expired: await signed(privateKey, { exp: iat }),
    forAnotherApi: await signed(privateKey, { aud: 'https://another.example' }),
  } satisfies IdentityTokens)
})

app.get('/identity/keys', (c) => c.json(published))

app.get('/identity/:keys/resource', (c) => guardedBy.get(c.req.param('keys'))?.fetch(c.req.raw) ?? c.notFound())

function identityApp(provider: IdentityProvider): Hono {
  const store = memoryStore()
  store.insertAll({ accounts: [{ ...ACCOUNT, plan: 'pro' }], keys: [] })
  const contract = problemDetails({ identity: [provider], permissions: { read: [] } })
  const auth = createAuth({ contract, store, now: () => NOW })
  const guarded = new Hono()
  guarded.get('/identity/:keys/resource', authenticate(auth), (c) => {
    const principal = c.var.auth
    return c.json({ via: principal.via, permissions: principal.permissions })
  })
  return guarded
}
