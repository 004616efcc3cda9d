import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Demo, startDemo } from '../../examples/demo/src/demo.ts'
import { FRAMEWORKS, type Framework } from '../../examples/demo/src/options.ts'
import type { ServiceName } from '../../examples/demo/src/service.ts'
import { FIELD_CASES } from './fields.ts'
import { HOSTS, OTHER_METHODS, PROTOCOL_CASES } from './protocol.ts'
import { REWRITES } from './targets.ts'
import { type Answer, type Exchange, exchange, type Raw, textOf } from './wire.ts'

const demos = new Map<Framework, Demo>()
let minutes = 0

// Time stands still while the frameworks are compared, and no case meets the rate limits of the one before.
beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 0, 1) })
  for (const framework of FRAMEWORKS) {
    demos.set(framework, await startDemo({ framework, port: 0, store: 'memory:', onPrem: false }))
  }
})
beforeEach(() => {
  vi.setSystemTime(Date.UTC(2026, 0, 1) + ++minutes * 61_000)
})
afterAll(async () => {
  vi.useRealTimers()
  for (const demo of demos.values()) await demo.close()
})

/** A credential of one demo; each has its own. */
type Credential = (service: ServiceName, name: string) => string

interface Compared {
  /** What each framework answered. */
  readonly answers: readonly Answer[]
}

/** Sends a request to every framework and demands one answer: status, every field, every byte of the body. */
async function compare(make: (credential: Credential) => string, options: Exchange = {}): Promise<Compared> {
  const all = await everywhere(make, options)
  const [reference, ...others] = all
  for (const other of others) expect(other.normal, `${other.framework} differs`).toEqual(reference?.normal)
  const answers = reference?.answers ?? []
  for (const { status } of answers) expect(status).toBeLessThan(500)
  return { answers }
}

