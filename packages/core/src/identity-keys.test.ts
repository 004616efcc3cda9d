import { spawnSync } from 'node:child_process'
import { generateKeyPairSync, type KeyObject, sign as signBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pass } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createAuth } from './auth.ts'
import type { Answer, DenialTable } from './contract.ts'
import { bearer, header } from './credential.ts'
import { defineContract } from './define-contract.ts'
import { digestKey } from './digest.ts'
import { heap } from './fixtures/heap.ts'
import { bareJwkOf } from './fixtures/jwk.ts'
import type { IdentityProvider } from './identity.ts'
import { memoryStore } from './memory-store.ts'
import { type DenialCode, isDenied } from './outcome.ts'
import type { Account } from './store.ts'

/* Where the keys of identity providers come from: what is fetched when, and what happens when it cannot be had. */

const SECONDS = 1_790_000_000
const ISSUER = 'https://id.example'
const AUDIENCE = 'https://api.example'
const TEXT = 'acme_0123456789abcdefghijklmnopqrstuv'
const MASTER_KEY = 'a-master-key-of-at-least-32-bytes'
const ACCOUNT: Account = { id: 'account_1', plan: 'pro', status: 'active', email: null, metadata: {} }
const MAX_JWKS_BYTES = 262_144

const OLD = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const NEW = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 })
const jwkOf = (key: KeyObject, kid: string) => ({ ...bareJwkOf(key), kid, use: 'sig', alg: 'ES256' })
const setOf = (...keys: object[]) => JSON.stringify({ keys })
const OLD_SET = setOf(jwkOf(OLD.publicKey, 'old'))
const NEW_SET = setOf(jwkOf(NEW.publicKey, 'new'))

const CODES: readonly DenialCode[] = [
  'missing',
  'malformed',
  'unknown',
  'revoked',
  'expired',
  'token_invalid',
  'suspended',
  'plan',
  'rate_limited',
  'concurrency',
  'forbidden',
  'exhausted',
  'hidden',
  'unavailable',
]
const denials = Object.fromEntries(CODES.map((code): [string, Answer] => [code, { status: 400, body: code }]))

function authOf(jwks: string, change: Partial<IdentityProvider> = {}, timeout = 1000, now = () => SECONDS * 1000) {
  const store = memoryStore()
  const key = { id: 'key_1', service: 'acme', accountId: 'account_1', name: 'ci', environment: null, metadata: {} }
  const state = { permissions: [], createdAt: 0, expiresAt: null, revokedAt: null, revokedReason: null }
  const secret = { kind: 'key', digest: digestKey(TEXT), display: '…', createdAt: 0, expiresAt: null } as const
  store.insertAll({ accounts: [ACCOUNT], keys: [{ key: { ...key, ...state }, secrets: [secret] }] })
  const provider: IdentityProvider = { issuer: ISSUER, audience: AUDIENCE, algorithms: ['ES256'], jwks, ...change }
  const contract = defineContract({
    name: 'acme',
    carriers: [header('x-api-key'), bearer()],
    key: { prefix: 'acme_', length: 32, alphabet: 'base36' },
    token: { issuer: 'sdk' },
    identity: [provider],
    denials: denials as unknown as DenialTable,
  })
  return createAuth({ contract, store, masterKey: MASTER_KEY, timeout, now })
}

type Asked = ReturnType<typeof authOf>

/** The denial's code and private reason, or `allowed`. */
async function ask(auth: Asked, text: string): Promise<string> {
  const outcome = await auth.authenticator()({}, new Headers({ authorization: `Bearer ${text}` }))
  if (!isDenied(outcome)) return outcome.kind
  if (outcome.code === 'unavailable') expect(outcome.cause).toBeInstanceOf(Error)
  return outcome.code === 'token_invalid' ? `token_invalid: ${outcome.reason}` : outcome.code
}

const encode = (text: string) => Buffer.from(text).toString('base64url')

