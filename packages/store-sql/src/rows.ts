import type {
  Account,
  AuditAction,
  AuditRecord,
  KeyDetails,
  KeyMatch,
  KeyRecord,
  KeySecret,
  SecretInfo,
  SigningKeyMatch,
  SigningSecret,
  Standing,
  UsageCount,
} from '@latchkey/core'
import type { Row } from './connection.ts'

/*
 * Rows are read with suspicion: another program may have written them, and a date that became NaN, or a restriction that
 * this version does not know, must not make a key that works. What is damaged throws, and names the record.
 */

/** What this version knows of keys and accounts. */
export const SCHEMA = 1

export function keyMatchOf(row: Row): KeyMatch {
  return { key: keyOf(row), account: ownerOf(row), secret: keySecretOf(row, nameOf(row)) }
}

export function signingKeyMatchOf(rows: readonly Row[]): SigningKeyMatch | undefined {
  const [first] = rows
  if (first === undefined) return undefined
  return { key: keyOf(first), account: ownerOf(first), secrets: rows.map((row) => signingSecretOf(row, nameOf(row))) }
}

/** Of rows of one key for each of its secrets, in order of the keys. */
export function detailsOf(rows: readonly Row[]): readonly KeyDetails[] {
  const byId = new Map<unknown, Row[]>()
  for (const row of rows) byId.set(row.id, [...(byId.get(row.id) ?? []), row])
  return [...byId.values()].map((versions) => {
    const [first = {}] = versions
    const what = nameOf(first)
    return {
      key: keyOf(first),
      kind: choice(first.kind, ['key', 'signing'], what, 'kind'),
      versions: versions.filter((row) => row.number !== null).map((row) => secretInfoOf(row, what)),
      firstUsedAt: timeOrNull(first.first_used_at, what, 'first_used_at'),
      lastUsedAt: timeOrNull(first.last_used_at, what, 'last_used_at'),
    }
  })
}

export function keyOf(row: Row): KeyRecord {
  const what = nameOf(row)
  checkSchema(row.schema, what)
  return {
    id: text(row.id, what, 'id'),
    service: text(row.service, what, 'service'),
    accountId: text(row.account_id, what, 'account_id'),
    name: text(row.name, what, 'name'),
    environment: textOrNull(row.environment, what, 'environment'),
    permissions: permissions(row.permissions, what),
    createdAt: time(row.created_at, what, 'created_at'),
    expiresAt: timeOrNull(row.expires_at, what, 'expires_at'),
    revokedAt: timeOrNull(row.revoked_at, what, 'revoked_at'),
    revokedReason: textOrNull(row.revoked_reason, what, 'revoked_reason'),
    metadata: object(row.metadata, what, 'metadata'),
  }
}

export function accountOf(row: Row): Account {
  const what = `account ${String(row.id)}`
  checkSchema(row.schema, what)
  return {
    id: text(row.id, what, 'id'),
    plan: text(row.plan, what, 'plan'),
    status: choice(row.status, ['active', 'suspended'], what, 'status'),
    email: textOrNull(row.email, what, 'email'),
    metadata: object(row.metadata, what, 'metadata'),
  }
}

/** The account that was read with a key, in columns of other names. */
function ownerOf(row: Row): Account | null {
  if (row.owner_id === null) return null
  const { owner_id: id, plan, status, email, owner_metadata: metadata, owner_schema: schema } = row
  return accountOf({ id, plan, status, email, metadata, schema })
}

export function auditRecordOf(row: Row): AuditRecord {
  const what = `audit record ${String(row.id)}`
  return {
    at: time(row.at, what, 'at'),
    by: text(row.actor, what, 'actor'),
    action: text(row.action, what, 'action') as AuditAction,
    service: textOrNull(row.service, what, 'service'),
    keyId: textOrNull(row.key_id, what, 'key_id'),
    accountId: textOrNull(row.account_id, what, 'account_id'),
    details: object(row.details, what, 'details'),
  }
}

