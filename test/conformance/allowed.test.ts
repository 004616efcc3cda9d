/** What answers to requests that were let in start with. */
import { memoryLimiter } from '@latchkey/core'
import { describe, expect, test } from 'vitest'
import { PROVIDERS, type Provider, providers } from './providers.ts'
import { frameworks, type Mount, serving } from './servers.ts'
import { KEY_ID, NOW, world } from './world.ts'

/** Unix seconds at which the first of the fields' window comes back. */
const RESET = String(NOW / 1000 + 60)

describe.each(frameworks)('on %s', (_, start) => {
  test.each(providers)('%s: an answer is private and varies by the carriers', async (_, provider) => {
    const it = await world(provider)
    const answer = await serving(start, [{ path: '/v1', auth: it.auth }], (server) =>
      server.ask({ path: '/v1/resource', lines: it.lines }),
    )
    expect(answer).toEqual({
      status: 200,
      body: `{"key":"${KEY_ID}"}`,
      headers: {
        'content-type': 'application/json',
        'content-length': '24',
        'cache-control': 'private',
        vary: provider.vary,
      },
    })
    expect(it.denials).toEqual([])
  })

  test.each(providers)('%s: a handler may say otherwise', async (_, provider) => {
    const it = await world(provider)
    const fields = { 'Cache-Control': 'public, max-age=60', Vary: 'Accept' }
    const answer = await serving(start, [{ path: '/v1', auth: it.auth, fields }], (server) =>
      server.ask({ path: '/v1/resource', lines: it.lines }),
    )
    expect(answer.headers['cache-control']).toBe('public, max-age=60')
    // Hono cannot tell a field that was written over from one of a `Response` of its own, so it adds the carriers there.
    expect(['Accept', `Accept, ${provider.vary}`]).toContain(answer.headers.vary)
  })

  test('a route that guards itself answers like one behind a mount', async () => {
    const it = await world(PROVIDERS.viralsync)
    const mount = { path: '/v1', auth: it.auth, requires: { plan: 'pro' } }
    const answer = await serving(start, [mount], (server) => server.ask({ path: '/v1/resource', lines: it.lines }))
    expect(answer.headers).toMatchObject({ 'cache-control': 'private', vary: 'x-api-key, Authorization' })
  })

  describe('the AI API tells what is left of the minute', () => {
    const left = (remaining: number) => ({
      'x-ratelimit-limit': '300',
      'x-ratelimit-remaining': String(remaining),
      'x-ratelimit-reset': RESET,
    })

    test('on every 200, counting down', async () => {
      const it = await world(PROVIDERS.aiApi, { limiter: memoryLimiter() })
      await serving(start, [{ path: '/v1', auth: it.auth }], async (server) => {
        for (const remaining of [299, 298, 297]) {
          const { status, headers } = await server.ask({ path: '/v1/resource', lines: it.lines })
          expect(status).toBe(200)
          expect(headers).toMatchObject(left(remaining))
        }
      })
    })

    test.each([
      ['403 for a permission', { permission: 'write' }, 403],
      ["403 by the resource's rule", { resource: () => 'forbid' }, 403],
      ["404 by the resource's rule", { resource: () => 'hide' }, 404],
    ] satisfies [string, Mount['requires'], number][])('on an authenticated %s', async (_, requires, status) => {
      const it = await world(PROVIDERS.aiApi, { limiter: memoryLimiter() })
      const answer = await serving(start, [{ path: '/v1', auth: it.auth, requires }], (server) =>
        server.ask({ path: '/v1/resource', lines: it.lines }),
      )
      expect(answer.status).toBe(status)
      expect(answer.headers).toMatchObject({ ...left(299), 'cache-control': 'no-store' })
    })

    test("on the framework's own 404", async () => {
      const it = await world(PROVIDERS.aiApi, { limiter: memoryLimiter() })
      const answer = await serving(start, [{ path: '/v1', auth: it.auth }], (server) =>
        server.ask({ path: '/v1/nowhere', lines: it.lines }),
      )
      expect(answer.status).toBe(404)
      expect(answer.headers).toMatchObject(left(299))
    })

    test('but not on a 401, which has no key to count for', async () => {
      const it = await world(PROVIDERS.aiApi, { limiter: memoryLimiter() })
      const answer = await serving(start, [{ path: '/v1', auth: it.auth }], (server) =>
        server.ask({ path: '/v1/resource' }),
      )
      expect(Object.keys(answer.headers).filter((name) => name.startsWith('x-ratelimit'))).toEqual([])
    })
  })

  test('problem details tell of every policy in the RateLimit fields', async () => {
    const contract = PROVIDERS.problemDetails.contract([
      { name: 'second', seconds: 1, limit: 5, per: 'key' },
      { name: 'minute', seconds: 60, limit: 100, per: 'account' },
    ])
    const it = await world(PROVIDERS.problemDetails, { contract, limiter: memoryLimiter() })
    const answer = await serving(start, [{ path: '/v1', auth: it.auth }], (server) =>
      server.ask({ path: '/v1/resource', lines: it.lines }),
    )
    expect(answer.headers).toMatchObject({
      'ratelimit-policy': '"second";q=5;w=1, "minute";q=100;w=60',
      ratelimit: '"second";r=4;t=1, "minute";r=99;t=60',
    })
  })
})

describe('limits as they are shipped', () => {
  /** How many requests in a row are let in. */
  async function letIn(provider: Provider, plan: string): Promise<number> {
    const it = await world(provider, { limiter: memoryLimiter(), account: { plan } })
    const decide = it.auth.authenticator()
    const fields = new Headers(it.lines.map(([name, value]): [string, string] => [name, value]))
    for (let count = 0; count < 1000; count++) {
      const outcome = await decide({}, fields)
      if (outcome.kind === 'denied') return count
    }
    return Infinity
  }

  test.each([
    ['viesus', PROVIDERS.viesus, 'free', Infinity],
    ['viralsync', PROVIDERS.viralsync, 'free', 120],
    ['viralsync', PROVIDERS.viralsync, 'enterprise', 120],
    ['aiApi', PROVIDERS.aiApi, 'free', 60],
    ['aiApi', PROVIDERS.aiApi, 'pro', 300],
    ['aiApi', PROVIDERS.aiApi, 'enterprise', Infinity],
    ['viddyscribe', PROVIDERS.viddyscribe, 'starter', 120],
    ['visualLayer', PROVIDERS.visualLayer, 'free', Infinity],
    ['problemDetails', PROVIDERS.problemDetails, 'free', Infinity],
  ] as const)('%s: %o', async (_, provider, plan, expected) => {
    expect(await letIn(provider, plan)).toBe(expected)
  })
})
