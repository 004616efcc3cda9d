/**
 * What each provider answers to each denial, byte by byte. The bodies are written out by hand from the providers'
 * documentation: nothing here is made by the code that is tested.
 */
import { aiApi, problemDetails, viddyscribe, viesus, viralsync, visualLayer } from '@latchkey/contracts'
import type { Contract, DenialCode, RateLimit } from '@latchkey/core'

export interface Expected {
  readonly status: number
  /** The exact bytes. */
  readonly body: string
  /** Beside `Content-Type`, `Content-Length` and `Cache-Control: no-store`. */
  readonly headers?: Readonly<Record<string, string>>
}

export interface Provider {
  /** The contract as it is shipped, with other rate limits if given. */
  contract(limits?: readonly RateLimit<never>[]): Contract
  readonly contentType: string
  readonly credential: 'x-api-key' | 'bearer' | 'token'
  /** The `Vary` of every answer to a request that was let in. */
  readonly vary: string
  /** A plan, a higher one that it does not reach, and a feature of the higher one alone. */
  readonly ladder: { readonly below: string; readonly enough: string; readonly feature: string }
  /** A credential that cannot be one of this provider's. */
  readonly malformed: string
  /** The rate limit of the table's case, and how long after the requests that fill it the refused one comes. */
  readonly limited: { readonly limit: number; readonly seconds: number; readonly after: number }
  /** A denial code without an answer does not compile. */
  readonly answers: { readonly [Code in DenialCode]: Expected }
  /** Where a situation has more to tell than its code, by the situation's name. */
  readonly variants?: Readonly<Record<string, Expected>>
}

const VIESUS_UNAUTHENTICATED: Expected = {
  status: 200,
  body: '{"errors":[{"message":"Authentication error: missing or invalid API key.","extensions":{"code":"UNAUTHENTICATED"}}]}',
}
const VIESUS_FORBIDDEN: Expected = {
  status: 200,
  body: '{"errors":[{"message":"You do not have permission to perform this operation.","extensions":{"code":"FORBIDDEN"}}]}',
}

const VIRALSYNC_UNAUTHORIZED: Expected = {
  status: 401,
  body: '{"error":"Missing or invalid API key.","code":"UNAUTHORIZED"}',
  headers: { 'www-authenticate': 'Bearer realm="viralsync"' },
}
const VIRALSYNC_FORBIDDEN: Expected = {
  status: 403,
  body: '{"error":"You do not have permission to perform this operation.","code":"FORBIDDEN"}',
}

const AI_INVALID_TOKEN = { 'www-authenticate': 'Bearer realm="api", error="invalid_token"' }
const AI_INVALID: Expected = {
  status: 401,
  body: '{"success":false,"error":{"code":"INVALID_API_KEY","message":"The provided API key is invalid","details":{"key_id":"key_1234567890"}}}',
  headers: AI_INVALID_TOKEN,
}
const AI_FORBIDDEN: Expected = {
  status: 403,
  body: '{"success":false,"error":{"code":"INSUFFICIENT_PERMISSIONS","message":"Insufficient permissions for this operation"}}',
}

const VIDDYSCRIBE_UNAUTHORIZED: Expected = {
  status: 401,
  body: '{"error":"unauthorized","message":"Invalid or missing API key"}',
  headers: { 'www-authenticate': 'APIKey' },
}
const VIDDYSCRIBE_FORBIDDEN: Expected = {
  status: 403,
  body: '{"error":"forbidden","message":"You do not have permission to perform this operation"}',
}

const VISUAL_LAYER_INVALID: Expected = {
  status: 401,
  body: '{"detail":"JWT token is invalid or expired"}',
  headers: { 'www-authenticate': 'Bearer realm="visual-layer", error="invalid_token"' },
}
const VISUAL_LAYER_FORBIDDEN: Expected = { status: 403, body: '{"detail":"Insufficient permissions"}' }

const PROBLEM_INVALID_TOKEN = { 'www-authenticate': 'APIKey, Bearer realm="api", error="invalid_token"' }
const PROBLEM_INVALID: Expected = {
  status: 401,
  body: '{"type":"about:blank","title":"Unauthorized","status":401,"detail":"The credential is not valid.","code":"invalid_credential"}',
  headers: PROBLEM_INVALID_TOKEN,
}

