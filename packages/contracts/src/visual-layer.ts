/** Visual Layer Cloud: HS256 tokens that the client signs with its secret, the API key as `kid` and `sub`. */
import type { Answer, Contract, RateLimit } from '@latchkey/core'
import { bearerChallenge } from './challenge.ts'
import type { ErrorAnswers } from './errors.ts'

export interface VisualLayerOptions {
  /** The realm of the challenge. Default `visual-layer`. */
  readonly realm?: string
  /** How far `iat` and `nbf` may lie in the future, in seconds. Default 30. */
  readonly leeway?: number
  /** How long after `exp` a token is still accepted, in seconds. Default 0. */
  readonly expiryLeeway?: number
  /** The longest `exp - iat`, in seconds. Default: no cap; the documentation lets clients choose. */
  readonly maxLifetime?: number
  /** Rate limits. Default: none, the documentation names none. */
  readonly limits?: readonly RateLimit[]
}

/** One answer for every unusable token; a dataset that is not visible does not exist (404), an action may be refused (403). */
export function visualLayer({
  realm = 'visual-layer',
  leeway = 30,
  expiryLeeway = 0,
  maxLifetime,
  limits = [],
}: VisualLayerOptions = {}): Contract<never, never, never> {
  const invalid: Answer = {
    ...answer(401, 'JWT token is invalid or expired'),
    headers: { 'WWW-Authenticate': bearerChallenge(realm, { error: 'invalid_token' }) },
  }
  const forbidden = answer(403, 'Insufficient permissions')

  return {
    name: 'visual-layer',
    carriers: [{ kind: 'bearer' }],
    token: {
      issuer: 'sdk',
      subjectIsKeyId: true,
      leeway,
      expiryLeeway,
      ...(maxLifetime === undefined ? {} : { maxLifetime }),
    },
    limits,
    challenge: bearerChallenge(realm),
    denials: {
      missing: answer(401, 'Not authenticated'),
      malformed: invalid,
      unknown: invalid,
      revoked: invalid,
      expired: invalid,
      token_invalid: invalid,
      suspended: forbidden,
      plan: answer(403, 'Feature disabled'),
      forbidden,
      concurrency: forbidden,
      exhausted: forbidden,
      rate_limited: ({ retryAfter }) => ({
        ...answer(429, 'Too many requests'),
        headers: { 'Retry-After': String(retryAfter) },
      }),
      hidden: answer(404, 'Dataset not found'),
      unavailable: { ...answer(503, 'Service temporarily unavailable'), headers: { 'Retry-After': '5' } },
    },
  }
}

/** What the API answers beside denials, in the same envelope. */
export const visualLayerErrors: ErrorAnswers & { readonly no_session: Answer; readonly forbidden: Answer } = {
  bad_request: answer(400, 'Bad Request'),
  /** No browser session on the page that makes credentials: neither a token nor an API key is a way in. */
  no_session: { ...answer(401, 'Not authenticated'), headers: { 'WWW-Authenticate': 'APIKey' } },
  forbidden: answer(403, 'Insufficient permissions'),
  not_found: answer(404, 'Not Found'),
  internal_error: answer(500, 'Internal Server Error'),
}

function answer(status: number, detail: string): Answer {
  return { status, body: { detail } }
}
