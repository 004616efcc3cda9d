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
  Secret,
  SecretInfo,
  SigningKeyMatch,
  SigningSecret,
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

const LIFE: Columns<Pick<Secret, 'createdAt' | 'expiresAt'>> = { createdAt: time, expiresAt: orNull(time) }

const KEY_SECRET: Columns<KeySecret> = { kind: oneOf('key'), digest, display: text, ...LIFE }

const SIGNING_SECRET: Columns<SigningSecret> = {
  kind: oneOf('signing'),
  version: text,
  sealed: text,
  masterKeyId: text,
  ...LIFE,
}

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
  const { kind, lastUsedAt } = readAll({ kind: KINDS, lastUsedAt: orNull(time) }, key, `key ${id}`)
  return { key: record, kind, versions: secrets.map((secret) => secretInfoOf(secret, id)), lastUsedAt }
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
