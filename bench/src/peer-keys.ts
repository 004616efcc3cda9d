/** What else checks API keys in a process. Each takes the text of a key and says whether it is good. */
import bearerAuthPlugin from '@fastify/bearer-auth'
import type { Request, RequestHandler, Response } from 'express'
import type { Context } from 'hono'
import { bearerAuth } from 'hono/bearer-auth'
import passport from 'passport'
import { HeaderAPIKeyStrategy } from 'passport-headerapikey'
import { checkAPIKey, extractShortToken, generateAPIKey } from 'prefixed-api-key'

export interface KeyPeer {
  readonly name: string
  /** Its good keys. */
  readonly texts: readonly string[]
  readonly stranger: string
  /** `authorization`: the text as it stands in that header field. */
  readonly check: (text: string, authorization: string) => boolean | Promise<boolean>
}

/** The peers that check keys of ours. `texts`: the good ones. */
export async function keyPeers(texts: readonly string[], stranger: string): Promise<readonly KeyPeer[]> {
  const keys = new Map(texts.map((text) => [text, { id: text.slice(-4) }]))
  const given = { texts, stranger }
  const [first = ''] = texts
  return [
    {
      name: 'hono bearerAuth, verifyToken over a Map',
      ...given,
      check: honoCheck(bearerAuth({ verifyToken: (text) => keys.has(text) })),
    },
    { name: 'passport-headerapikey over a Map', ...given, check: passportCheck(keys) },
    await prefixedPeer(texts.length),
    { name: '@fastify/bearer-auth, keys', ...given, check: fastifyCheck(texts) },
    {
      name: 'hono bearerAuth, token: [one key]',
      texts: [first],
      stranger,
      check: honoCheck(bearerAuth({ token: [first] })),
    },
  ]
}

function honoCheck(middleware: ReturnType<typeof bearerAuth>) {
  return async (_: string, authorization: string): Promise<boolean> => {
    let passed = false
    const context = { req: { header: () => authorization } } as unknown as Context
    try {
      await middleware(context, async () => {
        passed = true
      })
    } catch {}
    return passed
  }
}

export function passportMiddleware(keys: ReadonlyMap<string, object>): RequestHandler {
  const own = new passport.Passport()
  own.use(
    new HeaderAPIKeyStrategy(
      { header: 'X-Api-Key', prefix: '' },
      false,
      (text: string, done: (error: null, user: object | false) => void) => done(null, keys.get(text) ?? false),
    ),
  )
  return own.authenticate('headerapikey', { session: false })
}

function passportCheck(keys: ReadonlyMap<string, object>) {
  const middleware = passportMiddleware(keys)
  const response = { setHeader: () => {}, end: () => {} } as unknown as Response
  return (text: string): boolean => {
    let passed = false
    middleware({ headers: { 'x-api-key': text } } as unknown as Request, response, () => {
      passed = true
    })
    return passed
  }
}

async function prefixedPeer(count: number): Promise<KeyPeer> {
  const made = await Promise.all(Array.from({ length: count + 1 }, () => generateAPIKey({ keyPrefix: 'key' })))
  const keys = made.map(({ token = '', shortToken = '', longTokenHash = '' }) => ({ token, shortToken, longTokenHash }))
  const stranger = keys.pop()?.token ?? ''
  const hashes = new Map(keys.map(({ shortToken, longTokenHash }) => [shortToken, longTokenHash]))
  return {
    name: 'prefixed-api-key over a Map',
    texts: keys.map(({ token }) => token),
    stranger,
    check(text) {
      const hash = hashes.get(extractShortToken(text))
      return hash !== undefined && checkAPIKey(text, hash)
    },
  }
}

type BearerCheck = (request: object, reply: object, done: (error?: Error) => void) => void

function fastifyCheck(texts: readonly string[]) {
  let verify: BearerCheck | undefined
  // What of Fastify the plugin uses.
  const app = {
    log: {},
    decorate(name: string, value: BearerCheck) {
      if (name === 'verifyBearerAuth') verify = value
    },
  }
  const register = bearerAuthPlugin as unknown as (app: object, options: object, done: () => void) => void
  register(app, { keys: [...texts], addHook: false }, () => {})
  const reply = { code: () => {}, header: () => {} }
  return (_: string, authorization: string) =>
    new Promise<boolean>((resolve) => {
      const request = { raw: { headers: { authorization } } }
      verify?.(request, reply, (error) => resolve(error === undefined))
    })
}
