/** ViddyScribe Enterprise: `vsk_` keys in `X-API-Key`, plan features by endpoint, limits by team. */
import type { Answer, Contract, Numbers, RateLimit } from '@latchkey/core'
import type { ErrorAnswers } from './errors.ts'

export type ViddyscribePlan = 'starter' | 'enterprise'

export type ViddyscribeFeature =
  | 'allow_api_ad_video_generation'
  | 'allow_api_ad_audio_generation'
  | 'allow_custom_instructions'
  | 'allow_config_volume'
  | 'allow_custom_video_categories'
  | 'allow_custom_description_workflow'
  | 'allow_standard_ad'
  | 'allow_url_input'

export interface ViddyscribeOptions {
  /** `plan_name` in the plan's 403. Default `Starter` and `Enterprise`. */
  readonly planNames?: Readonly<Partial<Record<ViddyscribePlan, string>>>
  /** `upgrade_url` in the plan's 403. Default `/billing/upgrade`. */
  readonly upgradeUrl?: string
  /** Which plans have a feature. Default: both have all, but only Enterprise has video. */
  readonly features?: Readonly<Partial<Record<ViddyscribeFeature, readonly ViddyscribePlan[]>>>
  /** Counted for each team over all its keys. Default: 120 requests in any 60 seconds; the documentation has no number. */
  readonly limits?: readonly RateLimit<ViddyscribePlan>[]
  /** What a team may use up in a calendar month (UTC). Default: none, the documentation names no number. */
  readonly monthlyQuota?: Numbers<ViddyscribePlan>
  /** Whether keys that were not made by Latchkey are accepted too. Default false. */
  readonly imported?: boolean
}

const BOTH: readonly ViddyscribePlan[] = ['starter', 'enterprise']

/** Every unusable key has one answer; keys are issued by the provider, so there is no state to tell apart. */
export function viddyscribe({
  planNames = {},
  upgradeUrl = '/billing/upgrade',
  features = {},
  limits = [{ name: 'minute', seconds: 60, limit: 120, per: 'account' }],
  monthlyQuota,
  imported = false,
}: ViddyscribeOptions = {}): Contract<ViddyscribePlan, never, ViddyscribeFeature> {
  const names: Readonly<Record<string, string>> = { starter: 'Starter', enterprise: 'Enterprise', ...planNames }
  const unauthorized = answer(401, 'unauthorized', 'Invalid or missing API key')
  const forbidden = answer(403, 'forbidden', 'You do not have permission to perform this operation')

  return {
    name: 'viddyscribe',
    carriers: [{ kind: 'header', name: 'X-API-Key' }],
    key: { prefix: 'vsk_', length: 50, alphabet: 'base36', checksum: true },
    imported,
    plans: BOTH,
    features: {
      allow_api_ad_video_generation: ['enterprise'],
      allow_api_ad_audio_generation: BOTH,
      allow_custom_instructions: BOTH,
      allow_config_volume: BOTH,
      allow_custom_video_categories: BOTH,
      allow_custom_description_workflow: BOTH,
      allow_standard_ad: BOTH,
      allow_url_input: BOTH,
      ...features,
    },
    limits,
    quota: { name: 'month', period: { months: 1 }, ...(monthlyQuota !== undefined && { limit: monthlyQuota }) },
    challenge: 'APIKey',
    denials: {
      missing: unauthorized,
      malformed: unauthorized,
      unknown: unauthorized,
      revoked: unauthorized,
      expired: unauthorized,
      token_invalid: unauthorized,
      suspended: forbidden,
      forbidden,
      plan: ({ plan, feature = null }) => ({
        status: 403,
        body: {
          error: 'feature_not_available',
          message: 'This feature is not available on your current plan',
          feature,
          plan_name: names[plan] ?? plan,
          upgrade_url: upgradeUrl,
        },
      }),
      rate_limited: ({ retryAfter }) => ({
        ...answer(429, 'rate_limit_exceeded', `Rate limit exceeded. Retry after ${retryAfter} seconds.`),
        headers: { 'Retry-After': String(retryAfter) },
      }),
      concurrency: answer(429, 'concurrency_limit_exceeded', 'Concurrency limit exceeded. Please retry shortly.'),
      exhausted: answer(429, 'plan_limit_exceeded', 'No credits or usage capacity remain for the request'),
      hidden: answer(404, 'not_found', 'Media or job not found'),
      unavailable: {
        ...answer(503, 'service_unavailable', 'Service temporarily unavailable'),
        headers: { 'Retry-After': '5' },
      },
    },
  }
}

/** What the API answers beside denials, in the same envelope. */
export const viddyscribeErrors: ErrorAnswers & {
  readonly queue_full: (jobs: number) => Answer
  readonly upload_not_ready: (uploadStatus: string) => Answer
} = {
  /** So many jobs of the team are waiting. */
  queue_full: (jobs) =>
    answer(
      429,
      'queue_limit_exceeded',
      `You have ${jobs} jobs queued. Please wait for some to complete before submitting more.`,
    ),
  upload_not_ready: (uploadStatus) => ({
    status: 409,
    body: {
      error: 'Upload is still in progress. Please retry shortly.',
      code: 'upload_not_ready',
      upload_status: uploadStatus,
    },
  }),
  bad_request: answer(400, 'bad_request', 'The request was invalid'),
  not_found: answer(404, 'not_found', 'Media or job not found'),
  internal_error: answer(500, 'internal_error', 'Internal server error'),
}

function answer(status: number, error: string, message: string): Answer {
  return { status, body: { error, message } }
}
