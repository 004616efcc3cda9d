import { describe, expect, it } from 'vitest'
import type { Row } from './connection.ts'
import { accountOf, auditRecordOf, detailsOf, keyMatchOf, keyOf, signingKeyMatchOf, signingSecretOf } from './rows.ts'

const VALUE = 'a value that nobody may see'

const KEY: Row = {
  id: 'k1',
  service: 'acme',
  kind: 'key',
  account_id: 'customer',
  name: 'ci',
  environment: 'live',
  permissions: '["read"]',
  created_at: 1,
  expires_at: 2,
  revoked_at: 3,
  revoked_reason: 'leaked',
  metadata: '{"a":1}',
  schema: 1,
}
const ACCOUNT: Row = { id: 'customer', plan: 'pro', status: 'active', email: 'a@b', metadata: '{}', schema: 1 }
const OWNER: Row = {
  owner_id: 'customer',
  plan: 'pro',
  status: 'active',
  email: 'a@b',
  owner_metadata: '{}',
  owner_schema: 1,
}
const SECRET: Row = { digest: 'd', display: 'x', secret_created_at: 4, secret_expires_at: 5 }
const SIGNING: Row = { version: 'v', sealed: 's', master_key_id: 'm', secret_created_at: 4, secret_expires_at: null }
const AUDIT: Row = {
  id: 7,
  at: 1,
  actor: 'me',
  action: 'key.created',
  service: 'acme',
  key_id: 'k1',
  account_id: 'customer',
  details: '{}',
}

const key = {
  id: 'k1',
  service: 'acme',
  accountId: 'customer',
  name: 'ci',
  environment: 'live',
  permissions: ['read'],
  createdAt: 1,
  expiresAt: 2,
  revokedAt: 3,
  revokedReason: 'leaked',
  metadata: { a: 1 },
}
const account = { id: 'customer', plan: 'pro', status: 'active', email: 'a@b', metadata: {} }

describe('a row', () => {
  it('of a key is read whole', () => {
    expect(keyOf(KEY)).toEqual(key)
    const empty = { environment: null, expires_at: null, revoked_at: null, revoked_reason: null }
    const nothing = { environment: null, expiresAt: null, revokedAt: null, revokedReason: null }
    expect(keyOf({ ...KEY, ...empty })).toEqual({ ...key, ...nothing })
  })

  it('of a key is read with its account and secret', () => {
    const secret = { kind: 'key', digest: 'd', display: 'x', createdAt: 4, expiresAt: 5 }
    expect(keyMatchOf({ ...KEY, ...OWNER, ...SECRET })).toEqual({ key, account, secret })
    expect(keyMatchOf({ ...KEY, ...OWNER, ...SECRET, owner_id: null })).toEqual({ key, account: null, secret })
    const signing = { kind: 'signing', version: 'v', sealed: 's', masterKeyId: 'm', createdAt: 4, expiresAt: null }
    expect(signingKeyMatchOf([{ ...KEY, ...OWNER, ...SIGNING }])).toEqual({ key, account, secrets: [signing] })
    expect(signingKeyMatchOf([])).toBeUndefined()
  })

  it.each([
    ['a number', 8.64e15],
    ['digits', '8640000000000000'],
    ['a BigInt', 8_640_000_000_000_000n],
  ])('has times as a driver gives them: %s', (_, time) => {
    expect(keyOf({ ...KEY, created_at: time, expires_at: time, schema: String(1) })).toEqual({
      ...key,
      createdAt: 8.64e15,
      expiresAt: 8.64e15,
    })
  })
})

const NO_TEXTS = [undefined, null, 1, true, {}, []]
const NO_TIMES = [undefined, null, '', 'tomorrow', '1e3', '1.5', ' 1', 1.5, Number.NaN, Infinity, true, {}, 8.64e15 + 1]
const NO_OBJECTS = [...NO_TEXTS, '', 'x', 'null', '1', '"a"', '[]', `{"a":"${VALUE}"`]
const NO_PERMISSIONS = [...NO_TEXTS, '', 'read', 'null', '{}', '"read"', '[1]', '["read",null]', `["${VALUE}"`]
/** `null` is one that is not there. */
const orNull = (values: readonly unknown[]) => values.filter((value) => value !== null && value !== undefined)

