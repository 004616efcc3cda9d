/** What a provider's options change in its answers, on every framework. */
import { aiApi, problemDetails, viddyscribe, viesus, viralsync, visualLayer } from '@latchkey/contracts'
import { type Contract, digestKey, manageBalances, memoryLedger } from '@latchkey/core'
import { describe, expect, test } from 'vitest'
import { PROVIDERS, type Provider } from './providers.ts'
import { type Framework, frameworks, type Mount, serving } from './servers.ts'
import type { Answer } from './wire.ts'
import { KEY_ID, type Lines, NOW, present, type Setup, tokenOf, type World, world } from './world.ts'

const GRAPHQL_RESPONSE = 'application/graphql-response+json'

async function answerTo(
  start: Framework,
  it: World,
  lines: Lines,
  mount: Partial<Pick<Mount, 'authenticate' | 'requires'>> = {},
): Promise<Answer> {
  return serving(start, [{ path: '/v1', auth: it.auth, ...mount }], (server) =>
    server.ask({ path: '/v1/resource', lines }),
  )
}

/** The world of a provider that got options. */
function optioned(provider: Provider, contract: Contract, setup: Setup = {}): Promise<World> {
  return world(provider, { contract, ...setup })
}

describe.each(frameworks)('on %s', (_, start) => {
  describe('viesus with authenticationStatus 401', () => {
    const contract = viesus({ authenticationStatus: 401 })
    const unauthenticated = PROVIDERS.viesus.answers.missing.body
    const forbidden = PROVIDERS.viesus.answers.forbidden.body

    test.each([
      ['not asked for by name', [], 'application/json'],
      ['asked for by any', [['Accept', '*/*']], 'application/json'],
      ['not asked for', [['Accept', 'application/json']], 'application/json'],
      ['asked for', [['Accept', GRAPHQL_RESPONSE]], GRAPHQL_RESPONSE],
      ['asked for first', [['Accept', `${GRAPHQL_RESPONSE}, application/json`]], GRAPHQL_RESPONSE],
      ['asked for last, with a weight', [['Accept', `text/html,${GRAPHQL_RESPONSE};q=0.9`]], GRAPHQL_RESPONSE],
      ['asked for in other case', [['Accept', 'Application/GraphQL-Response+JSON']], GRAPHQL_RESPONSE],
    ] satisfies [string, Lines, string][])(
      'answers a missing key with 401, the media type %s',
      async (_, lines, type) => {
        expect(await answerTo(start, await optioned(PROVIDERS.viesus, contract), lines)).toEqual({
          status: 401,
          body: unauthenticated,
          headers: {
            'content-type': type,
            'content-length': '116',
            'cache-control': 'no-store',
            'www-authenticate': 'APIKey',
          },
        })
      },
    )

    test('answers a wrong key like a missing one', async () => {
      const lines: Lines = [['x-api-key', 'undefined']]
      const answer = await answerTo(start, await optioned(PROVIDERS.viesus, contract), lines)
      expect(answer).toMatchObject({ status: 401, body: unauthenticated })
    })

    test.each([
      ['with the media type', [['Accept', GRAPHQL_RESPONSE]], GRAPHQL_RESPONSE],
      ['without it', [], 'application/json'],
    ] satisfies [string, Lines, string][])('answers what is forbidden with 403, %s', async (_, accept, type) => {
      const it = await optioned(PROVIDERS.viesus, contract)
      const answer = await answerTo(start, it, [...it.lines, ...accept], { requires: { resource: () => 'forbid' } })
      expect(answer).toMatchObject({ status: 403, body: forbidden, headers: { 'content-type': type } })
    })

    test('never answers 200 without data in the media type that promises data', async () => {
      const ledger = memoryLedger()
      const it = await optioned(PROVIDERS.viesus, contract, { ledger })
      await manageBalances({ contract, ledger }).change(it.account, { limit: 0 })
      const lines: Lines = [...it.lines, ['Accept', GRAPHQL_RESPONSE]]
      const exhausted = await answerTo(start, it, lines, { requires: { cost: 1 } })
      expect(exhausted).toMatchObject({ status: 200, headers: { 'content-type': 'application/json' } })
    })
  })

  test('viesus answers 200 as it is shipped, whatever the client accepts', async () => {
    const answer = await answerTo(start, await world(PROVIDERS.viesus), [['Accept', GRAPHQL_RESPONSE]])
    expect(answer).toMatchObject({ status: 200, headers: { 'content-type': 'application/json' } })
    expect(answer.headers).not.toHaveProperty('www-authenticate')
  })

  test.each([
    ['viralsync', PROVIDERS.viralsync, viralsync({ realm: 'Staging 2' }), 'Bearer realm="Staging 2"'],
    ['aiApi', PROVIDERS.aiApi, aiApi({ realm: 'Staging 2' }), 'Bearer realm="Staging 2", error="invalid_token"'],
    [
      'visualLayer',
      PROVIDERS.visualLayer,
      visualLayer({ realm: 'Staging 2' }),
      'Bearer realm="Staging 2", error="invalid_token"',
    ],
    [
      'problemDetails',
      PROVIDERS.problemDetails,
      problemDetails({ realm: 'Staging 2' }),
      'APIKey, Bearer realm="Staging 2", error="invalid_token"',
    ],
    [
      'problemDetails by its name',
      PROVIDERS.problemDetails,
      problemDetails({ name: 'acme' }),
      'APIKey, Bearer realm="acme", error="invalid_token"',
    ],
  ] as const)('%s: the challenge names the realm', async (_, provider, contract, challenge) => {
    const answer = await answerTo(start, await optioned(provider, contract), present(provider, 'undefined'))
    expect(answer.headers['www-authenticate']).toBe(challenge)
  })

  test('viralsync calls the plans by the names given', async () => {
    const contract = viralsync({ planNames: { free: 'Starter', business: 'Business Plus' } })
    const it = await optioned(PROVIDERS.viralsync, contract, { account: { plan: 'free' } })
    const answer = await answerTo(start, it, it.lines, { authenticate: { plan: 'business' } })
    expect(answer).toMatchObject({
      status: 403,
      body: '{"error":"API access is not available on the Starter plan. Upgrade to Business Plus.","code":"FORBIDDEN"}',
    })
  })

  test('viddyscribe calls the plans by the names given, and points to the page given', async () => {
    const contract = viddyscribe({
      planNames: { starter: 'Free Trial' },
      upgradeUrl: 'https://example.com/plans',
      features: { allow_url_input: ['enterprise'] },
    })
    const it = await optioned(PROVIDERS.viddyscribe, contract, { account: { plan: 'starter' } })
    const answer = await answerTo(start, it, it.lines, { authenticate: { feature: 'allow_url_input' } })
    expect(answer).toMatchObject({
      status: 403,
      body: '{"error":"feature_not_available","message":"This feature is not available on your current plan","feature":"allow_url_input","plan_name":"Free Trial","upgrade_url":"https://example.com/plans"}',
    })
  })

  test.each([
    ['viesus', PROVIDERS.viesus, viesus],
    ['viralsync', PROVIDERS.viralsync, viralsync],
    ['aiApi', PROVIDERS.aiApi, aiApi],
    ['viddyscribe', PROVIDERS.viddyscribe, viddyscribe],
  ] as const)('%s: keys made elsewhere are let in only where the contract says so', async (_, provider, make) => {
    const text = 'made-elsewhere-0123456789'
    for (const [imported, status] of [
      [true, 200],
      [false, provider.answers.malformed.status],
    ] as const) {
      const it = await optioned(provider, make({ imported }))
      const key = it.store.findKey({ service: it.contract.name, id: KEY_ID })?.key
      if (key === undefined) throw new Error('no key')
      const secret = { kind: 'key', digest: digestKey(text), display: '…', createdAt: NOW, expiresAt: null } as const
      it.store.insertAll({ accounts: [], keys: [{ key: { ...key, id: 'key_0987654321' }, secrets: [secret] }] })
      const answer = await answerTo(start, it, present(provider, text))
      expect(answer.status).toBe(status)
      expect(answer.body.includes('key_0987654321')).toBe(imported)
    }
  })

  describe('visualLayer', () => {
    const seconds = NOW / 1000
    const LET_IN = 200

    test.each([
      ['iat 30 seconds ahead, as shipped', visualLayer(), { iat: seconds + 30 }, LET_IN],
      ['iat 31 seconds ahead, as shipped', visualLayer(), { iat: seconds + 31 }, 'token_invalid'],
      ['nbf 30 seconds ahead, as shipped', visualLayer(), { nbf: seconds + 30 }, LET_IN],
      ['nbf 31 seconds ahead, as shipped', visualLayer(), { nbf: seconds + 31 }, 'token_invalid'],
      ['iat 1 second ahead, leeway 0', visualLayer({ leeway: 0 }), { iat: seconds + 1 }, 'token_invalid'],
      ['iat now, leeway 0', visualLayer({ leeway: 0 }), { iat: seconds }, LET_IN],
      ['iat 120 seconds ahead, leeway 120', visualLayer({ leeway: 120 }), { iat: seconds + 120 }, LET_IN],
      ['exp now, as shipped', visualLayer(), { exp: seconds }, 'expired'],
      ['exp in a second, as shipped', visualLayer(), { exp: seconds + 1 }, LET_IN],
      ['exp now, leeway 120', visualLayer({ leeway: 120 }), { exp: seconds }, 'expired'],
      ['exp 9 seconds ago, expiryLeeway 10', visualLayer({ expiryLeeway: 10 }), { exp: seconds - 9 }, LET_IN],
      ['exp 10 seconds ago, expiryLeeway 10', visualLayer({ expiryLeeway: 10 }), { exp: seconds - 10 }, 'expired'],
      ['ten years, as shipped', visualLayer(), { exp: seconds + 315_576_000 }, LET_IN],
      ['600 seconds, maxLifetime 600', visualLayer({ maxLifetime: 600 }), { exp: seconds + 600 }, LET_IN],
      ['601 seconds, maxLifetime 600', visualLayer({ maxLifetime: 600 }), { exp: seconds + 601 }, 'token_invalid'],
      [
        '601 seconds since a time of issue in the past, maxLifetime 600',
        visualLayer({ maxLifetime: 600 }),
        { iat: seconds - 300, exp: seconds + 301 },
        'token_invalid',
      ],
    ] as const)('takes or refuses a token: %s', async (_, contract, claims, expected) => {
      const it = await optioned(PROVIDERS.visualLayer, contract)
      const answer = await answerTo(start, it, present(PROVIDERS.visualLayer, tokenOf(NOW, claims)))
      expect(answer.status).toBe(expected === LET_IN ? 200 : 401)
      expect(it.denials.map((denial) => denial.code)).toEqual(expected === LET_IN ? [] : [expected])
      if (expected !== LET_IN) expect(answer.body).toBe('{"detail":"JWT token is invalid or expired"}')
    })
  })
})