async function everywhere(make: (credential: Credential) => string, options: Exchange = {}) {
  return Promise.all(
    FRAMEWORKS.map(async (framework) => {
      const { url, services } = (demos.get(framework) as Demo).info
      let used = false
      const bytes = make((service, name) => {
        used = true
        const text = services[service].credentials[name]
        if (text === undefined) throw new Error(`no credential ${service}.${name}`)
        return text
      })
      const answers = await exchange(Number(new URL(url).port), bytes, options)
      if (!used) for (const { status } of answers) expect([2, 3], framework).not.toContain(Math.floor(status / 100))
      return { framework, answers, normal: answers.map((answer) => normalised(answer, used)) }
    }),
  )
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g

/** The same ids and secrets for all. `ownKey`: the id of a bad key stands for a text that differs from demo to demo. */
function normalised({ status, fields, body }: Answer, ownKey: boolean): Answer {
  const text = body.replace(UUID, 'UUID').replace(/"api_secret":"[^"]{43}"/, '"api_secret":"SECRET"')
  return {
    status,
    fields: fields.map((field) => field.replace(UUID, 'UUID')),
    body: ownKey ? text.replace(/"key_id":"key_\d{10}"/, '"key_id":"key_ID"') : text,
  }
}

const request = (raw: Raw) => ({ bytes: textOf(raw), methods: [raw.method ?? 'GET'] })
const ask = (make: (credential: Credential) => Raw) => {
  const { methods } = request(make(() => ''))
  return compare((credential) => textOf(make(credential)), { methods })
}

function token(credential: Credential, prefix: string, claims: Readonly<Record<string, unknown>> = {}): string {
  const name = (suffix: string) => (prefix === '' ? suffix.replace('A', 'a') : prefix + suffix)
  const kid = credential('visualLayer', name('ApiKey'))
  const iat = Math.floor(Date.now() / 1000)
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const input = `${part({ alg: 'HS256', kid, typ: 'JWT' })}.${part({ sub: kid, iat, exp: iat + 600, iss: 'sdk', ...claims })}`
  const mac = createHmac('sha256', credential('visualLayer', name('ApiSecret')))
  return `${input}.${mac.update(input).digest('base64url')}`
}

const live = (credential: Credential) => credential('viralsync', 'live')

describe('one answer of the demo on each framework', () => {
  describe('to the fields of a request', () => {
    const STATUS = { allowed: 200, missing: 401, malformed: 401 } as const

    it.each(FIELD_CASES)('to ViralSync: $name', async ({ lines, verdict }) => {
      const { answers } = await ask((credential) => ({ target: '/viralsync/v1/me', lines: lines(live(credential)) }))
      expect(answers.map(({ status }) => status)).toEqual([typeof verdict === 'number' ? verdict : STATUS[verdict]])
      if (verdict === 'allowed') expect(answers[0]?.body).toContain('"userId":"user_abc123"')
    })

    const others: readonly (readonly [string, string, (credential: Credential) => string])[] = [
      ['VIESUS', '/viesus/graphql?query={__typename}', (credential) => credential('viesus', 'live')],
      ['the AI API', '/ai-api/v1/resources', (credential) => credential('aiApi', 'read')],
      ['ViddyScribe', '/viddyscribe/enterprise/api/get_results', (credential) => credential('viddyscribe', 'live')],
      ['Visual Layer', '/visual-layer/api/v1/dataset/abc-123-def-456', (credential) => token(credential, '')],
    ]
    it.each(others)('to %s, which reads one carrier', async (_name, target, key) => {
      for (const { lines } of FIELD_CASES) {
        vi.setSystemTime(Date.UTC(2026, 0, 1) + ++minutes * 61_000)
        await ask((credential) => ({ target, lines: lines(key(credential)) }))
      }
    })
  })

  describe('to what HTTP allows', () => {
    const service = (credential: Credential) => ({
      key: `x-api-key: ${live(credential)}`,
      read: '/viralsync/v1/me',
      write: '/viralsync/v1/render/jobs',
    })

    it.each(PROTOCOL_CASES)('$name', async ({ bytes, statuses, methods = [], race = false }) => {
      const make = (credential: Credential) => bytes(service(credential))
      const options = { answers: statuses.length, methods }
      if (race) {
        for (const { framework, answers } of await everywhere(make, options)) {
          const seen = answers.map(({ status }) => status)
          const expected = statuses.map((status) => (status === 'ok' ? okOf(seen) : status))
          expect([expected, expected.slice(0, 1), [400]], framework).toContainEqual(seen)
        }
        return
      }
      const seen = (await compare(make, options)).answers.map(({ status }) => status)
      expect(seen).toEqual(statuses.map((status) => (status === 'ok' ? okOf(seen) : status)))
    })

    it.each(['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS', ...OTHER_METHODS])('the method %s', async (method) => {
      for (const target of ['/viralsync/v1/me', '/viralsync/v1/render/jobs', '/viralsync/nowhere']) {
        await ask((credential) => ({ method, target, lines: [`x-api-key: ${live(credential)}`] }))
        const { answers } = await ask(() => ({ method, target }))
        expect(answers[0]?.status).toBe(401)
      }
      await ask(() => ({ method, target: '/nowhere' }))
      await ask(() => ({ method, target: '/visual-layer/api/v1/api_credentials' }))
    })

    it.each(HOSTS)('the host %j', async (host) => {
      await ask((credential) => ({ target: '/viralsync/v1/me', host, lines: [`x-api-key: ${live(credential)}`] }))
      await ask(() => ({ target: '/viralsync/v1/me', host }))
    })

    it('two hosts', async () => {
      await ask((credential) => ({ target: '/viralsync/v1/me', lines: ['Host: b', `x-api-key: ${live(credential)}`] }))
    })

    it.each([
      ['an empty body', ''],
      ['a body over a mebibyte', `"${'x'.repeat(1_200_000)}"`],
      ['a compressed body', '\x1f\x8b\x08\x00'],
      ['a body in UTF-16', '{\x00}\x00'],
      ['a body with a byte-order mark', '\xef\xbb\xbf{}'],
      ['a body that is no UTF-8', '"\xff"'],
      ['a body that is a number', '1'],
      ['a body that is null', 'null'],
      ['a body of brackets', '['.repeat(50_000)],
      ['a body with the name of a prototype member', '{"__proto__":{"via":"none"}}'],
    ])('%s', async (_name, body) => {
      for (const type of ['application/json', 'application/json; charset=utf-16', 'text/plain', 'x']) {
        const lines = [`Content-Type: ${type}`]
        await ask((credential) => ({
          method: 'POST',
          target: '/viralsync/v1/render/jobs',
          lines: [`x-api-key: ${live(credential)}`, ...lines],
          body,
        }))
        const { answers } = await ask(() => ({ method: 'POST', target: '/viralsync/v1/render/jobs', lines, body }))
        expect(answers[0]?.status).toBe(401)
      }
    })
  })

  describe('to every way to write a path', () => {
    const rewritten = REWRITES.map(([name, rewrite]) => ({ name, rewrite }))
    const paths: readonly (readonly [string, (credential: Credential) => string])[] = [
      ['/viralsync/v1/me', (credential) => `x-api-key: ${live(credential)}`],
      ['/ai-api/v1/resources', (credential) => `Authorization: Bearer ${credential('aiApi', 'read')}`],
      [
        '/visual-layer/api/v1/dataset/abc-123-def-456',
        (credential) => `Authorization: Bearer ${token(credential, '')}`,
      ],
      ['/visual-layer/api/v1/api_credentials', (credential) => `Authorization: Bearer ${token(credential, '')}`],
    ]

    describe.each(paths)('%s', (path, field) => {
      it.each(rewritten)('$name', async ({ rewrite }) => {
        const target = rewrite(path)
        await ask((credential) => ({ target, lines: [field(credential)] }))
        await ask(() => ({ target }))
      })
    })

    it.each(['/viralsync', '/viralsync/', '/viralsync?x', '/viralsyncx/v1/me', '/', '/viralsync/v1', '/viralsync/v1/'])(
      '%s',
      async (target) => {
        await ask((credential) => ({ target, lines: [`x-api-key: ${live(credential)}`] }))
        await ask(() => ({ target }))
      },
    )
  })

  describe('to every credential', () => {
    const call = async (target: string, service: ServiceName, name: string, field: string, raw: Partial<Raw>) =>
      ask((credential) => ({ target, ...raw, lines: [field + credential(service, name), ...(raw.lines ?? [])] }))

    it.each(['live', 'live2', 'revoked', 'deleted', 'free', 'business'])('of ViralSync: %s', async (name) => {
      for (const field of ['x-api-key: ', 'Authorization: Bearer ']) {
        for (const method of ['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS']) {
          for (const target of ['/viralsync/v1/me', '/viralsync/v1/render/jobs', '/viralsync/nowhere']) {
            await call(target, 'viralsync', name, field, { method })
          }
        }
      }
    })

    it.each([
      ...['read', 'write', 'admin', 'webhook', 'readWrite', 'free'],
      ...['expired', 'revoked', 'deleted', 'suspended', 'quotaExhausted'],
    ])('of the AI API: %s', async (name) => {
      for (const [method, path, body] of [
        ['POST', '/v1/generate', '{"prompt":"x","model":"y"}'],
        ['POST', '/v1/generate', 'nope'],
        ['POST', '/v1/generate', ''],
        ['GET', '/v1/resources', ''],
        ['HEAD', '/v1/resources', ''],
        ['POST', '/v1/resources', '[1]'],
        ['POST', '/v1/webhooks', '{"url":"http://x"}'],
        ['POST', '/v1/webhooks', ''],
        ['DELETE', '/v1/resources/nope', ''],
        ['DELETE', '/v1/resources/%72es_x', ''],
        ['DELETE', '/v1/resources/%zz', ''],
        ['DELETE', '/v1/resources/a%2fb', ''],
        ['DELETE', '/v1/resources/', ''],
        ['GET', '/v1/nowhere', ''],
      ] as const) {
        await call(`/ai-api${path}`, 'aiApi', name, 'Authorization: Bearer ', { method, body })
      }
      for (const line of ['X-HTTP-Method-Override: DELETE', 'X-Original-URL: /', 'X-Permissions: *']) {
        const raw = { method: 'POST', lines: [line] }
        await call('/ai-api/v1/resources/res_1', 'aiApi', name, 'Authorization: Bearer ', raw)
      }
    })

    it('of the AI API, once a resource is deleted', async () => {
      for (const name of ['write', 'admin', 'admin']) {
        const raw = { method: 'DELETE' }
        await call('/ai-api/v1/resources/res_1', 'aiApi', name, 'Authorization: Bearer ', raw)
      }
    })

    it.each(['live', 'live2', 'rotated', 'starter', 'exhausted'])('of ViddyScribe: %s', async (name) => {
      for (const [method, path, body] of [
        ['GET', '/get_results?job_id=task_123', ''],
        ['GET', '/get_results?job_id=x', ''],
        ['GET', '/get_results?job_id=task_123&job_id=x', ''],
        ['GET', '/get_results', ''],
        ['POST', '/upload_media', '--x\r\n'],
        ['POST', '/generate_ad_text', '{}'],
        ['POST', '/generate_ad_text', '{bad'],
        ['POST', '/generate_ad_audio', ''],
        ['POST', '/generate_ad_video', '{"a":1}'],
        ['GET', '/nowhere', ''],
      ] as const) {
        await call(`/viddyscribe/enterprise/api${path}`, 'viddyscribe', name, 'X-API-Key: ', { method, body })
      }
    })

    it.each(['live', 'live2', 'deleted', 'zeroCredits'])('of VIESUS: %s', async (name) => {
      const field = 'x-api-key: '
      for (const body of [
        '{"query":"{credits{remainingCreditsThisPeriod usedCreditsThisPeriod periodStart periodEnd}}"}',
        '{"query":"mutation{createEnhancedImage(imageUrl:\\"x\\"){id}}"}',
        '{"query":"mutation{a:createEnhancedImage{id} b:createEnhancedImage{id}}"}',
        '{"query":"{__schema{queryType{name}}}"}',
        '{"query":"{nope}"}',
        '{"query":"{__typename","variables":3}',
        '[{"query":"{credits{usedCreditsThisPeriod}}"}]',
        ...['{}', '[]', 'null', '', 'nope'],
      ]) {
        for (const accept of ['*/*', 'application/graphql-response+json, application/json']) {
          const raw = { method: 'POST', body, lines: ['Content-Type: application/json', `Accept: ${accept}`] }
          await call('/viesus/graphql', 'viesus', name, field, raw)
        }
      }
      for (const query of ['{credits{usedCreditsThisPeriod}}', 'mutation{createEnhancedImage{id}}', '']) {
        for (const method of ['GET', 'HEAD']) {
          await call(`/viesus/graphql?query=${query}`, 'viesus', name, field, { method })
        }
      }
    })

    it.each(['', 'viewer', 'revoked'])('of Visual Layer: %s', async (prefix) => {
      const send = (method: string, path: string, claims: Readonly<Record<string, unknown>> = {}) =>
        ask((credential) => ({
          method,
          target: `/visual-layer/api/v1/dataset/${path}`,
          lines: [`Authorization: Bearer ${token(credential, prefix, claims)}`],
        }))
      for (const path of [
        'abc-123-def-456',
        'abc-123-def-456/',
        'private-000',
        'nope',
        'abc-123-def-456%20',
        '%61bc',
      ]) {
        await send('GET', path)
        await send('HEAD', path)
      }
      for (const path of ['private-000', 'nope']) await send('DELETE', path)
      if (prefix !== '') await send('DELETE', 'abc-123-def-456')
      for (const claims of [{ iss: 'x' }, { exp: 1 }, { iat: 9_999_999_999 }, { sub: 'x' }, { nbf: 9_999_999_999 }]) {
        const { answers } = await send('GET', 'abc-123-def-456', claims)
        expect(answers[0]?.status).toBe(401)
      }
    })

    it('of the browser: the session', async () => {
      const visit = (lines: (cookie: string) => readonly string[], method = 'GET') =>
        ask((credential) => ({
          method,
          target: '/visual-layer/api/v1/api_credentials',
          lines: lines(`SESSION=${credential('visualLayer', 'session')}`),
        }))
      for (const line of [...['Sec-Fetch-Site: cross-site', 'Sec-Purpose: prefetch;prerender', 'Purpose: prefetch']]) {
        const { answers } = await visit((cookie) => [`Cookie: ${cookie}`, line])
        expect(answers[0]?.status, line).toBe(403)
      }
      for (const lines of [
        (cookie: string) => [`Cookie: ${cookie}; ${cookie}`],
        (cookie: string) => [`Cookie: ${cookie}`, `Cookie: ${cookie}`],
        (cookie: string) => [`Cookies: ${cookie}`],
        (cookie: string) => [`Cookie: ${cookie.toLowerCase()}`],
        (cookie: string) => [`Cookie: X${cookie}`],
        (cookie: string) => [`Cookie: ${cookie}x`],
        (cookie: string) => [`Authorization: Bearer ${cookie}`],
        () => ['Cookie: SESSION='],
        () => [],
      ]) {
        const { answers } = await visit(lines)
        expect(answers[0]?.status, lines('SESSION=…').join()).toBe(401)
      }
      for (const method of ['HEAD', 'POST', 'DELETE', 'OPTIONS']) await visit((cookie) => [`Cookie: ${cookie}`], method)
      const first = await visit((cookie) => [`Cookie: a=b; ${cookie}; c=d`])
      expect(first.answers[0]?.body).toMatch(/"api_secret":"/)
      const later = await visit((cookie) => [`Cookie: ${cookie}`])
      expect(later.answers[0]?.body).toMatch(/"api_secret":null/)
      await visit((cookie) => [`Cookie: ${cookie}`], 'HEAD')
    })
  })
})

/** 202 for the route that takes jobs. */
function okOf(seen: readonly number[]): number {
  return seen.find((status) => status >= 200 && status < 300) ?? 200
}
