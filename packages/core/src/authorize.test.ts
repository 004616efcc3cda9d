import { describe, expect, it } from 'vitest'
import {
  type Access,
  authorize,
  CHECK_REQUIREMENTS,
  checkRequirement,
  covers,
  MOUNT_REQUIREMENTS,
  planDenial,
  type Requirement,
  ROUTE_REQUIREMENTS,
  routeDenial,
} from './authorize.ts'
import type { Contract, DenialTable } from './contract.ts'
import { bearer } from './credential.ts'
import { EVERYONE, type KeyPrincipal } from './principal.ts'

const CONTRACT: Contract = {
  name: 'acme',
  carriers: [bearer()],
  plans: ['free', 'pro', 'enterprise'],
  features: { video: ['pro'], none: [] },
  permissions: {
    read: [],
    write: ['read'],
    admin: ['*'],
    'datasets:read': [],
    datasets: ['datasets:*'],
    loop: ['pool'],
    pool: ['loop'],
  },
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
    permissions: ['read'],
    createdAt: 0,
    expiresAt: null,
    revokedAt: null,
    revokedReason: null,
    metadata: {},
  },
  plan: 'pro',
  permissions: ['read'],
}

const MINUTE = { name: 'minute', seconds: 60, limit: 1, per: 'key' } as const
const SLOTS = { name: 'requests', limit: 1, per: 'key' } as const
const LIMITED: Contract = { ...CONTRACT, limits: [MINUTE], concurrency: SLOTS }

describe('checkRequirement', () => {
  it.each([
    ['plan', { plan: 'gold' }, /requirement\.plan/],
    ['feature', { feature: 'audio' }, /requirement\.feature/],
    ['permission', { permission: 'delete' }, /requirement\.permission/],
    ['permission that is a wildcard', { permission: '*' }, /requirement\.permission/],
    ['feature that every object has', { feature: 'toString' }, /requirement\.feature/],
    ['permission that every object has', { permission: 'constructor' }, /requirement\.permission/],
  ])('refuses an unknown %s', (_what, requirement, option) => {
    expect(() => checkRequirement(CONTRACT, requirement, ROUTE_REQUIREMENTS)).toThrow(TypeError)
    expect(() => checkRequirement(CONTRACT, requirement, ROUTE_REQUIREMENTS)).toThrow(option)
  })

  it.each([-1, 0.5, NaN, Infinity, '1', null])('refuses a cost of %j', (cost) => {
    expect(() => checkRequirement(CONTRACT, { cost: cost as number }, ROUTE_REQUIREMENTS)).toThrow(TypeError)
    expect(() => checkRequirement(CONTRACT, { cost: cost as number }, ROUTE_REQUIREMENTS)).toThrow(/requirement\.cost/)
  })

  it.each([
    ['a limit of no plan', { limits: [{ name: 'm', seconds: 60, limit: { gold: 1 }, per: 'key' }] }, /limits/],
    ['a limit that is no list', { limits: {} }, /limits/],
    ['a limit with the name of one of the contract', { limits: [{ ...MINUTE }] }, /limits/],
    [
      'two limits of one name',
      {
        limits: [
          { ...MINUTE, name: 'a' },
          { ...MINUTE, name: 'a', seconds: 2 },
        ],
      },
      /limits/,
    ],
    ['a limit that costs nothing', { limits: [{ ...MINUTE, name: 'a', cost: 0 }] }, /limits "a": cost/],
    ['slots with the name of the contract’s', { concurrency: { ...SLOTS } }, /concurrency/],
    ['slots of nobody', { concurrency: { ...SLOTS, name: 'jobs', per: 'team' } }, /concurrency: per/],
    ['a refund for nothing', { refund: ['always'] }, /refund/],
  ])('refuses %s', (_what, requirement, option) => {
    const check = () => checkRequirement(LIMITED, requirement as unknown as Requirement, ROUTE_REQUIREMENTS)
    expect(check).toThrow(TypeError)
    expect(check).toThrow(option)
  })

  it('takes limits, slots and refunds for a route', () => {
    const requirement: Requirement = {
      limits: [{ name: 'generate', seconds: 60, limit: { free: 1 }, per: 'ip', cost: 2 }],
      concurrency: { name: 'jobs', limit: 3, per: 'account', seconds: 10 },
      refund: ['failed'],
    }
    expect(() => checkRequirement(LIMITED, requirement, ROUTE_REQUIREMENTS)).not.toThrow()
    expect(() => checkRequirement(LIMITED, requirement, CHECK_REQUIREMENTS)).toThrow(/concurrency/)
  })

  it('refuses whatever is named where the contract has none', () => {
    const bare: Contract = { name: 'bare', carriers: [bearer()], denials: {} as DenialTable }
    for (const requirement of [{ plan: 'pro' }, { feature: 'video' }, { permission: 'read' }]) {
      expect(() => checkRequirement(bare, requirement, ROUTE_REQUIREMENTS)).toThrow(TypeError)
    }
  })

  it.each([{ permissions: 'read' }, { Plan: 'pro' }, { permission: undefined }, { resource: undefined }, 'read', null])(
    'refuses %j: a route would be open where its author meant to close it',
    (requirement) => {
      const check = () => checkRequirement(CONTRACT, requirement as Requirement, ROUTE_REQUIREMENTS)
      expect(check).toThrow(TypeError)
      expect(check).toThrow(/^requirement/)
    },
  )

  it('takes no permission for a mount, which would not check it', () => {
    expect(() => checkRequirement(CONTRACT, { permission: 'read' }, MOUNT_REQUIREMENTS)).toThrow(
      new TypeError('requirement: unknown member "permission"; it must be one of plan, feature, optional'),
    )
  })

  it('takes what the contract knows', () => {
    expect(() => checkRequirement(CONTRACT, {}, ROUTE_REQUIREMENTS)).not.toThrow()
    const all = { plan: 'free', feature: 'none', permission: 'datasets:read', cost: 0 }
    expect(() => checkRequirement(CONTRACT, all, ROUTE_REQUIREMENTS)).not.toThrow()
  })
})

