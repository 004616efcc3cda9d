/** One app in a process of its own: a framework, and what stands before its only route. */
import { hash } from 'node:crypto'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type AnyAuth, createAuth } from '@latchkey/core'
import type { RequestHandler } from 'express'
import type { MiddlewareHandler } from 'hono'
import type { Middleware } from 'koa'
import { contract, keyStore, newKey, tokenSigner } from './fixtures.ts'

/** What it says when it listens. Header fields are lines as they are sent. */
export interface Listening {
  readonly port: number
  readonly good: readonly string[]
  readonly bad: string
}

const KEYS = 1000
const TOKENS = 100
const ANSWER = { account: 'customer' }

interface Guard<M> extends Omit<Listening, 'port'> {
  readonly middleware: M
}

type Guards<M> = Readonly<Record<string, () => Promise<Guard<M>>>>

async function keyGuard<M>(make: (auth: AnyAuth) => M): Promise<Guard<M>> {
  const { store, texts } = await keyStore(KEYS)
  const middleware = make(createAuth({ contract, store }))
  return { middleware, good: texts.map((text) => `x-api-key: ${text}`), bad: `x-api-key: ${newKey()}` }
}

/** A peer that has a `Map` of keys. */
async function mapGuard<M>(field: string, make: (keys: ReadonlyMap<string, object>) => M): Promise<Guard<M>> {
  const texts = Array.from({ length: KEYS }, newKey)
  const keys = new Map(texts.map((text) => [text, { id: text.slice(-4) }]))
  return { middleware: make(keys), good: texts.map((text) => `${field}${text}`), bad: `${field}${newKey()}` }
}

/** The least that finds a key by its digest, and nothing else. */
async function floorGuard<M>(make: (isKey: (text: unknown) => boolean) => M): Promise<Guard<M>> {
  const texts = Array.from({ length: KEYS }, newKey)
  const keys = new Map(texts.map((text) => [hash('sha256', text, 'hex'), { id: text.slice(-4) }]))
  const middleware = make((text) => keys.has(hash('sha256', String(text), 'hex')))
  return { middleware, good: texts.map((text) => `x-api-key: ${text}`), bad: `x-api-key: ${newKey()}` }
}

async function tokenGuard<M>(make: (signer: Awaited<ReturnType<typeof tokenSigner>>) => Promise<M>): Promise<Guard<M>> {
  const signer = await tokenSigner()
  const good = Array.from({ length: TOKENS }, () => `authorization: Bearer ${signer.sign()}`)
  return { middleware: await make(signer), good, bad: `authorization: Bearer ${signer.forge()}` }
}

/** What does nothing, and is sent the same. */
function noGuards<M>(middleware: M): Guards<M> {
  return {
    'no-op, key': () => mapGuard('x-api-key: ', () => middleware),
    'no-op, token': () => tokenGuard(async () => middleware),
  }
}

const HONO: Guards<MiddlewareHandler> = {
  ...noGuards((_, next) => next()),
  floor: () =>
    floorGuard((isKey) => async (c, next) => {
      if (!isKey(c.env.incoming.headers['x-api-key'])) return c.json({}, 401)
      return next()
    }),
  async key() {
    const { authenticate } = await import('@latchkey/hono')
    return keyGuard((auth) => authenticate(auth))
  },
  async token() {
    const { authenticate } = await import('@latchkey/hono')
    return tokenGuard(async ({ auth }) => authenticate(auth))
  },
  async 'hono bearerAuth'() {
    const { bearerAuth } = await import('hono/bearer-auth')
    return mapGuard('authorization: Bearer ', (keys) => bearerAuth({ verifyToken: (text) => keys.has(text) }))
  },
  async 'hono/jwt'() {
    const { jwt } = await import('hono/jwt')
    return tokenGuard(async ({ secret }) => jwt({ secret: secret.export().toString(), alg: 'HS256' }))
  },
  async jose() {
    const { jwtVerify } = await import('jose')
    return tokenGuard(async ({ secret, issuer }) => async (c, next) => {
      try {
        const [, token = ''] = (c.req.header('authorization') ?? '').split(' ')
        await jwtVerify(token, secret, { algorithms: ['HS256'], issuer })
      } catch {
        return c.json({ error: 'invalid' }, 401)
      }
      return next()
    })
  },
  async 'Better Auth'() {
    const { betterAuthPeer } = await import('./better-auth.ts')
    const { texts, stranger, check } = await betterAuthPeer(100)
    const middleware: MiddlewareHandler = async (c, next) => {
      const text = c.req.header('x-api-key') ?? ''
      return (await check(text, '')) ? next() : c.json({ error: 'invalid' }, 401)
    }
    return { middleware, good: texts.map((text) => `x-api-key: ${text}`), bad: `x-api-key: ${stranger}` }
  },
}

