/** ViralSync: `vs_prod_` keys in `x-api-key` or as a Bearer token, for Pro plans and higher. */
import type { Answer, ConcurrencyLimit, Contract, Numbers, RateLimit } from '@latchkey/core'
import { bearerChallenge } from './challenge.ts'
import type { ErrorAnswers } from './errors.ts'

export type ViralsyncPlan = 'free' | 'pro' | 'business' | 'enterprise'

export interface ViralsyncOptions {
  /** The realm of the challenge. Default `viralsync`. */
  readonly realm?: string
  /** How plans are called in the text of the plan's 403. Default: their names with a capital. */
  readonly planNames?: Readonly<Partial<Record<ViralsyncPlan, string>>>
  /** Default: 120 requests in any 60 seconds for each key, on all plans. */
  readonly limits?: readonly RateLimit<ViralsyncPlan>[]
  /** What an account may use up in a calendar month (UTC). Default: none, the documentation names no number. */
  readonly monthlyQuota?: Numbers<ViralsyncPlan>
  /** Whether keys that were not made by Latchkey are accepted too. Default false. */
  readonly imported?: boolean
}

/** Jobs of an account that run at one time, for the routes that run them; Enterprise has no limit. */
export const viralsyncJobs: ConcurrencyLimit<ViralsyncPlan> = {
  name: 'jobs',
  limit: { free: 1, pro: 3, business: 6 },
  per: 'account',
}

const PLAN_NAMES: Readonly<Record<ViralsyncPlan, string>> = {
  free: 'Free',
  pro: 'Pro',
  business: 'Business',
  enterprise: 'Enterprise',
}

/** A revoked key is told apart from a deleted one; API access needs the plan that the mount asks for (`pro`). */
export function viralsync({
  realm = 'viralsync',
  planNames = {},
  monthlyQuota,
  limits = [{ name: 'minute', seconds: 60, limit: 120, per: 'key' }],
  imported = false,
}: ViralsyncOptions = {}): Contract<ViralsyncPlan, never, never> {
  const names: Readonly<Record<string, string>> = { ...PLAN_NAMES, ...planNames }
  const unauthorized = answer(401, 'Missing or invalid API key.', 'UNAUTHORIZED')
  // All keys have full access, so nothing but the plan is documented to be forbidden.
  const forbidden = answer(403, 'You do not have permission to perform this operation.', 'FORBIDDEN')

  return {
    name: 'viralsync',
    // Both are equivalent; `x-api-key` comes first because a Bearer token may belong to another scheme.
    carriers: [{ kind: 'header', name: 'x-api-key' }, { kind: 'bearer' }],
    key: { prefix: 'vs_prod_', length: 32, alphabet: 'base36', checksum: true },
    imported,
    plans: ['free', 'pro', 'business', 'enterprise'],
    limits,
    quota: { name: 'month', period: { months: 1 }, ...(monthlyQuota !== undefined && { limit: monthlyQuota }) },
    challenge: bearerChallenge(realm),
    denials: {
      missing: unauthorized,
      malformed: unauthorized,
      unknown: unauthorized,
      expired: unauthorized,
      token_invalid: unauthorized,
      revoked: answer(401, 'This API key has been revoked.', 'API_KEY_REVOKED'),
      suspended: forbidden,
      forbidden,
      plan: ({ plan, needs = 'pro' }) =>
        answer(
          403,
          `API access is not available on the ${names[plan] ?? plan} plan. Upgrade to ${names[needs] ?? needs}.`,
          'FORBIDDEN',
        ),
      rate_limited: ({ retryAfter }) => ({
        ...answer(429, `Rate limit exceeded. Retry after ${retryAfter} seconds.`, 'RATE_LIMITED'),
        headers: { 'Retry-After': String(retryAfter) },
      }),
      concurrency: answer(
        409,
        'Concurrent job limit reached. Wait for a running job to complete.',
        'CONCURRENCY_LIMIT_EXCEEDED',
      ),
      exhausted: answer(402, 'Monthly render quota exceeded.', 'RENDER_QUOTA_EXCEEDED'),
      hidden: answer(404, 'Not found.', 'NOT_FOUND'),
      unavailable: {
        ...answer(503, 'Service temporarily unavailable.', 'SERVICE_UNAVAILABLE'),
        headers: { 'Retry-After': '5' },
      },
    },
  }
}

/** What the API answers beside denials, in the same envelope. */
export const viralsyncErrors: ErrorAnswers = {
  bad_request: answer(400, 'The request was invalid.', 'BAD_REQUEST'),
  not_found: answer(404, 'Not found.', 'NOT_FOUND'),
  internal_error: answer(500, 'Internal server error.', 'INTERNAL_ERROR'),
}

function answer(status: number, error: string, code: string): Answer {
  return { status, body: { error, code } }
}
