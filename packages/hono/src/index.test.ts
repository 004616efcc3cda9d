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
import { type Context, Hono } from 'hono'
import { cors } from 'hono/cors'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { type AuthEnv, authenticate, deny, principalOf, requires } from './index.ts'

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

function explode(): never {
  throw new Error('a rule')
}

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

const open = (c: Context) => c.json({ open: true })
const whoAmI = (c: Context) => c.json({ account: principalOf(auth, c).account.id })

interface Requestable {
  request(path: string, init?: RequestInit): Response | Promise<Response>
}

async function get(app: Requestable, path: string, key?: string, more: Record<string, string> = {}) {
  const answer = await app.request(path, { headers: { ...(key === undefined ? {} : { 'x-api-key': key }), ...more } })
  const text = await answer.text()
  const isJson = answer.headers.get('content-type')?.startsWith('application/json')
  return { status: answer.status, headers: answer.headers, body: (isJson ? JSON.parse(text) : text) as unknown }
}

describe('authenticate', () => {
  test('lets a key in, on the app and on an app that it routes to', async () => {
    const inner = new Hono().get('/me', whoAmI)
    const app = new Hono().use('/v1/*', authenticate(auth)).route('/v1', inner)
    const answer = await get(app, '/v1/me', ada)
    expect([answer.status, answer.body]).toEqual([200, { account: 'ada' }])
    expect(answer.headers.get('cache-control')).toBe('private')
    expect(answer.headers.get('vary')).toBe('x-api-key, Authorization')
    expect((await get(app, '/v1/me')).body).toEqual({ error: 'missing' })
  })

  test('lets a key in on an inner app that mounts it for itself', async () => {
    const inner = new Hono().use(authenticate(auth)).get('/me', whoAmI)
    const app = new Hono().get('/open', open).route('/v1', inner)
    expect((await get(app, '/v1/me', undefined, { Authorization: `Bearer ${ada}` })).body).toEqual({ account: 'ada' })
    expect((await get(app, '/v1/me')).status).toBe(401)
    expect((await get(app, '/open')).body).toEqual({ open: true })
  })

  test('guards the root of a path that its pattern names, too', async () => {
    const app = new Hono().use('/v1/*', authenticate(auth)).get('/v1', open)
    expect((await get(app, '/v1')).status).toBe(401)
  })

  test('answers a denial in exact bytes', async () => {
    const app = new Hono().use(authenticate(auth)).get('/', open)
    const answer = await app.request('/')
    expect([answer.status, await answer.text()]).toEqual([401, '{"error":"missing"}'])
    expect(Object.fromEntries(answer.headers)).toEqual({
      'content-type': 'application/json',
      'content-length': '19',
      'cache-control': 'no-store',
      'www-authenticate': 'APIKey, Bearer realm="acme"',
    })
  })

  test('asks for the plan', async () => {
    const app = new Hono().use(authenticate(auth, { plan: 'pro' })).get('/', open)
    expect((await get(app, '/', bob)).body).toEqual({ error: 'plan' })
    expect((await get(app, '/', ada)).body).toEqual({ open: true })
  })

  test('mounted twice, asks for both plans and counts once', async () => {
    const limited = createAuth({
      contract: defineContract({ ...contract, limits: [{ name: 'm', seconds: 60, limit: 2, per: 'key' }] }),
      store,
      limiter: memoryLimiter(),
    })
    const app = new Hono().use(authenticate(limited)).use('/pro', authenticate(limited, { plan: 'pro' }))
    app.get('/pro', open)
    expect((await get(app, '/pro', bob)).body).toEqual({ error: 'plan' })
    for (const status of [200, 200, 429]) expect((await get(app, '/pro', ada)).status).toBe(status)
  })

  test('reads a store that answers later', async () => {
    const app = new Hono().use(authenticate(laterAuth))
    app.get('/', (c) => c.json({ account: principalOf(laterAuth, c).account.id }))
    expect((await get(app, '/', ada)).body).toEqual({ account: 'ada' })
    expect((await get(app, '/')).status).toBe(401)
  })

  test('answers before the body is read', async () => {
    for (const each of [auth, laterAuth]) {
      let pulled = 0
      const body = new ReadableStream(
        {
          pull(controller) {
            pulled++
            controller.enqueue(new Uint8Array(1024))
          },
        },
        { highWaterMark: 0 },
      )
      const app = new Hono()
        .use(authenticate(each))
        .post('/', async (c) => c.json({ length: (await c.req.text()).length }))
      const answer = await app.request('/', { method: 'POST', body, duplex: 'half' } as RequestInit)
      expect([answer.status, pulled]).toEqual([401, 0])
      const sent = await app.request('/', { method: 'POST', body: 'four', headers: { 'x-api-key': ada } })
      expect(await sent.json()).toEqual({ length: 4 })
    }
  })

  test('keeps what a CORS layer has set before, on answers and on denials', async () => {
    const app = new Hono().use(cors({ origin: 'https://example.com' }), authenticate(auth))
    app.get('/', open).get('/own', () => Response.json({ open: true }))
    for (const path of ['/', '/own']) {
      const { headers } = await get(app, path, ada, { Origin: 'https://example.com' })
      expect(headers.get('access-control-allow-origin')).toBe('https://example.com')
      expect(new Set(headers.get('vary')?.split(', '))).toEqual(new Set(['Origin', 'x-api-key', 'Authorization']))
    }
    const denied = await get(app, '/', undefined, { Origin: 'https://example.com' })
    expect(denied.headers.get('access-control-allow-origin')).toBe('https://example.com')
    expect(denied.headers.get('vary')).toContain('Origin')
  })

  test("lets another layer's Vary stand that was set before", async () => {
    const app = new Hono().use(async (c, next) => {
      c.header('Vary', 'Accept-Language')
      await next()
    })
    app.use(authenticate(auth)).get('/', open)
    expect((await get(app, '/', ada)).headers.get('vary')).toBe('Accept-Language, x-api-key, Authorization')
  })

  test('passes what a handler behind it throws on to onError', async () => {
    for (const each of [auth, laterAuth]) {
      const app = new Hono().use(authenticate(each)).get('/', () => {
        throw new Error('a bug')
      })
      app.onError((error, c) => c.json({ handled: error.message }, 500))
      const answer = await get(app, '/', ada)
      expect([answer.status, answer.body]).toEqual([500, { handled: 'a bug' }])
      expect(answer.headers.get('cache-control')).toBe('private')
      expect(answer.headers.get('vary')).toBe('x-api-key, Authorization')
    }
  })
})

