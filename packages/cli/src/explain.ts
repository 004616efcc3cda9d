import type { AnyContract, DenialCode, Denied } from '@latchkey/core'
import type { Asked, Decision } from './decide.ts'
import type { Presented } from './presented.ts'
import { isoOf } from './times.ts'

/** In the order in which they are made. */
const CHECKS = {
  key: [
    'carrier',
    'format',
    'lookup',
    'revoked',
    'expired',
    'account',
    'plan',
    'rate',
    'permission',
    'resource',
    'quota',
  ],
  token: [
    'carrier',
    'format',
    'lookup',
    'signature',
    'revoked',
    'expired',
    'claims',
    'account',
    'plan',
    'rate',
    'permission',
    'resource',
    'quota',
  ],
  identity: [
    'carrier',
    'format',
    'issuer',
    'signature',
    'claims',
    'account',
    'plan',
    'rate',
    'permission',
    'resource',
    'quota',
  ],
} as const

type CheckName = (typeof CHECKS)[Presented['kind']][number]

export interface Check {
  readonly check: CheckName
  readonly result: 'passed' | 'decided' | 'not_reached' | 'not_asked'
  readonly note: string | null
}

interface Situation {
  readonly contract: AnyContract
  readonly presented: Presented
  readonly asked: Asked
  readonly decision: Decision
}

/** Which check has decided, and how far the others came: read off the outcome, nothing is checked again. */
export function explain(situation: Situation): readonly Check[] {
  const { presented, decision } = situation
  const { outcome } = decision
  const checks: readonly CheckName[] = CHECKS[presented.kind]
  const decider = outcome.kind === 'denied' ? deciderOf(outcome, situation) : undefined
  const end = decider === undefined ? checks.length : checks.indexOf(decider.check)
  return checks.map((check, index) => {
    if (index > end) return { check, result: 'not_reached', note: null }
    if (index === end && decider !== undefined) return { check, result: 'decided', note: decider.note }
    const idle = idleNote(check, situation)
    return idle === undefined ? { check, result: 'passed', note: null } : { check, result: 'not_asked', note: idle }
  })
}

/** Why a check that came up had nothing to say. */
function idleNote(check: CheckName, { contract, asked }: Situation): string | undefined {
  switch (check) {
    case 'plan':
      return asked.plan === undefined && asked.feature === undefined ? 'no --plan, no --feature' : undefined
    case 'rate':
      return contract.limits?.length ? 'counted by the servers, not by this command' : 'the contract has no limits'
    case 'permission':
      return asked.permission === undefined ? 'no --permission' : undefined
    case 'resource':
      return "the API's own rule"
    case 'quota':
      return asked.cost ? 'balances are kept by the servers, not by this command' : 'no --cost'
    default:
      return undefined
  }
}

interface Decider {
  readonly check: CheckName
  readonly note: string
}

function deciderOf(denied: Denied, situation: Situation): Decider {
  const row = DECIDERS[denied.code] as (denied: Denied, situation: Situation) => Decider
  return row(denied, situation)
}

const DECIDERS: { readonly [Code in DenialCode]: (denied: Denied<Code>, situation: Situation) => Decider } = {
  missing: () => ({ check: 'carrier', note: 'no carrier of the contract holds anything' }),
  malformed: (_, { presented: { kind } }) => ({
    check: 'format',
    note: `not written like a ${kind === 'key' ? 'key' : 'token'} of this service`,
  }),
  unknown: () => ({
    check: 'lookup',
    note: 'not in the store: never made, deleted, replaced by a rotation, or its account is gone',
  }),
  revoked: ({ revokedAt }, { decision: { key } }) => ({
    check: 'revoked',
    note: `at ${isoOf(revokedAt)}${key?.revokedReason ? `: ${key.revokedReason}` : ''}`,
  }),
  // A token ends with its key, or by its own `exp`.
  expired: ({ expiredAt }, { presented: { kind }, decision: { key } }) =>
    kind === 'key' || key?.expiresAt === expiredAt
      ? { check: 'expired', note: `the key, at ${isoOf(expiredAt)}` }
      : { check: 'claims', note: `exp: the token ended at ${isoOf(expiredAt)}` },
  token_invalid: ({ reason }, { presented: { kind } }) => tokenDecider(reason, kind),
  suspended: () => ({ check: 'account', note: 'suspended' }),
  plan: ({ plan, needs, feature }) => ({
    check: 'plan',
    note: needs === undefined ? `${plan} does not have ${feature}` : `${plan} does not reach ${needs}`,
  }),
  rate_limited: ({ retryAfter }) => ({ check: 'rate', note: `again in ${retryAfter} s` }),
  concurrency: ({ limit }) => ({ check: 'rate', note: `${limit} are under way` }),
  forbidden: ({ permission }) =>
    permission === undefined
      ? { check: 'resource', note: "the API's own rule" }
      : { check: 'permission', note: `the key does not cover ${permission}` },
  hidden: () => ({ check: 'resource', note: 'answered as one that does not exist' }),
  exhausted: ({ cost, remaining }) => ({ check: 'quota', note: `${cost} is more than the ${remaining} that remain` }),
  unavailable: (_, { presented: { kind } }) =>
    kind === 'identity'
      ? { check: 'signature', note: "the provider's keys could not be had" }
      : { check: 'lookup', note: 'the store could not tell' },
}

function tokenDecider(reason: Denied<'token_invalid'>['reason'], kind: Presented['kind']): Decider {
  switch (reason) {
    case 'key':
      return kind === 'identity'
        ? { check: 'signature', note: 'the provider has no such key' }
        : { check: 'lookup', note: 'the store has no key with this kid, or its account is gone' }
    case 'algorithm':
      return { check: 'signature', note: 'alg: not the one that the key is for' }
    case 'signature':
      return {
        check: 'signature',
        note: kind === 'identity' ? "not the provider's" : 'not signed by a secret of this key that still works',
      }
    case 'issuer':
      return { check: kind === 'identity' ? 'issuer' : 'claims', note: 'iss: not one that the contract names' }
    default:
      return { check: 'claims', note: CLAIMS[reason] }
  }
}

const CLAIMS = {
  audience: 'aud: not the one that the contract names',
  expiry: 'exp: missing, or no whole number of seconds',
  issued_at: 'iat: missing, no whole number of seconds, or in the future',
  lifetime: 'exp - iat: longer than the contract allows',
  not_before: 'nbf: in the future, or no whole number of seconds',
  subject: 'sub: not the one that the contract asks for, or nobody that it knows',
} as const
