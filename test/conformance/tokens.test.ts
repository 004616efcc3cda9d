/** Texts that are no tokens of this scheme, and tokens that look odd and are good: on every framework. */
import { describe, expect, test } from 'vitest'
import { PROVIDERS } from './providers.ts'
import { frameworks, serving } from './servers.ts'
import { GOOD, MALFORMED } from './token-cases.ts'
import { KEY_ID, present, world } from './world.ts'

describe.each(frameworks)('on %s', (_, start) => {
  test.each(MALFORMED)('refuses %s', async (_, token) => {
    const it = await world(PROVIDERS.visualLayer)
    const lines = present(PROVIDERS.visualLayer, token)
    const answer = await serving(start, [{ path: '/v1', auth: it.auth }], (server) =>
      server.ask({ path: '/v1/resource', lines }),
    )
    expect(answer).toMatchObject({ status: 401, body: '{"detail":"JWT token is invalid or expired"}' })
    expect(it.denials.map((denial) => denial.code)).toEqual(['malformed'])
  })

  test.each(GOOD)('takes a token %s', async (_, token) => {
    const it = await world(PROVIDERS.visualLayer)
    const lines = present(PROVIDERS.visualLayer, token)
    const answer = await serving(start, [{ path: '/v1', auth: it.auth }], (server) =>
      server.ask({ path: '/v1/resource', lines }),
    )
    expect(answer).toMatchObject({ status: 200, body: `{"key":"${KEY_ID}"}` })
  })
})