describe('planDenial', () => {
  it.each([
    ['free', 'free', true],
    ['free', 'pro', false],
    ['free', 'enterprise', false],
    ['pro', 'free', true],
    ['pro', 'pro', true],
    ['pro', 'enterprise', false],
    ['enterprise', 'free', true],
    ['enterprise', 'enterprise', true],
    ['gold', 'free', false],
    ['gold', 'platinum', false],
    ['', 'free', false],
    ['Pro', 'free', false],
    ['enterprise', 'platinum', false],
  ])('of %s, asked for %s, passes: %s', (plan, needs, passes) => {
    const denied = { kind: 'denied', code: 'plan', plan, needs }
    const outcome = planDenial(CONTRACT, plan, { plan: needs })
    if (passes) expect(outcome).toBeUndefined()
    else expect(outcome).toMatchObject(denied)
  })

  it('asks for features by name, because they are not a ladder', () => {
    const denied = (plan: string, feature: string) => ({ kind: 'denied', code: 'plan', plan, feature })
    expect(planDenial(CONTRACT, 'pro', { feature: 'video' })).toBeUndefined()
    expect(planDenial(CONTRACT, 'enterprise', { feature: 'video' })).toMatchObject(denied('enterprise', 'video'))
    expect(planDenial(CONTRACT, 'free', { feature: 'video' })).toMatchObject(denied('free', 'video'))
    expect(planDenial(CONTRACT, 'pro', { feature: 'none' })).toMatchObject(denied('pro', 'none'))
    expect(planDenial(CONTRACT, 'pro', { feature: 'audio' })).toMatchObject(denied('pro', 'audio'))
  })

  it.each([
    [{ plan: 'pro' }, ['pro', 'enterprise']],
    [{ plan: 'enterprise' }, ['enterprise']],
    [{ feature: 'video' }, ['pro']],
    [{ feature: 'none' }, []],
    [{ plan: 'enterprise', feature: 'video' }, []],
  ])('names the plans that would do for %j', (requirement, upgrades) => {
    expect(planDenial(CONTRACT, 'free', requirement)).toMatchObject({ upgrades })
  })

  it('asks for the plan before the feature', () => {
    expect(planDenial(CONTRACT, 'free', { plan: 'pro', feature: 'video' })).toMatchObject({ needs: 'pro' })
  })

  it('passes where nothing is asked, whatever the plan', () => {
    expect(planDenial(CONTRACT, 'gold', {})).toBeUndefined()
  })
})

