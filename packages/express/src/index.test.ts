import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { runInNewContext } from 'node:vm'
import {
  type Access,
  bearer,
  createAuth,
  defineContract,
  header,
  type KeyedPrincipal,
  type KeyPrincipal,
  manageKeys,
  memoryLimiter,
  memoryStore,
  type Principal,
} from '@latchkey/core'
import express5, { type ErrorRequestHandler, type Request } from 'express'
import express4 from 'express-4'
import supertest from 'supertest'
import { afterEach, describe, expect, expectTypeOf, test } from 'vitest'
import { authenticate, deny, principalOf, requires } from './index.ts'

/** An API of one's own: what the tests assert on is its table, not a provider's. */
const contract = defineContract({
  name: 'acme',
  carriers: [header('x-api-key'), bearer()],
  key: { prefix: 'acme_', length: 32, alphabet: 'base62', checksum: true },
  plans: ['free', 'pro'],
  permissions: { read: [], write: ['read'] },
  denials: {
    missing: { status: 401, body: { error: 'missing' } },
    malformed: { status: 401, body: { error: 'malformed' } },
    unknown: { status: 401, body: { error: 'unknown' } },
    revoked: { status: 401, body: { error: 'revoked' } },
    expired: { status: 401, body: { error: 'expired' } },
    token_invalid: { status: 401, body: { error: 'token_invalid' } },
    suspended: { status: 403, body: { error: 'suspended' } },
    plan: { status: 403, body: { error: 'plan' } },
    rate_limited: { status: 429, body: { error: 'rate_limited' } },
    concurrency: { status: 429, body: { error: 'concurrency' } },
    forbidden: { status: 403, body: { error: 'forbidden' } },
    exhausted: { status: 402, body: { error: 'exhausted' } },
    hidden: { status: 404, body: { error: 'hidden' } },
    unavailable: { status: 503, body: { error: 'unavailable' } },
  },
})

const store = memoryStore()
store.insertAll({
  accounts: [
    { id: 'ada', plan: 'pro', status: 'active', email: null, metadata: {} },
    { id: 'bob', plan: 'free', status: 'active', email: null, metadata: {} },
  ],
  keys: [],
})
const keys = manageKeys({ contract, store, by: 'test' })
const ada = (await keys.create({ accountId: 'ada', name: 'reads', permissions: ['read'] })).secret ?? ''
const bob = (await keys.create({ accountId: 'bob', name: 'writes', permissions: ['write'] })).secret ?? ''
const auth = createAuth({ contract, store })

/** The same store, as one in another process answers: later. */
const laterAuth = createAuth({
  contract,
  store: {
    findByDigest: async (service, digest) => store.findByDigest(service, digest),
    findSigningKey: async (service, id) => store.findSigningKey(service, id),
  },
})

/** No instance of this realm's `Promise`: as in other contexts, and as libraries bring their own. */
const ForeignPromise = runInNewContext('Promise') as PromiseConstructor

const open: Server[] = []
afterEach(() => {
  for (const server of open.splice(0)) server.close().closeAllConnections()
})

async function listen(app: express5.Express): Promise<number> {
  const server = createServer(app)
  open.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

/** Sends bytes and leaves the request unfinished; what comes back nevertheless. */
function firstBytes(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    socket.on('error', reject)
    socket.once('data', (chunk) => {
      socket.destroy()
      resolve(chunk.toString())
    })
  })
}

/** Answers with what an application's own error handler knows. */
const onError: ErrorRequestHandler = (error, _req, res, _next) => {
  res.status(500).json({ handled: error instanceof Error ? error.message : 'not an error' })
}

