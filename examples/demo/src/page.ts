import { createHmac } from 'node:crypto'
import type { Demo, ServiceInfo } from './demo.ts'
import type { DemoOptions } from './options.ts'

/** What a newcomer reads: which API runs where, which key is what, and a line for each to paste. */
export function page({ info, liveKeyId }: Demo, { onPrem, store: given = info.store }: DemoOptions): string {
  const { url, framework, store, services } = info
  const { viesus, viralsync, aiApi, viddyscribe, visualLayer } = services
  return [
    `Latchkey demo: five documented APIs on ${framework}, keys in ${store === 'memory:' ? 'memory' : store}, at ${url}`,
    ...(liveKeyId === undefined ? [SEEDED_BEFORE] : []),
    section('VIESUS', 'GraphQL; the key in x-api-key', viesus, {
      live: '42 credits left',
      live2: 'the same account',
      deleted: 'refused',
      zeroCredits: 'no credits left: queries only',
    }),
    curl(
      `${viesus.baseUrl}/graphql`,
      `x-api-key: ${textOf(viesus, 'live')}`,
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
    curl(`${viralsync.baseUrl}/v1/me`, `x-api-key: ${textOf(viralsync, 'live')}`),
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
      `Authorization: Bearer ${textOf(aiApi, 'read')}`,
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
      `X-API-Key: ${textOf(viddyscribe, 'live')}`,
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
          curl(
            `${visualLayer.baseUrl}/api/v1/dataset/abc-123-def-456`,
            `Authorization: Bearer ${tokenOf(visualLayer)}`,
          ),
          `  curl -iw '\\n' -b SESSION=${textOf(visualLayer, 'session')} ${visualLayer.baseUrl}/api/v1/api_credentials`,
        ]),
    ...(store === 'memory:' ? [] : [management(store, liveKeyId, given !== store)]),
    '\nPaste a curl line; change a character of its key to see the documented refusal. Stop with Ctrl+C.',
  ].join('\n')
}

const SEEDED_BEFORE = `
Another demo has filled this store: it has printed the keys, which no store knows. Here they are called KEY.`

function management(store: string, liveKeyId: string | undefined, hasPassword: boolean): string {
  const latchkey = (command: string, rest: string) =>
    `  npx pnpm latchkey ${command} --store ${quoted(store)} --service viralsync${rest}`
  return [
    '\nManage the keys from another terminal: what is changed there holds here from the next request.',
    ...(hasPassword ? ["  # The URL's password is not shown: it goes into PGPASSWORD."] : []),
    latchkey('keys list', ''),
    ...(liveKeyId === undefined
      ? [latchkey('keys create', ' --account user_abc123 --name Mine')]
      : ["  # ViralSync's live key, refused from then on:", latchkey(`keys revoke ${liveKeyId}`, '')]),
  ].join('\n')
}

/** For a shell. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

function textOf({ credentials }: ServiceInfo, name: string): string {
  return credentials[name] ?? 'KEY'
}

function section(
  name: string,
  how: string,
  { baseUrl, credentials }: ServiceInfo,
  notes: Record<string, string>,
): string {
  const rows = Object.entries(notes)
    .filter(([key]) => credentials[key] !== undefined)
    .map(([key, note]) => `  ${key.padEnd(17)} ${textOf({ baseUrl, credentials }, key).padEnd(55)} ${note}`)
  return [`\n${name}  ${baseUrl}  ${how}`, ...rows].join('\n')
}

function curl(url: string, header?: string, rest?: string): string {
  return [`  curl -iw '\\n'`, ...(header ? [`-H '${header}'`] : []), ...(rest ? [rest] : []), url].join(' ')
}

/** Signed as the provider's documentation does in Python. */
function tokenOf({ credentials: { apiKey, apiSecret } }: ServiceInfo): string {
  if (apiKey === undefined || apiSecret === undefined) return 'KEY'
  const now = Math.floor(Date.now() / 1000)
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const header = part({ alg: 'HS256', typ: 'JWT', kid: apiKey })
  const input = `${header}.${part({ sub: apiKey, iat: now, exp: now + 3600, iss: 'sdk' })}`
  return `${input}.${createHmac('sha256', apiSecret).update(input).digest('base64url')}`
}