function tokenOf(key: KeyObject, kid: string, head: object = {}, claims: object = {}): string {
  const whole = { iss: ISSUER, aud: AUDIENCE, sub: 'account_1', iat: SECONDS, exp: SECONDS + 60, ...claims }
  const input = `${encode(JSON.stringify({ alg: 'ES256', kid, ...head }))}.${encode(JSON.stringify(whole))}`
  return `${input}.${signBytes('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
}

const OLD_TOKEN = tokenOf(OLD.privateKey, 'old')
const NEW_TOKEN = tokenOf(NEW.privateKey, 'new')
const strangers = (count: number) => Array.from({ length: count }, (_, i) => tokenOf(OLD.privateKey, `unknown-${i}`))

type Answering = (response: ServerResponse, request: IncomingMessage) => void

interface Published {
  readonly url: string
  /** What was asked for, in order. */
  readonly fetches: IncomingMessage[]
  answer: Answering
}

const json =
  (text: string): Answering =>
  (response) => {
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(text)
  }

const closing: (() => Promise<unknown>)[] = []

/** A server of a provider's keys, on this machine. */
async function publish(answer: Answering = json(OLD_SET)): Promise<Published> {
  const server = createServer((request, response) => {
    published.fetches.push(request)
    published.answer(response, request)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const { port } = server.address() as AddressInfo
  const published: Published = { url: `http://127.0.0.1:${port}/keys`, fetches: [], answer }
  return published
}

/** Milliseconds that the clocks are ahead of the world's. */
let ahead = 0
const later = (seconds: number) => {
  ahead += seconds * 1000
}

beforeEach(() => {
  ahead = 0
  const wall = Date.now.bind(Date)
  const monotonic = performance.now.bind(performance)
  vi.spyOn(Date, 'now').mockImplementation(() => wall() + ahead)
  vi.spyOn(performance, 'now').mockImplementation(() => monotonic() + ahead)
})

afterEach(async () => {
  vi.restoreAllMocks()
  await Promise.all(closing.splice(0).map((close) => close()))
})