describe('covers', () => {
  it('ends where permissions cover one another in a circle', () => {
    const circle = { ...CONTRACT, permissions: { a: ['b'], b: ['a'], c: [] } }
    expect(covers(circle, ['a'], 'b')).toBe(true)
    expect(covers(circle, ['a'], 'c')).toBe(false)
  })

  it.each<[readonly string[], string, boolean]>([
    [['read'], 'read', true],
    [['read'], 'write', false],
    [['write'], 'read', true],
    [['admin'], 'read', true],
    [['admin'], 'datasets:read', true],
    [['*'], 'write', true],
    [['datasets:*'], 'datasets:read', true],
    [['datasets'], 'datasets:read', true],
    [['datasets:*'], 'datasets', false],
    [['datasets:*'], 'read', false],
    [['dataset*'], 'datasets:read', false],
    [['datasets*'], 'datasets:read', false],
    [[':*'], 'read', false],
    [['data:*'], 'datasets:read', false],
    [['Read'], 'read', false],
    [['rea'], 'read', false],
    [['read,write'], 'write', false],
    [[], 'read', false],
    [['unknown'], 'read', false],
    [['toString'], 'read', false],
    [['constructor', '__proto__'], 'read', false],
    [['unknown', 'read'], 'read', true],
    [['loop'], 'pool', true],
    [['loop'], 'read', false],
  ])('%j cover %s: %s', (granted, needed, expected) => {
    expect(covers(CONTRACT, granted, needed)).toBe(expected)
  })

  it('does not change what was granted', () => {
    const granted = Object.freeze(['write'])
    expect(covers(CONTRACT, granted, 'read')).toBe(true)
    expect(granted).toEqual(['write'])
  })
})

describe('routeDenial', () => {
  it('refuses a permission that is not covered, and names it', () => {
    expect(routeDenial(CONTRACT, PRINCIPAL, { permission: 'write' })).toEqual({
      kind: 'denied',
      code: 'forbidden',
      permission: 'write',
    })
  })

  it('asks for the plan before the permission', () => {
    expect(routeDenial(CONTRACT, PRINCIPAL, { plan: 'enterprise', permission: 'write' })).toMatchObject({
      code: 'plan',
    })
  })

  it('lets everyone pass where authentication is off', () => {
    expect(routeDenial(CONTRACT, EVERYONE, { plan: 'enterprise', permission: 'admin' })).toBeUndefined()
  })
})

describe('authorize', () => {
  const ask = (requirement: Requirement, access: Access = 'allow') =>
    authorize(CONTRACT, PRINCIPAL, requirement, access)

  it('allows what is covered', () => {
    expect(ask({ plan: 'pro', feature: 'video', permission: 'read' })).toBeUndefined()
  })

  it('answers a hidden resource as one that does not exist, and a forbidden one as forbidden', () => {
    expect(ask({}, 'hide')).toEqual({ kind: 'denied', code: 'hidden' })
    expect(ask({}, 'forbid')).toEqual({ kind: 'denied', code: 'forbidden' })
  })

  it.each([[undefined], [null], [true], [''], ['allowed'], ['ALLOW'], [1], [{}]])(
    'takes a resource rule that says %j for a refusal',
    (access) => {
      const denied = authorize(CONTRACT, PRINCIPAL, {}, access as unknown as Access)
      expect(denied).toEqual({ kind: 'denied', code: 'forbidden' })
    },
  )

  it('asks for plan, permission and resource in this order', () => {
    expect(ask({ plan: 'enterprise', permission: 'write' }, 'hide')).toMatchObject({ code: 'plan' })
    expect(ask({ permission: 'write' }, 'hide')).toMatchObject({ code: 'forbidden', permission: 'write' })
    expect(ask({ permission: 'read' }, 'hide')).toMatchObject({ code: 'hidden' })
  })

  it('asks the resource rule of everyone, and nothing else, where authentication is off', () => {
    const everyone = (access: Access) =>
      authorize(CONTRACT, EVERYONE, { plan: 'enterprise', permission: 'admin', cost: 5 }, access)
    expect(everyone('allow')).toBeUndefined()
    expect(everyone('hide')).toMatchObject({ code: 'hidden' })
    expect(everyone('forbid')).toMatchObject({ code: 'forbidden' })
  })
})
