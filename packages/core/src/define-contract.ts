import { checkConcurrency, checkLimits, checkQuota, checkRefund, isQuotable } from './check-limits.ts'
import type { Answer, AnyContract, Contract } from './contract.ts'
import { fieldNameOf } from './credential.ts'
import { checkProvider, type IdentityProvider } from './identity.ts'
import { keyCodec } from './key-format.ts'
import { checkKnown, checkMembers, membersOf } from './known.ts'
import type { LimitState } from './limiter.ts'
import type { DenialCode, Denied } from './outcome.ts'
import { answerTo, type Rendered, renderRow } from './render.ts'
import type { TokenRules } from './verify-token.ts'

/**
 * Describes how an API authenticates. Returns the description as given, once it has been checked whole: every denial is
 * rendered with sample facts.
 *
 * @throws TypeError naming the option: a contract without a carrier, without any of `key`, `token` and `identity`, a plan
 * or permission that it does not know, a denial row without a status.
 */
export function defineContract<
  const Plan extends string = never,
  const Permission extends string = never,
  const Feature extends string = never,
  const Providers extends readonly IdentityProvider[] = readonly [],
>(contract: Contract<Plan, Permission, Feature, Providers>): Contract<Plan, Permission, Feature, Providers> {
  checkMembers('contract', contract, CONTRACT)
  const { name, carriers, key, token } = contract
  const identity: readonly IdentityProvider[] = contract.identity ?? []
  if (typeof name !== 'string' || !/^[a-z][a-z0-9-]*$/.test(name)) {
    throw new TypeError('contract.name must be lower-case letters, digits and hyphens')
  }
  if (!Array.isArray(carriers) || carriers.length === 0) {
    throw new TypeError('contract.carriers must hold at least one of header(name) and bearer()')
  }
  for (const carrier of carriers) {
    if (carrier?.kind !== 'header' && carrier?.kind !== 'bearer') {
      throw new TypeError('contract.carriers must hold header(name) and bearer() alone')
    }
    if (!FIELD_NAME.test(fieldNameOf(carrier) ?? '')) {
      throw new TypeError('contract.carriers must name header fields (RFC 9110 §5.1)')
    }
  }
  if (key === undefined && token === undefined && identity.length === 0) {
    throw new TypeError('contract.key, contract.token or contract.identity must be given')
  }
  if (key !== undefined) keyCodec(key)
  if (token !== undefined) checkToken(token)
  if (!Array.isArray(identity)) throw new TypeError('contract.identity must be a list of identity providers')
  for (const provider of identity) checkProvider(provider)
  if (new Set(identity.map(({ issuer }) => issuer)).size < identity.length) {
    throw new TypeError('contract.identity must have one provider for each issuer')
  }
  if (identity.length > 1 && identity.some(({ accountId }) => accountId === undefined)) {
    // `sub` is unique for its issuer alone (RFC 7519 §4.1.2).
    throw new TypeError('identity.accountId must be given: two issuers may mean two people by one sub')
  }
  if (key?.prefix.includes('.') && (token !== undefined || identity.length > 0)) {
    throw new TypeError('key.prefix must have no dot where tokens are accepted: a text with a dot is a token')
  }
  if (
    key !== undefined &&
    carriers.some(({ kind }) => kind === 'bearer') &&
    !/^[A-Za-z0-9\-._~+/]*$/.test(key.prefix)
  ) {
    throw new TypeError('key.prefix must be of the characters that a Bearer token may have (RFC 6750 §2.1)')
  }
  checkPlans(contract)
  checkPermissions(contract)
  for (const code of Object.keys(SAMPLES) as DenialCode[]) checkRow(contract, code)
  checkHeaders('contract.allowed', contract.allowed?.([SAMPLE_LIMIT], 0) ?? {})
  return contract
}

const CONTRACT = membersOf<AnyContract>({
  name: true,
  carriers: true,
  key: true,
  imported: true,
  token: true,
  identity: true,
  plans: true,
  features: true,
  permissions: true,
  limits: true,
  concurrency: true,
  quota: true,
  refund: true,
  challenge: true,
  denials: true,
  allowed: true,
})
const TOKEN_RULES = membersOf<TokenRules>({
  issuer: true,
  audience: true,
  subjectIsKeyId: true,
  leeway: true,
  expiryLeeway: true,
  maxLifetime: true,
})

function checkToken(rules: TokenRules): void {
  checkMembers('contract.token', rules, TOKEN_RULES)
  const { issuer, audience, leeway, expiryLeeway, maxLifetime } = rules
  if (typeof issuer !== 'string' || issuer === '') throw new TypeError('contract.token.issuer must be a text')
  if (audience === '') throw new TypeError('contract.token.audience must be a text, or left out')
  for (const [option, seconds] of Object.entries({ leeway, expiryLeeway, maxLifetime })) {
    if (seconds !== undefined && !(Number.isFinite(seconds) && seconds >= 0)) {
      throw new TypeError(`contract.token.${option} must be a number of seconds, 0 or more`)
    }
  }
}