describe('the keys of a provider', () => {
  it('are fetched with the first token that could be its own, and then kept', async () => {
    const { url, fetches } = await publish()
    const auth = authOf(url)
    expect(fetches).toHaveLength(0)
    for (let i = 0; i < 5; i++) await expect(ask(auth, OLD_TOKEN)).resolves.toBe('allowed')
    expect(fetches).toHaveLength(1)
  })

  it('are not fetched for keys, key-signed tokens, or what cannot be a token of this provider', async () => {
    const { url, fetches } = await publish()
    const auth = authOf(url)
    const mounted = auth.authenticator()
    expect(mounted({}, new Headers({ 'x-api-key': TEXT }))).toMatchObject({ kind: 'allowed' })
    expect(mounted({}, new Headers())).toMatchObject({ code: 'missing' })
    await expect(ask(auth, `acme_${'0'.repeat(32)}`)).resolves.toBe('unknown')
    await expect(ask(auth, tokenOf(OLD.privateKey, 'old', { alg: 'HS256' }))).resolves.toBe('malformed')
    await expect(ask(auth, tokenOf(OLD.privateKey, 'old', { alg: 'RS256' }))).resolves.toBe('malformed')
    await expect(ask(auth, tokenOf(OLD.privateKey, 'old', { crit: ['x'], x: 1 }))).resolves.toBe('malformed')
    const elsewhere = tokenOf(OLD.privateKey, 'old', {}, { iss: 'https://evil.example' })
    await expect(ask(auth, elsewhere)).resolves.toBe('token_invalid: issuer')
    expect(fetches).toHaveLength(0)
  })

  it('are not fetched for an algorithm that this provider does not pin, though another one does', async () => {
    const { url, fetches } = await publish()
    const auth = createAuth({
      contract: defineContract({
        name: 'acme',
        carriers: [bearer()],
        identity: [
          { issuer: ISSUER, audience: AUDIENCE, algorithms: ['PS256'], jwks: url, accountId: () => 'a' },
          {
            issuer: 'https://other.example',
            audience: AUDIENCE,
            algorithms: ['ES256'],
            jwks: url,
            accountId: () => 'b',
          },
        ],
        denials: denials as unknown as DenialTable,
      }),
      store: memoryStore(),
    })
    await expect(ask(auth as unknown as Asked, OLD_TOKEN)).resolves.toBe('token_invalid: algorithm')
    expect(fetches).toHaveLength(0)
  })

  it('are asked for with nothing of the request', async () => {
    const { url, fetches } = await publish()
    await ask(authOf(`${url}?tenant=1`), OLD_TOKEN)
    const [{ method, url: target, headers } = {} as IncomingMessage] = fetches
    expect([method, target]).toEqual(['GET', '/keys?tenant=1'])
    expect(headers).not.toHaveProperty('authorization')
    expect(headers).not.toHaveProperty('cookie')
    expect(JSON.stringify(headers)).not.toContain(OLD_TOKEN)
  })

  it('are never those that a token brings or names', async () => {
    const theirs = await publish()
    const evil = await publish(json(setOf(jwkOf(NEW.publicKey, 'old'))))
    const auth = authOf(theirs.url, { cooldown: 0 })
    const jwk = jwkOf(NEW.publicKey, 'old')
    const heads = [
      { jwk },
      { jku: evil.url },
      { x5u: evil.url },
      { x5c: ['MIIB'] },
      { jku: evil.url, jwk, x5u: evil.url },
    ]
    for (const head of heads) {
      await expect(ask(auth, tokenOf(NEW.privateKey, 'old', head))).resolves.toBe('token_invalid: signature')
      await expect(ask(auth, tokenOf(OLD.privateKey, 'old', head))).resolves.toBe('allowed')
    }
    await expect(ask(auth, tokenOf(OLD.privateKey, evil.url))).resolves.toBe('token_invalid: key')
    expect(evil.fetches).toHaveLength(0)
  })

  it('are one set for each provider', async () => {
    const [a, b] = [await publish(), await publish(json(setOf(jwkOf(NEW.publicKey, 'old'))))]
    const other = 'https://other.example'
    const provider = { audience: AUDIENCE, algorithms: ['ES256'], accountId: () => 'account_1' } as const
    const store = memoryStore()
    store.insertAll({ accounts: [ACCOUNT], keys: [] })
    const auth = createAuth({
      contract: defineContract({
        name: 'acme',
        carriers: [bearer()],
        identity: [
          { ...provider, issuer: ISSUER, jwks: a.url },
          { ...provider, issuer: other, jwks: b.url },
        ],
        denials: denials as unknown as DenialTable,
      }),
      store,
      now: () => SECONDS * 1000,
    }) as unknown as Asked
    await expect(ask(auth, OLD_TOKEN)).resolves.toBe('allowed')
    expect(b.fetches).toHaveLength(0)
    await expect(ask(auth, tokenOf(OLD.privateKey, 'old', {}, { iss: other }))).resolves.toBe(
      'token_invalid: signature',
    )
    await expect(ask(auth, tokenOf(NEW.privateKey, 'old', {}, { iss: other }))).resolves.toBe('allowed')
    expect([a.fetches.length, b.fetches.length]).toEqual([1, 1])
  })
})

