import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeWith } from '../../../test/requirements.ts'
import { type PostgresServer, startPostgres } from '../../../test/stores/postgres-server.ts'
import { type Demo, startDemo } from './demo.ts'
import { FRAMEWORKS, type Framework } from './options.ts'

interface Seen {
  readonly status: number
  readonly body: string
  readonly headers: Headers
}

async function ask(url: string, headers: Record<string, string> = {}, init: RequestInit = {}): Promise<Seen> {
  const response = await fetch(url, { ...init, headers })
  return { status: response.status, body: await response.text(), headers: response.headers }
}

const json = (value: unknown): RequestInit => ({ method: 'POST', body: JSON.stringify(value) })

function tokenFor(apiKey: string, secret: string, claims: Record<string, unknown> = {}): string {
  const now = Math.floor(Date.now() / 1000)
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const payload = { sub: apiKey, iat: now, exp: now + 600, iss: 'sdk', ...claims }
  const input = `${part({ alg: 'HS256', kid: apiKey, typ: 'JWT' })}.${part(payload)}`
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

describe.each(FRAMEWORKS)('the demo on %s', (framework) => {
  describe('with keys in memory', () => answersAsDocumented(framework, async () => 'memory:'))
  describe('with keys in a new SQLite file', () => answersAsDocumented(framework, async () => undefined))
})

describeWith('postgres', 'the demo with keys in Postgres', (found) => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres(found)
  }, 60_000)
  afterAll(() => server.stop())

  describe.each(FRAMEWORKS)('on %s', (framework) => answersAsDocumented(framework, () => server.database()))
})

