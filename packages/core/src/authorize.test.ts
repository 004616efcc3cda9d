import { describe, expect, it } from 'vitest'
import {
  type Access,
  authorize,
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
import type { Limiter, Spent } from './limiter.ts'
import { memoryLimiter } from './memory-limiter.ts'
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

const counting = (limiter: Limiter = memoryLimiter()) => ({ limiter, timeout: 50 })
const spending = (spend: Limiter['spend']): Limiter => ({ ...memoryLimiter(), spend })
const unavailable = { kind: 'denied', code: 'unavailable', cause: expect.anything() }

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
      /requirement\.permission/,
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
    expect(planDenial(CONTRACT, plan, { plan: needs })).toEqual(passes ? undefined : denied)
  })

  it('asks for features by name, because they are not a ladder', () => {
    const denied = (plan: string, feature: string) => ({ kind: 'denied', code: 'plan', plan, feature })
    expect(planDenial(CONTRACT, 'pro', { feature: 'video' })).toBeUndefined()
    expect(planDenial(CONTRACT, 'enterprise', { feature: 'video' })).toEqual(denied('enterprise', 'video'))
    expect(planDenial(CONTRACT, 'free', { feature: 'video' })).toEqual(denied('free', 'video'))
    expect(planDenial(CONTRACT, 'pro', { feature: 'none' })).toEqual(denied('pro', 'none'))
    expect(planDenial(CONTRACT, 'pro', { feature: 'audio' })).toEqual(denied('pro', 'audio'))
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
  const ask = (requirement: Requirement, access: Access = 'allow', limiter?: Limiter) =>
    authorize(CONTRACT, counting(limiter), PRINCIPAL, requirement, access)

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
      const denied = authorize(CONTRACT, counting(), PRINCIPAL, {}, access as unknown as Access)
      expect(denied).toEqual({ kind: 'denied', code: 'forbidden' })
    },
  )

  it('asks for plan, permission, resource and quota in this order', () => {
    const limiter = memoryLimiter()
    limiter.setBalance('acme:account_1', { remaining: 0, used: 0 })
    const cost = 1
    expect(ask({ plan: 'enterprise', permission: 'write', cost }, 'hide', limiter)).toMatchObject({ code: 'plan' })
    expect(ask({ permission: 'write', cost }, 'hide', limiter)).toMatchObject({
      code: 'forbidden',
      permission: 'write',
    })
    expect(ask({ permission: 'read', cost }, 'hide', limiter)).toMatchObject({ code: 'hidden' })
    expect(ask({ permission: 'read', cost }, 'allow', limiter)).toMatchObject({ code: 'exhausted' })
  })

  it('takes the cost only when all else allows', () => {
    const limiter = memoryLimiter()
    limiter.setBalance('acme:account_1', { remaining: 10, used: 0 })
    ask({ plan: 'enterprise', cost: 1 }, 'allow', limiter)
    ask({ permission: 'write', cost: 1 }, 'allow', limiter)
    ask({ cost: 1 }, 'hide', limiter)
    ask({ cost: 1 }, 'forbid', limiter)
    expect(limiter.balance('acme:account_1')).toEqual({ remaining: 10, used: 0 })
    expect(ask({ permission: 'read', cost: 3 }, 'allow', limiter)).toBeUndefined()
    expect(limiter.balance('acme:account_1')).toEqual({ remaining: 7, used: 3 })
  })

  it('refuses a cost that the balance does not cover, and takes nothing', () => {
    const limiter = memoryLimiter()
    limiter.setBalance('acme:account_1', { remaining: 2, used: 0 })
    expect(ask({ cost: 3 }, 'allow', limiter)).toEqual({ kind: 'denied', code: 'exhausted', cost: 3, remaining: 2 })
    expect(limiter.balance('acme:account_1')).toEqual({ remaining: 2, used: 0 })
  })

  it('does not meter an account without a balance, nor a requirement without a cost', () => {
    const limiter = memoryLimiter()
    expect(ask({ cost: 3 }, 'allow', limiter)).toBeUndefined()
    const unasked = spending(() => {
      throw new Error('asked')
    })
    expect(ask({}, 'allow', unasked)).toBeUndefined()
    expect(ask({ cost: 0 }, 'allow', unasked)).toBeUndefined()
    expect(ask({ cost: 3 })).toBeUndefined()
  })

  it('asks the resource rule of everyone, and nothing else, where authentication is off', () => {
    const unasked = spending(() => {
      throw new Error('asked')
    })
    const everyone = (access: Access) =>
      authorize(CONTRACT, counting(unasked), EVERYONE, { plan: 'enterprise', permission: 'admin', cost: 5 }, access)
    expect(everyone('allow')).toBeUndefined()
    expect(everyone('hide')).toMatchObject({ code: 'hidden' })
    expect(everyone('forbid')).toMatchObject({ code: 'forbidden' })
  })

  it('is unavailable, and not open, when the limiter throws, rejects or hangs', async () => {
    const cause = new Error('gone')
    const throwing = spending(() => {
      throw cause
    })
    expect(ask({ cost: 1 }, 'allow', throwing)).toEqual({ ...unavailable, cause })
    const rejecting = spending(() => Promise.reject(cause))
    await expect(ask({ cost: 1 }, 'allow', rejecting)).resolves.toEqual({ ...unavailable, cause })
    const hanging = spending(() => new Promise(() => {}))
    await expect(ask({ cost: 1 }, 'allow', hanging)).resolves.toEqual(unavailable)
  })

  it('waits for a limiter that answers with a promise', async () => {
    const limiter = spending(async () => ({ spent: false, balance: { remaining: 0, used: 5 } }))
    await expect(ask({ cost: 1 }, 'allow', limiter)).resolves.toMatchObject({ code: 'exhausted', remaining: 0 })
  })

  it.each([
    ['null', null],
    ['an empty object', {}],
    ['a refusal without its balance', { spent: false }],
    ['a word for a truth', { spent: 'no', balance: { remaining: 0, used: 0 } }],
    ['a text', 'OK'],
    ['a number', 1],
  ])('is unavailable, and not open, when the limiter returns %s', async (_what, garbage) => {
    const limiter = spending(() => garbage as unknown as Spent)
    expect(await ask({ cost: 1 }, 'allow', limiter)).toEqual(unavailable)
  })
})