describe('a burst', () => {
  it('of good tokens makes one fetch', async () => {
    const { url, fetches } = await publish((response) => setTimeout(() => json(OLD_SET)(response, {} as never), 50))
    const auth = authOf(url)
    const outcomes = await Promise.all(Array.from({ length: 200 }, () => ask(auth, OLD_TOKEN)))
    expect(new Set(outcomes)).toEqual(new Set(['allowed']))
    expect(fetches).toHaveLength(1)
  })

  it('of 200 unknown kids makes one fetch, and one more after each cool-down', async () => {
    const { url, fetches } = await publish()
    const auth = authOf(url, { cooldown: 30 })
    const burst = async () => new Set(await Promise.all(strangers(200).map((text) => ask(auth, text))))
    await expect(burst()).resolves.toEqual(new Set(['token_invalid: key']))
    expect(fetches).toHaveLength(1)
    await burst()
    later(20)
    await burst()
    expect(fetches).toHaveLength(1)
    later(11)
    await burst()
    expect(fetches).toHaveLength(2)
    await expect(ask(auth, OLD_TOKEN)).resolves.toBe('allowed')
    expect(fetches).toHaveLength(2)
  })

  it('of tokens while the keys cannot be had makes one fetch', async () => {
    const { url, fetches } = await publish((response) => response.writeHead(500).end())
    const auth = authOf(url)
    const outcomes = await Promise.all([...strangers(50), OLD_TOKEN].map((text) => ask(auth, text)))
    expect(new Set(outcomes)).toEqual(new Set(['unavailable']))
    expect(fetches).toHaveLength(1)
  })
})

describe('rotated keys', () => {
  it('are found once the cool-down is over, and the old ones are gone then', async () => {
    const published = await publish()
    const auth = authOf(published.url, { cooldown: 10 })
    await expect(ask(auth, OLD_TOKEN)).resolves.toBe('allowed')
    published.answer = json(NEW_SET)
    await expect(ask(auth, NEW_TOKEN)).resolves.toBe('token_invalid: key')
    later(5)
    await expect(ask(auth, NEW_TOKEN)).resolves.toBe('token_invalid: key')
    later(6)
    await expect(ask(auth, NEW_TOKEN)).resolves.toBe('allowed')
    await expect(ask(auth, OLD_TOKEN)).resolves.toBe('token_invalid: key')
    expect(published.fetches).toHaveLength(2)
  })

  it('are found without any clock of ours', async () => {
    vi.restoreAllMocks()
    const published = await publish()
    const auth = authOf(published.url, { cooldown: 0.02 })
    await expect(ask(auth, OLD_TOKEN)).resolves.toBe('allowed')
    published.answer = json(NEW_SET)
    await new Promise((resolve) => setTimeout(resolve, 40))
    await expect(ask(auth, NEW_TOKEN)).resolves.toBe('allowed')
  })

  it('are asked for after 30 seconds unless the provider says otherwise', async () => {
    const published = await publish()
    const auth = authOf(published.url)
    await ask(auth, OLD_TOKEN)
    published.answer = json(NEW_SET)
    later(29)
    await expect(ask(auth, NEW_TOKEN)).resolves.toBe('token_invalid: key')
    later(2)
    await expect(ask(auth, NEW_TOKEN)).resolves.toBe('allowed')
  })

  it('are not asked again about a token that was good twice, until it ends', async () => {
    let now = SECONDS * 1000
    const { url } = await publish()
    const auth = authOf(url, {}, 1000, () => now)
    const headers = new Headers({ authorization: `Bearer ${OLD_TOKEN}` })
    const ask = () => auth.authenticator()({}, headers)
    expect([ask(), await ask(), ask()].map((outcome) => outcome instanceof Promise)).toEqual([true, false, true])
    await pass(50)
    // At once: nothing was verified.
    expect(ask()).toMatchObject({ kind: 'allowed', principal: { via: 'identity', subject: 'account_1' } })
    now += 60_000 - 1
    expect(ask()).toMatchObject({ kind: 'allowed' })
    now += 1
    expect(await ask()).toMatchObject({ kind: 'denied', code: 'expired' })
  })

  it('leave nothing of such a token in memory but its claims', async () => {
    const { url } = await publish()
    const auth = authOf(url)
    const tokens = Array.from({ length: 200 }, (_, i) =>
      tokenOf(OLD.privateKey, 'old', { pad: 'x'.repeat(5500) }, { i }),
    )
    await ask(auth, OLD_TOKEN)
    const before = heap()
    // A copy, as of each request: nobody else holds it.
    const again = tokens.map((text) => Buffer.from(text).toString())
    for (const _ of [1, 2]) for (const text of again) expect(await ask(auth, text)).toBe('allowed')
    again.length = 0
    expect(heap() - before).toBeLessThan(1_000_000)
  })

  it('say of such a token too that it is withdrawn, when they are fetched anew', async () => {
    const published = await publish()
    const auth = authOf(published.url, { maxAge: 100, cooldown: 1 })
    for (let times = 0; times < 4; times++) expect(await ask(auth, OLD_TOKEN)).toBe('allowed')
    published.answer = json(NEW_SET)
    later(100)
    expect(await ask(auth, OLD_TOKEN)).toBe('token_invalid: key')
    expect(await ask(auth, OLD_TOKEN)).toBe('token_invalid: key')
  })

  it('say so also when another token has them fetched before their time', async () => {
    const published = await publish()
    const auth = authOf(published.url, { cooldown: 1 })
    for (let times = 0; times < 4; times++) expect(await ask(auth, OLD_TOKEN)).toBe('allowed')
    published.answer = json(NEW_SET)
    later(2)
    expect(await ask(auth, NEW_TOKEN)).toBe('allowed')
    expect(await ask(auth, OLD_TOKEN)).toBe('token_invalid: key')
  })

  it('replace withdrawn ones at maxAge, though no token asks for them', async () => {
    for (const [change, maxAge] of [
      [{}, 600],
      [{ maxAge: 100 }, 100],
    ] as const) {
      const published = await publish()
      const auth = authOf(published.url, change)
      await ask(auth, OLD_TOKEN)
      published.answer = json(NEW_SET)
      later(maxAge - 2)
      await expect(ask(auth, OLD_TOKEN)).resolves.toBe('allowed')
      expect(published.fetches).toHaveLength(1)
      later(3)
      await expect(ask(auth, OLD_TOKEN)).resolves.toBe('token_invalid: key')
      expect(published.fetches).toHaveLength(2)
    }
  })
})