function answersAsDocumented(framework: Framework, storeUrl: () => Promise<string | undefined>): void {
  let demo: Demo
  const base = (service: keyof Demo['info']['services']) => demo.info.services[service].baseUrl
  const credential = (service: keyof Demo['info']['services'], name: string) =>
    demo.info.services[service].credentials[name] ?? ''

  beforeAll(async () => {
    demo = await startDemo({ framework, port: 0, store: await storeUrl(), onPrem: false })
  })
  afterAll(() => demo.close())

  it('says where each API is and which credentials it has', () => {
    const names = Object.entries(demo.info.services).map(([name, service]) => [name, Object.keys(service.credentials)])
    expect(demo.info.framework).toBe(framework)
    expect(Object.fromEntries(names)).toEqual({
      viesus: ['live', 'live2', 'deleted', 'zeroCredits'],
      viralsync: ['live', 'live2', 'revoked', 'deleted', 'free', 'business'],
      aiApi: [
        'read',
        'write',
        'admin',
        'webhook',
        'readWrite',
        'free',
        'expired',
        'revoked',
        'deleted',
        'suspended',
        'quotaExhausted',
      ],
      viddyscribe: ['live', 'live2', 'rotated', 'starter', 'exhausted'],
      visualLayer: [
        'session',
        'apiKey',
        'apiSecret',
        'viewerApiKey',
        'viewerApiSecret',
        'revokedApiKey',
        'revokedApiSecret',
      ],
    })
    expect(Object.values(demo.info.services).map(({ baseUrl }) => baseUrl.slice(demo.info.url.length))).toEqual([
      '/viesus',
      '/viralsync',
      '/ai-api',
      '/viddyscribe',
      '/visual-layer',
    ])
  })

  describe('VIESUS', () => {
    const graphql = (key: string, query: string) =>
      ask(`${base('viesus')}/graphql`, { 'x-api-key': key, 'content-type': 'application/json' }, json({ query }))

    it('answers the credits of both keys of an account, and takes one for each mutation', async () => {
      const query = '{ credits { remainingCreditsThisPeriod usedCreditsThisPeriod } }'
      const before = await graphql(credential('viesus', 'live'), query)
      expect(before.body).toBe('{"data":{"credits":{"remainingCreditsThisPeriod":42,"usedCreditsThisPeriod":8}}}')
      const twice = 'mutation { a: createEnhancedImage(imageUrl: "x") { id } b: createEnhancedImage { id } }'
      expect((await graphql(credential('viesus', 'live'), twice)).status).toBe(200)
      const after = await graphql(credential('viesus', 'live2'), query)
      expect(after.body).toBe('{"data":{"credits":{"remainingCreditsThisPeriod":40,"usedCreditsThisPeriod":10}}}')
    })

    it('refuses the mutation at zero credits but keeps answering the query', async () => {
      const key = credential('viesus', 'zeroCredits')
      const refused = await graphql(key, 'mutation { createEnhancedImage { id } }')
      expect(refused.status).toBe(200)
      expect(JSON.parse(refused.body)).toEqual({
        data: null,
        errors: [
          {
            message: 'Insufficient credits.',
            path: ['createEnhancedImage'],
            locations: [{ line: 1, column: 12 }],
            extensions: { code: 'INSUFFICIENT_CREDITS' },
          },
        ],
      })
      const { body } = await graphql(key, '{ credits { remainingCreditsThisPeriod periodStart periodEnd } }')
      expect(JSON.parse(body).data.credits).toEqual({
        remainingCreditsThisPeriod: 0,
        periodStart: expect.stringMatching(/^\d{4}-\d{2}-01T00:00:00\.000Z$/),
        periodEnd: expect.stringMatching(/^\d{4}-\d{2}-01T00:00:00\.000Z$/),
      })
    })

    it('asks for the key on introspection, GET and batches too', async () => {
      const denied =
        '{"errors":[{"message":"Authentication error: missing or invalid API key.","extensions":{"code":"UNAUTHENTICATED"}}]}'
      const url = `${base('viesus')}/graphql`
      expect((await ask(url, {}, json({ query: '{ __schema { queryType { name } } }' }))).body).toBe(denied)
      expect((await ask(`${url}?query={__typename}`)).body).toBe(denied)
      expect((await ask(url, {}, json([{ query: '{ __typename }' }]))).body).toBe(denied)
      expect((await graphql(credential('viesus', 'deleted'), '{ __typename }')).body).toBe(denied)
      expect((await graphql('undefined', '{ __typename }')).body).toBe(denied)
    })

    it('has introspection that the documented Python client can read', async () => {
      const query = '{ __schema { directives { name locations } } }'
      const { body } = await graphql(credential('viesus', 'live'), query)
      const locations = JSON.parse(body).data.__schema.directives.flatMap((d: { locations: string[] }) => d.locations)
      expect(locations).not.toContain('DIRECTIVE_DEFINITION')
    })
  })

  describe('ViralSync', () => {
    it('answers /v1/me with the bytes of its documentation', async () => {
      const expected = '{"userId":"user_abc123","plan":"pro","email":"you@example.com"}'
      const url = `${base('viralsync')}/v1/me`
      expect(await ask(url, { 'x-api-key': credential('viralsync', 'live') })).toMatchObject({
        status: 200,
        body: expected,
      })
      const bearer = await ask(url, { authorization: `Bearer ${credential('viralsync', 'live2')}` })
      expect(bearer).toMatchObject({ status: 200, body: expected })
    })

    it('reads a job as JSON whatever the content type says', async () => {
      const headers = {
        'x-api-key': credential('viralsync', 'live'),
        'content-type': 'application/x-www-form-urlencoded',
      }
      const url = `${base('viralsync')}/v1/render/jobs`
      expect((await ask(url, headers, json({ template: 1 }))).status).toBe(202)
      expect(await ask(url, headers, { method: 'POST', body: 'template=1' })).toMatchObject({
        status: 400,
        body: '{"error":"The request was invalid.","code":"BAD_REQUEST"}',
      })
    })

    it('refuses the 121st request of a key within a minute, and says when to retry', async () => {
      const headers = { 'x-api-key': credential('viralsync', 'business') }
      const statuses: number[] = []
      for (let i = 0; i < 120; i++) statuses.push((await ask(`${base('viralsync')}/v1/me`, headers)).status)
      expect(new Set(statuses)).toEqual(new Set([200]))
      const refused = await ask(`${base('viralsync')}/v1/me`, headers)
      const seconds = refused.headers.get('retry-after')
      expect(refused).toMatchObject({
        status: 429,
        body: `{"error":"Rate limit exceeded. Retry after ${seconds} seconds.","code":"RATE_LIMITED"}`,
      })
    })
  })

  describe('AI API', () => {
    const call = (key: string, method: string, path: string, body?: string) =>
      ask(
        `${base('aiApi')}${path}`,
        { authorization: `Bearer ${credential('aiApi', key)}` },
        { method, ...(body !== undefined && { body }) },
      )

    it.each([
      ['read', 'POST', '/v1/generate', 200],
      ['read', 'GET', '/v1/resources', 200],
      ['read', 'POST', '/v1/resources', 403],
      ['write', 'POST', '/v1/resources', 201],
      ['write', 'GET', '/v1/resources', 403],
      ['write', 'DELETE', '/v1/resources/res_1', 403],
      ['webhook', 'POST', '/v1/webhooks', 201],
      ['webhook', 'POST', '/v1/generate', 403],
      ['readWrite', 'GET', '/v1/resources', 200],
      ['readWrite', 'POST', '/v1/webhooks', 403],
      ['admin', 'POST', '/v1/webhooks', 201],
      ['admin', 'DELETE', '/v1/resources/res_9', 404],
      ['admin', 'DELETE', '/v1/resources/res_1', 204],
      ['admin', 'DELETE', '/v1/resources/res_1', 404],
      ['suspended', 'GET', '/v1/resources', 403],
      ['expired', 'GET', '/v1/resources', 401],
      ['quotaExhausted', 'POST', '/v1/generate', 403],
      ['quotaExhausted', 'GET', '/v1/resources', 200],
      ['read', 'GET', '/v1/nothing', 404],
    ])('answers a key for %s on %s %s with %i', async (key, method, path, status) => {
      const seen = await call(key, method, path, method === 'POST' ? '{}' : undefined)
      expect(seen.status).toBe(status)
      if (status !== 204) expect(JSON.parse(seen.body).success).toBe(status < 400)
      expect(seen.headers.get('x-request-id')).toMatch(/^req_/)
      expect(seen.headers.has('x-ratelimit-limit')).toBe(status !== 401 && key !== 'suspended')
    })

    it('answers the end of the quota as documented', async () => {
      expect(await call('quotaExhausted', 'POST', '/v1/generate', '{}')).toMatchObject({
        status: 403,
        body: '{"success":false,"error":{"code":"QUOTA_EXCEEDED","message":"Monthly quota exceeded"}}',
      })
    })

    it('says in its own envelope that a body is not JSON', async () => {
      expect(await call('read', 'POST', '/v1/generate', 'prompt=Hello')).toMatchObject({
        status: 400,
        body: '{"success":false,"error":{"code":"INVALID_REQUEST","message":"The request was invalid"}}',
      })
    })

    it('counts a Free account down from 60 and refuses the 61st request', async () => {
      const first = await call('free', 'GET', '/v1/resources')
      expect(first.headers.get('x-ratelimit-limit')).toBe('60')
      expect(first.headers.get('x-ratelimit-remaining')).toBe('59')
      for (let i = 0; i < 59; i++) await call('free', 'GET', '/v1/resources')
      const refused = await call('free', 'GET', '/v1/resources')
      expect(refused.status).toBe(429)
      const retryAfter = Number(refused.headers.get('retry-after'))
      const reset = Number(refused.headers.get('x-ratelimit-reset'))
      expect(refused.headers.get('x-ratelimit-remaining')).toBe('0')
      expect(JSON.parse(refused.body)).toEqual({
        success: false,
        error: {
          code: 'RATE_LIMIT_EXCEEDED',
          message: `Rate limit exceeded. Try again in ${retryAfter} seconds.`,
          details: { retry_after: retryAfter, limit: 60, reset_time: reset },
        },
      })
    })
  })

  describe('ViddyScribe', () => {
    const api = (key: string, path: string, init: RequestInit = {}) =>
      ask(`${base('viddyscribe')}/enterprise/api${path}`, { 'X-API-Key': credential('viddyscribe', key) }, init)

    it.each(['live', 'live2'])('shows the job of the team to its key %s', async (key) => {
      expect(await api(key, '/get_results?job_id=task_123')).toMatchObject({
        status: 200,
        body: '{"job_id":"task_123","status":"completed"}',
      })
    })

    it('answers another team, a missing job and a replaced key as documented', async () => {
      const notFound = '{"error":"not_found","message":"Media or job not found"}'
      expect(await api('starter', '/get_results?job_id=task_123')).toMatchObject({ status: 404, body: notFound })
      expect(await api('live', '/get_results?job_id=task_9')).toMatchObject({ status: 404, body: notFound })
      expect((await api('live', '/get_results')).status).toBe(400)
      expect(await api('rotated', '/get_results?job_id=task_123')).toMatchObject({
        status: 401,
        body: '{"error":"unauthorized","message":"Invalid or missing API key"}',
      })
    })

    it('gates video by plan and everything that costs by what is left', async () => {
      expect((await api('starter', '/generate_ad_audio', json({}))).status).toBe(202)
      expect(await api('starter', '/generate_ad_video', json({}))).toMatchObject({
        status: 403,
        body: '{"error":"feature_not_available","message":"This feature is not available on your current plan","feature":"allow_api_ad_video_generation","plan_name":"Starter","upgrade_url":"/billing/upgrade"}',
      })
      for (const path of ['/upload_media', '/generate_ad_text', '/generate_ad_audio', '/generate_ad_video']) {
        expect(await api('exhausted', path, json({}))).toMatchObject({
          status: 429,
          body: '{"error":"plan_limit_exceeded","message":"No credits or usage capacity remain for the request"}',
        })
        expect((await api('live', path, json({}))).status).toBe(202)
      }
      expect((await api('exhausted', '/get_results?job_id=task_123')).status).toBe(404)
    })

    it('takes media as multipart', async () => {
      const body = new FormData()
      body.set('file', new Blob(['frames']), 'clip.mp4')
      expect((await api('live', '/upload_media', { method: 'POST', body })).status).toBe(202)
    })

    it('counts the keys of a team together', async () => {
      const path = '/get_results?job_id=task_123'
      // Sixty-five with each key: neither would be refused for itself.
      const seen = await Promise.all(Array.from({ length: 130 }, (_, i) => api(i % 2 === 0 ? 'live' : 'live2', path)))
      expect(seen.find(({ status }) => status === 429)?.body).toMatch(
        /^{"error":"rate_limit_exceeded","message":"Rate limit exceeded. Retry after \d+ seconds."}$/,
      )
      expect((await api('starter', path)).status).toBe(404)
    }, 30_000)
  })

  describe('Visual Layer', () => {
    const dataset = (token: string, id: string, method = 'GET') =>
      ask(`${base('visualLayer')}/api/v1/dataset/${id}`, { authorization: `Bearer ${token}` }, { method })
    const tokenOf = (prefix: '' | 'viewer' | 'revoked') => {
      const [key, secret] = prefix === '' ? ['apiKey', 'apiSecret'] : [`${prefix}ApiKey`, `${prefix}ApiSecret`]
      return tokenFor(credential('visualLayer', key), credential('visualLayer', secret))
    }

    it('makes one key for twenty parallel first calls and shows its secret once', async () => {
      const url = `${base('visualLayer')}/api/v1/api_credentials`
      const cookie = `SESSION=${credential('visualLayer', 'session')}`
      const forbidden = { status: 403, body: '{"detail":"Insufficient permissions"}' }
      expect((await ask(url, { cookie }, { method: 'HEAD' })).status).toBe(403)
      expect(await ask(url, { cookie, 'sec-purpose': 'prefetch' })).toMatchObject(forbidden)

      const answers = await Promise.all(Array.from({ length: 20 }, () => ask(url, { cookie })))
      const bodies = answers.map(({ body }) => JSON.parse(body))
      const first = bodies.find((body) => body.api_secret !== null)
      expect(new Set(bodies.map((body) => body.api_key)).size).toBe(1)
      expect(bodies.filter((body) => body.api_secret !== null)).toEqual([
        {
          api_key: expect.stringMatching(/^[0-9a-f-]{36}$/),
          api_secret: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
          message:
            "API key created. Write down the secret – it's only shown once! If you need to access your secret again, contact Visual Layer support at support@visual-layer.com.",
        },
      ])
      const later = await ask(url, { cookie, 'sec-purpose': 'prefetch' })
      expect(later.headers.get('cache-control')).toBe('no-store')
      expect(JSON.parse(later.body)).toEqual({
        api_key: first.api_key,
        api_secret: null,
        message:
          'API key already exists. The secret was only shown once. If you need to access your secret again, contact Visual Layer support at support@visual-layer.com.',
      })
      expect((await dataset(tokenFor(first.api_key, first.api_secret), 'abc-123-def-456')).status).toBe(404)
    })

    it('opens the credentials to a session alone', async () => {
      const url = `${base('visualLayer')}/api/v1/api_credentials`
      const cookie = `SESSION=${credential('visualLayer', 'session')}`
      const denied = { status: 401, body: '{"detail":"Not authenticated"}' }
      expect(await ask(url)).toMatchObject(denied)
      expect(await ask(url, { authorization: `Bearer ${tokenOf('')}` })).toMatchObject(denied)
      expect(await ask(url, { cookie: `${cookie}; ${cookie}` })).toMatchObject(denied)
      expect(await ask(url, { cookie: 'SESSION=__proto__' })).toMatchObject(denied)
      expect((await ask(url)).headers.get('www-authenticate')).toBe('APIKey')
    })

    it('shows a dataset to its owner and viewer, hides it from others, and lets only the owner delete', async () => {
      const body =
        '{"id":"abc-123-def-456","display_name":"My Dataset","status":"READY","progress":100,"owned_by":"VL","created_at":"2025-10-30T10:00:00.000000"}'
      const hidden = { status: 404, body: '{"detail":"Dataset not found"}' }
      expect(await dataset(tokenOf(''), 'abc-123-def-456')).toMatchObject({ status: 200, body })
      expect(await dataset(tokenOf('viewer'), 'abc-123-def-456')).toMatchObject({ status: 200, body })
      expect(await dataset(tokenOf(''), 'private-000')).toMatchObject(hidden)
      expect(await dataset(tokenOf(''), 'missing')).toMatchObject(hidden)
      expect(await dataset(tokenOf('viewer'), 'abc-123-def-456', 'DELETE')).toMatchObject({
        status: 403,
        body: '{"detail":"Insufficient permissions"}',
      })
      expect(await dataset(tokenOf('revoked'), 'abc-123-def-456')).toMatchObject({
        status: 401,
        body: '{"detail":"JWT token is invalid or expired"}',
      })
      expect((await dataset(tokenOf(''), 'abc-123-def-456', 'DELETE')).status).toBe(204)
      expect(await dataset(tokenOf(''), 'abc-123-def-456')).toMatchObject(hidden)
    })
  })

  it('serves every dataset on premises, with or without a token, and makes no credentials there', async () => {
    const onPrem = await startDemo({ framework, port: 0, store: 'memory:', onPrem: true })
    const url = `${onPrem.info.services.visualLayer.baseUrl}/api/v1`
    const session = onPrem.info.services.visualLayer.credentials.session
    expect((await ask(`${url}/dataset/private-000`)).status).toBe(200)
    expect((await ask(`${url}/dataset/private-000`, { authorization: 'Bearer nonsense' })).status).toBe(200)
    expect((await ask(`${url}/dataset/missing`)).body).toBe('{"detail":"Dataset not found"}')
    expect(await ask(`${url}/api_credentials`, { cookie: `SESSION=${session}` })).toMatchObject({
      status: 404,
      body: '{"detail":"Not Found"}',
    })
    // The mode belongs to one service; the others stay guarded.
    expect((await ask(`${onPrem.info.services.viralsync.baseUrl}/v1/me`)).status).toBe(401)
    await onPrem.close()
  })

  it('refuses a target that no URL has in the words of its API', async () => {
    const documented = {
      viesus: '{"errors":[{"message":"The request was invalid.","extensions":{"code":"BAD_REQUEST"}}]}',
      viralsync: '{"error":"The request was invalid.","code":"BAD_REQUEST"}',
      aiApi: '{"success":false,"error":{"code":"INVALID_REQUEST","message":"The request was invalid"}}',
      viddyscribe: '{"error":"bad_request","message":"The request was invalid"}',
      visualLayer: '{"detail":"Bad Request"}',
    } as const
    for (const name of Object.keys(documented) as (keyof typeof documented)[]) {
      expect(await ask(`${base(name)}/%zz`)).toMatchObject({ status: 400, body: documented[name] })
    }
    expect(await ask(`${demo.info.url}/%zz`)).toMatchObject({ status: 400, body: '{"error":"Bad Request"}' })
  })

  it('does not know the keys of one API at another', async () => {
    const key = credential('viralsync', 'live')
    expect((await ask(`${base('aiApi')}/v1/resources`, { authorization: `Bearer ${key}` })).status).toBe(401)
    expect((await ask(`${base('viddyscribe')}/enterprise/api/x`, { 'x-api-key': key })).status).toBe(401)
    expect((await ask(`${base('visualLayer')}/api/v1/dataset/x`, { authorization: `Bearer ${key}` })).status).toBe(401)
    expect((await ask(`${base('viesus')}/graphql?query={__typename}`, { 'x-api-key': key })).body).toContain('UNAUTH')
    const token = tokenFor(credential('visualLayer', 'apiKey'), credential('visualLayer', 'apiSecret'))
    expect((await ask(`${base('viralsync')}/v1/me`, { authorization: `Bearer ${token}` })).status).toBe(401)
  })
}
