/** What a store does, and what of it others have to be told. */
import type { KeyStore } from '@latchkey/core'
import { accountNamed, entryOf, keyNamed, NOW, refTo, SERVICE, sealedAs, secretOf, useOf } from './records.ts'

/** What changed: `[kind, service, id]`. */
export type Announced = readonly [kind: string, service: string | null, id: string | null]

export const ACCOUNT: Announced = ['account', null, 'customer']
export const KEY: Announced = ['key', SERVICE, 'key']
export const SIGNING: Announced = ['key', SERVICE, 'signing']

export const [key, signing] = [keyNamed('key'), keyNamed('signing')]
export const [ref, signingRef] = [refTo(key), refTo(signing)]
export const [text, sealed] = [secretOf('text'), sealedAs('one')]

type Change = readonly [name: string, change: (store: KeyStore) => unknown, announced: readonly Announced[]]

/** Each on a store that holds the account and both keys. */
export const BY_THE_STORE: readonly Change[] = [
  [
    'an account that is inserted',
    (s) => s.insertAccount(accountNamed('new'), entryOf('account.created')),
    [['account', null, 'new']],
  ],
  [
    'an account that is changed',
    (s) => s.changeAccount('customer', { plan: 'free' }, entryOf('account.changed')),
    [ACCOUNT],
  ],
  [
    'a key that is inserted',
    (s) => s.insertKey(keyNamed('new'), secretOf('new'), entryOf('key.created')),
    [['key', SERVICE, 'new']],
  ],
  [
    'a signing key that is inserted',
    (s) => s.insertKey(keyNamed('new'), sealedAs('x'), entryOf('key.created')),
    [['key', SERVICE, 'new']],
  ],
  ['a key that is changed', (s) => s.changeKey(ref, { name: 'new' }, entryOf('key.changed')), [KEY]],
  ['a key that is rotated', (s) => s.rotateKey(ref, secretOf('new'), NOW, entryOf('key.rotated')), [KEY]],
  [
    'a signing key that is rotated',
    (s) => s.rotateKey(signingRef, sealedAs('two', { version: 'v2' }), NOW, entryOf('key.rotated')),
    [SIGNING],
  ],
  ['a key that is revoked', (s) => s.revokeKey(ref, null, entryOf('key.revoked')), [KEY]],
  ['a key that is deleted', (s) => s.deleteKey(ref, entryOf('key.deleted')), [KEY]],
  [
    'a secret that is sealed anew',
    (s) => s.resealSecret(signingRef, sealed, sealedAs('two'), entryOf('secret.resealed')),
    [SIGNING],
  ],
  [
    'all that is inserted at once',
    (s) => s.insertAll({ accounts: [accountNamed('new')], keys: [{ key: keyNamed('a'), secrets: [secretOf('a')] }] }),
    [
      ['account', null, 'new'],
      ['key', SERVICE, 'a'],
    ],
  ],
]

/** What nobody has to hear. */
export const UNHEARD: readonly (readonly [name: string, change: (store: KeyStore) => unknown])[] = [
  ['the last use of keys', (s) => s.recordUses([useOf('key', NOW)])],
  [
    'an audit record',
    (s) => s.recordAudit({ ...entryOf('secret.revealed'), service: SERVICE, keyId: 'key', accountId: 'customer' }),
  ],
  ['a key that is taken', (s) => s.insertKey(key, secretOf('new'), entryOf('key.created'))],
  ['an account that is taken', (s) => s.insertAccount(accountNamed('customer'), entryOf('account.created'))],
  [
    'a set of which one is taken',
    (s) => s.insertAll({ accounts: [accountNamed('new'), accountNamed('customer')], keys: [] }),
  ],
  [
    'a rotation to a digest that is taken',
    (s) => Promise.resolve(s.rotateKey(ref, text, NOW, entryOf('key.rotated'))).catch(() => {}),
  ],
  ['a key that is not there', (s) => s.revokeKey({ service: SERVICE, id: 'none' }, null, entryOf('key.revoked'))],
  ['another account’s key', (s) => s.revokeKey({ ...ref, accountId: 'other' }, null, entryOf('key.revoked'))],
  [
    'reading',
    async (s) => [
      await s.findByDigest(SERVICE, text.digest),
      await s.findKey(ref),
      await s.listKeys({ service: SERVICE, limit: 9 }),
    ],
  ],
]