/** `undefined`: it has no limit, its own or this one. */
export function standingOf(row: Row, planLimit: number | undefined): Standing | undefined {
  const what = `balance ${String(row.id)}`
  const limit = row.own_limit === null ? planLimit : amount(row.own_limit, what, 'own_limit')
  if (limit === undefined) return undefined
  return { limit, used: amount(row.used, what, 'used'), start: time(row.start_at, what, 'start_at') }
}

export function usageCountOf(row: Row): UsageCount {
  const what = `usage of key ${String(row.key_id)}`
  return {
    keyId: text(row.key_id, what, 'key_id'),
    day: time(row.day, what, 'day'),
    route: text(row.route, what, 'route'),
    status: time(row.status, what, 'status'),
    count: time(row.requests, what, 'requests'),
  }
}

function keySecretOf(row: Row, what: string): KeySecret {
  return {
    kind: 'key',
    digest: text(row.digest, what, 'digest'),
    display: text(row.display, what, 'display'),
    createdAt: time(row.secret_created_at, what, 'created_at of a secret'),
    expiresAt: timeOrNull(row.secret_expires_at, what, 'expires_at of a secret'),
  }
}

export function signingSecretOf(row: Row, what: string): SigningSecret {
  return {
    kind: 'signing',
    version: text(row.version, what, 'version'),
    sealed: text(row.sealed, what, 'sealed'),
    masterKeyId: text(row.master_key_id, what, 'master_key_id'),
    createdAt: time(row.secret_created_at, what, 'created_at of a secret'),
    expiresAt: timeOrNull(row.secret_expires_at, what, 'expires_at of a secret'),
  }
}

function secretInfoOf(row: Row, what: string): SecretInfo {
  return {
    display: textOrNull(row.display, what, 'display'),
    createdAt: time(row.secret_created_at, what, 'created_at of a secret'),
    expiresAt: timeOrNull(row.secret_expires_at, what, 'expires_at of a secret'),
  }
}

function nameOf(row: Row): string {
  return `key ${String(row.id)}`
}

function checkSchema(schema: unknown, what: string): void {
  if (Number(schema) !== SCHEMA) throw new Error(`${what}: schema version ${String(schema)} is unknown`)
}

function text(value: unknown, what: string, column: string): string {
  if (typeof value !== 'string') throw damaged(what, column)
  return value
}

function textOrNull(value: unknown, what: string, column: string): string | null {
  return value === null || value === undefined ? null : text(value, what, column)
}

/** What a `Date` can hold. */
const LAST_TIME = 8.64e15

/** Drivers hand 64 bits over as digits, as a BigInt or as a number. */
function numberOf(value: unknown): unknown {
  const isDigits = typeof value === 'bigint' || (typeof value === 'string' && /^-?\d+$/.test(value))
  return isDigits ? Number(value) : value
}

function time(value: unknown, what: string, column: string): number {
  const number = numberOf(value)
  if (!Number.isInteger(number) || Math.abs(number as number) > LAST_TIME) throw damaged(what, column)
  return number as number
}

function timeOrNull(value: unknown, what: string, column: string): number | null {
  return value === null || value === undefined ? null : time(value, what, column)
}

function amount(value: unknown, what: string, column: string): number {
  const number = numberOf(value)
  if (!Number.isSafeInteger(number) || (number as number) < 0) throw damaged(what, column)
  return number as number
}

function choice<const T extends string>(value: unknown, known: readonly T[], what: string, column: string): T {
  const found = known.find((name) => name === value)
  if (found === undefined) throw damaged(what, column)
  return found
}

function permissions(value: unknown, what: string): readonly string[] {
  const list = json(value, what, 'permissions')
  if (!Array.isArray(list) || !list.every((item) => typeof item === 'string')) throw damaged(what, 'permissions')
  return list
}

function object(value: unknown, what: string, column: string): Readonly<Record<string, unknown>> {
  const found = json(value, what, column)
  if (typeof found !== 'object' || found === null || Array.isArray(found)) throw damaged(what, column)
  return found as Readonly<Record<string, unknown>>
}

function json(value: unknown, what: string, column: string): unknown {
  try {
    return JSON.parse(text(value, what, column))
  } catch {
    throw damaged(what, column)
  }
}

/** Without the value: it may be anything. */
function damaged(what: string, column: string): Error {
  return new Error(`${what}: its ${column} is damaged`)
}
