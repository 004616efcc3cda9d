/** Which credential counts, and what is none: the same bytes in, the same decision out, on every framework. */
import { digestKey } from '@latchkey/core'
import { describe, expect, test } from 'vitest'
import { PROVIDERS } from './providers.ts'
import { frameworks, type Server, serving } from './servers.ts'
import { type Answer, askRaw, bytesOf } from './wire.ts'
import { KEY_ID, mint, NOW, type World, world } from './world.ts'

const OTHER_ID = 'key_0987654321'

/** A world with a second key of the same account, and a third that was revoked. */
async function threeKeys(
  provider: 'viralsync' | 'aiApi' | 'viddyscribe',
): Promise<World & { other: string; revoked: string }> {
  const it = await world(PROVIDERS[provider])
  function add(id: string, revokedAt: number | null): string {
    const text = mint(it.contract)
    const key = it.store.findKey({ service: it.contract.name, id: KEY_ID })?.key
    if (key === undefined) throw new Error('no key')
    const secret = { kind: 'key', digest: digestKey(text), display: '…', createdAt: NOW, expiresAt: null } as const
    it.store.insertAll({ accounts: [], keys: [{ key: { ...key, id, revokedAt }, secrets: [secret] }] })
    return text
  }
  return { ...it, other: add(OTHER_ID, null), revoked: add('key_1111111111', NOW) }
}

/** Sends field lines as they stand; a Fetch request appends them. */
async function send(server: Server, lines: readonly string[], target = '/v1/resource'): Promise<Answer> {
  if (server.port !== undefined) return askRaw(server.port, bytesOf('GET', target, lines))
  const pairs = lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)] as const)
  return server.ask({ path: target, lines: pairs })
}

const LET_IN = { status: 200, body: `{"key":"${KEY_ID}"}` }
const OTHER_LET_IN = { status: 200, body: `{"key":"${OTHER_ID}"}` }
const UNAUTHORIZED = { status: 401, body: PROVIDERS.viralsync.answers.unknown.body }
const REVOKED = { status: 401, body: PROVIDERS.viralsync.answers.revoked.body }

type Case = [
  name: string,
  lines: (it: Awaited<ReturnType<typeof threeKeys>>) => string[],
  expected: Partial<Answer>,
  code?: string,
]