/** Answers without keys. Each would be a good one if it were followed, finished or believed. */
const BROKEN: readonly [string, Answering][] = [
  ...[201, 203, 204, 304, 400, 401, 403, 404, 429, 500, 502, 503].map((status): [string, Answering] => [
    `answers ${status}`,
    (response) => response.writeHead(status).end(status === 204 || status === 304 ? undefined : OLD_SET),
  ]),
  ['answers nothing', json('')],
  ['answers white space', json('  \n')],
  ['answers garbage', json('<html>Please sign in</html>')],
  ['answers half of its keys', json(OLD_SET.slice(0, -2))],
  ['answers bytes that are no text', (response) => response.writeHead(200).end(Buffer.from([0xff, 0xfe, 0x00]))],
  ['answers null', json('null')],
  ['answers a list', json('[]')],
  ['answers one key and no set', json(JSON.stringify(jwkOf(OLD.publicKey, 'old')))],
  ['answers an object without keys', json('{}')],
  ['answers keys that are an object', json('{"keys":{}}')],
  ['answers keys that are a text', json('{"keys":"all"}')],
  ['answers a set with a hole', json(`{"keys":[null,${JSON.stringify(jwkOf(OLD.publicKey, 'old'))}]}`)],
  ['answers nested lists', json(`{"keys":${'['.repeat(100_000)}${']'.repeat(100_000)}}`)],
  ['hangs up', (response) => response.destroy()],
  [
    'hangs up in the middle',
    (response) => {
      response.writeHead(200, { 'Content-Length': String(OLD_SET.length + 10) })
      response.write(OLD_SET)
      setTimeout(() => response.destroy(), 20)
    },
  ],
  [
    'says that it is compressed when it is not',
    (response) => response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(OLD_SET),
  ],
]

