import type {
  Account,
  AccountChange,
  AuditEntry,
  AuditRecord,
  KeyChange,
  KeyDetails,
  KeyMatch,
  KeyRecord,
  KeySecret,
  KeyUse,
  Secret,
  SecretInfo,
  SigningKeyMatch,
  SigningSecret,
  UsageCount,
} from '@latchkey/core'
import {
  type Columns,
  digest,
  type Fields,
  object,
  oneOf,
  orNull,
  readAll,
  text,
  texts,
  time,
  type Written,
  writeAll,
} from './columns.ts'

/*
 * Records lie in hashes, each field a text, and what is `null` is not there: no number passes through Lua. They are read
 * with suspicion: another program may have written them, and a date that became NaN, or a restriction that this version
 * does not know, must not make a key that works. What is damaged throws, and names the record.
 */

/** What this version knows of keys and accounts. */
export const SCHEMA = '1'

const CHANGEABLE: Columns<Required<KeyChange>> = {
  name: text,
  environment: orNull(text),
  permissions: texts,
  expiresAt: orNull(time),
  metadata: object,
}

const REVOCATION: Columns<Pick<KeyRecord, 'revokedAt' | 'revokedReason'>> = {
  revokedAt: orNull(time),
  revokedReason: orNull(text),
}

const KEY: Columns<KeyRecord> = {
  id: text,
  service: text,
  accountId: text,
  createdAt: time,
  ...CHANGEABLE,
  ...REVOCATION,
}

const ACCOUNT_CHANGEABLE: Columns<Omit<Account, 'id'>> = {
  plan: text,
  status: oneOf('active', 'suspended'),
  email: orNull(text),
  metadata: object,
}

const ACCOUNT: Columns<Account> = { id: text, ...ACCOUNT_CHANGEABLE }

const KINDS = oneOf('key', 'signing')

const USED: Columns<Pick<KeyDetails, 'kind' | 'firstUsedAt' | 'lastUsedAt'>> = {
  kind: KINDS,
  firstUsedAt: orNull(time),
  lastUsedAt: orNull(time),
}

const LIFE: Columns<Pick<Secret, 'createdAt' | 'expiresAt'>> = { createdAt: time, expiresAt: orNull(time) }

const KEY_SECRET: Columns<KeySecret> = { kind: oneOf('key'), digest, display: text, ...LIFE }

const SIGNING_SECRET: Columns<SigningSecret> = {
  kind: oneOf('signing'),
  version: text,
  sealed: text,
  masterKeyId: text,
  ...LIFE,
}

const USAGE: Columns<Omit<UsageCount, 'keyId'>> = { day: time, status: time, route: text, count: time }

const ENTRY: Columns<AuditEntry> = {
  at: time,
  by: text,
  action: text as Columns<AuditEntry>['action'],
  details: object,
}

const AUDIT: Columns<AuditRecord> = { ...ENTRY, service: orNull(text), keyId: orNull(text), accountId: orNull(text) }

export function keyOf(fields: Fields, id: string): KeyRecord {
  const what = `key ${id}`
  checkSchema(fields, what)
  return readAll(KEY, fields, what)
}

/** @param id of the account; of one that was found with a key, `undefined` */
export function accountOf(fields: Fields, id: string): Account {
  const what = `account ${id}`
  checkSchema(fields, what)
  return readAll(ACCOUNT, fields, what)
}

export interface FoundKey {
  readonly id: string
  readonly key: Fields
  /** Without fields: there is none. */
  readonly account: Fields
  readonly secrets: readonly Fields[]
}

export function keyMatchOf({ id, key, account, secrets: [secret = {}] }: FoundKey): KeyMatch {
  return { ...matchOf(id, key, account), secret: readAll(KEY_SECRET, secret, `key ${id}`) }
}

export function signingKeyMatchOf({ id, key, account, secrets }: FoundKey): SigningKeyMatch {
  return { ...matchOf(id, key, account), secrets: secrets.map((secret) => signingSecretOf(secret, id)) }
}

function matchOf(
  id: string,
  key: Fields,
  account: Fields,
): { readonly key: KeyRecord; readonly account: Account | null } {
  const record = keyOf(key, id)
  const isThere = Object.keys(account).length > 0
  return { key: record, account: isThere ? accountOf(account, record.accountId) : null }
}

export function signingSecretOf(fields: Fields, id: string): SigningSecret {
  return readAll(SIGNING_SECRET, fields, `key ${id}`)
}

export function detailsOf({ id, key, secrets }: Omit<FoundKey, 'account'>): KeyDetails {
  const record = keyOf(key, id)
  const { kind, ...uses } = readAll(USED, key, `key ${id}`)
  return { key: record, kind, versions: secrets.map((secret) => secretInfoOf(secret, id)), ...uses }
}

function secretInfoOf(fields: Fields, id: string): SecretInfo {
  const what = `key ${id}`
  if (fields.kind !== 'signing') {
    const { display, createdAt, expiresAt } = readAll(KEY_SECRET, fields, what)
    return { display, createdAt, expiresAt }
  }
  return { display: null, ...readAll(LIFE, fields, what) }
}

export function auditRecordOf(fields: Fields, place: string): AuditRecord {
  return readAll(AUDIT, fields, `audit record ${place}`)
}

/** Of what a key's day holds: counts by `status route`. */
export function usageOf(keyId: string, day: string, counts: Fields): readonly UsageCount[] {
  return Object.entries(counts).map(([place, count]) => {
    const [, status, route] = /^(\d{1,3}) (.+)$/s.exec(place) ?? []
    const what = `usage of key ${keyId}`
    return { keyId, ...readAll(USAGE, { day, status, route, count } as Fields, what) }
  })
}

/** In the order in which the script reads them. */
export function useFields({ service, keyId, route, status, day, count, firstAt, lastAt }: KeyUse): readonly string[] {
  const times = [day, firstAt, lastAt].map(timeField)
  return [service, keyId, `${status} ${route}`, String(count), ...times]
}

export function keyFields(key: KeyRecord, kind: Secret['kind']): readonly string[] {
  return [...writeAll(KEY, key).set, 'kind', kind, 'schema', SCHEMA]
}

export function accountFields(account: Account): readonly string[] {
  return [...writeAll(ACCOUNT, account).set, 'schema', SCHEMA]
}

export function secretFields(secret: Secret): readonly string[] {
  return secret.kind === 'key' ? writeAll(KEY_SECRET, secret).set : writeAll(SIGNING_SECRET, secret).set
}

export function auditFields(entry: AuditEntry): readonly string[] {
  return writeAll(ENTRY, entry).set
}

export function keyChangeFields(change: KeyChange): Written {
  return writeAll(CHANGEABLE, change)
}

export function revocationFields(revokedAt: number, revokedReason: string | null): Written {
  return writeAll(REVOCATION, { revokedAt, revokedReason })
}

export function accountChangeFields(change: AccountChange): Written {
  return writeAll(ACCOUNT_CHANGEABLE, change)
}

export function timeField(at: number): string {
  const [, text = ''] = writeAll({ at: time }, { at }).set
  return text
}

function checkSchema({ schema }: Fields, what: string): void {
  if (schema !== SCHEMA) throw new Error(`${what}: schema version ${schema} is unknown`)
}
