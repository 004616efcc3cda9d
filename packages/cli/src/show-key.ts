import { type KeyDetails, type KeyRecord, statusOf } from '@latchkey/core'
import type { Json } from './call.ts'
import { fields, table } from './table.ts'
import { isoOf } from './times.ts'

/** A key as JSON shows it: times as ISO 8601 texts, the account by its id. */
export function keyJson(key: KeyRecord, now: number): Json {
  return {
    id: key.id,
    name: key.name,
    service: key.service,
    account: key.accountId,
    status: statusOf(key, now),
    permissions: key.permissions,
    environment: key.environment,
    createdAt: isoOf(key.createdAt),
    expiresAt: isoOf(key.expiresAt),
    revokedAt: isoOf(key.revokedAt),
    revokedReason: key.revokedReason,
    metadata: key.metadata,
  }
}

export function detailsJson({ key, kind, versions, firstUsedAt, lastUsedAt }: KeyDetails, now: number): Json {
  return {
    ...keyJson(key, now),
    kind,
    display: displayOf(versions),
    firstUsedAt: isoOf(firstUsedAt),
    lastUsedAt: isoOf(lastUsedAt),
    versions: versions.map(({ display, createdAt, expiresAt }) => ({
      display,
      createdAt: isoOf(createdAt),
      expiresAt: isoOf(expiresAt),
    })),
  }
}

/** A new secret beside its key. It is called what it is: a `key` that is sent, or a `secret` that signs. */
export function secretJson(kind: KeyDetails['kind'], secret: string | null, key: KeyRecord, now: number): Json {
  const { id, ...rest } = keyJson(key, now)
  return { id, ...(kind === 'key' ? { key: secret } : { secret }), ...rest }
}

export function keyText(key: KeyRecord, now: number): string {
  return fields(keyFields(key, now))
}

export function detailsText({ key, kind, versions, firstUsedAt, lastUsedAt }: KeyDetails, now: number): string {
  const used = { 'first used': isoOf(firstUsedAt) ?? '', 'last used': isoOf(lastUsedAt) ?? '' }
  const about = fields({ ...keyFields(key, now), kind, ...used })
  const rows = versions.map(({ display, createdAt, expiresAt }) => [
    display ?? '(not shown)',
    isoOf(createdAt),
    // A rotation without overlap ends a version long ago.
    expiresAt !== null && expiresAt < createdAt ? 'at once' : (isoOf(expiresAt) ?? ''),
  ])
  return `${about}\n${table(['VERSION', 'CREATED', 'ENDS'], rows)}`
}

export function listText(list: readonly KeyDetails[], now: number): string {
  const rows = list.map(({ key, versions, lastUsedAt }) => [
    key.id,
    key.accountId,
    key.name,
    displayOf(versions) ?? '',
    statusOf(key, now),
    key.permissions.join(','),
    isoOf(key.createdAt),
    isoOf(key.expiresAt) ?? 'never',
    isoOf(lastUsedAt) ?? '',
  ])
  return table(['ID', 'ACCOUNT', 'NAME', 'KEY', 'STATUS', 'PERMISSIONS', 'CREATED', 'EXPIRES', 'LAST USED'], rows)
}

/** The version that was made last is the one that people have. */
function displayOf(versions: KeyDetails['versions']): string | null {
  return versions.at(-1)?.display ?? null
}

function keyFields(key: KeyRecord, now: number): Record<string, string> {
  const { revokedAt, revokedReason } = key
  return {
    id: key.id,
    name: key.name,
    service: key.service,
    account: key.accountId,
    status: statusOf(key, now),
    permissions: key.permissions.join(', '),
    environment: key.environment ?? '',
    created: isoOf(key.createdAt),
    expires: isoOf(key.expiresAt) ?? 'never',
    ...(revokedAt !== null && { revoked: `${isoOf(revokedAt)}${revokedReason === null ? '' : ` (${revokedReason})`}` }),
    ...(Object.keys(key.metadata).length > 0 && { metadata: JSON.stringify(key.metadata) }),
  }
}