describe('a row is damaged, and the error names it and not its value, where', () => {
  it.each([
    ['id', [undefined, null, 1]],
    ['service', NO_TEXTS],
    ['account_id', NO_TEXTS],
    ['name', NO_TEXTS],
    ['environment', orNull(NO_TEXTS)],
    ['permissions', NO_PERMISSIONS],
    ['created_at', NO_TIMES],
    ['expires_at', orNull(NO_TIMES)],
    ['revoked_at', orNull(NO_TIMES)],
    ['revoked_reason', orNull(NO_TEXTS)],
    ['metadata', NO_OBJECTS],
  ])('a key’s %s is not what it must be', (column, values) => {
    for (const value of values) {
      const id = column === 'id' ? String(value) : 'k1'
      const damaged = new Error(`key ${id}: its ${column} is damaged`)
      expect(() => keyOf({ ...KEY, [column]: value })).toThrow(damaged)
      expect(() => keyMatchOf({ ...KEY, ...OWNER, ...SECRET, [column]: value })).toThrow(damaged)
      expect(() => signingKeyMatchOf([{ ...KEY, ...OWNER, ...SIGNING, [column]: value }])).toThrow(damaged)
      expect(() => detailsOf([{ ...KEY, ...SECRET, number: 1, last_used_at: null, [column]: value }])).toThrow(damaged)
    }
  })

  it.each([
    ['digest', NO_TEXTS, 'digest'],
    ['display', NO_TEXTS, 'display'],
    ['secret_created_at', NO_TIMES, 'created_at of a secret'],
    ['secret_expires_at', orNull(NO_TIMES), 'expires_at of a secret'],
  ])('a secret’s %s is not what it must be', (column, values, name) => {
    for (const value of values) {
      const damaged = new Error(`key k1: its ${name} is damaged`)
      expect(() => keyMatchOf({ ...KEY, ...OWNER, ...SECRET, [column]: value })).toThrow(damaged)
    }
  })

  it.each([
    ['version', NO_TEXTS, 'version'],
    ['sealed', NO_TEXTS, 'sealed'],
    ['master_key_id', NO_TEXTS, 'master_key_id'],
    ['secret_created_at', NO_TIMES, 'created_at of a secret'],
    ['secret_expires_at', orNull(NO_TIMES), 'expires_at of a secret'],
  ])('a signing secret’s %s is not what it must be', (column, values, name) => {
    for (const value of values) {
      const damaged = new Error(`key k1: its ${name} is damaged`)
      const good = { ...KEY, ...OWNER, ...SIGNING }
      expect(() => signingKeyMatchOf([good, { ...good, [column]: value }])).toThrow(damaged)
      expect(() => signingSecretOf({ ...SIGNING, [column]: value }, 'key k1')).toThrow(damaged)
    }
  })

  it.each([
    ['kind', [...NO_TEXTS, 'token', 'KEY'], 'kind'],
    ['display', orNull(NO_TEXTS), 'display'],
    ['secret_created_at', NO_TIMES, 'created_at of a secret'],
    ['secret_expires_at', orNull(NO_TIMES), 'expires_at of a secret'],
    ['last_used_at', orNull(NO_TIMES), 'last_used_at'],
  ])('what is shown of a key: its %s', (column, values, name) => {
    for (const value of values) {
      const row = { ...KEY, ...SECRET, number: 1, last_used_at: null, [column]: value }
      expect(() => detailsOf([row])).toThrow(new Error(`key k1: its ${name} is damaged`))
    }
  })

  it.each([
    ['id', [undefined, null, 1]],
    ['plan', NO_TEXTS],
    ['status', [...NO_TEXTS, 'frozen', 'ACTIVE', '']],
    ['email', orNull(NO_TEXTS)],
    ['metadata', NO_OBJECTS],
  ])('an account’s %s is not what it must be', (column, values) => {
    for (const value of values) {
      const id = column === 'id' ? String(value) : 'customer'
      const damaged = new Error(`account ${id}: its ${column} is damaged`)
      expect(() => accountOf({ ...ACCOUNT, [column]: value })).toThrow(damaged)
    }
  })

  it.each([
    ['plan', NO_TEXTS, 'plan'],
    ['status', ['frozen'], 'status'],
    ['email', orNull(NO_TEXTS), 'email'],
    ['owner_metadata', NO_OBJECTS, 'metadata'],
  ])('the account of a key is not what it must be: %s', (column, values, name) => {
    for (const value of values) {
      const row = { ...KEY, ...OWNER, ...SECRET, [column]: value }
      expect(() => keyMatchOf(row)).toThrow(new Error(`account customer: its ${name} is damaged`))
    }
  })

  it.each([
    ['at', NO_TIMES],
    ['actor', NO_TEXTS],
    ['action', NO_TEXTS],
    ['service', orNull(NO_TEXTS)],
    ['key_id', orNull(NO_TEXTS)],
    ['account_id', orNull(NO_TEXTS)],
    ['details', NO_OBJECTS],
  ])('an audit record’s %s is not what it must be', (column, values) => {
    for (const value of values) {
      const damaged = new Error(`audit record 7: its ${column} is damaged`)
      expect(() => auditRecordOf({ ...AUDIT, [column]: value })).toThrow(damaged)
    }
  })

  it.each([2, 0, '2', null, undefined, 'x'])('its schema is %j', (schema) => {
    const unknown = (what: string) => new Error(`${what}: schema version ${schema} is unknown`)
    expect(() => keyOf({ ...KEY, schema })).toThrow(unknown('key k1'))
    expect(() => accountOf({ ...ACCOUNT, schema })).toThrow(unknown('account customer'))
    const owned = { ...KEY, ...OWNER, ...SECRET, owner_schema: schema }
    expect(() => keyMatchOf(owned)).toThrow(unknown('account customer'))
  })
})