describe('wrong options are refused when the contract is made', () => {
  test.each([
    ['viesus authenticationStatus', () => viesus(JSON.parse('{"authenticationStatus":403}')), 'authenticationStatus'],
    ['viralsync realm', () => viralsync({ realm: 'a "quoted" one' }), 'realm'],
    ['aiApi realm', () => aiApi({ realm: '' }), 'realm'],
    ['visualLayer realm', () => visualLayer({ realm: 'back\\slash' }), 'realm'],
    ['problemDetails realm', () => problemDetails({ realm: 'two\nlines' }), 'realm'],
  ])('%s', (_, make, option) => {
    expect(make).toThrow(TypeError)
    expect(make).toThrow(option)
  })

  test.each([
    ['leeway', visualLayer({ leeway: -1 })],
    ['expiryLeeway', visualLayer({ expiryLeeway: Number.NaN })],
    ['maxLifetime', visualLayer({ maxLifetime: Number.POSITIVE_INFINITY })],
    ['limits', viralsync({ limits: [{ name: 'minute', seconds: 60, limit: 0, per: 'key' }] })],
    ['limits', viralsync({ limits: [{ name: 'minute', seconds: 0.5, limit: 1, per: 'key' }] })],
  ])('%s, by createAuth', async (option, contract) => {
    const provider = contract.token === undefined ? PROVIDERS.viralsync : PROVIDERS.visualLayer
    const made = optioned(provider, contract)
    await expect(made).rejects.toThrow(TypeError)
    await expect(made).rejects.toThrow(option)
  })
})
