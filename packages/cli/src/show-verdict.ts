import type { AnyContract, Denied } from '@latchkey/core'
import type { Json } from './call.ts'
import type { Decision } from './decide.ts'
import type { Check } from './explain.ts'
import { fields, table } from './table.ts'
import { isoOf } from './times.ts'

/** A decision as JSON shows it. It names the key and the account; it never holds what was presented, or a digest of it. */
export function verdictJson({ name }: AnyContract, decision: Decision, checks: readonly Check[] | undefined): Json {
  const { outcome, principal, key, response } = decision
  return {
    allowed: outcome.kind === 'allowed',
    code: outcome.kind === 'allowed' ? null : outcome.code,
    service: name,
    via: principal?.via ?? null,
    keyId: key?.id ?? null,
    account: accountOf(decision),
    plan: principal?.plan ?? null,
    permissions: principal?.permissions ?? null,
    facts: outcome.kind === 'allowed' ? {} : factsOf(outcome),
    response,
    ...(checks !== undefined && { checks }),
  }
}

export function verdictText(contract: AnyContract, decision: Decision, checks: readonly Check[] | undefined): string {
  const { outcome, principal, key, response } = decision
  const verdict = outcome.kind === 'allowed' ? 'allowed' : `denied: ${outcome.code}`
  const about = fields({
    service: contract.name,
    key: key === undefined ? '' : `${key.id} (${key.name})`,
    account: accountOf(decision) ?? '',
    plan: principal?.plan ?? '',
    permissions: principal?.permissions.join(', ') ?? '',
    ...(outcome.kind === 'denied' && factTexts(outcome)),
  })
  const explained = checks === undefined ? '' : `\n${checksText(checks)}`
  return `${verdict}\n\n${about}${explained}\n${responseText(response)}`
}

function accountOf({ principal, key }: Decision): string | null {
  return principal?.account.id ?? key?.accountId ?? null
}

const RESULTS = {
  passed: 'passed',
  decided: 'decided here',
  not_reached: 'not reached',
  not_asked: 'not asked',
} as const

function checksText(checks: readonly Check[]): string {
  const rows = checks.map(({ check, result, note }) => [check, RESULTS[result], note ?? ''])
  return table(['CHECK', 'RESULT', 'NOTE'], rows)
}

/** As it stands on the wire. An allowed request's status and body are the handler's. */
function responseText({ status, headers, body }: Decision['response']): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\n`)
  return status === null ? lines.join('') : `HTTP ${status}\n${lines.join('')}\n${JSON.stringify(body)}\n`
}

/**
 * The private facts of a denial. Not the id that the text of an unusable key claims, or that is derived from its digest:
 * where the contract shows it, it stands in the answer.
 */
function factsOf(denied: Denied): Readonly<Record<string, unknown>> {
  switch (denied.code) {
    case 'revoked':
      return { revokedAt: isoOf(denied.revokedAt) }
    case 'expired':
      return { expiredAt: isoOf(denied.expiredAt) }
    case 'token_invalid':
      return { reason: denied.reason }
    case 'plan': {
      const { plan, needs = null, feature = null } = denied
      return { plan, needs, feature }
    }
    case 'forbidden':
      return { permission: denied.permission ?? null }
    default:
      return {}
  }
}

function factTexts(denied: Denied): Record<string, string> {
  const facts = Object.entries(factsOf(denied)).filter(([name, value]) => value !== null && name !== 'plan')
  const names: Readonly<Record<string, string>> = { revokedAt: 'revoked at', expiredAt: 'expired at' }
  return Object.fromEntries(facts.map(([name, value]) => [names[name] ?? name, String(value)]))
}