const TWO_CARRIERS: Case[] = [
  ['x-api-key alone', ({ text }) => [`x-api-key: ${text}`], LET_IN],
  ['Bearer alone', ({ text }) => [`Authorization: Bearer ${text}`], LET_IN],
  [
    'x-api-key wins over another good Bearer key',
    ({ text, other }) => [`Authorization: Bearer ${other}`, `x-api-key: ${text}`],
    LET_IN,
  ],
  [
    'a wrong x-api-key wins over a good Bearer key',
    ({ contract, text }) => [`x-api-key: ${mint(contract)}`, `Authorization: Bearer ${text}`],
    UNAUTHORIZED,
    'unknown',
  ],
  [
    'a revoked x-api-key wins over a good Bearer key',
    ({ revoked, text }) => [`x-api-key: ${revoked}`, `Authorization: Bearer ${text}`],
    REVOKED,
    'revoked',
  ],
  [
    'a malformed x-api-key wins over a good Bearer key',
    ({ text }) => ['x-api-key: undefined', `Authorization: Bearer ${text}`],
    UNAUTHORIZED,
    'malformed',
  ],
  [
    'an empty x-api-key falls through to Bearer',
    ({ other }) => ['x-api-key:', `Authorization: Bearer ${other}`],
    OTHER_LET_IN,
  ],
  [
    'a blank x-api-key falls through to Bearer',
    ({ other }) => ['x-api-key:  \t ', `Authorization: Bearer ${other}`],
    OTHER_LET_IN,
  ],
  [
    'x-api-key beside the Authorization of another scheme',
    ({ text }) => [`x-api-key: ${text}`, 'Authorization: Basic dXNlcjpwYXNz'],
    LET_IN,
  ],
  [
    'x-api-key beside two Authorization lines, which are not read',
    ({ text }) => [`x-api-key: ${text}`, 'Authorization: Bearer AAA', 'Authorization: Bearer BBB'],
    LET_IN,
  ],
  [
    'two equal x-api-key lines, and a good Bearer key',
    ({ text }) => [`x-api-key: ${text}`, `x-api-key: ${text}`, `Authorization: Bearer ${text}`],
    UNAUTHORIZED,
    'malformed',
  ],
  [
    'two different x-api-key lines',
    ({ text, other }) => [`x-api-key: ${text}`, `x-api-key: ${other}`],
    UNAUTHORIZED,
    'malformed',
  ],
  ['an x-api-key line and an empty one', ({ text }) => [`x-api-key: ${text}`, 'x-api-key:'], UNAUTHORIZED, 'malformed'],
  [
    'an empty x-api-key line and a good one',
    ({ text }) => ['x-api-key:', `x-api-key: ${text}`],
    UNAUTHORIZED,
    'malformed',
  ],
  [
    'two x-api-key lines whose names differ in case',
    ({ text }) => [`x-api-key: ${text}`, `X-API-Key: ${text}`],
    UNAUTHORIZED,
    'malformed',
  ],
  ['three x-api-key lines', ({ text }) => Array(3).fill(`x-api-key: ${text}`), UNAUTHORIZED, 'malformed'],
  ['two keys in one line', ({ text, other }) => [`x-api-key: ${text}, ${other}`], UNAUTHORIZED, 'malformed'],
  ['a comma after the key', ({ text }) => [`x-api-key: ${text},`], UNAUTHORIZED, 'malformed'],
  ['a comma before the key', ({ text }) => [`x-api-key: ,${text}`], UNAUTHORIZED, 'malformed'],
  ['two words in one line', ({ text }) => [`x-api-key: ${text} ${text}`], UNAUTHORIZED, 'malformed'],
  ['a Bearer scheme in x-api-key', ({ text }) => [`x-api-key: Bearer ${text}`], UNAUTHORIZED, 'malformed'],
  ['a key without its scheme in Authorization', ({ text }) => [`Authorization: ${text}`], UNAUTHORIZED, 'missing'],
  ['the name in other case', ({ text }) => [`X-Api-KEY: ${text}`], LET_IN],
  ['blanks and tabs around the value', ({ text }) => [`x-api-key: \t ${text} \t `], LET_IN],
  ['a key in other case', ({ text }) => [`x-api-key: ${text.toUpperCase()}`], UNAUTHORIZED, 'malformed'],
  ['a key in quotes', ({ text }) => [`x-api-key: "${text}"`], UNAUTHORIZED, 'malformed'],
  ['a name with underscores', ({ text }) => [`x_api_key: ${text}`], UNAUTHORIZED, 'missing'],
  ['a name that only begins so', ({ text }) => [`x-api-key-2: ${text}`], UNAUTHORIZED, 'missing'],
  ['a cookie', ({ text }) => [`Cookie: x-api-key=${text}; SESSION=${text}`], UNAUTHORIZED, 'missing'],
  ['a Proxy-Authorization', ({ text }) => [`Proxy-Authorization: Bearer ${text}`], UNAUTHORIZED, 'missing'],
]

const AI_MISSING = { status: 401, body: PROVIDERS.aiApi.answers.missing.body }

/** The id is derived from the text as presented, the same on every framework. */
function aiInvalid(keyId: string): Partial<Answer> {
  return { status: 401, body: PROVIDERS.aiApi.answers.unknown.body.replace('key_1234567890', keyId) }
}

const BEARER: Case[] = [
  ['the scheme in lower case', ({ text }) => [`Authorization: bearer ${text}`], LET_IN],
  ['the scheme in upper case', ({ text }) => [`AUTHORIZATION: BEARER ${text}`], LET_IN],
  ['several blanks after the scheme', ({ text }) => [`Authorization: Bearer   ${text}`], LET_IN],
  ['blanks after the key', ({ text }) => [`Authorization: Bearer ${text}  `], LET_IN],
  ['an empty field', () => ['Authorization:'], AI_MISSING, 'missing'],
  ['the scheme alone', () => ['Authorization: Bearer'], AI_MISSING, 'missing'],
  ['the scheme and a blank', () => ['Authorization: Bearer '], AI_MISSING, 'missing'],
  ['the Basic scheme', () => ['Authorization: Basic dXNlcjpwYXNz'], AI_MISSING, 'missing'],
  ['another scheme before the same key', ({ text }) => [`Authorization: Token ${text}`], AI_MISSING, 'missing'],
  ['a scheme that only begins so', ({ text }) => [`Authorization: Bearer2 ${text}`], AI_MISSING, 'missing'],
  ['no blank after the scheme', ({ text }) => [`Authorization: Bearer${text}`], AI_MISSING, 'missing'],
  ['x-api-key, which is no carrier', ({ text }) => [`x-api-key: ${text}`], AI_MISSING, 'missing'],
  ['a tab after the scheme', ({ text }) => [`Authorization: Bearer\t${text}`], aiInvalid(KEY_ID), 'malformed'],
  [
    'a blank and a tab after the scheme',
    ({ text }) => [`Authorization: Bearer \t${text}`],
    { status: 401 },
    'malformed',
  ],
  ['two words after the scheme', () => ['Authorization: Bearer AAA BBB'], aiInvalid('key_6280131334'), 'malformed'],
  [
    'an unset variable in JavaScript',
    () => ['Authorization: Bearer undefined'],
    aiInvalid('key_2328122483'),
    'malformed',
  ],
  ['an unset variable in Python', () => ['Authorization: Bearer None'], aiInvalid('key_4403888373'), 'malformed'],
  ['the placeholder', () => ['Authorization: Bearer your-api-key-here'], aiInvalid('key_0253444550'), 'malformed'],
  [
    'two lines',
    () => ['Authorization: Bearer AAA', 'Authorization: Bearer BBB'],
    aiInvalid('key_6119797133'),
    'malformed',
  ],
  [
    'a line and an empty one',
    () => ['Authorization: Bearer AAA', 'Authorization:'],
    aiInvalid('key_5253858933'),
    'malformed',
  ],
  [
    'two equal lines of a good key',
    ({ text }) => [`Authorization: Bearer ${text}`, `authorization: Bearer ${text}`],
    { status: 401 },
    'malformed',
  ],
  [
    'a line of another scheme before a good one',
    ({ text }) => ['Authorization: Basic dXNlcjpwYXNz', `Authorization: Bearer ${text}`],
    { status: 401 },
    'malformed',
  ],
  ['a comma in one line', () => ['Authorization: Bearer AAA,BBB'], aiInvalid('key_8160850028'), 'malformed'],
  [
    'a text of 9,000 bytes',
    () => [`Authorization: Bearer ${'x'.repeat(9000)}`],
    aiInvalid('key_7354464844'),
    'malformed',
  ],
]