function checkPlans({ plans = [], features = {}, limits, concurrency, quota, refund }: AnyContract): void {
  for (const [feature, having] of Object.entries(features)) {
    for (const plan of having) checkKnown(`contract.features.${feature}`, 'plan', plan, plans)
  }
  if (limits !== undefined) checkLimits('contract.limits', limits, plans)
  if (concurrency !== undefined) checkConcurrency('contract.concurrency', concurrency, plans)
  if (quota !== undefined) checkQuota('contract.quota', quota, plans)
  if (refund !== undefined) checkRefund('contract.refund', refund)
}

function checkPermissions({ permissions = {} }: AnyContract): void {
  if (typeof permissions !== 'object' || permissions === null || Array.isArray(permissions)) {
    throw new TypeError('contract.permissions must be an object: each permission, and what it covers')
  }
  const known = Object.keys(permissions)
  for (const name of known) {
    // RFC 6749 §3.3: a scope-token, because a challenge names it.
    if (!isQuotable(name))
      throw new TypeError(`contract.permissions "${name}" must be printable ASCII without blank or quote`)
  }
  for (const [permission, covered] of Object.entries(permissions)) {
    for (const other of covered) {
      const isWildcard = other === '*' || other.endsWith(':*')
      if (!isWildcard) checkKnown(`contract.permissions.${permission}`, 'permission', other, known)
    }
  }
}

/** RFC 9110 §5.1 and §5.6.2: what a header field may be called. */
const FIELD_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/

const SAMPLE_LIMIT: LimitState = { name: 'sample', limit: 60, seconds: 60, remaining: 0, resetAt: 1_640_995_200_000 }

/** A denial of each kind, to try a contract's rows with. */
const SAMPLES: { readonly [Code in DenialCode]: Denied<Code> } = {
  missing: { kind: 'denied', code: 'missing' },
  malformed: { kind: 'denied', code: 'malformed', keyId: 'key_1234567890' },
  unknown: { kind: 'denied', code: 'unknown', keyId: 'key_1234567890' },
  revoked: { kind: 'denied', code: 'revoked', keyId: 'key_1234567890', revokedAt: 1_704_067_200_000 },
  expired: { kind: 'denied', code: 'expired', keyId: 'key_1234567890', expiredAt: 1_704_067_200_000 },
  token_invalid: { kind: 'denied', code: 'token_invalid', reason: 'signature' },
  suspended: { kind: 'denied', code: 'suspended', accountId: 'account' },
  plan: { kind: 'denied', code: 'plan', plan: 'free', needs: 'pro', upgrades: ['pro'] },
  rate_limited: { kind: 'denied', code: 'rate_limited', limit: SAMPLE_LIMIT, limits: [SAMPLE_LIMIT], retryAfter: 14 },
  concurrency: { kind: 'denied', code: 'concurrency', limit: 3 },
  forbidden: { kind: 'denied', code: 'forbidden', permission: 'write' },
  exhausted: {
    kind: 'denied',
    code: 'exhausted',
    quota: 'month',
    cost: 1,
    limit: 50,
    remaining: 0,
    refillsAt: 1_640_995_200_000,
  },
  hidden: { kind: 'denied', code: 'hidden' },
  unavailable: { kind: 'denied', code: 'unavailable', cause: undefined },
}

function checkRow(contract: AnyContract, code: DenialCode): void {
  const option = `contract.denials.${code}`
  if (contract.denials?.[code] === undefined)
    throw new TypeError(`${option} must be an answer, or a function giving one`)
  const { status, headers, body } = sampleOf(contract, code, option)
  // 204, 205 and 304 have no body (RFC 9110 §6.4.1), so they cannot say what is wrong.
  if (!Number.isInteger(status) || status < 200 || status > 599 || [204, 205, 304].includes(status)) {
    throw new TypeError(`${option} must have a status from 200 to 599 that may have a body`)
  }
  if (body === undefined) throw new TypeError(`${option} must have a body that JSON can spell`)
  checkHeaders(option, headers)
}

const ANSWER = membersOf<Answer>({ status: true, headers: true, body: true })

function sampleOf(contract: AnyContract, code: DenialCode, option: string): Rendered {
  let answer: Answer
  let sample: Rendered
  try {
    answer = answerTo(contract, SAMPLES[code], { get: () => null })
    sample = renderRow(contract, answer)
  } catch (cause) {
    throw new TypeError(`${option} cannot be rendered`, { cause })
  }
  checkMembers(option, answer, ANSWER)
  return sample
}

function checkHeaders(option: string, headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) {
    if (!FIELD_NAME.test(name)) throw new TypeError(`${option}: a header must have a name (RFC 9110 §5.1)`)
    if (!/^[\t\x20-\x7e]*$/.test(value)) throw new TypeError(`${option}: header ${name} must be printable ASCII`)
  }
}
