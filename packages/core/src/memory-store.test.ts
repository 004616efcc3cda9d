import { describe, expect, it } from 'vitest'
import { memoryStore } from './memory-store.ts'
import type { Account, KeyChange, KeyRecord, KeySecret, SigningSecret } from './store.ts'

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
  metadata: {},
}
const secretOf = (digest: string): KeySecret => ({ kind: 'key', digest, display: '…', createdAt: NOW, expiresAt: null })
const SIGNING: SigningSecret = { kind: 'signing', text: 's'.repeat(43), createdAt: NOW, expiresAt: null }

function filled() {
  const store = memoryStore()
  store.insertAccount(ACCOUNT)
  store.insertKey(KEY, secretOf('d1'))
  return store
}

describe('lookups', () => {
  it('find a key by its digest, with account and secret, synchronously', () => {
    expect(filled().findByDigest('acme', 'd1')).toEqual({ key: KEY, account: ACCOUNT, secret: secretOf('d1') })
  })

  it('find a key without an account', () => {
    const store = memoryStore()
    store.insertKey(KEY, secretOf('d1'))
    expect(store.findByDigest('acme', 'd1')?.account).toBeNull()
  })

  it.each(['d2', 'D1', 'd', '', '__proto__', 'constructor'])('find nothing by the digest %j', (digest) => {
    expect(filled().findByDigest('acme', digest)).toBeUndefined()
  })

  it('find no key of another service', () => {
    const store = filled()
    expect(store.findByDigest('other', 'd1')).toBeUndefined()
    expect(store.findById('other', 'key_1')).toBeUndefined()
    expect(store.findSigningKey('other', 'key_1')).toBeUndefined()
    expect(store.listKeys('other', 'account_1')).toEqual([])
    expect(store.revokeKey('other', 'key_1', NOW, null)).toBeUndefined()
    expect(store.deleteKey('other', 'key_1')).toBe(false)
    expect(store.changeKey('other', 'key_1', { name: 'x' })).toBeUndefined()
    expect(store.findById('acme', 'key_1')).toEqual(KEY)
  })

  it('keep the same id and digest apart in two services', () => {
    const store = filled()
    expect(store.insertKey({ ...KEY, service: 'other', name: 'theirs' }, secretOf('d1'))).toEqual({ kind: 'inserted' })
    expect(store.findByDigest('acme', 'd1')?.key.name).toBe('ci')
    expect(store.findByDigest('other', 'd1')?.key.name).toBe('theirs')
  })

  it('find a signing key by its id, with all its secrets', () => {
    const store = memoryStore()
    store.insertKey(KEY, SIGNING)
    expect(store.findSigningKey('acme', 'key_1')).toEqual({ key: KEY, account: null, secrets: [SIGNING] })
    expect(store.findSigningKey('acme', '__proto__')).toBeUndefined()
  })

  it('find no signing key in an API key, and no API key in a signing key', () => {
    const store = filled()
    store.insertKey({ ...KEY, id: 'key_2' }, SIGNING)
    expect(store.findSigningKey('acme', 'key_1')).toBeUndefined()
    expect(store.findByDigest('acme', SIGNING.text)).toBeUndefined()
  })

  it('list the keys of an account, oldest first, revoked ones included', () => {
    const store = filled()
    store.insertKey({ ...KEY, id: 'key_2' }, secretOf('d2'))
    store.insertKey({ ...KEY, id: 'key_3', accountId: 'account_2' }, secretOf('d3'))
    store.revokeKey('acme', 'key_1', NOW, null)
    expect(store.listKeys('acme', 'account_1').map((key) => key.id)).toEqual(['key_1', 'key_2'])
  })
})

