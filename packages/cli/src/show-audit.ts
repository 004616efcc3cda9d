import type { AuditRecord } from '@latchkey/core'
import type { Json } from './call.ts'
import { table } from './table.ts'
import { isoOf } from './times.ts'

/** A record as JSON shows it. Durations in `details` are milliseconds. */
export function auditJson({ at, by, action, service, keyId, accountId, details }: AuditRecord): Json {
  return { at: isoOf(at), by, action, service, keyId, account: accountId, details: detailsOf(details) }
}

export function auditText(records: readonly AuditRecord[]): string {
  const rows = records.map(({ at, by, action, keyId, accountId, details }) => [
    isoOf(at),
    by,
    action,
    keyId ?? '',
    accountId ?? '',
    Object.keys(details).length === 0 ? '' : JSON.stringify(detailsOf(details)),
  ])
  return table(['AT', 'BY', 'ACTION', 'KEY', 'ACCOUNT', 'DETAILS'], rows)
}

function detailsOf(details: AuditRecord['details']): AuditRecord['details'] {
  const { expiresAt } = details
  return typeof expiresAt === 'number' ? { ...details, expiresAt: isoOf(expiresAt) } : details
}