describe('a provider that', () => {
  it.each(BROKEN)('%s is unavailable, and left alone for five seconds', async (_what, answer) => {
    const published = await publish(answer)
    const auth = authOf(published.url)
    await expect(ask(auth, OLD_TOKEN)).resolves.toBe('unavailable')
    const before = published.fetches.length
    expect(before).toBe(1)
    published.answer = json(OLD_SET)
    await expect(ask(auth, OLD_TOKEN)).resolves.toBe('unavailable')
    later(4)
    await expect(ask(auth, OLD_TOKEN)).resolves.toBe('unavailable')
    expect(published.fetches).toHaveLength(before)
    later(1.1)
    await expect(ask(auth, OLD_TOKEN)).resolves.toBe('allowed')
    expect(published.fetches).toHaveLength(before + 1)
  })

  it.each([301, 302, 303, 307, 308])('redirects with %i is unavailable, and nobody goes there', async (status) => {
    const elsewhere = await publish()
    const published = await publish((response) => response.writeHead(status, { Location: elsewhere.url }).end())
    await expect(ask(authOf(published.url), OLD_TOKEN)).resolves.toBe('unavailable')
    expect(elsewhere.fetches).toHaveLength(0)
    expect(published.fetches).toHaveLength(1)
  })

  it('is not there is unavailable', async () => {
    const { url } = await publish()
    await Promise.all(closing.splice(0).map((close) => close()))
    await expect(ask(authOf(url), OLD_TOKEN)).resolves.toBe('unavailable')
  })

  it.each<[string, Answering]>([
    ['never answers', () => {}],
    ['never ends its answer', (response) => response.writeHead(200).write(OLD_SET)],
    [
      'drips',
      (response) => {
        response.writeHead(200)
        const drip = setInterval(() => response.write(' '), 10)
        response.on('close', () => clearInterval(drip))
      },
    ],
    [
      'never ends a refusal',
      (response) => {
        response.writeHead(500).write('…')
      },
    ],
  ])('%s is unavailable within the timeout, for all that wait', async (_what, answer) => {
    const published = await publish(answer)
    const auth = authOf(published.url, {}, 150)
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => ask(auth, OLD_TOKEN)))
    expect(new Set(outcomes)).toEqual(new Set(['unavailable']))
    expect(published.fetches).toHaveLength(1)
    // Nobody waits a second time: the provider is not asked.
    await expect(ask(auth, OLD_TOKEN)).resolves.toBe('unavailable')
    expect(published.fetches).toHaveLength(1)
  })

  it('refuses at length is not listened to: the connection is given back', async () => {
    let isCutOff = false
    const { url } = await publish((response) => {
      response.on('close', () => {
        isCutOff = !response.writableEnded
      })
      response.writeHead(500).write('…')
    })
    await expect(ask(authOf(url, {}, 20_000), OLD_TOKEN)).resolves.toBe('unavailable')
    await vi.waitFor(() => expect(isCutOff).toBe(true))
  })

  it('is slow, but within the timeout, is waited for', async () => {
    const { url } = await publish((response) => setTimeout(() => json(OLD_SET)(response, {} as never), 100))
    await expect(ask(authOf(url), OLD_TOKEN)).resolves.toBe('allowed')
  })

  it('fails does no harm to keys that are known, until they are too old', async () => {
    const published = await publish()
    const auth = authOf(published.url)
    await expect(ask(auth, OLD_TOKEN)).resolves.toBe('allowed')
    published.answer = (response) => response.writeHead(500).end()
    later(31)
    // It cannot be told whether there is such a key by now.
    await expect(ask(auth, NEW_TOKEN)).resolves.toBe('unavailable')
    await expect(ask(auth, OLD_TOKEN)).resolves.toBe('allowed')
    expect(published.fetches).toHaveLength(2)
    later(600)
    await expect(ask(auth, OLD_TOKEN)).resolves.toBe('unavailable')
    published.answer = json(OLD_SET)
    later(6)
    await expect(ask(auth, OLD_TOKEN)).resolves.toBe('allowed')
  })

  it('fails does no harm to keys of ours', async () => {
    const { url } = await publish((response) => response.writeHead(500).end())
    const auth = authOf(url)
    await expect(ask(auth, OLD_TOKEN)).resolves.toBe('unavailable')
    await expect(ask(auth, TEXT)).resolves.toBe('allowed')
  })
})

