import { aiApi, problemDetails, viralsync } from '@latchkey/contracts'
import {
  type Contract,
  createAuth,
  type DenialCode,
  type DenialTable,
  defineContract,
  type Everyone,
  type IdentityPrincipal,
  type KeyedPrincipal,
  type KeyReader,
  manageAccounts,
  manageKeys,
  memoryStore,
  type Outcome,
} from '@latchkey/core'
import { describe, expect, expectTypeOf, it } from 'vitest'

/*
 * What compiles and what must not. `npx pnpm typecheck` reads these files; what stands behind `@ts-expect-error` fails
 * there as soon as it compiles.
 */

const store = memoryStore()
const acme = problemDetails({
  name: 'acme',
  plans: ['free', 'pro'],
  permissions: { read: [], write: [], admin: ['*'] },
  features: { video: ['pro'] },
})

describe('a contract', () => {
  it('has an answer for every denial', () => {
    const { revoked, ...others } = acme.denials
    // @ts-expect-error: the row for `revoked` is missing
    const table: DenialTable = others
    expect({ ...table, revoked }).toEqual(acme.denials)
    expectTypeOf<keyof DenialTable>().toEqualTypeOf<DenialCode>()
  })

  it('has no answer for a denial that does not exist', () => {
    // @ts-expect-error: no such code
    const table: DenialTable = { ...acme.denials, forgotten: { status: 401, body: {} } }
    expect(table).toHaveProperty('forgotten')
  })

  it('has answers with a status', () => {
    // @ts-expect-error: an answer without a status
    const without = () => defineContract({ ...acme, denials: { ...acme.denials, hidden: { body: {} } } })
    expect(without).toThrow(/contract\.denials\.hidden/)
  })

  it('hands each row the facts of its own code', () => {
    const denials: DenialTable = {
      ...acme.denials,
      rate_limited: ({ retryAfter }) => ({ status: 429, body: { retryAfter } }),
      // @ts-expect-error: a hidden resource has no time to retry
      hidden: ({ retryAfter }) => ({ status: 404, body: { retryAfter } }),
    }
    expect(denials.hidden).toBeTypeOf('function')
  })

  it('keeps its plans, permissions and features as types', () => {
    expectTypeOf(acme).toExtend<Contract<'free' | 'pro', 'read' | 'write' | 'admin', 'video'>>()
    expectTypeOf(viralsync()).toExtend<Contract<'free' | 'pro' | 'business' | 'enterprise', never, never>>()
    expectTypeOf(aiApi().permissions).toExtend<object | undefined>()
  })

  it('gives a feature to plans that it has', () => {
    // @ts-expect-error: no such plan
    const unknown = () => defineContract({ ...acme, features: { video: ['gold'] } })
    expect(unknown).toThrow(/gold/)
  })
})

describe('a key', () => {
  const keys = manageKeys({ contract: acme, store, by: 'test' })

  it('is made, imported and changed with permissions of its contract', async () => {
    // @ts-expect-error: no such permission
    const created = keys.create({ accountId: 'a', name: 'Backend', permissions: ['fly'] })
    await expect(created).rejects.toThrow(/fly/)
    // @ts-expect-error: no such permission
    const imported = keys.import({ accountId: 'a', name: 'Backend', digest: '0'.repeat(64), permissions: ['fly'] })
    await expect(imported).rejects.toThrow(/fly/)
    // @ts-expect-error: no such permission
    await expect(keys.change('key_1', { permissions: ['fly'] })).rejects.toThrow(/fly/)
  })

  it('is made with a name', async () => {
    // @ts-expect-error: the name is missing
    await expect(keys.create({ accountId: 'a' })).rejects.toThrow(/name/)
  })

  it('is imported by its text or its digest, not by both', async () => {
    // @ts-expect-error: neither
    await expect(keys.import({ accountId: 'a', name: 'Backend' })).rejects.toThrow(/text/)
    // @ts-expect-error: both
    const both = () => keys.import({ accountId: 'a', name: 'Backend', text: 'x', digest: '0'.repeat(64) })
    expect(both).toBeTypeOf('function')
  })

  it('is managed in a store that verification alone could not do with', () => {
    const reader: KeyReader = { findByDigest: () => undefined, findSigningKey: () => undefined }
    // @ts-expect-error: it only reads
    expect(() => manageKeys({ contract: acme, store: reader, by: 'test' })).toThrow(/store/)
    // @ts-expect-error: nobody is said to do it
    expect(() => manageKeys({ contract: acme, store })).toThrow(/by/)
  })
})

