import { describe, expect, it } from 'vitest'
import { createAuth } from './auth.ts'
import type { Answer, DenialTable } from './contract.ts'
import { header } from './credential.ts'
import { defineContract } from './define-contract.ts'
import { guard } from './guard.ts'
import { manageKeys } from './manage-keys.ts'
import { memoryStore } from './memory-store.ts'
import type { DenialCode, Outcome } from './outcome.ts'

const CODES: readonly DenialCode[] = [
  'missing',
  'malformed',
  'unknown',
  'revoked',
  'expired',
  'token_invalid',
  'suspended',
  'plan',
  'rate_limited',
  'concurrency',
  'forbidden',
  'exhausted',
  'hidden',
  'unavailable',
]
const rows = CODES.map((code): [DenialCode, Answer] => [code, { status: 400, body: { error: code } }])
const contract = defineContract({
  name: 'acme',
  carriers: [header('x-api-key')],
  key: { prefix: 'acme_', length: 32, alphabet: 'base36' },
  permissions: { read: [], write: [] },
  denials: Object.fromEntries(rows) as DenialTable,
})
const store = memoryStore()
store.insertAll({ accounts: [{ id: 'ada', plan: 'any', status: 'active', email: null, metadata: {} }], keys: [] })
const keys = manageKeys({ contract, store, by: 'test' })
const text = (await keys.create({ accountId: 'ada', name: 'Backend', permissions: ['read'] })).secret ?? ''
const auth = createAuth({ contract, store })
const GOOD = new Headers({ 'x-api-key': text })
const NONE = new Headers()
const FIELDS = { 'Cache-Control': 'private', Vary: 'x-api-key' }

describe('guard', () => {
  it('gives the principal and the fields where it is the first to prove it, and nothing to do after that', () => {
    const request = {}
    const mount = guard(auth, () => auth.authenticator())(request, GOOD)
    expect(mount).toMatchObject({ denied: undefined, principal: { via: 'key' }, headers: FIELDS })
    const route = guard(auth, () => auth.authorizer({ permission: 'read' }))(request, GOOD)
    expect(route).toEqual({ denied: undefined, principal: undefined, headers: undefined })
  })

  it('gives the fields of a denied route too, without a mount', () => {
    const route = guard(auth, () => auth.authorizer({ permission: 'write' }))({}, GOOD)
    expect(route).toMatchObject({ denied: { code: 'forbidden' }, principal: { via: 'key' }, headers: FIELDS })
  })

  it('gives a denial alone where nothing was proven', () => {
    expect(guard(auth, () => auth.authenticator())({}, NONE)).toEqual({
      denied: { kind: 'denied', code: 'missing' },
      principal: undefined,
      headers: undefined,
    })
  })

  it('says of an anonymous answer what it depends on', () => {
    expect(guard(auth, () => auth.authenticator({ optional: true }))({}, NONE)).toEqual({
      denied: undefined,
      principal: undefined,
      headers: { Vary: 'x-api-key' },
    })
  })

  it('denies what is neither allowed nor anonymous', () => {
    const odd = { kind: 'perhaps' } as unknown as Outcome<never>
    expect(guard(auth, () => () => odd)({}, GOOD)).toMatchObject({ denied: odd })
  })

  it('waits for a decision that has to read the store', async () => {
    const later = guard(auth, () => async (request: object) => auth.authenticator()(request, GOOD))
    await expect(later({}, GOOD)).resolves.toMatchObject({ denied: undefined, headers: FIELDS })
  })
})