describe('a set of keys', () => {
  const padded = (bytes: number) => OLD_SET + ' '.repeat(bytes - OLD_SET.length)

  it('has 256 KiB at most', async () => {
    const good = await publish(json(padded(MAX_JWKS_BYTES)))
    await expect(ask(authOf(good.url), OLD_TOKEN)).resolves.toBe('allowed')
    const large = await publish(json(padded(MAX_JWKS_BYTES + 1)))
    await expect(ask(authOf(large.url), OLD_TOKEN)).resolves.toBe('unavailable')
  })

  it('is not read to its end when it is larger, and the provider is left alone', async () => {
    let isCutOff = false
    const { url, fetches } = await publish((response) => {
      response.on('close', () => {
        isCutOff = !response.writableEnded
      })
      // 300 KB, and an end that never comes.
      response.writeHead(200).write(padded(300_000))
    })
    const auth = authOf(url, {}, 20_000)
    await expect(ask(auth, OLD_TOKEN)).resolves.toBe('unavailable')
    await vi.waitFor(() => expect(isCutOff).toBe(true))
    await expect(ask(auth, OLD_TOKEN)).resolves.toBe('unavailable')
    expect(fetches).toHaveLength(1)
  })

  it('is measured unpacked', async () => {
    const bomb = gzipSync(padded(20_000_000))
    expect(bomb.length).toBeLessThan(MAX_JWKS_BYTES)
    const { url } = await publish((response) => response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(bomb))
    await expect(ask(authOf(url), OLD_TOKEN)).resolves.toBe('unavailable')
  })

  it('may arrive in pieces that cut a character', async () => {
    const bytes = Buffer.from(setOf(jwkOf(OLD.publicKey, 'Schlüssel')))
    const cut = bytes.indexOf(Buffer.from('ü')) + 1
    const { url } = await publish((response) => {
      response.writeHead(200).write(bytes.subarray(0, cut))
      setTimeout(() => response.end(bytes.subarray(cut)), 20)
    })
    await expect(ask(authOf(url), tokenOf(OLD.privateKey, 'Schlüssel'))).resolves.toBe('allowed')
  })

  it('that is empty refuses every token, and is no failure', async () => {
    const { url } = await publish(json('{"keys":[]}'))
    await expect(ask(authOf(url), OLD_TOKEN)).resolves.toBe('token_invalid: key')
  })

  it('may hold keys of other kinds, which are not used', async () => {
    const secret = { kty: 'oct', k: encode('a-secret-of-at-least-thirty-two-bytes-000001'), kid: 'old', alg: 'HS256' }
    const others = [secret, { kty: 'XYZ', kid: 'old' }, {}, { ...bareJwkOf(RSA.publicKey), kid: 'old' }]
    const { url } = await publish(json(setOf(...others, jwkOf(OLD.publicKey, 'old'))))
    await expect(ask(authOf(url), OLD_TOKEN)).resolves.toBe('allowed')
  })

  it('that publishes a private key is broken: anybody signs with it', async () => {
    const { url } = await publish(json(setOf(jwkOf(OLD.privateKey, 'old'))))
    await expect(ask(authOf(url), OLD_TOKEN)).resolves.toBe('unavailable')
  })
})