describe("a handler's own Response", () => {
  const limited = createAuth({
    contract: defineContract({
      ...contract,
      limits: [{ name: 'm', seconds: 60, limit: 100, per: 'key' }],
      allowed: (limits) => ({ 'X-Left': String(limits[0]?.remaining) }),
    }),
    store,
    limiter: memoryLimiter(),
  })

  async function fieldsOf(fields: Record<string, string>): Promise<Headers> {
    const app = new Hono().use(authenticate(limited)).get('/', () => new Response('mine', { headers: fields }))
    return (await get(app, '/', ada)).headers
  }

  test('gets the fields that it does not have', async () => {
    const headers = await fieldsOf({})
    expect(headers.get('cache-control')).toBe('private')
    expect(headers.get('vary')).toBe('x-api-key, Authorization')
    expect(headers.get('x-left')).toMatch(/^9\d$/)
  })

  test('gets them beside a Vary of its own, as a proxied answer has', async () => {
    const headers = await fieldsOf({ Vary: 'Accept-Encoding' })
    expect(headers.get('vary')).toBe('Accept-Encoding, x-api-key, Authorization')
    expect(headers.get('cache-control')).toBe('private')
    expect(headers.get('x-left')).toMatch(/^9\d$/)
  })

  test('keeps a Cache-Control of its own', async () => {
    const headers = await fieldsOf({ 'Cache-Control': 'public, max-age=60' })
    expect(headers.get('cache-control')).toBe('public, max-age=60')
    expect(headers.get('vary')).toBe('x-api-key, Authorization')
  })

  test('may be one whose fields cannot be written', async () => {
    const app = new Hono().use(authenticate(limited)).get('/', () => Response.redirect('https://example.com/'))
    const answer = await get(app, '/', ada)
    expect([answer.status, answer.headers.get('location')]).toEqual([302, 'https://example.com/'])
    expect(answer.headers.get('cache-control')).toBe('private')
  })
})

