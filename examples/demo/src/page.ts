import { createHmac } from 'node:crypto'
import type { DemoInfo, ServiceInfo } from './demo.ts'

/** What a newcomer reads: which API runs where, which key is what, and a line for each to paste. */
export function page({ url, framework, store, services }: DemoInfo, onPrem: boolean): string {
  const { viesus, viralsync, aiApi, viddyscribe, visualLayer } = services
  const token = tokenFor(visualLayer.credentials.apiKey ?? '', visualLayer.credentials.apiSecret ?? '')
  return [
    `Latchkey demo: five documented APIs on ${framework}, keys in ${store === 'memory:' ? 'memory' : store}, at ${url}`,
    section('VIESUS', 'GraphQL; the key in x-api-key', viesus, {
      live: '42 credits left',
      live2: 'the same account',
      deleted: 'refused',
      zeroCredits: 'no credits left: queries only',
    }),
    curl(
      `${viesus.baseUrl}/graphql`,
      `x-api-key: ${viesus.credentials.live}`,
      `-d '{"query":"{ credits { remainingCreditsThisPeriod } }"}'`,
    ),
    section('ViralSync', 'the key in x-api-key or as Bearer token; Pro plan or higher', viralsync, {
      live: 'Pro',
      live2: 'the same account',
      revoked: 'refused, and told so',
      deleted: 'refused as unknown',
      free: 'refused: plan',
      business: 'Business',
    }),
    curl(`${viralsync.baseUrl}/v1/me`, `x-api-key: ${viralsync.credentials.live}`),
    section('AI API', 'the key as Bearer token; permissions, an end, rate limits', aiApi, {
      read: 'may read and generate',
      write: 'may create and update, not read',
      admin: 'may do all',
      webhook: 'may manage webhooks',
      readWrite: 'read and write',
      free: 'read, on the Free plan: 60 requests a minute',
      expired: 'ended 2024-01-01',
      revoked: 'refused, and told so',
      deleted: 'refused as unknown',
      suspended: 'its account is suspended',
      quotaExhausted: 'its monthly quota is used up',
    }),
    curl(
      `${aiApi.baseUrl}/v1/generate`,
      `Authorization: Bearer ${aiApi.credentials.read}`,
      `-d '{"prompt":"Hello, world!","model":"gpt-4"}'`,
    ),
    section('ViddyScribe', 'the key in X-API-Key; features by plan, limits by team', viddyscribe, {
      live: 'Enterprise',
      live2: 'the same team',
      rotated: 'replaced, dead at once',
      starter: 'another team, on Starter: no video',
      exhausted: 'no usage left: results only',
    }),
    curl(
      `'${viddyscribe.baseUrl}/enterprise/api/get_results?job_id=task_123'`,
      `X-API-Key: ${viddyscribe.credentials.live}`,
    ),
    onPrem
      ? section('Visual Layer', 'on premises: no authentication', visualLayer, {})
      : section('Visual Layer', 'a JWT that you sign with the secret, as Bearer token', visualLayer, {
          session: 'cookie SESSION of a user without a key: makes one',
          apiKey: 'owns abc-123-def-456',
          apiSecret: 'its secret',
          viewerApiKey: 'may view it, not delete it',
          viewerApiSecret: 'its secret',
          revokedApiKey: 'refused',
          revokedApiSecret: 'its secret',
        }),
    ...(onPrem
      ? [curl(`${visualLayer.baseUrl}/api/v1/dataset/abc-123-def-456`)]
      : [
          `  # a token for apiKey, good for an hour`,
          curl(`${visualLayer.baseUrl}/api/v1/dataset/abc-123-def-456`, `Authorization: Bearer ${token}`),
          `  curl -iw '\\n' -b SESSION=${visualLayer.credentials.session} ${visualLayer.baseUrl}/api/v1/api_credentials`,
        ]),
    '\nPaste a curl line; change a character of its key to see the documented refusal. Stop with Ctrl+C.',
  ].join('\n')
}

function section(
  name: string,
  how: string,
  { baseUrl, credentials }: ServiceInfo,
  notes: Record<string, string>,
): string {
  const rows = Object.entries(notes).map(
    ([key, note]) => `  ${key.padEnd(17)} ${(credentials[key] ?? '').padEnd(55)} ${note}`,
  )
  return [`\n${name}  ${baseUrl}  ${how}`, ...rows].join('\n')
}

function curl(url: string, header?: string, rest?: string): string {
  return [`  curl -iw '\\n'`, ...(header ? [`-H '${header}'`] : []), ...(rest ? [rest] : []), url].join(' ')
}

/** As the provider's documentation signs it in Python. */
function tokenFor(apiKey: string, apiSecret: string): string {
  const now = Math.floor(Date.now() / 1000)
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const header = part({ alg: 'HS256', typ: 'JWT', kid: apiKey })
  const input = `${header}.${part({ sub: apiKey, iat: now, exp: now + 3600, iss: 'sdk' })}`
  return `${input}.${createHmac('sha256', apiSecret).update(input).digest('base64url')}`
}
