/** The default for everybody else: problem details (RFC 9457), Bearer challenges (RFC 6750), RateLimit fields. */
import type { Answer, Contract, IdentityProvider, LimitState } from '@latchkey/core'
import { type BearerError, bearerChallenge } from './challenge.ts'
import type { ErrorAnswers } from './errors.ts'

export interface ProblemDetailsOptions<
  Plan extends string,
  Permission extends string,
  Feature extends string,
  Providers extends readonly IdentityProvider[],
> extends Partial<Omit<Contract<Plan, Permission, Feature, Providers>, 'denials' | 'allowed' | 'challenge'>> {
  /** The realm of the challenge. Default: the name. */
  readonly realm?: string
  /** `upgrade_url` in the plan's 403. Default: none. */
  readonly upgradeUrl?: string
}

/** The type that draft-ietf-httpapi-ratelimit-headers registers for both rate limits and quotas. */
const QUOTA_EXCEEDED = 'https://iana.org/assignments/http-problem-types#quota-exceeded'
const QUOTA_TITLE = 'Request cannot be satisfied as assigned quota has been exceeded'

/**
 * A whole contract from nothing but a name: keys in `x-api-key` or as Bearer tokens, written `key_` and 32 characters,
 * answers as `application/problem+json` with a stable `code`. Everything is an option; single answers are changed with
 * `defineContract({ ...contract, denials: { ...contract.denials, revoked: … } })`.
 */
export function problemDetails<
  const Plan extends string = never,
  const Permission extends string = never,
  const Feature extends string = never,
  const Providers extends readonly IdentityProvider[] = readonly [],
>(
  options: ProblemDetailsOptions<Plan, Permission, Feature, Providers> = {},
): Contract<Plan, Permission, Feature, Providers> {
  const { realm, upgradeUrl, ...given } = options
  const contract = {
    name: 'api',
    carriers: [{ kind: 'header', name: 'x-api-key' }, { kind: 'bearer' }] as const,
    ...(options.token === undefined &&
      options.identity === undefined && {
        key: { prefix: 'key_', length: 32, alphabet: 'base62', checksum: true } as const,
      }),
    ...given,
  }

  // One challenge for each scheme that the contract reads (RFC 9110 §11.6.1).
  function challenge(error?: BearerError): { 'WWW-Authenticate': string } {
    const schemes = contract.carriers.map((carrier) =>
      carrier.kind === 'bearer' ? bearerChallenge(realm ?? contract.name, error) : 'APIKey',
    )
    return { 'WWW-Authenticate': [...new Set(schemes)].join(', ') }
  }
  const invalidToken = challenge({ error: 'invalid_token' })
  const invalid = problem(401, 'invalid_credential', 'The credential is not valid.', invalidToken)

  return {
    ...contract,
    challenge: challenge()['WWW-Authenticate'],
    denials: {
      missing: problem(401, 'missing_credential', 'A credential is required.'),
      malformed: invalid,
      unknown: invalid,
      token_invalid: invalid,
      revoked: problem(401, 'revoked_credential', 'The credential has been revoked.', invalidToken),
      expired: problem(401, 'expired_credential', 'The credential has expired.', invalidToken),
      suspended: problem(403, 'account_suspended', 'The account is suspended.'),
      plan: ({ plan, needs, feature, upgrades }) =>
        problem(403, 'plan_required', 'The plan does not include this.', undefined, {
          plan,
          ...(needs !== undefined && { required_plan: needs }),
          ...(feature !== undefined && { required_feature: feature }),
          upgrade_to: upgrades,
          ...(upgradeUrl !== undefined && { upgrade_url: upgradeUrl }),
        }),
      forbidden: ({ permission }) =>
        permission === undefined
          ? problem(403, 'forbidden', 'The credential does not allow this.')
          : problem(
              403,
              'insufficient_permission',
              'The credential lacks a permission.',
              challenge({ error: 'insufficient_scope', scope: permission }),
              { required_permission: permission },
            ),
      rate_limited: ({ limit, limits, retryAfter }) =>
        problem(
          429,
          'rate_limited',
          `The rate limit is reached. Retry after ${retryAfter} seconds.`,
          {
            'Retry-After': String(retryAfter),
            ...rateLimitFields(limits, limit.resetAt - retryAfter * 1000),
          },
          { type: QUOTA_EXCEEDED, title: QUOTA_TITLE, 'violated-policies': [limit.name] },
        ),
      concurrency: problem(429, 'concurrency_limited', 'Too many requests are under way.'),
      exhausted: ({ quota, cost, limit, remaining, refillsAt }) =>
        problem(429, 'quota_exhausted', 'The quota does not cover this request.', undefined, {
          type: QUOTA_EXCEEDED,
          title: QUOTA_TITLE,
          'violated-policies': [quota],
          cost,
          limit,
          remaining,
          ...(refillsAt !== null && { refills_at: new Date(refillsAt).toISOString() }),
        }),
      hidden: problem(404, 'not_found', 'There is no such resource.'),
      unavailable: problem(503, 'unavailable', 'The service is temporarily unavailable.', { 'Retry-After': '5' }),
    },
    allowed: rateLimitFields,
  }
}

/** RFC 9457 §4.2.1: with `about:blank` the title is the status's own phrase. */
const TITLES = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
} as const

/** What an API answers beside denials, in the same envelope. */
export const problemErrors: ErrorAnswers = {
  bad_request: problem(400, 'bad_request', 'The request is not valid.'),
  not_found: problem(404, 'not_found', 'There is no such resource.'),
  internal_error: problem(500, 'internal_error', 'Something went wrong.'),
}

function problem(
  status: keyof typeof TITLES,
  code: string,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
  extensions: Readonly<Record<string, unknown>> = {},
): Answer {
  return {
    status,
    headers: { 'Content-Type': 'application/problem+json', ...headers },
    body: { type: 'about:blank', title: TITLES[status], status, detail, code, ...extensions },
  }
}

/** draft-ietf-httpapi-ratelimit-headers: what each policy grants, and what is left of it. `t` is in seconds from now. */
function rateLimitFields(limits: readonly LimitState[], now: number): Record<string, string> {
  if (limits.length === 0) return {}
  const policies = limits.map(({ name, limit, seconds }) => `"${name}";q=${limit};w=${seconds}`)
  const states = limits.map(({ name, remaining, resetAt }) => {
    const seconds = Math.max(0, Math.ceil((resetAt - now) / 1000))
    return `"${name}";r=${remaining};t=${seconds}`
  })
  return { 'RateLimit-Policy': policies.join(', '), RateLimit: states.join(', ') }
}