describe('optional', () => {
  const app = new Hono().use(authenticate(auth, { optional: true }))
  app.get('/', (c) => c.json({ account: principalOf(auth, c, { optional: true })?.account.id ?? null }))
  app.get('/closed', requires(auth, {}), open)

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
    const app = new Hono().use(authenticate(auth))
    app.get('/read', requires(auth, { permission: 'read' }), open)
    app.get('/write', requires(auth, { permission: 'write' }), open)
    expect((await get(app, '/read', ada)).status).toBe(200)
    expect((await get(app, '/read', bob)).status).toBe(200)
    expect((await get(app, '/write', ada)).body).toEqual({ error: 'forbidden' })
    expect((await get(app, '/write', bob)).status).toBe(200)
  })

  test('stays closed without a mount', async () => {
    const app = new Hono().get('/', requires(auth, { permission: 'read' }), whoAmI)
    expect((await get(app, '/')).body).toEqual({ error: 'missing' })
    const answer = await get(app, '/', ada)
    expect(answer.body).toEqual({ account: 'ada' })
    expect(answer.headers.get('vary')).toBe('x-api-key, Authorization')
  })

  test('says of a denial too what it depends on, without a mount', async () => {
    const app = new Hono().get('/', requires(auth, { permission: 'write' }), whoAmI)
    const answer = await get(app, '/', ada)
    expect(answer.status).toBe(403)
    expect(answer.headers.get('vary')).toBe('x-api-key, Authorization')
    expect(answer.headers.get('cache-control')).toBe('no-store')
  })

  test('takes no principal of another auth', async () => {
    const other = createAuth({ contract, store: memoryStore() })
    const app = new Hono().use(authenticate(auth)).get('/', requires(other, {}), open)
    expect((await get(app, '/', ada)).body).toEqual({ error: 'unknown' })
  })

  test("asks the resource's rule with the principal and the context", async () => {
    const rule = (principal: Principal, c: Context): Access =>
      c.req.param('owner') === principal.account.id ? 'allow' : 'hide'
    const app = new Hono().use(authenticate(auth)).get('/of/:owner', requires(auth, { resource: rule }), open)
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
  ])('hands what a rule %s to onError, and does not open', async (_, resource) => {
    const app = new Hono().use(authenticate(auth)).get('/', requires(auth, { resource }), open)
    app.onError((error, c) => c.json({ handled: error.message }, 500))
    const answer = await get(app, '/', ada)
    expect([answer.status, answer.body]).toEqual([500, { handled: 'no database' }])
  })

  test.each(['forbid', 'hide', undefined])('waits for a promise of another realm or library: %s', async (access) => {
    const resource = () => ForeignPromise.resolve(access as Access)
    const app = new Hono().use(authenticate(auth)).get('/', requires(auth, { resource }), open)
    expect((await get(app, '/', ada)).body).toEqual({ error: access === 'hide' ? 'hidden' : 'forbidden' })
  })
})

describe('the principal', () => {
  test('is not there without a mount', async () => {
    const app = new Hono().get('/', whoAmI)
    app.onError((error, c) => c.json({ handled: error instanceof TypeError }, 500))
    expect((await get(app, '/', ada)).body).toEqual({ handled: true })
    expect(() => principalOf(auth, {})).toThrow('mount authenticate(auth)')
  })

  test("cannot be forged by c.set('auth')", async () => {
    const app = new Hono<{ Variables: { auth: unknown } }>().use(async (c, next) => {
      c.set('auth', { via: 'key', account: { id: 'eve' }, plan: 'pro', permissions: ['write'] })
      await next()
    })
    app.get('/closed', requires(auth, {}), open)
    app.get('/mounted', authenticate(auth), (c) =>
      c.json({ read: c.var.auth.account.id, proven: principalOf(auth, c).account.id }),
    )
    app.get('/bare', (c) => c.json({ proven: principalOf(auth, c, { optional: true }) ?? null }))
    expect((await get(app, '/closed')).body).toEqual({ error: 'missing' })
    expect((await get(app, '/mounted', ada)).body).toEqual({ read: 'ada', proven: 'ada' })
    expect((await get(app, '/bare')).body).toEqual({ proven: null })
  })

  test('does not come from fields that the client sends', async () => {
    const app = new Hono().use(authenticate(auth)).get('/', whoAmI)
    const identity = { 'X-User': 'eve', 'X-Account-Id': 'eve', 'X-Forwarded-User': 'eve', Auth: 'eve' }
    expect((await get(app, '/', undefined, identity)).status).toBe(401)
    expect((await get(app, '/', ada, identity)).body).toEqual({ account: 'ada' })
  })
})

