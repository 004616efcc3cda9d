/** Records that stores are filled with. */
import { createHash } from 'node:crypto'
import type {
  Account,
  AuditAction,
  AuditEntry,
  KeyRecord,
  KeyRef,
  KeySecret,
  KeyUse,
  SigningSecret,
} from '@latchkey/core'

export const SERVICE = 'acme'
export const NOW = 1_790_000_000_000

export function accountNamed(id: string, others: Partial<Account> = {}): Account {
  return { id, plan: 'pro', status: 'active', email: null, metadata: {}, ...others }
}

export function keyNamed(id: string, others: Partial<KeyRecord> = {}): KeyRecord {
  return {
    id,
    service: SERVICE,
    accountId: 'customer',
    name: 'ci',
    environment: null,
    permissions: ['read'],
    createdAt: NOW,
    expiresAt: null,
    revokedAt: null,
    revokedReason: null,
    metadata: {},
    ...others,
  }
}

export function refTo({ service, id }: KeyRecord): KeyRef {
  return { service, id }
}

/** The secret of an API key with this text. */
export function secretOf(text: string, others: Partial<KeySecret> = {}): KeySecret {
  return {
    kind: 'key',
    digest: digestOf(text),
    display: `…${text.slice(-4)}`,
    createdAt: NOW,
    expiresAt: null,
    ...others,
  }
}

export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** What a store takes for a sealed secret. It opens with no master key. */
export function sealedAs(sealed: string, others: Partial<SigningSecret> = {}): SigningSecret {
  return { kind: 'signing', version: 'v1', sealed, masterKeyId: 'master', createdAt: NOW, expiresAt: null, ...others }
}

export function entryOf(action: AuditAction, details: AuditEntry['details'] = {}): AuditEntry {
  return { at: NOW, by: 'test', action, details }
}

/** One use of a key. */
export function useOf(keyId: string, at: number, others: Partial<KeyUse> = {}): KeyUse {
  const counted = { keyId, route: 'GET /things/:id', status: 200, day: 0, count: 1 }
  return { service: SERVICE, ...counted, firstAt: at, lastAt: at, ...others }
}
