import { describe, expect, it } from 'vitest'
import { admit } from './admit.ts'
import type { Contract, DenialTable } from './contract.ts'
import { bearer } from './credential.ts'
import type { KeyPrincipal } from './principal.ts'

const CONTRACT: Contract = {
  name: 'acme',
  carriers: [bearer()],
  plans: ['free', 'pro', 'enterprise'],
  features: { video: ['pro'] },
  // Nothing is rendered here.
  denials: {} as DenialTable,
}

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

const suspended: KeyPrincipal = { ...PRINCIPAL, account: { ...PRINCIPAL.account, status: 'suspended' } }

describe('admit', () => {
  it('lets an active account in', () => {
    expect(admit(CONTRACT, PRINCIPAL, { plan: 'pro', feature: 'video' })).toBeUndefined()
  })

  it('refuses a suspended account', () => {
    expect(admit(CONTRACT, suspended, {})).toEqual({ kind: 'denied', code: 'suspended', accountId: 'account_1' })
  })

  it('refuses an account whose status is any other word', () => {
    const odd = { ...PRINCIPAL, account: { ...PRINCIPAL.account, status: 'Active' as 'active' } }
    expect(admit(CONTRACT, odd, {})).toMatchObject({ code: 'suspended' })
  })

  it('refuses a plan that does not reach', () => {
    expect(admit(CONTRACT, PRINCIPAL, { plan: 'enterprise' })).toMatchObject({ code: 'plan', needs: 'enterprise' })
  })

  it('asks for the status before the plan', () => {
    expect(admit(CONTRACT, suspended, { plan: 'enterprise' })).toMatchObject({ code: 'suspended' })
  })
})
