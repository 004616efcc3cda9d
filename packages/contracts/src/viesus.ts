/** VIESUS Cloud: a static key in `x-api-key` on every request to one GraphQL endpoint. */
import type { Answer, Contract, Fields, Quota, RateLimit } from '@latchkey/core'
import type { ErrorAnswers } from './errors.ts'

export interface ViesusOptions {
  /**
   * The status of authentication errors. 200 puts the error "in the GraphQL response" for every documented client:
   * older `graphql-request` loses the body of a 401. 401 follows the GraphQL-over-HTTP draft: 401 and 403, and
   * `application/graphql-response+json` where the client accepts it. Default 200.
   */
  readonly authenticationStatus?: 200 | 401
  /** Rate limits. Default: none, the documentation names none. */
  readonly limits?: readonly RateLimit[]
  /** The credits of a period, such as `{ limit: 50, period: { months: 1 } }`. Default: those that accounts were given. */
  readonly credits?: Omit<Quota, 'name'>
  /** Whether keys that were not made by Latchkey are accepted too. Default false. */
  readonly imported?: boolean
}

/** A missing and an invalid key have one answer; keys are deleted, not revoked, and do not expire. */
export function viesus({
  authenticationStatus = 200,
  limits = [],
  credits = {},
  imported = false,
}: ViesusOptions = {}): Contract<never, never, never> {
  if (authenticationStatus !== 200 && authenticationStatus !== 401) {
    throw new TypeError('authenticationStatus must be 200 or 401')
  }
  const draft = authenticationStatus === 401

  function answer(status: number, errors: Answer['body']) {
    if (!draft) return { status: 200, body: errors }
    return (_denied: unknown, fields: Fields): Answer => ({
      status,
      body: errors,
      // Chosen by `Accept`; never with 200, where that media type promises `data`.
      headers: { 'Content-Type': acceptsGraphqlResponse(fields) ? GRAPHQL_RESPONSE : 'application/json' },
    })
  }

  const unauthenticated = answer(
    401,
    error('Authentication error: missing or invalid API key.', { code: 'UNAUTHENTICATED' }),
  )
  const forbidden = answer(403, error('You do not have permission to perform this operation.', { code: 'FORBIDDEN' }))

  return {
    name: 'viesus',
    carriers: [{ kind: 'header', name: 'x-api-key' }],
    // No format is documented: an opaque text without prefix.
    key: { prefix: '', length: 40, alphabet: 'base62', checksum: true },
    imported,
    limits,
    quota: { name: 'credits', ...credits },
    challenge: 'APIKey',
    denials: {
      missing: unauthenticated,
      malformed: unauthenticated,
      unknown: unauthenticated,
      revoked: unauthenticated,
      expired: unauthenticated,
      token_invalid: unauthenticated,
      suspended: forbidden,
      plan: forbidden,
      concurrency: forbidden,
      forbidden,
      rate_limited: ({ retryAfter }) => ({
        status: 429,
        headers: { 'Retry-After': String(retryAfter) },
        body: error(`Rate limit exceeded. Retry after ${retryAfter} seconds.`, { code: 'RATE_LIMITED', retryAfter }),
      }),
      exhausted: {
        status: 200,
        body: {
          data: null,
          errors: [
            {
              message: 'Insufficient credits.',
              path: ['createEnhancedImage'],
              extensions: { code: 'INSUFFICIENT_CREDITS' },
            },
          ],
        },
      },
      hidden: {
        status: 200,
        body: {
          data: { enhancedImage: null },
          errors: [{ message: 'Not found.', path: ['enhancedImage'], extensions: { code: 'NOT_FOUND' } }],
        },
      },
      unavailable: {
        status: 503,
        headers: { 'Retry-After': '5' },
        body: error('Service temporarily unavailable.', { code: 'SERVICE_UNAVAILABLE' }),
      },
    },
  }
}

/** What the API answers beside denials, in the same envelope. */
export const viesusErrors: ErrorAnswers = {
  bad_request: { status: 400, body: error('The request was invalid.', { code: 'BAD_REQUEST' }) },
  not_found: { status: 404, body: error('Not found.', { code: 'NOT_FOUND' }) },
  internal_error: { status: 500, body: error('Internal server error.', { code: 'INTERNAL_SERVER_ERROR' }) },
}

const GRAPHQL_RESPONSE = 'application/graphql-response+json'

function error(message: string, extensions: Record<string, unknown>): { errors: unknown[] } {
  return { errors: [{ message, extensions }] }
}

function acceptsGraphqlResponse(fields: Fields): boolean {
  const ranges = (fields.get('accept') ?? '').split(',')
  return ranges.some((range) => {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    // A weight of 0 says that it is not acceptable (RFC 9110 §12.4.2).
    return type === GRAPHQL_RESPONSE && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))
  })
}
