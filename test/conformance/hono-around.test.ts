/** What stands around a mount on Hono sees which fields an answer has: a cache there must not keep what is private. */
import { createAdaptorServer } from '@hono/node-server'
import { authenticate } from '@latchkey/hono'
import { Hono, type MiddlewareHandler } from 'hono'
import { describe, expect, test } from 'vitest'
import { PROVIDERS } from './providers.ts'
import { listen } from './servers.ts'
import { world } from './world.ts'

const HANDLERS = {
  'a context': () => new Hono().get('/', (c) => c.text('mine')),
  'a Response of its own': () => new Hono().get('/', () => new Response('mine')),
}

interface Seen {
  readonly cacheControl: string | null
  readonly vary: string | null
}

function watching(seen: Seen[]): MiddlewareHandler {
  return async (c, next) => {
    await next()
    const { headers } = c.res
    seen.push({ cacheControl: headers.get('cache-control'), vary: headers.get('vary') })
  }
}

const PRIVATE: Seen = { cacheControl: 'private', vary: 'x-api-key, Authorization' }

/** What each of two saw of an answer, within the mount and around it. */
async function seenOf(handler: Hono, ask: (app: Hono, headers: Record<string, string>) => Promise<number>) {
  const { auth, lines } = await world(PROVIDERS.viralsync)
  const [within, around]: [Seen[], Seen[]] = [[], []]
  const app = new Hono()
  app.use(watching(around), authenticate(auth), watching(within))
  app.route('/', handler)
  const status = await ask(app, Object.fromEntries(lines))
  return { status, within, around }
}

describe.each(Object.entries(HANDLERS))('of an answer by %s', (name, make) => {
  // What a handler returns for itself has passed the context by: the mount completes it.
  const within = name === 'a context' ? PRIVATE : { cacheControl: null, vary: null }

  test('over fetch', async () => {
    const seen = await seenOf(make(), async (app, headers) => (await app.request('/', { headers })).status)
    expect(seen).toEqual({ status: 200, within: [within], around: [PRIVATE] })
  })

  test('over a socket', async () => {
    const seen = await seenOf(make(), async (app, headers) => {
      const server = await listen(createAdaptorServer({ fetch: app.fetch }) as Parameters<typeof listen>[0])
      const { status } = await server.ask({ path: '/', lines: Object.entries(headers) })
      server.close()
      return status
    })
    expect(seen).toEqual({ status: 200, within: [within], around: [PRIVATE] })
  })
})
