import { describe, expect, it } from 'vitest'
import { memoryStore } from './memory-store.ts'
import type { Account, AuditEntry, KeyRecord, KeySecret, SigningSecret } from './store.ts'
import { testStore } from './testing/index.ts'

const NOW = 1_790_000_000_000
const ACCOUNT: Account = { id: 'account_1', plan: 'pro', status: 'active', email: 'you@example.com', metadata: {} }
const KEY: KeyRecord = {
  id: 'key_1',
  service: 'acme',
  accountId: 'account_1',
  name: 'ci',
  environment: null,
  permissions: ['read'],
  createdAt: NOW,
  expiresAt: null,
  revokedAt: null,
  revokedReason: null,
  metadata: { team: { id: 7 } },
}
const REF = { service: 'acme', id: 'key_1' }
const SIGNING_KEY: KeyRecord = { ...KEY, id: 'key_2' }
const SIGNING: SigningSecret = {
  kind: 'signing',
  version: 'v1',
  sealed: 'sealed',
  masterKeyId: 'master',
  createdAt: NOW,
  expiresAt: null,
}
const AUDIT: AuditEntry = { at: NOW, by: 'ops', action: 'key.changed', details: { name: ['x'] } }
const secretOf = (digest: string): KeySecret => ({ kind: 'key', digest, display: '…', createdAt: NOW, expiresAt: null })

function filled() {
  const store = memoryStore()
  store.insertAccount(ACCOUNT, AUDIT)
  store.insertKey(KEY, secretOf('d1'), AUDIT)
  store.insertKey(SIGNING_KEY, SIGNING, AUDIT)
  return store
}

await testStore({ describe, it }, { open: memoryStore })

it('is for one process, as long as it runs', () => {
  expect(memoryStore().capabilities).toEqual({
    durable: false,
    shared: false,
    consistency: 'immediate',
    announces: true,
    lease: 0,
  })
})

it('is empty, whatever another one holds', () => {
  filled()
  expect(memoryStore().records()).toEqual({ accounts: [], keys: [] })
})

describe('every answer', () => {
  const about = { service: 'acme', keyId: 'key_1', accountId: 'account_1' }

  it('is there at once', () => {
    const store = filled()
    const match = { key: KEY, account: ACCOUNT, secret: secretOf('d1') }
    expect(store.findByDigest('acme', 'd1')).toEqual(match)
    expect(store.findSigningKey('acme', 'key_2')).toEqual({ key: SIGNING_KEY, account: ACCOUNT, secrets: [SIGNING] })
    expect(store.findAccount('account_1')).toEqual(ACCOUNT)
    expect(store.findKey(REF)?.key).toEqual(KEY)
    expect(store.listKeys({ service: 'acme', limit: 1 }).items).toEqual([store.findKey(REF)])
    expect(store.listAccounts({ limit: 1 })).toEqual({ items: [ACCOUNT], next: null })
    expect(store.listSealed('acme', 'another', 1)).toEqual([{ keyId: 'key_2', secret: SIGNING }])
    expect(store.resealSecret({ ...REF, id: 'key_2' }, SIGNING, { ...SIGNING, sealed: 'anew' }, AUDIT)).toBe(true)
    expect(store.changeKey(REF, { name: 'x' }, AUDIT)).toEqual({ ...KEY, name: 'x' })
    expect(store.rotateKey(REF, secretOf('d2'), NOW, AUDIT)).toEqual({ ...KEY, name: 'x' })
    expect(store.revokeKey(REF, 'leaked', AUDIT)?.revokedAt).toBe(NOW)
    expect(store.deleteKey(REF, AUDIT)).toBe(true)
    expect(store.insertKey(KEY, secretOf('d3'), AUDIT)).toEqual({ kind: 'inserted' })
    expect(store.insertAccount(ACCOUNT, AUDIT)).toBe(false)
    expect(store.changeAccount('account_1', { plan: 'free' }, AUDIT)?.plan).toBe('free')
    expect(store.insertAll({ accounts: [], keys: [] })).toBe(true)
    const count = { keyId: 'key_1', route: 'GET /', status: 200, day: 0, count: 1 }
    expect(store.recordUses([{ service: 'acme', ...count, firstAt: NOW, lastAt: NOW }])).toBe(true)
    expect(store.listUsage({ service: 'acme', keyIds: ['key_1'], from: 0, to: NOW })).toEqual([count])
    expect(store.recordAudit({ ...AUDIT, ...about })).toBeUndefined()
    expect(store.listAudit({ limit: 1 }).items).toEqual([{ ...AUDIT, ...about }])
    expect(store.close()).toBeUndefined()
  })

  it('is frozen, through and through', () => {
    const store = filled()
    const details = store.findKey(REF)
    const signing = store.findSigningKey('acme', 'key_2')
    const answers = [
      ...parts(store.findByDigest('acme', 'd1')?.key),
      ...parts(store.findByDigest('acme', 'd1')?.secret),
      ...parts(store.findByDigest('acme', 'd1')?.account),
      ...parts(store.changeKey(REF, { metadata: { a: [{}] } }, AUDIT)),
      ...parts(store.changeAccount('account_1', { metadata: { a: [{}] } }, AUDIT)),
      ...parts(store.listAudit({ limit: 1 }).items[0]),
      ...store.records().accounts.flatMap(parts),
      ...store.records().keys.flatMap(parts),
      ...parts(details?.key),
      ...parts(signing?.secrets[0]),
    ]
    expect(answers.filter((answer) => !Object.isFrozen(answer))).toEqual([])
  })

  it('stays as it was read', () => {
    const store = filled()
    const before = store.findByDigest('acme', 'd1')
    store.revokeKey(REF, null, AUDIT)
    store.rotateKey({ ...REF, id: 'key_2' }, SIGNING, NOW, AUDIT)
    store.changeAccount('account_1', { plan: 'free' }, AUDIT)
    expect(before).toEqual({ key: KEY, account: ACCOUNT, secret: secretOf('d1') })
  })
})

describe('records', () => {
  it('are all that is there, as another store takes it', () => {
    const store = filled()
    const again = memoryStore()
    const records = store.records()
    expect(records).toEqual({
      accounts: [ACCOUNT],
      keys: [
        { key: KEY, secrets: [secretOf('d1')] },
        { key: SIGNING_KEY, secrets: [SIGNING] },
      ],
    })
    expect(again.insertAll(records)).toBe(true)
    expect(again.records()).toEqual(records)
  })
})

/** Every object in a value, and the value. */
function parts(value: unknown): readonly object[] {
  if (typeof value !== 'object' || value === null) return []
  return [value, ...Object.values(value).flatMap(parts)]
}