describe('insertKey', () => {
  it('answers with the key that has the id, and changes nothing', () => {
    const store = filled()
    expect(store.insertKey({ ...KEY, name: 'new' }, secretOf('d2'))).toEqual({ kind: 'exists', key: KEY })
    expect(store.findByDigest('acme', 'd2')).toBeUndefined()
    expect(store.findById('acme', 'key_1')).toEqual(KEY)
  })

  it('answers with the key that has the digest, and changes nothing', () => {
    const store = filled()
    expect(store.insertKey({ ...KEY, id: 'key_2' }, secretOf('d1'))).toEqual({ kind: 'exists', key: KEY })
    expect(store.findById('acme', 'key_2')).toBeUndefined()
  })

  it('inserts only the first of an account where asked so', () => {
    const store = memoryStore()
    expect(store.insertKey(KEY, SIGNING, { onlyFirst: true })).toEqual({ kind: 'inserted' })
    expect(store.insertKey({ ...KEY, id: 'key_2' }, SIGNING, { onlyFirst: true })).toEqual({ kind: 'exists', key: KEY })
    expect(store.insertKey({ ...KEY, id: 'key_3', accountId: 'account_2' }, SIGNING, { onlyFirst: true }).kind).toBe(
      'inserted',
    )
    expect(store.insertKey({ ...KEY, id: 'key_4', service: 'other' }, SIGNING, { onlyFirst: true }).kind).toBe(
      'inserted',
    )
    expect(store.insertKey({ ...KEY, id: 'key_5' }, SIGNING).kind).toBe('inserted')
  })
})

describe('rotateKey', () => {
  it('adds a version to the same key and ends the earlier ones', () => {
    const store = filled()
    expect(store.rotateKey('acme', 'key_1', secretOf('d2'), NOW + 10)).toEqual(KEY)
    expect(store.findByDigest('acme', 'd1')).toMatchObject({ key: KEY, secret: { digest: 'd1', expiresAt: NOW + 10 } })
    expect(store.findByDigest('acme', 'd2')).toMatchObject({ key: KEY, secret: { digest: 'd2', expiresAt: null } })
  })

  it('never lets an earlier version live longer than it would have', () => {
    const store = filled()
    store.rotateKey('acme', 'key_1', secretOf('d2'), NOW + 10)
    store.rotateKey('acme', 'key_1', secretOf('d3'), NOW + 1000)
    expect(store.findByDigest('acme', 'd1')?.secret.expiresAt).toBe(NOW + 10)
    expect(store.findByDigest('acme', 'd2')?.secret.expiresAt).toBe(NOW + 1000)
  })

  it('keeps the earlier signing secret beside the new one', () => {
    const store = memoryStore()
    store.insertKey(KEY, SIGNING)
    store.rotateKey('acme', 'key_1', { ...SIGNING, text: 't'.repeat(43) }, NOW + 10)
    expect(store.findSigningKey('acme', 'key_1')?.secrets).toEqual([
      { ...SIGNING, expiresAt: NOW + 10 },
      { ...SIGNING, text: 't'.repeat(43) },
    ])
  })

  it('rotates no key that is not there or is revoked', () => {
    const store = filled()
    expect(store.rotateKey('acme', 'key_2', secretOf('d2'), NOW)).toBeUndefined()
    store.revokeKey('acme', 'key_1', NOW, null)
    expect(store.rotateKey('acme', 'key_1', secretOf('d2'), NOW)).toBeUndefined()
    expect(store.findByDigest('acme', 'd2')).toBeUndefined()
  })

  it('does not take a digest away from another key', () => {
    const store = filled()
    store.insertKey({ ...KEY, id: 'key_2' }, secretOf('d2'))
    try {
      store.rotateKey('acme', 'key_2', secretOf('d1'), NOW)
    } catch {
      // A store may refuse; what counts is whose the digest is.
    }
    expect(store.findByDigest('acme', 'd1')?.key.id).toBe('key_1')
  })
})

describe('revokeKey', () => {
  it('sets a tombstone that a second revocation does not move', () => {
    const store = filled()
    const revoked = { ...KEY, revokedAt: NOW, revokedReason: 'leaked' }
    expect(store.revokeKey('acme', 'key_1', NOW, 'leaked')).toEqual(revoked)
    expect(store.revokeKey('acme', 'key_1', NOW + 5, 'again')).toEqual(revoked)
    expect(store.findByDigest('acme', 'd1')?.key).toEqual(revoked)
    expect(store.revokeKey('acme', 'key_2', NOW, null)).toBeUndefined()
  })

  it('is not undone by a change of the key', () => {
    const store = filled()
    store.revokeKey('acme', 'key_1', NOW, 'leaked')
    // What a careless caller passes on from a request's body.
    store.changeKey('acme', 'key_1', { name: 'x', revokedAt: null } as KeyChange)
    expect(store.findById('acme', 'key_1')).toMatchObject({ revokedAt: NOW })
  })
})

