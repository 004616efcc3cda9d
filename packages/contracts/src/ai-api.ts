/** The AI API: keys as Bearer tokens, with permissions, an end, and rate limits on every answer. */
import type { Answer, Contract, LimitState, Numbers, RateLimit } from '@latchkey/core'
import { bearerChallenge } from './challenge.ts'
import type { ErrorAnswers } from './errors.ts'

export type AiApiPlan = 'free' | 'pro' | 'enterprise'
export type AiApiPermission = 'read' | 'write' | 'admin' | 'webhook'

export interface AiApiOptions {
  /** The realm of the challenge. Default `api`. */
  readonly realm?: string
  /** Default, for each account: Free 60 a minute, 1,000 an hour, 10,000 a day; Pro 300, 10,000, 100,000. */
  readonly limits?: readonly RateLimit<AiApiPlan>[]
  /** What an account may use up in a calendar month (UTC). Default: none, the documentation names several. */
  readonly monthlyQuota?: Numbers<AiApiPlan>
  /** Whether keys that were not made by Latchkey are accepted too. Default false. */
  readonly imported?: boolean
}

const LIMITS: readonly RateLimit<AiApiPlan>[] = [
  { name: 'minute', seconds: 60, limit: { free: 60, pro: 300 }, per: 'account' },
  { name: 'hour', seconds: 3600, limit: { free: 1000, pro: 10_000 }, per: 'account' },
  { name: 'day', seconds: 86_400, limit: { free: 10_000, pro: 100_000 }, per: 'account' },
]

/** Every error is JSON in one envelope; an unusable key is told apart as missing, invalid, expired or revoked. */
export function aiApi({
  realm = 'api',
  limits = LIMITS,
  monthlyQuota,
  imported = false,
}: AiApiOptions = {}): Contract<AiApiPlan, AiApiPermission, never> {
  const invalidToken = { 'WWW-Authenticate': bearerChallenge(realm, { error: 'invalid_token' }) }
  const invalid = (denied: { readonly keyId?: string }) => ({
    ...answer(401, 'INVALID_API_KEY', 'The provided API key is invalid', { key_id: denied.keyId }),
    headers: invalidToken,
  })

  return {
    name: 'ai-api',
    carriers: [{ kind: 'bearer' }],
    // No format is documented beside the id, `key_` and ten digits, which an invalid key's answer names.
    key: { prefix: 'ak_', id: { prefix: 'key_' }, length: 32, alphabet: 'base62', checksum: true },
    imported,
    plans: ['free', 'pro', 'enterprise'],
    // `admin` is full access; nothing says that `write` covers `read`.
    permissions: { read: [], write: [], admin: ['*'], webhook: [] },
    limits,
    quota: { name: 'month', period: { months: 1 }, ...(monthlyQuota !== undefined && { limit: monthlyQuota }) },
    challenge: bearerChallenge(realm),
    denials: {
      missing: answer(401, 'MISSING_API_KEY', 'API key is required', { header: 'Authorization' }),
      malformed: invalid,
      unknown: invalid,
      token_invalid: () => invalid({}),
      revoked: ({ keyId }) => ({
        ...answer(401, 'REVOKED_API_KEY', 'The API key has been revoked', { key_id: keyId }),
        headers: invalidToken,
      }),
      expired: ({ expiredAt }) => ({
        ...answer(401, 'EXPIRED_API_KEY', 'The API key has expired', { expired_at: wholeSeconds(expiredAt) }),
        headers: invalidToken,
      }),
      suspended: answer(403, 'ACCOUNT_SUSPENDED', 'Account has been suspended'),
      plan: answer(403, 'INSUFFICIENT_PERMISSIONS', 'Insufficient permissions for this operation'),
      forbidden: ({ permission }) => {
        if (permission === undefined) {
          return answer(403, 'INSUFFICIENT_PERMISSIONS', 'Insufficient permissions for this operation')
        }
        return {
          ...answer(403, 'INSUFFICIENT_PERMISSIONS', 'Insufficient permissions for this operation', {
            required_permission: permission,
          }),
          headers: {
            'WWW-Authenticate': bearerChallenge(realm, { error: 'insufficient_scope', scope: permission }),
          },
        }
      },
      rate_limited: ({ limit, retryAfter }) => ({
        ...answer(429, 'RATE_LIMIT_EXCEEDED', `Rate limit exceeded. Try again in ${retryAfter} seconds.`, {
          retry_after: retryAfter,
          limit: limit.limit,
          reset_time: unixSeconds(limit.resetAt),
        }),
        headers: { 'Retry-After': String(retryAfter), ...rateLimitHeaders(limit) },
      }),
      concurrency: answer(429, 'CONCURRENT_LIMIT_EXCEEDED', 'Too many concurrent requests'),
      exhausted: answer(403, 'QUOTA_EXCEEDED', 'Monthly quota exceeded'),
      hidden: answer(404, 'RESOURCE_NOT_FOUND', 'Resource not found'),
      unavailable: {
        ...answer(503, 'SERVICE_UNAVAILABLE', 'Service is temporarily unavailable'),
        headers: { 'Retry-After': '5' },
      },
    },
    // Of several windows the one that is nearest to refusing.
    allowed: ([first, ...others]) =>
      first === undefined ? {} : rateLimitHeaders(others.reduce((a, b) => (b.remaining < a.remaining ? b : a), first)),
  }
}

/** What the API answers beside denials, in the same envelope. */
export const aiApiErrors: ErrorAnswers = {
  bad_request: answer(400, 'INVALID_REQUEST', 'The request was invalid'),
  not_found: answer(404, 'ENDPOINT_NOT_FOUND', 'Endpoint not found'),
  internal_error: answer(500, 'INTERNAL_ERROR', 'Internal server error'),
}

function answer(status: number, code: string, message: string, details?: Readonly<Record<string, unknown>>): Answer {
  return { status, body: { success: false, error: { code, message, ...(details && { details }) } } }
}

function rateLimitHeaders({ limit, remaining, resetAt }: LimitState): Record<string, string> {
  return {
    'X-RateLimit-Limit': String(limit),
    'X-RateLimit-Remaining': String(remaining),
    'X-RateLimit-Reset': String(unixSeconds(resetAt)),
  }
}

function unixSeconds(milliseconds: number): number {
  return Math.ceil(milliseconds / 1000)
}

/** `2024-01-01T00:00:00Z`: the documented form has no milliseconds. */
function wholeSeconds(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.\d+Z$/, 'Z')
}