describe.each([
  ['5', express5],
  ['4', express4],
])('on Express %s', (_, express) => {
  describe('authenticate', () => {
    test('lets a key in, on the app and on a router behind it', async () => {
      const router = express.Router()
      router.get('/me', (req, res) => res.json({ account: principalOf(auth, req).account.id }))
      const app = express().use('/v1', authenticate(auth), router)
      const answer = await supertest(app).get('/v1/me').set('x-api-key', ada)
      expect(answer.body).toEqual({ account: 'ada' })
      expect(answer.headers).toMatchObject({ 'cache-control': 'private', vary: 'x-api-key, Authorization' })
    })

    test('lets a key in on a router that mounts it for itself, and on an app within the app', async () => {
      const router = express.Router().use(authenticate(auth))
      router.get('/me', (req, res) => res.json({ account: principalOf(auth, req).account.id }))
      const inner = express().use('/v1', router)
      const app = express().use('/inner', inner)
      app.get('/open', (_req, res) => res.json({ open: true }))
      const agent = supertest(app)
      expect((await agent.get('/inner/v1/me').set('Authorization', `Bearer ${ada}`)).body).toEqual({ account: 'ada' })
      expect((await agent.get('/inner/v1/me')).status).toBe(401)
      expect((await agent.get('/open')).body).toEqual({ open: true })
    })

    test('stays closed for every spelling of the path that the router takes', async () => {
      const app = express().use('/v1', authenticate(auth))
      app.get('/v1/me', (_req, res) => res.json({ open: true }))
      for (const path of ['/v1/me', '/V1/me', '/v1/me/', '/v1/%6de', '/v1/./me', '/v1//me']) {
        expect((await supertest(app).get(path)).status).not.toBe(200)
      }
    })

    test('answers a denial in exact bytes, without ETag or charset', async () => {
      const app = express().use(authenticate(auth))
      const answer = await supertest(app).get('/')
      expect(answer.status).toBe(401)
      expect(answer.text).toBe('{"error":"missing"}')
      expect(answer.headers).toMatchObject({
        'content-type': 'application/json',
        'content-length': '19',
        'cache-control': 'no-store',
        'www-authenticate': 'APIKey, Bearer realm="acme"',
      })
      expect(answer.headers).not.toHaveProperty('etag')
    })

    test('asks for the plan', async () => {
      const app = express().use(authenticate(auth, { plan: 'pro' }))
      app.get('/', (_req, res) => res.json({ open: true }))
      expect((await supertest(app).get('/').set('x-api-key', bob)).body).toEqual({ error: 'plan' })
      expect((await supertest(app).get('/').set('x-api-key', ada)).body).toEqual({ open: true })
    })

    test('mounted twice, asks for both plans and counts once', async () => {
      const limited = createAuth({
        contract: defineContract({ ...contract, limits: [{ name: 'm', seconds: 60, limit: 2, per: 'key' }] }),
        store,
        limiter: memoryLimiter(),
      })
      const app = express()
        .use(authenticate(limited))
        .use('/pro', authenticate(limited, { plan: 'pro' }))
      app.get('/pro', (_req, res) => res.json({ open: true }))
      expect((await supertest(app).get('/pro').set('x-api-key', bob)).body).toEqual({ error: 'plan' })
      for (const status of [200, 200, 429]) {
        expect((await supertest(app).get('/pro').set('x-api-key', ada)).status).toBe(status)
      }
    })

    test('reads a store that answers later', async () => {
      const app = express().use(authenticate(laterAuth))
      app.get('/', (req, res) => res.json({ account: principalOf(laterAuth, req).account.id }))
      expect((await supertest(app).get('/').set('x-api-key', ada)).body).toEqual({ account: 'ada' })
      expect((await supertest(app).get('/')).status).toBe(401)
    })

    test('keeps what a CORS layer has set before, on answers and on denials', async () => {
      const app = express().use((_req, res, next) => {
        res.setHeader('Access-Control-Allow-Origin', 'https://example.com')
        res.setHeader('Vary', 'Origin')
        next()
      })
      app.use(authenticate(auth)).get('/', (_req, res) => res.json({}))
      const allowed = await supertest(app).get('/').set('x-api-key', ada)
      expect(allowed.headers.vary).toBe('Origin, x-api-key, Authorization')
      const denied = await supertest(app).get('/')
      expect(denied.headers).toMatchObject({ 'access-control-allow-origin': 'https://example.com', vary: 'Origin' })
    })

    test.each([
      ['from memory', auth],
      ['later', laterAuth],
    ])('answers before the body is read, decided %s', async (_, auth) => {
      let parsed = 0
      const app = express().use(authenticate(auth), express.json())
      app.post('/', (_req, res) => {
        parsed++
        res.json({})
      })
      const port = await listen(app)
      const head = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100000000\r\n\r\n'
      expect(await firstBytes(port, head)).toMatch(/^HTTP\/1\.1 401 /)
      expect(parsed).toBe(0)
      const answer = await supertest(app).post('/').set('x-api-key', ada).send({ a: 1 })
      expect([answer.status, parsed]).toEqual([200, 1])
    })

    test('leaves the body readable behind a store that answers later', async () => {
      const app = express().use(authenticate(laterAuth), express.json())
      app.post('/', (req, res) => res.json({ got: req.body }))
      const answer = await supertest(app).post('/').set('x-api-key', ada).send({ a: 1 })
      expect(answer.body).toEqual({ got: { a: 1 } })
    })

    test('passes what a handler behind it throws on to the error handling', async () => {
      for (const each of [auth, laterAuth]) {
        const app = express().use(authenticate(each))
        app.get('/', () => {
          throw new Error('a bug')
        })
        app.use(onError)
        const answer = await supertest(app).get('/').set('x-api-key', ada)
        expect([answer.status, answer.body]).toEqual([500, { handled: 'a bug' }])
        expect(answer.headers).toMatchObject({ 'cache-control': 'private', vary: 'x-api-key, Authorization' })
      }
    })
  })

  describe('optional', () => {
    const app = express().use(authenticate(auth, { optional: true }))
    app.get('/', (req, res) => {
      res.json({ account: principalOf(auth, req, { optional: true })?.account.id ?? null })
    })
    app.get('/closed', requires(auth, {}), (_req, res) => res.json({ open: true }))

    test('forgives an absent credential', async () => {
      expect((await supertest(app).get('/')).body).toEqual({ account: null })
    })

    test('takes a good one', async () => {
      expect((await supertest(app).get('/').set('x-api-key', ada)).body).toEqual({ account: 'ada' })
    })

    test('refuses a wrong one', async () => {
      expect((await supertest(app).get('/').set('x-api-key', 'undefined')).body).toEqual({ error: 'malformed' })
      expect((await supertest(app).get('/').set('x-api-key', `${ada},`)).body).toEqual({ error: 'malformed' })
    })

    test('leaves a route that requires something closed', async () => {
      expect((await supertest(app).get('/closed')).body).toEqual({ error: 'missing' })
      expect((await supertest(app).get('/closed').set('x-api-key', ada)).body).toEqual({ open: true })
    })
  })

  describe('requires', () => {
    test('asks for the permission, which may cover another', async () => {
      const app = express().use(authenticate(auth))
      app.get('/read', requires(auth, { permission: 'read' }), (_req, res) => res.json({ open: true }))
      app.post('/write', requires(auth, { permission: 'write' }), (_req, res) => res.json({ open: true }))
      const agent = supertest(app)
      expect((await agent.get('/read').set('x-api-key', ada)).status).toBe(200)
      expect((await agent.get('/read').set('x-api-key', bob)).status).toBe(200)
      expect((await agent.post('/write').set('x-api-key', ada)).body).toEqual({ error: 'forbidden' })
      expect((await agent.post('/write').set('x-api-key', bob)).status).toBe(200)
    })

    test('stays closed without a mount', async () => {
      const app = express()
      app.get('/', requires(auth, { permission: 'read' }), (req, res) => {
        res.json({ account: principalOf(auth, req).account.id })
      })
      expect((await supertest(app).get('/')).body).toEqual({ error: 'missing' })
      const answer = await supertest(app).get('/').set('x-api-key', ada)
      expect(answer.body).toEqual({ account: 'ada' })
      expect(answer.headers).toMatchObject({ 'cache-control': 'private', vary: 'x-api-key, Authorization' })
    })

    test('takes no principal of another auth', async () => {
      const other = createAuth({ contract, store: memoryStore() })
      const app = express().use(authenticate(auth))
      app.get('/', requires(other, {}), (_req, res) => res.json({ open: true }))
      expect((await supertest(app).get('/').set('x-api-key', ada)).body).toEqual({ error: 'unknown' })
    })

    test("asks the resource's rule with the principal and the request", async () => {
      const rule = (principal: Principal, req: Request): Access =>
        req.params.owner === principal.account.id ? 'allow' : 'hide'
      const app = express().use(authenticate(auth))
      app.get('/of/:owner', requires(auth, { resource: rule }), (_req, res) => res.json({ open: true }))
      expect((await supertest(app).get('/of/ada').set('x-api-key', ada)).body).toEqual({ open: true })
      expect((await supertest(app).get('/of/bob').set('x-api-key', ada)).body).toEqual({ error: 'hidden' })
    })

    test.each([
      [
        'throws',
        (): Access => {
          throw new Error('no database')
        },
      ],
      ['rejects', (): Promise<Access> => Promise.reject(new Error('no database'))],
    ])('hands what a rule %s to the error handling, and does not open', async (_, resource) => {
      const app = express().use(authenticate(auth))
      app.get('/', requires(auth, { resource }), (_req, res) => res.json({ open: true }))
      app.use(onError)
      const answer = await supertest(app).get('/').set('x-api-key', ada)
      expect([answer.status, answer.body]).toEqual([500, { handled: 'no database' }])
    })

    test.each(['forbid', 'hide', undefined])('waits for a promise of another realm or library: %s', async (access) => {
      const resource = () => ForeignPromise.resolve(access as Access)
      const app = express().use(authenticate(auth))
      app.get('/', requires(auth, { resource }), (_req, res) => res.json({ open: true }))
      const answer = await supertest(app).get('/').set('x-api-key', ada)
      expect(answer.body).toEqual({ error: access === 'hide' ? 'hidden' : 'forbidden' })
    })
  })

  describe('the principal', () => {
    test('is not there without a mount', async () => {
      const app = express().get('/', (req, res) => res.json(principalOf(auth, req)))
      app.use(onError)
      const answer = await supertest(app).get('/').set('x-api-key', ada)
      expect(answer.body).toEqual({ handled: expect.stringContaining('mount authenticate(auth)') })
      expect(() => principalOf(auth, {})).toThrow(TypeError)
    })

    test('cannot be forged by writing req.auth', async () => {
      const app = express().use((req, _res, next) => {
        Object.assign(req, { auth: { via: 'key', account: { id: 'eve' }, plan: 'pro', permissions: ['write'] } })
        next()
      })
      app.get('/closed', requires(auth, {}), (_req, res) => res.json({ open: true }))
      app.get('/mounted', authenticate(auth), (req, res) => {
        res.json({ read: (req as { auth?: Principal }).auth?.account.id, proven: principalOf(auth, req).account.id })
      })
      app.get('/bare', (req, res) => res.json({ proven: principalOf(auth, req, { optional: true }) ?? null }))
      const agent = supertest(app)
      expect((await agent.get('/closed')).body).toEqual({ error: 'missing' })
      expect((await agent.get('/mounted').set('x-api-key', ada)).body).toEqual({ read: 'ada', proven: 'ada' })
      expect((await agent.get('/bare')).body).toEqual({ proven: null })
    })

    test('does not come from fields that the client sends', async () => {
      const app = express().use(authenticate(auth))
      app.get('/', (req, res) => res.json({ account: principalOf(auth, req).account.id }))
      const identity = { 'X-User': 'eve', 'X-Account-Id': 'eve', 'X-Forwarded-User': 'eve', Auth: 'eve' }
      expect((await supertest(app).get('/').set(identity)).status).toBe(401)
      const answer = await supertest(app).get('/').set(identity).set('x-api-key', ada)
      expect(answer.body).toEqual({ account: 'ada' })
    })
  })

  test('a handler answers with a denial that it found out', async () => {
    const app = express().use(authenticate(auth))
    app.get('/', async (req, res) => {
      const outcome = await auth.check(principalOf(auth, req), { permission: 'write' })
      if (outcome.kind === 'denied') deny(auth, res, outcome)
      else res.json({ open: true })
    })
    expect((await supertest(app).get('/').set('x-api-key', ada)).body).toEqual({ error: 'forbidden' })
    expect((await supertest(app).get('/').set('x-api-key', bob)).body).toEqual({ open: true })
  })
})

