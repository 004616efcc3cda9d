/** What is counted of a request on each framework, as its server and a real client make it. */
import { createServer, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import Router from '@koa/router'
import { problemDetails } from '@latchkey/contracts'
import { createAuth, manageAccounts, manageKeys, memoryStore } from '@latchkey/core'
import * as onExpress from '@latchkey/express'
import * as onHono from '@latchkey/hono'
import * as onKoa from '@latchkey/koa'
import express5 from 'express'
import express4 from 'express-4'
import { Hono } from 'hono'
import Koa3 from 'koa'
import Koa2 from 'koa-2'
import { afterEach, describe, expect, it, vi } from 'vitest'

const contract = problemDetails({
  name: 'acme',
  permissions: { read: [], write: [] },
  limits: [{ name: 'minute', seconds: 60, limit: 5, per: 'key' }],
})
const SECRET = 'a-secret-in-the-path'

async function guarded() {
  const store = memoryStore()
  await manageAccounts({ store, by: 'test' }).create({ id: 'customer', plan: 'free' })
  const keys = manageKeys({ contract, store, by: 'test' })
  const { key, secret } = await keys.create({ accountId: 'customer', name: 'test', permissions: ['read'] })
  const auth = createAuth({ contract, store })
  const counted = async () => {
    await auth.close()
    const counts = store.listUsage({ service: 'acme', keyIds: [key.id], from: 0, to: 8.64e15 })
    return Object.fromEntries(counts.map(({ route, status, count }) => [`${status} ${route}`, count]))
  }
  return { auth, secret, counted }
}

type Auth = Awaited<ReturnType<typeof guarded>>['auth']

function honoApp(auth: Auth): Hono {
  const app = new Hono()
  app.use('/v1/*', onHono.authenticate(auth))
  app.get('/v1/things/:id', (c) => c.json({}))
  app.post('/v1/things', onHono.requires(auth, { permission: 'write' }), (c) => c.json({}))
  app.get('/v1/fails', () => {
    throw new Error('broken')
  })
  app.onError((_, c) => c.json({}, 500))
  return app
}

function expressApp(express: typeof express5, auth: Auth): RequestListener {
  const app = express()
  const router = express.Router()
  router.get('/things/:id', (_req, res) => void res.json({}))
  router.post('/things', onExpress.requires(auth, { permission: 'write' }), (_req, res) => void res.json({}))
  router.get('/fails', () => {
    throw new Error('broken')
  })
  app.set('env', 'test')
  app.use('/v1', onExpress.authenticate(auth), router)
  app.use(((_error, _req, res, _next) => void res.status(500).end()) as express5.ErrorRequestHandler)
  return app
}

function koaApp(Koa: typeof Koa3, auth: Auth): RequestListener {
  const answer = (ctx: { body: unknown }): void => {
    ctx.body = {}
  }
  const app = new Koa()
  app.silent = true
  const router = new Router({ prefix: '/v1' })
  router.get('/things/:id', answer)
  router.post('/things', onKoa.requires(auth, { permission: 'write' }), answer)
  router.get('/fails', () => {
    throw new Error('broken')
  })
  app.use(onKoa.authenticate(auth)).use(router.routes())
  return app.callback()
}

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections()
})

async function listening(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const FRAMEWORKS: readonly (readonly [
  name: string,
  listener: (auth: Auth) => RequestListener,
  routes: {
    readonly get: string
    readonly post: string
    readonly fails: string
    readonly none: string
    readonly mount: string
  },
])[] = [
  [
    'Hono on Node',
    (auth) => getRequestListener(honoApp(auth).fetch),
    {
      get: 'GET /v1/things/:id',
      post: 'POST /v1/things',
      fails: 'GET /v1/fails',
      none: 'ALL /v1/*',
      mount: 'ALL /v1/*',
    },
  ],
  ...(
    [
      ['Express 5', express5],
      ['Express 4', express4 as unknown as typeof express5],
    ] as const
  ).map(
    ([name, express]) =>
      [
        name,
        (auth: Auth) => expressApp(express, auth),
        { get: 'GET /things/:id', post: 'POST /things', fails: 'GET /fails', none: '(none)', mount: '(none)' },
      ] as const,
  ),
  ...(
    [
      ['Koa 3', Koa3],
      ['Koa 2', Koa2 as unknown as typeof Koa3],
    ] as const
  ).map(
    ([name, Koa]) =>
      [
        name,
        (auth: Auth) => koaApp(Koa, auth),
        {
          get: 'GET /v1/things/:id',
          post: 'POST /v1/things',
          fails: 'GET /v1/fails',
          none: '(none)',
          mount: '(none)',
        },
      ] as const,
  ),
]

describe.each(FRAMEWORKS)('on %s', (_, listener, { get, post, fails, none, mount }) => {
  it('each request is counted once, by the pattern of its route and the status of its answer', async () => {
    const { auth, secret, counted } = await guarded()
    const url = await listening(listener(auth))
    const ask = async (method: string, path: string) => {
      const answer = await fetch(`${url}${path}`, { method, headers: { 'x-api-key': secret } })
      await answer.arrayBuffer()
      return answer.status
    }
    const statuses = [
      await ask('GET', `/v1/things/${SECRET}?token=${SECRET}`),
      await ask('GET', '/v1/things/2'),
      await ask('POST', '/v1/things'),
      await ask('GET', '/v1/fails'),
      await ask('GET', `/v1/${SECRET}`),
      await ask('GET', '/v1/things/3'),
    ]
    expect(statuses).toEqual([200, 200, 403, 500, 404, 429])
    const expected = {
      [`200 ${get}`]: 2,
      [`403 ${post}`]: 1,
      [`500 ${fails}`]: 1,
      [`404 ${none}`]: 1,
      [`429 ${mount}`]: 1,
    }
    // A client may have its answer before the server has closed it.
    await vi.waitFor(async () => expect(await counted()).toEqual(expected), { timeout: 10_000 })
  })
})

it('a client that is gone before there is an answer is counted as 499', async () => {
  const { auth, secret, counted } = await guarded()
  const app = express5()
  app.use(onExpress.authenticate(auth))
  let arrive = () => {}
  const arrived = new Promise<void>((resolve) => (arrive = resolve))
  app.get('/hangs', arrive)
  const url = new URL(await listening(app))
  const socket = connect(Number(url.port), url.hostname)
  socket.on('error', () => {})
  socket.write(`GET /hangs HTTP/1.1\r\nHost: x\r\nx-api-key: ${secret}\r\n\r\n`)
  await arrived
  socket.destroy()
  await vi.waitFor(async () => expect(await counted()).toEqual({ '499 GET /hangs': 1 }), { timeout: 10_000 })
})

it('off Node, too: when the middleware has the answer, whose body is left alone', async () => {
  const { auth, secret, counted } = await guarded()
  const app = honoApp(auth)
  const headers = { 'x-api-key': secret }
  for (const path of ['/v1/things/1', '/v1/fails', `/v1/${SECRET}`]) await app.request(path, { headers })
  await app.request('/v1/things', { method: 'POST', headers })
  const bare = new Hono().post('/closed', onHono.requires(auth, { permission: 'write' }), (c) => c.json({}))
  await bare.request('/closed', { method: 'POST', headers })
  expect(await counted()).toEqual({
    '200 GET /v1/things/:id': 1,
    '500 GET /v1/fails': 1,
    '404 ALL /v1/*': 1,
    '403 POST /v1/things': 1,
    '403 POST /closed': 1,
  })
})