describe('jose', () => {
  it('is not loaded before the first token of a provider', () => {
    const lines = run(`
      import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
      import { writeSync } from 'node:fs'
      import { bearer, createAuth, defineContract, digestKey, manageKeys, memoryStore } from '@latchkey/core'

      const { privateKey, publicKey } = generateKeyPairSync('ec', {
        namedCurve: 'P-256',
        publicKeyEncoding: { format: 'jwk' },
        privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      })
      const codes = ${JSON.stringify(CODES)}
      const contract = defineContract({
        name: 'acme',
        carriers: [bearer()],
        key: { prefix: 'acme_', length: 32, alphabet: 'base36' },
        token: { issuer: 'sdk' },
        identity: [{
          issuer: 'id',
          audience: 'api',
          algorithms: ['ES256'],
          jwks: { keys: [{ ...publicKey, kid: 'k' }] },
        }],
        denials: Object.fromEntries(codes.map((code) => [code, { status: 400, body: code }])),
      })
      const secret = 'a-secret-of-at-least-thirty-two-bytes-000001'
      const store = memoryStore()
      const record = { service: 'acme', accountId: 'a', name: '', environment: null, permissions: [], createdAt: 0,
        expiresAt: null, revokedAt: null, revokedReason: null, metadata: {} }
      const digest = { kind: 'key', digest: digestKey('${TEXT}'), display: '', createdAt: 0, expiresAt: null }
      store.insertAll({
        accounts: [{ id: 'a', plan: 'p', status: 'active', email: null, metadata: {} }],
        keys: [{ key: { ...record, id: 'k1' }, secrets: [digest] }],
      })
      const masterKey = '${MASTER_KEY}'
      const keys = manageKeys({ contract, store, by: 'test', masterKey })
      await keys.import({ accountId: 'a', name: 'k', kind: 'signing', id: 'k2', text: secret })
      const mounted = createAuth({ contract, store, masterKey }).authenticator()
      const tell = async (what, text) => {
        const outcome = await mounted({}, new Headers({ authorization: 'Bearer ' + text }))
        writeSync(1, what + ': ' + (outcome.principal?.via ?? outcome.code) + '\\n')
      }

      const iat = Math.floor(Date.now() / 1000)
      const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')
      const input = (head, iss) => encode(head) + '.' + encode({ iss, aud: 'api', sub: 'a', iat, exp: iat + 60 })
      const signed = input({ alg: 'HS256', kid: 'k2' }, 'sdk')
      const proven = (iss) => {
        const text = input({ alg: 'ES256', kid: 'k' }, iss)
        const signature = sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' })
        return text + '.' + signature.toString('base64url')
      }
      await tell('key', '${TEXT}')
      await tell('token', signed + '.' + createHmac('sha256', secret).update(signed).digest('base64url'))
      await tell('garbage', 'a.b.c')
      await tell('stranger', proven('evil'))
      await tell('identity', proven('id'))
      await tell('identity', proven('id'))
    `)
    const jose = expect.stringMatching(/^loaded .*\/jose\//)
    expect(lines.slice(0, 4)).toEqual(['key: key', 'token: token', 'garbage: malformed', 'stranger: token_invalid'])
    expect(lines[4]).toEqual(jose)
    expect(lines.slice(-2)).toEqual(['identity: identity', 'identity: identity'])
    expect(lines.slice(4, -2)).toEqual(lines.slice(4, -2).map(() => jose))
  })

  /** Runs a program on the build, as users do. Each line is what it wrote, or a module of jose at the time it was loaded. */
  function run(program: string): readonly string[] {
    const hooks = `
      import { writeSync } from 'node:fs'
      export async function load(url, context, next) {
        if (url.includes('/jose/')) writeSync(1, 'loaded ' + url + '\\n')
        return next(url, context)
      }`
    const asData = (script: string) => `data:text/javascript,${encodeURIComponent(script)}`
    const register = `import { register } from 'node:module'; register(${JSON.stringify(asData(hooks))})`
    const child = spawnSync(
      process.execPath,
      ['--no-warnings', '--import', asData(register), '--input-type=module', '--eval', program],
      { cwd: fileURLToPath(new URL('..', import.meta.url)), encoding: 'utf8', env: { PATH: process.env.PATH } },
    )
    expect(child.stderr).toBe('')
    return child.stdout.trim().split('\n')
  }
})