describe('deleteKey', () => {
  it('removes the key and every version of its secret', () => {
    const store = filled()
    store.rotateKey('acme', 'key_1', secretOf('d2'), NOW + 10)
    expect(store.deleteKey('acme', 'key_1')).toBe(true)
    expect(store.findByDigest('acme', 'd1')).toBeUndefined()
    expect(store.findByDigest('acme', 'd2')).toBeUndefined()
    expect(store.findById('acme', 'key_1')).toBeUndefined()
    expect(store.deleteKey('acme', 'key_1')).toBe(false)
  })

  it('leaves the id and the digests free', () => {
    const store = filled()
    store.deleteKey('acme', 'key_1')
    expect(store.insertKey(KEY, secretOf('d1'))).toEqual({ kind: 'inserted' })
    store.deleteKey('acme', 'key_1')
    store.insertKey({ ...KEY, id: 'key_2' }, secretOf('d2'))
    store.rotateKey('acme', 'key_2', secretOf('d1'), NOW)
    expect(store.findByDigest('acme', 'd1')?.key.id).toBe('key_2')
  })
})

describe('changeKey', () => {
  it('changes what may change, and nothing else', () => {
    const store = filled()
    expect(store.changeKey('acme', 'key_1', { permissions: ['write'], expiresAt: NOW })).toEqual({
      ...KEY,
      permissions: ['write'],
      expiresAt: NOW,
    })
    expect(store.findByDigest('acme', 'd1')?.key.permissions).toEqual(['write'])
    expect(store.changeKey('acme', 'key_2', { name: 'x' })).toBeUndefined()
  })

  it('does not make it another key, or another owner’s', () => {
    const store = filled()
    store.changeKey('acme', 'key_1', { id: 'key_2', service: 'other', accountId: 'account_2' } as KeyChange)
    expect(store.findById('acme', 'key_1')).toEqual(KEY)
    expect(store.findById('other', 'key_2')).toBeUndefined()
  })
})

describe('accounts', () => {
  it('are inserted once', () => {
    const store = filled()
    expect(store.insertAccount({ ...ACCOUNT, plan: 'free' })).toBe(false)
    expect(store.findAccount('account_1')).toEqual(ACCOUNT)
    expect(store.findAccount('__proto__')).toBeUndefined()
  })

  it('change under their id, and for every key at once', () => {
    const store = filled()
    expect(store.changeAccount('account_1', { status: 'suspended' })).toEqual({ ...ACCOUNT, status: 'suspended' })
    expect(store.findByDigest('acme', 'd1')?.account?.status).toBe('suspended')
    expect(store.changeAccount('account_2', { plan: 'free' })).toBeUndefined()
    store.changeAccount('account_1', { id: 'account_2' } as Partial<Account>)
    expect(store.findAccount('account_1')?.id).toBe('account_1')
    expect(store.findAccount('account_2')).toBeUndefined()
  })
})

describe('records', () => {
  it('are frozen, and do not change with what they were made from', () => {
    const store = memoryStore()
    const permissions = ['read']
    store.insertKey({ ...KEY, permissions }, secretOf('d1'))
    permissions.push('admin')
    const found = store.findById('acme', 'key_1')
    expect(found?.permissions).toEqual(['read'])
    expect(Object.isFrozen(found)).toBe(true)
    expect(Object.isFrozen(found?.permissions)).toBe(true)
  })

  it('that were read stay as they were', () => {
    const store = filled()
    const before = store.findByDigest('acme', 'd1')
    store.revokeKey('acme', 'key_1', NOW, null)
    store.changeAccount('account_1', { plan: 'free' })
    expect(before).toEqual({ key: KEY, account: ACCOUNT, secret: secretOf('d1') })
  })
})
