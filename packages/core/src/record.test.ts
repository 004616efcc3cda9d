import { describe, expect, it } from 'vitest'
import { isAccount, isKeyMatch, isSigningKeyMatch } from './record.ts'
import type { Account, KeyMatch, SigningKeyMatch } from './store.ts'

const ACCOUNT = { id: 'account_1', plan: 'pro', status: 'active', email: null, metadata: {} }
const KEY = {
  id: 'key_1',
  service: 'acme',
  accountId: 'account_1',
  name: 'ci',
  environment: null,
  permissions: ['read'],
  createdAt: 0,
  expiresAt: null,
  revokedAt: null,
  revokedReason: null,
  metadata: {},
}
const SECRET = { kind: 'key', digest: 'd'.repeat(64), display: '…', createdAt: 0, expiresAt: null }
const SIGNING = {
  kind: 'signing',
  version: 'v1',
  sealed: 's'.repeat(96),
  masterKeyId: 'm1',
  createdAt: 0,
  expiresAt: null,
}

// What stands in for a store's answer is garbage on purpose.
const keyMatch = (value: unknown) => isKeyMatch(value as KeyMatch)
const signingKeyMatch = (value: unknown) => isSigningKeyMatch(value as SigningKeyMatch)
const account = (value: unknown) => isAccount(value as Account)

const NO_TIME = [NaN, Infinity, -Infinity, undefined, '1790000000000', '2024-01-01', new Date(0), true, {}, [1]]

describe.each([
  ['isKeyMatch', keyMatch, { secret: SECRET }],
  ['isSigningKeyMatch', signingKeyMatch, { secrets: [SIGNING] }],
])('%s', (_name, isMatch, secret) => {
  it('believes a whole record', () => {
    expect(isMatch({ key: KEY, account: null, ...secret })).toBe(true)
    expect(isMatch({ key: { ...KEY, expiresAt: 1, revokedAt: 0, permissions: [] }, account: null, ...secret })).toBe(
      true,
    )
  })

  it.each([[null], [undefined], [0], [''], ['key'], [true], [[]], [{}], [{ key: null }], [{ key: 'key' }]])(
    'does not believe %j',
    (value) => {
      expect(isMatch(value)).toBe(false)
    },
  )

  it.each(['id', 'service', 'accountId'])('does not believe a key whose %s is no text', (name) => {
    for (const value of [undefined, null, 1, ['key_1'], {}]) {
      expect(isMatch({ key: { ...KEY, [name]: value }, ...secret })).toBe(false)
    }
  })

  it.each(['expiresAt', 'revokedAt'])('does not believe a key whose %s is no time', (name) => {
    for (const value of NO_TIME) expect(isMatch({ key: { ...KEY, [name]: value }, ...secret })).toBe(false)
  })

  it('does not believe permissions that are no list of texts', () => {
    for (const permissions of [
      undefined,
      null,
      '*',
      'read',
      {},
      [1],
      ['read', null],
      [['*']],
      { includes: () => true },
      { every: () => true },
    ]) {
      expect(isMatch({ key: { ...KEY, permissions }, ...secret })).toBe(false)
    }
  })

  it('does not believe a key without its secret', () => {
    expect(isMatch({ key: KEY })).toBe(false)
    expect(isMatch({ key: KEY, secret: null, secrets: null })).toBe(false)
  })
})

describe('isKeyMatch', () => {
  it('does not believe a digest that is no text', () => {
    for (const digest of [undefined, null, 1, [], new Uint8Array(32)]) {
      expect(keyMatch({ key: KEY, secret: { ...SECRET, digest } })).toBe(false)
    }
  })

  it('does not believe a version whose end is no time', () => {
    for (const expiresAt of NO_TIME) expect(keyMatch({ key: KEY, secret: { ...SECRET, expiresAt } })).toBe(false)
  })
})

describe('isSigningKeyMatch', () => {
  it('does not believe secrets that are no list', () => {
    for (const secrets of [SIGNING, { 0: SIGNING, length: 1 }, 'secret', 1]) {
      expect(signingKeyMatch({ key: KEY, secrets })).toBe(false)
    }
  })

  it('does not believe one broken secret among good ones', () => {
    for (const broken of [null, undefined, 'secret', {}]) {
      expect(signingKeyMatch({ key: KEY, secrets: [SIGNING, broken] })).toBe(false)
      expect(signingKeyMatch({ key: KEY, secrets: [broken, SIGNING] })).toBe(false)
    }
  })

  it.each(['version', 'sealed', 'masterKeyId'])('does not believe a secret whose %s is no text', (name) => {
    for (const value of [undefined, null, 1, true, [], ['text'], {}, new Uint8Array(32)]) {
      expect(signingKeyMatch({ key: KEY, secrets: [SIGNING, { ...SIGNING, [name]: value }] })).toBe(false)
    }
  })

  it('does not believe a secret that is not sealed', () => {
    const { sealed: _sealed, ...rest } = SIGNING
    expect(signingKeyMatch({ key: KEY, secrets: [{ ...rest, text: 's'.repeat(43) }] })).toBe(false)
  })

  it('believes a version that ends, and a key without secrets', () => {
    expect(signingKeyMatch({ key: KEY, secrets: [{ ...SIGNING, expiresAt: 0 }, SIGNING] })).toBe(true)
    expect(signingKeyMatch({ key: KEY, secrets: [] })).toBe(true)
  })

  it('does not believe a version whose end is no time', () => {
    for (const expiresAt of NO_TIME) {
      expect(signingKeyMatch({ key: KEY, secrets: [SIGNING, { ...SIGNING, expiresAt }] })).toBe(false)
    }
  })
})

describe('isAccount', () => {
  it('believes active and suspended accounts', () => {
    expect(account(ACCOUNT)).toBe(true)
    expect(account({ ...ACCOUNT, status: 'suspended' })).toBe(true)
  })

  it.each([
    ['no text for an id', { ...ACCOUNT, id: 1 }],
    ['no plan', { ...ACCOUNT, plan: undefined }],
    ['a list for a plan', { ...ACCOUNT, plan: ['pro'] }],
    ['no status', { ...ACCOUNT, status: undefined }],
    ['another status', { ...ACCOUNT, status: 'Active' }],
    ['true for a status', { ...ACCOUNT, status: true }],
    ['nothing', {}],
    ['a text', 'account_1'],
    ['false', false],
  ])('does not believe %s', (_what, value) => {
    expect(account(value)).toBe(false)
  })
})
