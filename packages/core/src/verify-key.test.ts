import { describe, expect, it } from 'vitest'
import type { KeyMatch, KeyRecord } from './store.ts'
import { belongs, endOf, keyDenial, verifyKey } from './verify-key.ts'

const NOW = 1_790_000_000_000
const DIGEST = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'

const KEY: KeyRecord = {
  id: 'key_1',
  service: 'acme',
  accountId: 'account_1',
  name: 'ci',
  environment: null,
  permissions: ['read'],
  createdAt: NOW - 1000,
  expiresAt: null,
  revokedAt: null,
  revokedReason: null,
  metadata: {},
}

const MATCH: KeyMatch = {
  key: KEY,
  account: { id: 'account_1', plan: 'pro', status: 'active', email: null, metadata: {} },
  secret: { kind: 'key', digest: DIGEST, display: 'acme_…stuv', createdAt: NOW - 1000, expiresAt: null },
}

const withKey = (change: Partial<KeyRecord>): KeyMatch => ({ ...MATCH, key: { ...KEY, ...change } })
const endingAt = (expiresAt: number | null): KeyMatch => ({ ...MATCH, secret: { ...MATCH.secret, expiresAt } })
const unknown = { kind: 'denied', code: 'unknown' }

describe('endOf', () => {
  it('is the first moment at which the key does not work', () => {
    const both = { ...endingAt(NOW + 5), key: { ...KEY, expiresAt: NOW + 3 } }
    for (const match of [both, endingAt(NOW + 5), withKey({ expiresAt: NOW + 3 })]) {
      expect(verifyKey(match, endOf(match) - 1)).toBeUndefined()
      expect(verifyKey(match, endOf(match))).toBeDefined()
    }
    expect(endOf(MATCH)).toBe(Infinity)
  })

  it('is before all time where it was revoked', () => {
    expect(endOf(withKey({ revokedAt: NOW + 1 }))).toBe(-Infinity)
  })
})

describe('belongs', () => {
  it('is so of what was looked up', () => {
    expect(belongs(MATCH, DIGEST, 'acme')).toBe(true)
  })

  it('is not so of a key whose stored digest differs from the one looked up', () => {
    expect(belongs(MATCH, `${DIGEST.slice(0, -1)}e`, 'acme')).toBe(false)
    expect(belongs(MATCH, DIGEST.toUpperCase(), 'acme')).toBe(false)
  })

  it('is not so of a key of another service', () => {
    expect(belongs(withKey({ service: 'other' }), DIGEST, 'acme')).toBe(false)
  })
})

describe('verifyKey', () => {
  it('has nothing against a live key', () => {
    expect(verifyKey(MATCH, NOW)).toBeUndefined()
  })

  it('ends a version that rotation ended, at the exact millisecond', () => {
    expect(verifyKey(endingAt(NOW + 1), NOW)).toBeUndefined()
    expect(verifyKey(endingAt(NOW), NOW)).toEqual(unknown)
    expect(verifyKey(endingAt(NOW - 1), NOW)).toEqual(unknown)
    expect(verifyKey(endingAt(0), NOW)).toEqual(unknown)
  })

  it('does not know an ended version even where the key is revoked', () => {
    const ended = { ...withKey({ revokedAt: NOW - 5 }), secret: { ...MATCH.secret, expiresAt: NOW - 1 } }
    expect(verifyKey(ended, NOW)).toEqual(unknown)
  })

  it('refuses a revoked key with its id and time', () => {
    const denied = { kind: 'denied', code: 'revoked', keyId: 'key_1', revokedAt: NOW - 5 }
    expect(verifyKey(withKey({ revokedAt: NOW - 5 }), NOW)).toEqual(denied)
  })

  it('refuses an expired key with its id and time', () => {
    const denied = { kind: 'denied', code: 'expired', keyId: 'key_1', expiredAt: NOW - 5 }
    expect(verifyKey(withKey({ expiresAt: NOW - 5 }), NOW)).toEqual(denied)
  })
})

describe('keyDenial', () => {
  it('is undefined for a live key', () => {
    expect(keyDenial(KEY, NOW)).toBeUndefined()
  })

  it('calls a key revoked before it calls it expired', () => {
    expect(keyDenial({ ...KEY, revokedAt: NOW - 1, expiresAt: NOW - 1000 }, NOW)?.code).toBe('revoked')
  })

  it('holds for a revocation at zero and one dated in the future', () => {
    expect(keyDenial({ ...KEY, revokedAt: 0 }, NOW)?.code).toBe('revoked')
    expect(keyDenial({ ...KEY, revokedAt: NOW + 1000 }, NOW)?.code).toBe('revoked')
  })

  it('expires at the exact millisecond', () => {
    expect(keyDenial({ ...KEY, expiresAt: NOW + 1 }, NOW)).toBeUndefined()
    expect(keyDenial({ ...KEY, expiresAt: NOW }, NOW)?.code).toBe('expired')
    expect(keyDenial({ ...KEY, expiresAt: 0 }, NOW)?.code).toBe('expired')
  })
})
