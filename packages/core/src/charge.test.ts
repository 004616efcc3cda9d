import { describe, expect, it } from 'vitest'
import { chargeFinder, countsByAddress } from './charge.ts'
import type { Contract, DenialTable } from './contract.ts'
import { bearer } from './credential.ts'
import { type KeyMemo, keyPrincipal } from './key-memo.ts'
import type { IdentityPrincipal, KeyPrincipal } from './principal.ts'

const CONTRACT: Contract = {
  name: 'acme',
  carriers: [bearer()],
  plans: ['free', 'pro', 'enterprise'],
  // Nothing is rendered here.
  denials: {} as DenialTable,
}
const LIMITS = [
  { name: 'minute', seconds: 60, limit: { free: 1, pro: 2 }, per: 'key' },
  { name: 'hour', seconds: 3600, limit: 3, per: 'account', cost: 2 },
] as const
const BY_ADDRESS = { name: 'address', seconds: 60, limit: { free: 5, pro: 9 }, per: 'ip' } as const
const JOBS = { name: 'jobs', limit: { free: 1, pro: 3 }, per: 'account' } as const

const PRINCIPAL: KeyPrincipal = {
  via: 'key',
  account: { id: 'account_1', plan: 'pro', status: 'active', email: null, metadata: {} },
  key: {
    id: 'key_1',
    service: 'acme',
    accountId: 'account_1',
    name: 'ci',
    environment: null,
    permissions: [],
    createdAt: 0,
    expiresAt: null,
    revokedAt: null,
    revokedReason: null,
    metadata: {},
  },
  plan: 'pro',
  permissions: [],
}
const noMemo = (): KeyMemo => ({
  charges: undefined,
  keyId: 'key_1',
  route: '',
  moment: 0,
  count: 0,
  firstAt: 0,
  lastAt: 0,
})
const ofPlan = (plan: string): KeyPrincipal => ({ ...PRINCIPAL, plan })

describe('a charge', () => {
  const chargeOf = chargeFinder(CONTRACT, { limits: LIMITS, concurrency: JOBS })

  it('has the numbers of the plan, and a bucket for each sharer and service', () => {
    expect(chargeOf(PRINCIPAL, undefined)).toEqual({
      windows: [
        { name: 'minute', seconds: 60, limit: 2, cost: 1, bucket: 'acme:key:key_1' },
        { name: 'hour', seconds: 3600, limit: 3, cost: 2, bucket: 'acme:account:account_1' },
      ],
      slots: { name: 'jobs', seconds: 300, limit: 3, bucket: 'acme:account:account_1' },
    })
    const other = chargeFinder({ ...CONTRACT, name: 'other' }, { limits: LIMITS })
    expect(other(PRINCIPAL, undefined)?.windows[0]?.bucket).toBe('other:key:key_1')
  })

  it('is made once for each key, mount and plan, and what it counts cannot be written to', () => {
    const { key, account } = PRINCIPAL
    const principal = keyPrincipal(key, account, noMemo())
    const ofRoute = chargeFinder(CONTRACT, { limits: [LIMITS[1]] })
    const [charge, other] = [chargeOf(principal, undefined), ofRoute(principal, undefined)]
    expect([charge?.windows.length, other?.windows.length]).toEqual([2, 1])
    expect(chargeOf(principal, undefined)).toBe(charge)
    expect(ofRoute(principal, undefined)).toBe(other)
    expect([charge?.windows, charge?.windows[0], charge?.slots].every(Object.isFrozen)).toBe(true)
    expect(chargeOf(keyPrincipal(key, account, noMemo()), undefined)).not.toBe(charge)
  })

  it('is made once for a key whose account is found anew for each request, and anew for another plan', () => {
    const { key, account } = PRINCIPAL
    const memo = noMemo()
    const [pro, free] = [account, { ...account, plan: 'free' }].map((each) => () => keyPrincipal(key, each, memo))
    const charge = chargeOf(pro?.() as KeyPrincipal, undefined)
    expect(chargeOf(pro?.() as KeyPrincipal, undefined)).toBe(charge)
    expect(chargeOf(free?.() as KeyPrincipal, undefined)?.windows[0]?.limit).toBe(1)
    expect(chargeOf(pro?.() as KeyPrincipal, undefined)).toEqual(charge)
  })

  it('lies with its key, of eight mounts at most, and is made once for each of more', () => {
    const { key, account } = PRINCIPAL
    const memo = noMemo()
    const principal = keyPrincipal(key, account, memo)
    for (let i = 0; i < 1000; i++) {
      const ofRoute = chargeFinder(CONTRACT, { limits: LIMITS })
      expect(ofRoute(principal, undefined)).toBe(ofRoute(principal, undefined))
      let count = 0
      for (let each = memo.charges; each !== undefined; each = each.next) count++
      expect(count).toBeLessThanOrEqual(8)
    }
  })

  it('is made anew for who was not proven, such as a copy', () => {
    expect(chargeOf(PRINCIPAL, undefined)).not.toBe(chargeOf(PRINCIPAL, undefined))
    expect(chargeOf({ ...PRINCIPAL, plan: 'free' }, undefined)?.windows[0]?.limit).toBe(1)
  })

  it('has nothing of what a plan has no number for', () => {
    expect(chargeOf(ofPlan('enterprise'), undefined)).toMatchObject({ windows: [{ name: 'hour' }], slots: undefined })
    expect(chargeFinder(CONTRACT, { limits: [LIMITS[0]] })(ofPlan('enterprise'), undefined)).toBeUndefined()
  })

  it.each(['toString', 'constructor', '__proto__', 'Pro', ''])('is the tightest for an unknown plan %j', (plan) => {
    expect(chargeOf(ofPlan(plan), undefined)).toMatchObject({
      windows: [{ limit: 1 }, { limit: 3 }],
      slots: { limit: 1 },
    })
  })

  it('counts an identity by its issuer and subject', () => {
    const { key: _, ...rest } = PRINCIPAL
    const identity: IdentityPrincipal = { ...rest, via: 'identity', issuer: 'https://a', subject: 'ada', claims: {} }
    expect(chargeOf(identity, undefined)?.windows[0]?.bucket).toBe('acme:key:https://a ada')
  })

  it('is nothing where nothing is counted', () => {
    expect(chargeFinder(CONTRACT, {})(PRINCIPAL, undefined)).toBeUndefined()
    expect(chargeFinder(CONTRACT, { limits: [] })(PRINCIPAL, '192.0.2.1')).toBeUndefined()
  })
})