describe('on Workers, where bindings arrive with the request', () => {
  type Env = { Bindings: { TENANT: 'one' | 'two' } }
  const empty = createAuth({ contract, store: memoryStore() })
  const authOf = (c: Context<Env>) => (c.env.TENANT === 'one' ? auth : empty)

  test('takes the auth of each request', async () => {
    const app = new Hono<Env>().use(authenticate(authOf, { plan: 'pro' }))
    app.get('/', requires(authOf, { permission: 'read' }), (c) => c.json({ account: c.var.auth.account.id }))
    const headers = { 'x-api-key': ada }
    const one = await app.request('/', { headers }, { TENANT: 'one' })
    expect(await one.json()).toEqual({ account: 'ada' })
    const two = await app.request('/', { headers }, { TENANT: 'two' })
    expect(await two.json()).toEqual({ error: 'unknown' })
    const other = await app.request('/', { headers: { 'x-api-key': bob } }, { TENANT: 'one' })
    expect(await other.json()).toEqual({ error: 'plan' })
  })

  test('refuses wrong options with the first request', async () => {
    const app = new Hono<Env>().use(authenticate(authOf, JSON.parse('{"plan":"gold"}') as never)).get('/', open)
    app.onError((error, c) => c.json({ handled: error instanceof TypeError && error.message }, 500))
    const answer = await app.request('/', { headers: { 'x-api-key': ada } }, { TENANT: 'one' })
    expect(await answer.json()).toEqual({ handled: expect.stringContaining('requirement.plan') })
  })
})

test('a handler answers with a denial that it found out', async () => {
  const app = new Hono<AuthEnv<typeof auth>>().use(authenticate(auth))
  app.get('/', async (c) => {
    const outcome = await auth.check(c.var.auth, { permission: 'write' })
    return outcome.kind === 'denied' ? deny(auth, c, outcome) : c.json({ open: true })
  })
  expect((await get(app, '/', ada)).body).toEqual({ error: 'forbidden' })
  expect((await get(app, '/', bob)).body).toEqual({ open: true })
})

describe('options', () => {
  test('and c.var.auth are typed by the contract', () => {
    // @ts-expect-error: no such plan
    expect(() => authenticate(auth, { plan: 'gold' })).toThrow('plan')
    // @ts-expect-error: no such feature
    expect(() => authenticate(auth, { feature: 'video' })).toThrow('feature')
    // @ts-expect-error: no such permission
    expect(() => requires(auth, { permission: 'fly' })).toThrow('permission')
    // @ts-expect-error: a rule answers with one of three words
    expect(requires(auth, { resource: () => true })).toBeTypeOf('function')

    type Ours = KeyedPrincipal<'free' | 'pro', 'read' | 'write'>
    new Hono<AuthEnv<typeof auth>>().get('/', (c) => {
      expectTypeOf(c.var.auth).toEqualTypeOf<Ours>()
      return c.body(null)
    })
    new Hono().use(authenticate(auth)).get('/', (c) => {
      expectTypeOf(c.var.auth).toEqualTypeOf<Ours>()
      return c.body(null)
    })
    new Hono().get('/', requires(auth, { permission: 'read' }), (c) => {
      expectTypeOf(c.var.auth.plan).toEqualTypeOf<'free' | 'pro'>()
      return c.body(null)
    })
  })

  test.each([
    ['throws', { resource: () => explode() }],
    ['rejects', { resource: () => Promise.reject(new Error('a rule')) }],
    [
      'gives no address',
      {
        limits: [{ name: 'address', seconds: 60, limit: 100, per: 'ip' }],
        clientIp: () => Promise.resolve('192.0.2.1') as unknown as string,
      },
    ],
  ] as const)('leave no slot taken where a rule of theirs %s, and nobody else tells of the end', async (_, rule) => {
    const slots = { ...contract, concurrency: { name: 'requests', limit: 2, per: 'key' } } as typeof contract
    const auth = createAuth({ contract: slots, store })
    const app = new Hono()
    app.get('/broken', requires(auth, rule), (c) => c.text('reached'))
    app.get('/', requires(auth, {}), (c) => c.text('reached'))
    app.onError((_error, c) => c.text('failed', 500))
    const statuses: number[] = []
    for (const path of ['/broken', '/broken', '/broken', '/broken', '/']) {
      statuses.push((await app.request(path, { headers: { 'x-api-key': ada } })).status)
    }
    expect(statuses).toEqual([500, 500, 500, 500, 200])
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