describe.each(frameworks)('on %s', (_, start) => {
  test('no key is read where Node has dropped lines: another one may be among them', async () => {
    const it = await threeKeys('viralsync')
    const others = Array.from({ length: 1000 }, () => 'a: b')
    await serving(start, [{ path: '/v1', auth: it.auth }], async (server) => {
      const answer = await send(server, [`x-api-key: ${it.text}`, ...others])
      // Fetch has no such bound: it has all the lines, and joins them.
      expect(answer).toMatchObject(server.port === undefined ? LET_IN : UNAUTHORIZED)
    })
  })

  test.each(TWO_CARRIERS)('x-api-key before Bearer: %s', async (_, lines, expected, code) => {
    const it = await threeKeys('viralsync')
    const answer = await serving(start, [{ path: '/v1', auth: it.auth }], (server) => send(server, lines(it)))
    expect(answer).toMatchObject(expected)
    expect(it.denials.map((denial) => denial.code)).toEqual(code === undefined ? [] : [code])
  })

  test.each(BEARER)('Bearer: %s', async (_, lines, expected, code) => {
    const it = await threeKeys('aiApi')
    const answer = await serving(start, [{ path: '/v1', auth: it.auth }], (server) => send(server, lines(it)))
    expect(answer).toMatchObject(expected)
    expect(it.denials.map((denial) => denial.code)).toEqual(code === undefined ? [] : [code])
  })

  test('reads nothing from the query string', async () => {
    const it = await threeKeys('viddyscribe')
    const query = `?x-api-key=${it.text}&X-API-Key=${it.text}&api_key=${it.text}&access_token=${it.text}`
    const answer = await serving(start, [{ path: '/v1', auth: it.auth }], (server) =>
      send(server, [], `/v1/resource${query}`),
    )
    expect(answer).toMatchObject({ status: 401, body: PROVIDERS.viddyscribe.answers.missing.body })
  })

  test('takes bytes beyond ASCII for no key', async () => {
    const it = await threeKeys('viddyscribe')
    const answer = await serving(start, [{ path: '/v1', auth: it.auth }], (server) =>
      send(server, [`X-API-Key: ${it.text}${server.port === undefined ? 'Ã©' : 'é'}`]),
    )
    expect(answer).toMatchObject({ status: 401, body: PROVIDERS.viddyscribe.answers.malformed.body })
    expect(it.denials.map((denial) => denial.code)).toEqual(['malformed'])
  })

  test('asks for a key before it says that there is no such path', async () => {
    const it = await threeKeys('viralsync')
    await serving(start, [{ path: '/v1', auth: it.auth }], async (server) => {
      expect(await send(server, [], '/v1/nowhere')).toMatchObject(UNAUTHORIZED)
      expect((await send(server, [`x-api-key: ${it.text}`], '/v1/nowhere')).status).toBe(404)
    })
  })

  test('asks for a key whatever the method', async () => {
    const it = await threeKeys('viralsync')
    await serving(start, [{ path: '/v1', auth: it.auth }], async (server) => {
      for (const method of ['OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE']) {
        expect(await server.ask({ method, path: '/v1/resource' })).toMatchObject(UNAUTHORIZED)
      }
    })
  })
})