const LADDER = { below: 'free', enough: 'pro', feature: 'extra' }
/** Filled 46 seconds before: 14 are left of the 60. */
const FOURTEEN_LEFT = { limit: 2, seconds: 60, after: 46 }

export const PROVIDERS = {
  viesus: {
    contract: (limits) => viesus(limits && { limits }),
    contentType: 'application/json',
    credential: 'x-api-key',
    vary: 'x-api-key',
    ladder: LADDER,
    malformed: 'your-api-key-here',
    limited: FOURTEEN_LEFT,
    answers: {
      missing: VIESUS_UNAUTHENTICATED,
      malformed: VIESUS_UNAUTHENTICATED,
      unknown: VIESUS_UNAUTHENTICATED,
      revoked: VIESUS_UNAUTHENTICATED,
      expired: VIESUS_UNAUTHENTICATED,
      token_invalid: VIESUS_UNAUTHENTICATED,
      suspended: VIESUS_FORBIDDEN,
      plan: VIESUS_FORBIDDEN,
      rate_limited: {
        status: 429,
        body: '{"errors":[{"message":"Rate limit exceeded. Retry after 14 seconds.","extensions":{"code":"RATE_LIMITED","retryAfter":14}}]}',
        headers: { 'retry-after': '14' },
      },
      concurrency: VIESUS_FORBIDDEN,
      forbidden: VIESUS_FORBIDDEN,
      exhausted: {
        status: 200,
        body: '{"data":null,"errors":[{"message":"Insufficient credits.","path":["createEnhancedImage"],"extensions":{"code":"INSUFFICIENT_CREDITS"}}]}',
      },
      hidden: {
        status: 200,
        body: '{"data":{"enhancedImage":null},"errors":[{"message":"Not found.","path":["enhancedImage"],"extensions":{"code":"NOT_FOUND"}}]}',
      },
      unavailable: {
        status: 503,
        body: '{"errors":[{"message":"Service temporarily unavailable.","extensions":{"code":"SERVICE_UNAVAILABLE"}}]}',
        headers: { 'retry-after': '5' },
      },
    },
  },

  viralsync: {
    contract: (limits) => viralsync(limits && { limits }),
    contentType: 'application/json',
    credential: 'x-api-key',
    vary: 'x-api-key, Authorization',
    ladder: LADDER,
    malformed: 'vs_prod_YOUR_API_KEY',
    limited: FOURTEEN_LEFT,
    answers: {
      missing: VIRALSYNC_UNAUTHORIZED,
      malformed: VIRALSYNC_UNAUTHORIZED,
      unknown: VIRALSYNC_UNAUTHORIZED,
      revoked: {
        status: 401,
        body: '{"error":"This API key has been revoked.","code":"API_KEY_REVOKED"}',
        headers: { 'www-authenticate': 'Bearer realm="viralsync"' },
      },
      expired: VIRALSYNC_UNAUTHORIZED,
      token_invalid: VIRALSYNC_UNAUTHORIZED,
      suspended: VIRALSYNC_FORBIDDEN,
      plan: {
        status: 403,
        body: '{"error":"API access is not available on the Free plan. Upgrade to Pro.","code":"FORBIDDEN"}',
      },
      rate_limited: {
        status: 429,
        body: '{"error":"Rate limit exceeded. Retry after 14 seconds.","code":"RATE_LIMITED"}',
        headers: { 'retry-after': '14' },
      },
      concurrency: {
        status: 409,
        body: '{"error":"Concurrent job limit reached. Wait for a running job to complete.","code":"CONCURRENCY_LIMIT_EXCEEDED"}',
      },
      forbidden: VIRALSYNC_FORBIDDEN,
      exhausted: { status: 402, body: '{"error":"Monthly render quota exceeded.","code":"RENDER_QUOTA_EXCEEDED"}' },
      hidden: { status: 404, body: '{"error":"Not found.","code":"NOT_FOUND"}' },
      unavailable: {
        status: 503,
        body: '{"error":"Service temporarily unavailable.","code":"SERVICE_UNAVAILABLE"}',
        headers: { 'retry-after': '5' },
      },
    },
  },

  aiApi: {
    contract: (limits) => aiApi(limits && { limits }),
    contentType: 'application/json',
    credential: 'bearer',
    vary: 'Authorization',
    ladder: LADDER,
    // The id is well formed, the rest is too short.
    malformed: 'ak_1234567890_short',
    limited: { limit: 60, seconds: 60, after: 0 },
    answers: {
      missing: {
        status: 401,
        body: '{"success":false,"error":{"code":"MISSING_API_KEY","message":"API key is required","details":{"header":"Authorization"}}}',
        headers: { 'www-authenticate': 'Bearer realm="api"' },
      },
      malformed: AI_INVALID,
      unknown: AI_INVALID,
      revoked: {
        status: 401,
        body: '{"success":false,"error":{"code":"REVOKED_API_KEY","message":"The API key has been revoked","details":{"key_id":"key_1234567890"}}}',
        headers: AI_INVALID_TOKEN,
      },
      expired: {
        status: 401,
        body: '{"success":false,"error":{"code":"EXPIRED_API_KEY","message":"The API key has expired","details":{"expired_at":"2024-01-01T00:00:00Z"}}}',
        headers: AI_INVALID_TOKEN,
      },
      // Such an API takes no tokens, and a token holds no id of its own.
      token_invalid: {
        status: 401,
        body: '{"success":false,"error":{"code":"INVALID_API_KEY","message":"The provided API key is invalid","details":{}}}',
        headers: AI_INVALID_TOKEN,
      },
      suspended: {
        status: 403,
        body: '{"success":false,"error":{"code":"ACCOUNT_SUSPENDED","message":"Account has been suspended"}}',
      },
      plan: AI_FORBIDDEN,
      rate_limited: {
        status: 429,
        body: '{"success":false,"error":{"code":"RATE_LIMIT_EXCEEDED","message":"Rate limit exceeded. Try again in 60 seconds.","details":{"retry_after":60,"limit":60,"reset_time":1640995200}}}',
        headers: {
          'retry-after': '60',
          'x-ratelimit-limit': '60',
          'x-ratelimit-remaining': '0',
          'x-ratelimit-reset': '1640995200',
        },
      },
      concurrency: {
        status: 429,
        body: '{"success":false,"error":{"code":"CONCURRENT_LIMIT_EXCEEDED","message":"Too many concurrent requests"}}',
      },
      forbidden: {
        status: 403,
        body: '{"success":false,"error":{"code":"INSUFFICIENT_PERMISSIONS","message":"Insufficient permissions for this operation","details":{"required_permission":"write"}}}',
        headers: { 'www-authenticate': 'Bearer realm="api", error="insufficient_scope", scope="write"' },
      },
      // On an answer to an authenticated request, so with what is left of the minute (Pro: 300).
      exhausted: {
        status: 403,
        body: '{"success":false,"error":{"code":"QUOTA_EXCEEDED","message":"Monthly quota exceeded"}}',
        headers: {
          'x-ratelimit-limit': '300',
          'x-ratelimit-remaining': '299',
          'x-ratelimit-reset': '1640995200',
        },
      },
      hidden: {
        status: 404,
        body: '{"success":false,"error":{"code":"RESOURCE_NOT_FOUND","message":"Resource not found"}}',
      },
      unavailable: {
        status: 503,
        body: '{"success":false,"error":{"code":"SERVICE_UNAVAILABLE","message":"Service is temporarily unavailable"}}',
        headers: { 'retry-after': '5' },
      },
    },
    variants: {
      'the quota of the month is used up': {
        status: 403,
        body: '{"success":false,"error":{"code":"QUOTA_EXCEEDED","message":"Monthly quota exceeded"}}',
      },
      "the resource's own rule forbids": AI_FORBIDDEN,
    },
  },

  viddyscribe: {
    contract: (limits) => viddyscribe(limits && { limits }),
    contentType: 'application/json',
    credential: 'x-api-key',
    vary: 'X-API-Key',
    ladder: { below: 'starter', enough: 'enterprise', feature: 'allow_api_ad_video_generation' },
    malformed: 'vsk_your_api_key_here',
    limited: FOURTEEN_LEFT,
    answers: {
      missing: VIDDYSCRIBE_UNAUTHORIZED,
      malformed: VIDDYSCRIBE_UNAUTHORIZED,
      unknown: VIDDYSCRIBE_UNAUTHORIZED,
      revoked: VIDDYSCRIBE_UNAUTHORIZED,
      expired: VIDDYSCRIBE_UNAUTHORIZED,
      token_invalid: VIDDYSCRIBE_UNAUTHORIZED,
      suspended: VIDDYSCRIBE_FORBIDDEN,
      plan: {
        status: 403,
        body: '{"error":"feature_not_available","message":"This feature is not available on your current plan","feature":"allow_api_ad_video_generation","plan_name":"Starter","upgrade_url":"/billing/upgrade"}',
      },
      rate_limited: {
        status: 429,
        body: '{"error":"rate_limit_exceeded","message":"Rate limit exceeded. Retry after 14 seconds."}',
        headers: { 'retry-after': '14' },
      },
      concurrency: {
        status: 429,
        body: '{"error":"concurrency_limit_exceeded","message":"Concurrency limit exceeded. Please retry shortly."}',
      },
      forbidden: VIDDYSCRIBE_FORBIDDEN,
      exhausted: {
        status: 429,
        body: '{"error":"plan_limit_exceeded","message":"No credits or usage capacity remain for the request"}',
      },
      hidden: { status: 404, body: '{"error":"not_found","message":"Media or job not found"}' },
      unavailable: {
        status: 503,
        body: '{"error":"service_unavailable","message":"Service temporarily unavailable"}',
        headers: { 'retry-after': '5' },
      },
    },
    variants: {
      'the plan does not reach the one that the mount asks for': {
        status: 403,
        body: '{"error":"feature_not_available","message":"This feature is not available on your current plan","feature":null,"plan_name":"Starter","upgrade_url":"/billing/upgrade"}',
      },
      'the plan does not reach the one that the route asks for': {
        status: 403,
        body: '{"error":"feature_not_available","message":"This feature is not available on your current plan","feature":null,"plan_name":"Starter","upgrade_url":"/billing/upgrade"}',
      },
    },
  },

  visualLayer: {
    contract: (limits) => visualLayer(limits && { limits }),
    contentType: 'application/json',
    credential: 'token',
    vary: 'Authorization',
    ladder: LADDER,
    malformed: 'vs_prod_a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6',
    limited: FOURTEEN_LEFT,
    answers: {
      missing: {
        status: 401,
        body: '{"detail":"Not authenticated"}',
        headers: { 'www-authenticate': 'Bearer realm="visual-layer"' },
      },
      malformed: VISUAL_LAYER_INVALID,
      unknown: VISUAL_LAYER_INVALID,
      revoked: VISUAL_LAYER_INVALID,
      expired: VISUAL_LAYER_INVALID,
      token_invalid: VISUAL_LAYER_INVALID,
      suspended: VISUAL_LAYER_FORBIDDEN,
      plan: { status: 403, body: '{"detail":"Feature disabled"}' },
      rate_limited: { status: 429, body: '{"detail":"Too many requests"}', headers: { 'retry-after': '14' } },
      concurrency: VISUAL_LAYER_FORBIDDEN,
      forbidden: VISUAL_LAYER_FORBIDDEN,
      exhausted: VISUAL_LAYER_FORBIDDEN,
      hidden: { status: 404, body: '{"detail":"Dataset not found"}' },
      unavailable: {
        status: 503,
        body: '{"detail":"Service temporarily unavailable"}',
        headers: { 'retry-after': '5' },
      },
    },
  },

  problemDetails: {
    contract: (limits) => problemDetails(limits && { limits }),
    contentType: 'application/problem+json',
    credential: 'x-api-key',
    vary: 'x-api-key, Authorization',
    ladder: LADDER,
    malformed: 'your-api-key-here',
    limited: FOURTEEN_LEFT,
    answers: {
      missing: {
        status: 401,
        body: '{"type":"about:blank","title":"Unauthorized","status":401,"detail":"A credential is required.","code":"missing_credential"}',
        headers: { 'www-authenticate': 'APIKey, Bearer realm="api"' },
      },
      malformed: PROBLEM_INVALID,
      unknown: PROBLEM_INVALID,
      revoked: {
        status: 401,
        body: '{"type":"about:blank","title":"Unauthorized","status":401,"detail":"The credential has been revoked.","code":"revoked_credential"}',
        headers: PROBLEM_INVALID_TOKEN,
      },
      expired: {
        status: 401,
        body: '{"type":"about:blank","title":"Unauthorized","status":401,"detail":"The credential has expired.","code":"expired_credential"}',
        headers: PROBLEM_INVALID_TOKEN,
      },
      token_invalid: PROBLEM_INVALID,
      suspended: {
        status: 403,
        body: '{"type":"about:blank","title":"Forbidden","status":403,"detail":"The account is suspended.","code":"account_suspended"}',
      },
      plan: {
        status: 403,
        body: '{"type":"about:blank","title":"Forbidden","status":403,"detail":"The plan does not include this.","code":"plan_required","plan":"free","required_plan":"pro","upgrade_to":["pro"]}',
      },
      rate_limited: {
        status: 429,
        body: '{"type":"https://iana.org/assignments/http-problem-types#quota-exceeded","title":"Request cannot be satisfied as assigned quota has been exceeded","status":429,"detail":"The rate limit is reached. Retry after 14 seconds.","code":"rate_limited","violated-policies":["minute"]}',
        headers: {
          'retry-after': '14',
          'ratelimit-policy': '"minute";q=2;w=60',
          ratelimit: '"minute";r=0;t=14',
        },
      },
      concurrency: {
        status: 429,
        body: '{"type":"about:blank","title":"Too Many Requests","status":429,"detail":"Too many requests are under way.","code":"concurrency_limited"}',
      },
      forbidden: {
        status: 403,
        body: '{"type":"about:blank","title":"Forbidden","status":403,"detail":"The credential lacks a permission.","code":"insufficient_permission","required_permission":"write"}',
        headers: { 'www-authenticate': 'APIKey, Bearer realm="api", error="insufficient_scope", scope="write"' },
      },
      exhausted: {
        status: 429,
        body: '{"type":"https://iana.org/assignments/http-problem-types#quota-exceeded","title":"Request cannot be satisfied as assigned quota has been exceeded","status":429,"detail":"The quota does not cover this request.","code":"quota_exhausted","violated-policies":["credits"],"cost":1,"limit":8,"remaining":0}',
      },
      hidden: {
        status: 404,
        body: '{"type":"about:blank","title":"Not Found","status":404,"detail":"There is no such resource.","code":"not_found"}',
      },
      unavailable: {
        status: 503,
        body: '{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"The service is temporarily unavailable.","code":"unavailable"}',
        headers: { 'retry-after': '5' },
      },
    },
    variants: {
      'the quota of the month is used up': {
        status: 429,
        body: '{"type":"https://iana.org/assignments/http-problem-types#quota-exceeded","title":"Request cannot be satisfied as assigned quota has been exceeded","status":429,"detail":"The quota does not cover this request.","code":"quota_exhausted","violated-policies":["month"],"cost":1,"limit":2,"remaining":0,"refills_at":"2022-01-01T00:00:00.000Z"}',
      },
      'the plan lacks the feature that the mount asks for': {
        status: 403,
        body: '{"type":"about:blank","title":"Forbidden","status":403,"detail":"The plan does not include this.","code":"plan_required","plan":"free","required_feature":"extra","upgrade_to":["pro"]}',
      },
      "the resource's own rule forbids": {
        status: 403,
        body: '{"type":"about:blank","title":"Forbidden","status":403,"detail":"The credential does not allow this.","code":"forbidden"}',
      },
    },
  },
} satisfies Record<string, Provider>

export type ProviderName = keyof typeof PROVIDERS

export const providers: [name: string, provider: Provider][] = Object.entries(PROVIDERS)
