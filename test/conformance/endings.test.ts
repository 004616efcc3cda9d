/** What comes back when a request ends: slots always, costs when its answer failed or broke. */
import { createServer, type Server as HttpServer, type RequestListener, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import { createAdaptorServer } from '@hono/node-server'
import { problemDetails } from '@latchkey/contracts'
import {
  type Account,
  type AnyAuth,
  type Balances,
  createAuth,
  manageBalances,
  manageKeys,
  memoryLedger,
  memoryStore,
} from '@latchkey/core'
import * as forExpress from '@latchkey/express'
import * as forHono from '@latchkey/hono'
import * as forKoa from '@latchkey/koa'
import express5 from 'express'
import express4 from 'express-4'
import { Hono } from 'hono'
import Koa3 from 'koa'
import Koa2 from 'koa-2'
import { describe, expect, test } from 'vitest'

const ACCOUNT: Account = { id: 'ada', plan: 'any', status: 'active', email: null, metadata: {} }
const ROUTE = { cost: 4, concurrency: { name: 'jobs', limit: 1, per: 'account' } } as const
const contract = problemDetails({
  limits: [{ name: 'address', seconds: 60, limit: 50, per: 'ip' }],
  quota: { name: 'credits', limit: 100 },
})

/** What a handler does, told by the path. */
interface Handlers {
  /** Waits until it is let go. */
  readonly waits: () => Promise<void>
  readonly settle: (request: object) => Promise<void>
}

type App = (auth: AnyAuth, handlers: Handlers) => RequestListener | HttpServer

function expressApp(express: typeof express5): App {
  return (auth, { waits, settle }) => {
    const app = express()
    app.use(forExpress.requires(auth, ROUTE))
    app.get('/ok', (_req, res) => void res.send('ok'))
    app.get('/fails', (_req, res) => void res.status(500).send('failed'))
    app.get('/settles', async (req, res) => {
      await settle(req)
      res.send('ok')
    })
    app.get('/waits', async (_req, res) => {
      res.write('begun')
      await waits()
      res.end()
    })
    return app
  }
}

function koaApp(Koa: typeof Koa3): App {
  return (auth, { waits, settle }) => {
    const app = new Koa()
    app.silent = true
    app.use(forKoa.requires(auth, ROUTE))
    app.use(async (ctx) => {
      ctx.body = 'ok'
      if (ctx.path === '/fails') ctx.status = 500
      if (ctx.path === '/settles') await settle(ctx)
      if (ctx.path === '/waits') {
        const body = new PassThrough()
        body.write('begun')
        ctx.body = body
        void waits().then(() => body.end())
      }
    })
    return app.callback()
  }
}

const honoServer: App = (auth, { waits, settle }) => {
  const app = new Hono().use(forHono.requires(auth, ROUTE))
  app.get('/ok', (c) => c.text('ok'))
  app.get('/fails', () => {
    throw new Error('a bug')
  })
  app.onError((_error, c) => c.text('failed', 500))
  app.get('/settles', async (c) => {
    await settle(c)
    return c.text('ok')
  })
  app.get('/waits', () => {
    const body = new ReadableStream({
      async start(controller) {
        controller.enqueue(new TextEncoder().encode('begun'))
        await waits()
        try {
          controller.close()
        } catch {}
      },
    })
    return new Response(body)
  })
  return createAdaptorServer({ fetch: app.fetch }) as HttpServer
}

const APPS: [name: string, app: App][] = [
  ['express 5', expressApp(express5)],
  ['express 4', expressApp(express4 as unknown as typeof express5)],
  ['koa 3', koaApp(Koa3)],
  ['koa 2', koaApp(Koa2 as unknown as typeof Koa3)],
  ['hono', honoServer],
]

interface World {
  readonly balances: Balances
  /** The status, once the whole answer is there. */
  get(path: string): Promise<number>
  /** Begins a request; resolves with how to break it off, when its answer has begun. */
  begin(path: string): Promise<() => void>
  /** Lets those that wait go. */
  letGo(): void
}

async function serving(app: App, use: (world: World) => Promise<void>): Promise<void> {
  const store = memoryStore()
  store.insertAll({ accounts: [ACCOUNT], keys: [] })
  const { secret } = await manageKeys({ contract, store, by: 'test' }).create({ accountId: 'ada', name: 'test' })
  const headers = { 'x-api-key': secret ?? '' }
  const ledger = memoryLedger()
  const auth = createAuth({ contract, store, ledger })
  let letGo = () => {}
  const made = app(auth, {
    waits: () =>
      new Promise<void>((resolve) => {
        letGo = resolve
      }),
    settle: (about) => auth.settle(about, 1),
  })
  const server = typeof made === 'function' ? createServer(made) : made
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  try {
    await use({
      balances: manageBalances({ contract, ledger }),
      get: (path) =>
        new Promise((resolve, reject) => {
          request({ port, path, headers, agent: false }, (answer) => {
            answer.resume().on('end', () => resolve(answer.statusCode ?? 0))
          })
            .on('error', reject)
            .end()
        }),
      begin: (path) =>
        new Promise((resolve, reject) => {
          const asked = request({ port, path, headers, agent: false }, (answer) => {
            answer.once('data', () => resolve(() => asked.destroy())).on('error', () => {})
          })
          asked.on('error', reject).end()
        }),
      letGo: () => letGo(),
    })
  } finally {
    server.close()
    server.closeAllConnections()
    await auth.close()
  }
}

describe.each(APPS)('on %s', (_, app) => {
  const used = async ({ balances }: World) => (await balances.find(ACCOUNT))?.used

  test('an answer that was sent keeps its cost, and gives its slot back', () =>
    serving(app, async (world) => {
      for (let i = 1; i <= 3; i++) {
        await expect.poll(() => world.get('/ok')).toBe(200)
        expect(await used(world)).toBe(4 * i)
      }
    }))

  test('an answer that failed gives back both', () =>
    serving(app, async (world) => {
      expect(await world.get('/fails')).toBe(500)
      await expect.poll(() => used(world)).toBe(0)
      expect(await world.get('/ok')).toBe(200)
    }))

  test('a handler says what it has cost', () =>
    serving(app, async (world) => {
      expect(await world.get('/settles')).toBe(200)
      expect(await used(world)).toBe(1)
    }))

  test('a slot is held as long as the answer goes on, and what is refused meanwhile costs nothing', () =>
    serving(app, async (world) => {
      await world.begin('/waits')
      expect(await world.get('/ok')).toBe(429)
      expect(await used(world)).toBe(4)
      world.letGo()
      await expect.poll(() => world.get('/ok')).toBe(200)
      expect(await used(world)).toBe(8)
    }))

  test('a client that breaks off gives back both', () =>
    serving(app, async (world) => {
      const breakOff = await world.begin('/waits')
      expect(await used(world)).toBe(4)
      breakOff()
      await expect.poll(() => used(world)).toBe(0)
      expect(await world.get('/ok')).toBe(200)
      world.letGo()
    }))

  test('the socket’s address is what limits by address go by', () =>
    serving(app, async (world) => {
      const statuses = new Set<number>()
      for (let i = 0; i < 51; i++) statuses.add(await world.get('/fails'))
      expect([...statuses].includes(429)).toBe(true)
    }))
})

describe('on hono over fetch', () => {
  async function fetching(
    use: (app: Hono, world: { used(): Promise<number | undefined>; headers: Headers }) => Promise<void>,
  ) {
    const store = memoryStore()
    store.insertAll({ accounts: [ACCOUNT], keys: [] })
    const { secret } = await manageKeys({ contract, store, by: 'test' }).create({ accountId: 'ada', name: 'test' })
    const ledger = memoryLedger()
    const auth = createAuth({ contract, store, ledger, brake: { failures: 1 } })
    const clientIp = (c: { req: { header(name: string): string | undefined } }) => c.req.header('CF-Connecting-IP')
    const app = new Hono()
    app.use(forHono.authenticate(auth, { clientIp }), forHono.requires(auth, { ...ROUTE, clientIp }))
    app.get('/ok', (c) => c.text('ok'))
    app.get('/empty', (c) => c.body(null, 204))
    app.get('/fails', () => {
      throw new Error('a bug')
    })
    app.onError((_error, c) => c.text('failed', 500))
    const balances = manageBalances({ contract, ledger })
    const used = async () => (await balances.find(ACCOUNT))?.used
    await use(app, { used, headers: new Headers({ 'x-api-key': secret ?? '' }) })
    await auth.close()
  }

  test('a slot is held until the body is read', () =>
    fetching(async (app, { used, headers }) => {
      const answer = await app.request('/ok', { headers })
      expect((await app.request('/ok', { headers })).status).toBe(429)
      expect([answer.status, await answer.text()]).toEqual([200, 'ok'])
      expect((await app.request('/ok', { headers })).status).toBe(200)
      expect(await used()).toBe(8)
    }))

  test('a body that nobody reads to its end gives back both', () =>
    fetching(async (app, { used, headers }) => {
      await (await app.request('/ok', { headers })).body?.cancel()
      expect(await used()).toBe(0)
      expect((await app.request('/ok', { headers })).status).toBe(200)
    }))

  test('an answer without a body, and one to HEAD, have ended', () =>
    fetching(async (app, { used, headers }) => {
      expect((await app.request('/empty', { headers })).status).toBe(204)
      expect((await app.request('/ok', { headers, method: 'HEAD' })).status).toBe(200)
      expect((await app.request('/empty', { headers })).status).toBe(204)
      expect(await used()).toBe(12)
    }))

  test('an answer that failed gives back both when it is read', () =>
    fetching(async (app, { used, headers }) => {
      expect(await (await app.request('/fails', { headers })).text()).toBe('failed')
      expect(await used()).toBe(0)
    }))

  test('the callback says where a request comes from', () =>
    fetching(async (app, { headers }) => {
      const from = (ip: string, key?: string) =>
        app.request('/empty', {
          headers: { 'CF-Connecting-IP': ip, 'x-api-key': key ?? headers.get('x-api-key') ?? '' },
        })
      expect((await from('192.0.2.1', 'key_guess')).status).toBe(401)
      expect((await from('192.0.2.1', 'key_guess')).status).toBe(429)
      expect((await from('192.0.2.2')).status).toBe(204)
    }))

  test('a callback that is none is refused', () => {
    const auth = createAuth({ contract, store: memoryStore() })
    expect(() => forHono.authenticate(auth, { clientIp: 'CF-Connecting-IP' as never })).toThrow(/^clientIp/)
  })
})
