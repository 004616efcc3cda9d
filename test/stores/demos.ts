/** Demos on one store, what they are asked, and what they answer: normally, and when the store does not. */
import { SignJWT } from 'jose'
import { type Demo, startDemo } from '../../examples/demo/src/demo.ts'
import { FRAMEWORKS } from '../../examples/demo/src/options.ts'
import type { ServiceName } from '../../examples/demo/src/service.ts'

export const MASTER_KEY = 'the master key of the demos that share a store'

/** A demo on each framework, all on this store, started at once. The first one has filled it. */
export async function startDemos(store: string): Promise<readonly Demo[]> {
  const options = { port: 0, store, masterKey: MASTER_KEY, onPrem: false }
  const demos = await Promise.all(FRAMEWORKS.map((framework) => startDemo({ ...options, framework })))
  return demos.sort((a, b) => credentialsOf(b) - credentialsOf(a))
}

function credentialsOf({ info }: Demo): number {
  return Object.values(info.services).reduce((sum, { credentials }) => sum + Object.keys(credentials).length, 0)
}

export interface Answer {
  readonly status: number
  readonly body: string
  /** The field of that name. */
  readonly retryAfter: string | null
}

export async function ask(url: string, headers: Record<string, string>, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, { ...init, headers })
  const retryAfter = response.headers.get('retry-after')
  return { status: response.status, body: await response.text(), retryAfter }
}

/** As the client of Visual Layer signs it. */
export function tokenFor(apiKey = '', secret = ''): Promise<string> {
  return new SignJWT({ sub: apiKey, iss: 'sdk' })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT', kid: apiKey })
    .setIssuedAt()
    .setExpirationTime('10m')
    .sign(new TextEncoder().encode(secret))
}

/** What a client sends to a service of any demo. */
export interface Asked {
  readonly service: ServiceName
  readonly path: string
  readonly headers: Record<string, string>
  readonly body?: string
  readonly normally: Answer
  /** What the provider documents for a store that fails. */
  readonly unavailable: Answer
}

/** A request to each service with the keys that the first demo has made, and one to the page that uses the store itself. */
export async function requestsWith([first]: readonly Demo[]): Promise<readonly Asked[]> {
  if (first === undefined) throw new Error('no demo was started')
  const { viesus, viralsync, aiApi, viddyscribe, visualLayer } = first.info.services
  const { apiKey, apiSecret, session } = visualLayer.credentials
  return [
    {
      service: 'viesus',
      path: '/graphql',
      headers: { 'x-api-key': viesus.credentials.live ?? '' },
      body: '{"query":"{ credits { remainingCreditsThisPeriod } }"}',
      normally: { status: 200, retryAfter: null, body: '{"data":{"credits":{"remainingCreditsThisPeriod":42}}}' },
      unavailable: {
        status: 503,
        retryAfter: '5',
        body: '{"errors":[{"message":"Service temporarily unavailable.","extensions":{"code":"SERVICE_UNAVAILABLE"}}]}',
      },
    },
    {
      service: 'viralsync',
      path: '/v1/me',
      headers: { 'x-api-key': viralsync.credentials.live ?? '' },
      normally: {
        status: 200,
        retryAfter: null,
        body: '{"userId":"user_abc123","plan":"pro","email":"you@example.com"}',
      },
      unavailable: {
        status: 503,
        retryAfter: '5',
        body: '{"error":"Service temporarily unavailable.","code":"SERVICE_UNAVAILABLE"}',
      },
    },
    {
      service: 'aiApi',
      path: '/v1/resources',
      headers: { authorization: `Bearer ${aiApi.credentials.read}` },
      normally: {
        status: 200,
        retryAfter: null,
        body: '{"success":true,"data":[{"id":"res_1","name":"First resource"}]}',
      },
      unavailable: {
        status: 503,
        retryAfter: '5',
        body: '{"success":false,"error":{"code":"SERVICE_UNAVAILABLE","message":"Service is temporarily unavailable"}}',
      },
    },
    {
      service: 'viddyscribe',
      path: '/enterprise/api/get_results?job_id=task_123',
      headers: { 'x-api-key': viddyscribe.credentials.live ?? '' },
      normally: { status: 200, retryAfter: null, body: '{"job_id":"task_123","status":"completed"}' },
      unavailable: {
        status: 503,
        retryAfter: '5',
        body: '{"error":"service_unavailable","message":"Service temporarily unavailable"}',
      },
    },
    {
      service: 'visualLayer',
      path: '/api/v1/dataset/abc-123-def-456',
      headers: { authorization: `Bearer ${await tokenFor(apiKey, apiSecret)}` },
      normally: {
        status: 200,
        retryAfter: null,
        body: '{"id":"abc-123-def-456","display_name":"My Dataset","status":"READY","progress":100,"owned_by":"VL","created_at":"2025-10-30T10:00:00.000000"}',
      },
      unavailable: { status: 503, retryAfter: '5', body: '{"detail":"Service temporarily unavailable"}' },
    },
    {
      service: 'visualLayer',
      path: '/api/v1/api_credentials',
      // A prefetch makes no key, so that the answer stays the same.
      headers: { cookie: `SESSION=${session}`, 'sec-purpose': 'prefetch' },
      normally: { status: 403, retryAfter: null, body: '{"detail":"Insufficient permissions"}' },
      unavailable: { status: 503, retryAfter: '5', body: '{"detail":"Service temporarily unavailable"}' },
    },
  ]
}

export function send({ info }: Pick<Demo, 'info'>, { service, path, headers, body }: Asked): Promise<Answer> {
  const init = body === undefined ? {} : { method: 'POST', body }
  return ask(info.services[service].baseUrl + path, headers, init)
}