describe('a charge by address', () => {
  const chargeOf = chargeFinder(CONTRACT, { limits: [LIMITS[0], BY_ADDRESS], concurrency: { ...JOBS, per: 'ip' } })

  it('has the plan’s number, and the address as its bucket', () => {
    expect(chargeOf(PRINCIPAL, '192.0.2.1')).toMatchObject({
      windows: [{ bucket: 'acme:key:key_1' }, { bucket: 'acme:ip:192.0.2.1', limit: 9 }],
      slots: { bucket: 'acme:ip:192.0.2.1', limit: 3 },
    })
    expect(chargeOf(PRINCIPAL, '192.0.2.2')?.windows[1]?.bucket).toBe('acme:ip:192.0.2.2')
  })

  it('is one for all whose address is not known', () => {
    expect(chargeOf(PRINCIPAL, undefined)?.windows[1]?.bucket).toBe('acme:ip:')
  })

  it('is all that is counted of who is anonymous, by the tightest number', () => {
    expect(chargeOf(undefined, '192.0.2.1')).toMatchObject({
      windows: [{ bucket: 'acme:ip:192.0.2.1', limit: 5 }],
      slots: { bucket: 'acme:ip:192.0.2.1', limit: 1 },
    })
    const others = chargeFinder(CONTRACT, { limits: [BY_ADDRESS], concurrency: JOBS })
    expect(others(undefined, '192.0.2.1')).toMatchObject({ windows: [{ limit: 5 }], slots: undefined })
    expect(chargeFinder(CONTRACT, { limits: LIMITS })(undefined, '192.0.2.1')).toBeUndefined()
  })

  it('needs an address', () => {
    expect(countsByAddress({ limits: LIMITS, concurrency: JOBS })).toBe(false)
    expect(countsByAddress({ limits: [BY_ADDRESS] })).toBe(true)
    expect(countsByAddress({ concurrency: { ...JOBS, per: 'ip' } })).toBe(true)
  })
})
