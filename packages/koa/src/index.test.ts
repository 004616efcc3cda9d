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
  manageKeys,
  memoryLimiter,
  memoryStore,
  type Principal,
} from '@latchkey/core'
import Koa3, { type Context, type Middleware } from 'koa'
import Koa2 from 'koa-2'
import supertest from 'supertest'
import { afterEach, describe, expect, expectTypeOf, test } from 'vitest'
import { type AuthState, authenticate, deny, principalOf, requires } from './index.ts'

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

async function listen(app: Koa3): Promise<number> {
  const server = createServer(app.callback())
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

/** A handler that shows that it was reached. */
const opened: Middleware = (ctx) => {
  ctx.body = { open: true }
}

const whoAmI: Middleware = (ctx) => {
  ctx.body = { account: principalOf(auth, ctx).account.id }
}

/** What an application's own router does: the middleware for one path. */
function at(path: string, ...stack: Middleware[]): Middleware {
  return (ctx, next) => {
    if (ctx.path !== path) return next()
    const run = (i: number): Promise<unknown> => Promise.resolve(stack[i]?.(ctx, () => run(i + 1)))
    return run(0)
  }
}

describe.each([
  ['3', Koa3],
  ['2', Koa2],
])('on Koa %s', (_, Koa) => {
  const get = (app: Koa3, path: string, key?: string) => {
    const request = supertest(app.callback()).get(path)
    return key === undefined ? request : request.set('x-api-key', key)
  }

  describe('authenticate', () => {
    test('lets a key in', async () => {
      const app = new Koa().use(authenticate(auth)).use(whoAmI)
      const answer = await get(app, '/', ada)
      expect([answer.status, answer.body]).toEqual([200, { account: 'ada' }])
      expect(answer.headers).toMatchObject({ 'cache-control': 'private', vary: 'x-api-key, Authorization' })
    })

    test('guards one path of many', async () => {
      const app = new Koa().use(at('/open', opened)).use(at('/closed', authenticate(auth), whoAmI))
      expect((await get(app, '/open')).body).toEqual({ open: true })
      expect((await get(app, '/closed')).body).toEqual({ error: 'missing' })
      expect((await get(app, '/closed', ada)).body).toEqual({ account: 'ada' })
    })

    test('sets the answer and does not throw', async () => {
      const seen: unknown[] = []
      const app = new Koa()
      app.on('error', (error) => seen.push(error))
      app.use(async (ctx, next) => {
        await next()
        seen.push([ctx.status, ctx.body, ctx.response.get('Content-Type')])
      })
      app.use(authenticate(auth)).use(opened)
      const answer = await get(app, '/')
      expect(seen).toEqual([[401, '{"error":"missing"}', 'application/json']])
      expect([answer.status, answer.text]).toEqual([401, '{"error":"missing"}'])
      expect(answer.headers).toMatchObject({
        'content-type': 'application/json',
        'content-length': '19',
        'cache-control': 'no-store',
        'www-authenticate': 'APIKey, Bearer realm="acme"',
      })
    })

    test('asks for the plan', async () => {
      const app = new Koa().use(authenticate(auth, { plan: 'pro' })).use(opened)
      expect((await get(app, '/', bob)).body).toEqual({ error: 'plan' })
      expect((await get(app, '/', ada)).body).toEqual({ open: true })
    })

    test('mounted twice, asks for both plans and counts once', async () => {
      const limited = createAuth({
        contract: defineContract({ ...contract, limits: [{ name: 'm', seconds: 60, limit: 2, per: 'key' }] }),
        store,
        limiter: memoryLimiter(),
      })
      const app = new Koa()
        .use(authenticate(limited))
        .use(authenticate(limited, { plan: 'pro' }))
        .use(opened)
      expect((await get(app, '/', bob)).body).toEqual({ error: 'plan' })
      for (const status of [200, 200, 429]) expect((await get(app, '/', ada)).status).toBe(status)
    })

    test('reads a store that answers later', async () => {
      const app = new Koa().use(authenticate(laterAuth)).use((ctx) => {
        ctx.body = { account: principalOf(laterAuth, ctx).account.id }
      })
      expect((await get(app, '/', ada)).body).toEqual({ account: 'ada' })
      expect((await get(app, '/')).status).toBe(401)
    })

    test('keeps what a CORS layer has set before, on answers and on denials', async () => {
      const app = new Koa().use((ctx, next) => {
        ctx.set('Access-Control-Allow-Origin', 'https://example.com')
        ctx.vary('Origin')
        return next()
      })
      app.use(authenticate(auth)).use(opened)
      expect((await get(app, '/', ada)).headers.vary).toBe('Origin, x-api-key, Authorization')
      const denied = await get(app, '/')
      expect(denied.headers).toMatchObject({ 'access-control-allow-origin': 'https://example.com', vary: 'Origin' })
    })

    test('lets a later layer add to Vary', async () => {
      const app = new Koa().use(authenticate(auth)).use((ctx) => {
        ctx.vary('Accept-Encoding')
        ctx.body = {}
      })
      expect((await get(app, '/', ada)).headers.vary).toBe('x-api-key, Authorization, Accept-Encoding')
    })

    test.each([
      ['from memory', auth],
      ['later', laterAuth],
    ])('answers before the body is read, decided %s', async (_, auth) => {
      let read = 0
      const app = new Koa().use(authenticate(auth)).use(async (ctx) => {
        for await (const _chunk of ctx.req) read++
        ctx.body = {}
      })
      const port = await listen(app)
      const head = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n'
      expect(await firstBytes(port, head)).toMatch(/^HTTP\/1\.1 401 /)
      expect(read).toBe(0)
      const answer = await supertest(app.callback()).post('/').set('x-api-key', ada).send({ a: 1 })
      expect([answer.status, read]).toEqual([200, 1])
    })

    test('passes what a handler behind it throws on', async () => {
      for (const each of [auth, laterAuth]) {
        const app = new Koa().use(async (ctx, next) => {
          try {
            await next()
          } catch (error) {
            ctx.status = 500
            ctx.body = { handled: (error as Error).message }
          }
        })
        app.use(authenticate(each)).use(() => {
          throw new Error('a bug')
        })
        const answer = await get(app, '/', ada)
        expect([answer.status, answer.body]).toEqual([500, { handled: 'a bug' }])
        expect(answer.headers).toMatchObject({ 'cache-control': 'private', vary: 'x-api-key, Authorization' })
      }
    })
  })

  describe('optional', () => {
    const app = new Koa().use(authenticate(auth, { optional: true }))
    app.use(at('/closed', requires(auth, {}), opened))
    app.use((ctx) => {
      ctx.body = { account: principalOf(auth, ctx, { optional: true })?.account.id ?? null }
    })

    test('forgives an absent credential', async () => {
      expect((await get(app, '/')).body).toEqual({ account: null })
    })

    test('takes a good one', async () => {
      expect((await get(app, '/', ada)).body).toEqual({ account: 'ada' })
    })

    test('refuses a wrong one', async () => {
      expect((await get(app, '/', 'undefined')).body).toEqual({ error: 'malformed' })
      expect((await get(app, '/', `${ada},`)).body).toEqual({ error: 'malformed' })
    })

    test('leaves a route that requires something closed', async () => {
      expect((await get(app, '/closed')).body).toEqual({ error: 'missing' })
      expect((await get(app, '/closed', ada)).body).toEqual({ open: true })
    })
  })

  describe('requires', () => {
    test('asks for the permission, which may cover another', async () => {
      const app = new Koa().use(authenticate(auth))
      app.use(at('/read', requires(auth, { permission: 'read' }), opened))
      app.use(at('/write', requires(auth, { permission: 'write' }), opened))
      expect((await get(app, '/read', ada)).status).toBe(200)
      expect((await get(app, '/read', bob)).status).toBe(200)
      expect((await get(app, '/write', ada)).body).toEqual({ error: 'forbidden' })
      expect((await get(app, '/write', bob)).status).toBe(200)
    })

    test('stays closed without a mount', async () => {
      const app = new Koa().use(requires(auth, { permission: 'read' })).use(whoAmI)
      expect((await get(app, '/')).body).toEqual({ error: 'missing' })
      const answer = await get(app, '/', ada)
      expect(answer.body).toEqual({ account: 'ada' })
      expect(answer.headers).toMatchObject({ 'cache-control': 'private', vary: 'x-api-key, Authorization' })
    })

    test('takes no principal of another auth', async () => {
      const other = createAuth({ contract, store: memoryStore() })
      const app = new Koa().use(authenticate(auth)).use(requires(other, {})).use(opened)
      expect((await get(app, '/', ada)).body).toEqual({ error: 'unknown' })
    })

    test("asks the resource's rule with the principal and the context", async () => {
      const rule = (principal: Principal, ctx: Context): Access =>
        ctx.path === `/of/${principal.account.id}` ? 'allow' : 'hide'
      const app = new Koa()
        .use(authenticate(auth))
        .use(requires(auth, { resource: rule }))
        .use(opened)
      expect((await get(app, '/of/ada', ada)).body).toEqual({ open: true })
      expect((await get(app, '/of/bob', ada)).body).toEqual({ error: 'hidden' })
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
      const errors: unknown[] = []
      const app = new Koa().use(authenticate(auth)).use(requires(auth, { resource })).use(opened)
      app.on('error', (error: Error) => errors.push(error.message))
      expect((await get(app, '/', ada)).status).toBe(500)
      expect(errors).toEqual(['no database'])
    })

    test.each(['forbid', 'hide', undefined])('waits for a promise of another realm or library: %s', async (access) => {
      const resource = () => ForeignPromise.resolve(access as Access)
      const app = new Koa().use(authenticate(auth)).use(requires(auth, { resource })).use(opened)
      expect((await get(app, '/', ada)).body).toEqual({ error: access === 'hide' ? 'hidden' : 'forbidden' })
    })
  })

  describe('the principal', () => {
    test('is not there without a mount', async () => {
      const errors: unknown[] = []
      const app = new Koa().use(whoAmI)
      app.on('error', (error) => errors.push(error))
      expect((await get(app, '/', ada)).status).toBe(500)
      expect(errors).toEqual([expect.any(TypeError)])
      expect(() => principalOf(auth, {})).toThrow('mount authenticate(auth)')
    })

    test('cannot be forged by writing ctx.state.auth', async () => {
      const app = new Koa().use((ctx, next) => {
        ctx.state.auth = { via: 'key', account: { id: 'eve' }, plan: 'pro', permissions: ['write'] }
        return next()
      })
      app.use(at('/closed', requires(auth, {}), opened))
      app.use(
        at('/mounted', authenticate(auth), (ctx) => {
          ctx.body = { read: ctx.state.auth.account.id, proven: principalOf(auth, ctx).account.id }
        }),
      )
      app.use((ctx) => {
        ctx.body = { proven: principalOf(auth, ctx, { optional: true }) ?? null }
      })
      expect((await get(app, '/closed')).body).toEqual({ error: 'missing' })
      expect((await get(app, '/mounted', ada)).body).toEqual({ read: 'ada', proven: 'ada' })
      expect((await get(app, '/bare')).body).toEqual({ proven: null })
    })

    test('does not come from fields that the client sends', async () => {
      const app = new Koa().use(authenticate(auth)).use(whoAmI)
      const identity = { 'X-User': 'eve', 'X-Account-Id': 'eve', 'X-Forwarded-User': 'eve', Auth: 'eve' }
      expect((await get(app, '/').set(identity)).status).toBe(401)
      expect((await get(app, '/', ada).set(identity)).body).toEqual({ account: 'ada' })
    })
  })

  test('a handler answers with a denial that it found out', async () => {
    const app = new Koa().use(authenticate(auth)).use(async (ctx) => {
      const outcome = await auth.check(principalOf(auth, ctx), { permission: 'write' })
      if (outcome.kind === 'denied') deny(auth, ctx, outcome)
      else ctx.body = { open: true }
    })
    expect((await get(app, '/', ada)).body).toEqual({ error: 'forbidden' })
    expect((await get(app, '/', bob)).body).toEqual({ open: true })
  })
})

describe('options', () => {
  test('and the state are typed by the contract', () => {
    // @ts-expect-error: no such plan
    expect(() => authenticate(auth, { plan: 'gold' })).toThrow('plan')
    // @ts-expect-error: no such feature
    expect(() => authenticate(auth, { feature: 'video' })).toThrow('feature')
    // @ts-expect-error: no such permission
    expect(() => requires(auth, { permission: 'fly' })).toThrow('permission')
    // @ts-expect-error: a rule answers with one of three words
    expect(requires(auth, { resource: () => true })).toBeTypeOf('function')
    expectTypeOf<AuthState<typeof auth>>().toEqualTypeOf<{ auth: KeyedPrincipal<'free' | 'pro', 'read' | 'write'> }>()
    const app = new Koa3<AuthState<typeof auth>>()
    app.use(authenticate(auth)).use((ctx) => {
      expectTypeOf(ctx.state.auth.plan).toEqualTypeOf<'free' | 'pro'>()
    })
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