describe('an account', () => {
  it('has a plan of the contract where its plans are given', async () => {
    const accounts = manageAccounts({ store, by: 'test', plans: ['free', 'pro'] })
    // @ts-expect-error: no such plan
    await expect(accounts.create({ id: 'a', plan: 'gold' })).rejects.toThrow(/gold/)
    // @ts-expect-error: no such plan
    await expect(accounts.change('a', { plan: 'gold' })).rejects.toThrow(/gold/)
  })
})

describe('an auth', () => {
  const auth = createAuth({ contract: acme, store })

  it('proves principals that have a key, whose plan and permissions are the contract’s', () => {
    type Proven = Extract<Awaited<ReturnType<typeof auth.check>>, { kind: 'allowed' }>['principal']
    expectTypeOf<Proven>().toEqualTypeOf<KeyedPrincipal<'free' | 'pro', 'read' | 'write' | 'admin'>>()
  })

  it('checks only what its contract knows', () => {
    const principal = {} as KeyedPrincipal<'free' | 'pro', 'read' | 'write' | 'admin'>
    // @ts-expect-error: no such permission
    expect(() => auth.check(principal, { permission: 'fly' })).toThrow(/fly/)
    // @ts-expect-error: no such plan
    expect(() => auth.check(principal, { plan: 'gold' })).toThrow(/gold/)
    // @ts-expect-error: no such feature
    expect(() => auth.check(principal, { feature: 'flight' })).toThrow(/flight/)
  })

  it('leaves plans and permissions out where the contract has none', () => {
    const plain = createAuth({ contract: problemDetails({ name: 'plain' }), store })
    // @ts-expect-error: the contract has no plans
    expect(() => plain.authenticator({ plan: 'pro' })).toThrow(/plan/)
    // @ts-expect-error: the contract has no permissions
    expect(() => plain.authorizer({ permission: 'read' })).toThrow(/permission/)
  })

  it('may be everyone only where authentication can be switched off', () => {
    const open = createAuth({ contract: acme, store, insecureAllowEveryone: Boolean(0) })
    type Proven = Extract<Awaited<ReturnType<typeof open.check>>, { kind: 'allowed' }>['principal']
    expectTypeOf<Everyone>().toExtend<Proven>()
    expectTypeOf<Everyone>().not.toExtend<
      Extract<Awaited<ReturnType<typeof auth.check>>, { kind: 'allowed' }>['principal']
    >()
  })

  it('may be an identity only where there are identity providers', () => {
    const contract = problemDetails({
      name: 'acme',
      identity: [
        {
          issuer: 'https://id.example',
          audience: 'acme',
          algorithms: ['ES256'],
          jwks: 'https://id.example/jwks',
          accountId: (claims) => String(claims.org),
        },
      ],
    })
    const identified = createAuth({ contract, store })
    type Proven = Extract<Awaited<ReturnType<typeof identified.check>>, { kind: 'allowed' }>['principal']
    expectTypeOf<IdentityPrincipal>().toExtend<Proven>()
    const principal = {} as Proven
    // @ts-expect-error: who came by an identity provider has no key
    expect(principal.key).toBeUndefined()
  })

  it('answers with one of two kinds, so that a denial is not forgotten', () => {
    const outcome = {} as Outcome<KeyedPrincipal>
    // @ts-expect-error: a denied outcome has no principal
    expect(outcome.principal).toBeUndefined()
  })
})