describe('options', () => {
  test('are typed by the contract', () => {
    // @ts-expect-error: no such plan
    expect(() => authenticate(auth, { plan: 'gold' })).toThrow('plan')
    // @ts-expect-error: no such feature
    expect(() => authenticate(auth, { feature: 'video' })).toThrow('feature')
    // @ts-expect-error: no such permission
    expect(() => requires(auth, { permission: 'fly' })).toThrow('permission')
    // @ts-expect-error: a rule answers with one of three words
    expect(requires(auth, { resource: () => true })).toBeTypeOf('function')
    expectTypeOf(principalOf(auth, {} as Request, { optional: true })).toEqualTypeOf<
      KeyedPrincipal<'free' | 'pro', 'read' | 'write'> | undefined
    >()
    expectTypeOf<KeyPrincipal<'free' | 'pro', 'read' | 'write'>['plan']>().toEqualTypeOf<'free' | 'pro'>()
  })

  test('are of an auth: what is none is a TypeError, as the app is put together', () => {
    for (const none of [undefined, null, contract, Promise.resolve(auth)] as unknown[] as (typeof auth)[]) {
      expect(() => authenticate(none)).toThrow(new TypeError('auth must be what createAuth returns'))
      expect(() => requires(none, {})).toThrow(new TypeError('auth must be what createAuth returns'))
    }
    expect(() => requires(auth, undefined as never)).toThrow(/^requirement must be an object with any of plan, /)
  })

  test('that are wrong are a TypeError that names them, as the app is put together', () => {
    const unknown = (text: string) => JSON.parse(text) as never
    for (const [make, option] of [
      [() => authenticate(auth, unknown('{"plan":"gold"}')), 'requirement.plan'],
      [() => authenticate(auth, unknown('{"feature":"video"}')), 'requirement.feature'],
      [() => requires(auth, unknown('{"permission":"fly"}')), 'requirement.permission'],
      [() => requires(auth, { cost: -1 }), 'requirement.cost'],
      [() => requires(auth, { cost: 0.5 }), 'requirement.cost'],
    ] as const) {
      expect(make).toThrow(TypeError)
      expect(make).toThrow(option)
    }
  })
})