const KOA: Guards<Middleware> = {
  ...noGuards((_, next) => next()),
  floor: () => floorGuard((isKey) => (ctx, next) => (isKey(ctx.req.headers['x-api-key']) ? next() : ctx.throw(401))),
  async key() {
    const { authenticate } = await import('@latchkey/koa')
    return keyGuard((auth) => authenticate(auth))
  },
  async token() {
    const { authenticate } = await import('@latchkey/koa')
    return tokenGuard(async ({ auth }) => authenticate(auth))
  },
  async 'koa-jwt'() {
    const { default: jwt } = await import('koa-jwt')
    return tokenGuard(async ({ secret, issuer }) =>
      jwt({ secret: secret as unknown as string, algorithms: ['HS256'], issuer }),
    )
  },
}

const EXPRESS: Guards<RequestHandler> = {
  ...noGuards((_request, _response, next) => next()),
  floor: () =>
    floorGuard((isKey) => (request, response, next) => {
      if (isKey(request.headers['x-api-key'])) next()
      else response.sendStatus(401)
    }),
  async key() {
    const { authenticate } = await import('@latchkey/express')
    return keyGuard((auth) => authenticate(auth))
  },
  async token() {
    const { authenticate } = await import('@latchkey/express')
    return tokenGuard(async ({ auth }) => authenticate(auth))
  },
  async 'express-jwt'() {
    const { expressjwt } = await import('express-jwt')
    return tokenGuard(async ({ secret, issuer }) =>
      expressjwt({ secret: secret as unknown as string, algorithms: ['HS256'], issuer }),
    )
  },
  async 'passport-headerapikey'() {
    const { passportMiddleware } = await import('./peer-keys.ts')
    return mapGuard('x-api-key: ', (keys) => passportMiddleware(keys))
  },
}

async function honoApp(guard: Guard<MiddlewareHandler>): Promise<RequestListener> {
  const [{ Hono }, { getRequestListener }] = await Promise.all([import('hono'), import('@hono/node-server')])
  const app = new Hono()
  app.use('/v1/*', guard.middleware)
  app.get('/v1/me', (c) => c.json(ANSWER))
  return getRequestListener(app.fetch)
}

async function koaApp(guard: Guard<Middleware>): Promise<RequestListener> {
  const { default: Koa } = await import('koa')
  const app = new Koa()
  app.silent = true
  app.use(guard.middleware)
  app.use((ctx) => {
    ctx.body = ANSWER
  })
  return app.callback()
}

async function expressApp(guard: Guard<RequestHandler>): Promise<RequestListener> {
  const { default: express } = await import('express')
  const app = express()
  // Where it does not write the stack of each refusal to the log.
  app.set('env', 'test')
  app.use('/v1', guard.middleware)
  app.get('/v1/me', (_request, response) => {
    response.json(ANSWER)
  })
  return app as RequestListener
}

async function listen<M>(guards: Guards<M>, name: string, app: (guard: Guard<M>) => Promise<RequestListener>) {
  const make = guards[name]
  if (make === undefined) throw new Error(`there is no guard ${name}`)
  const guard = await make()
  // A connection waits for its turn as long as it takes.
  const server = createServer({ keepAliveTimeout: 0 }, await app(guard))
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo
    const listening: Listening = { port, good: guard.good, bad: guard.bad }
    process.send?.(listening)
  })
  // What it has used of its processor, in microseconds.
  process.on('message', () => {
    const { user, system } = process.cpuUsage()
    process.send?.(user + system)
  })
}

const [framework = '', name = ''] = process.argv.slice(2)
if (framework === 'hono') await listen(HONO, name, honoApp)
else if (framework === 'koa') await listen(KOA, name, koaApp)
else await listen(EXPRESS, name, expressApp)
