import { describe, expect, it } from 'vitest'
import { createAuth } from './auth.ts'
import type { Answer, Contract } from './contract.ts'
import { header } from './credential.ts'
import { type ManageAccountsOptions, manageAccounts, type NewAccount } from './manage-accounts.ts'
import { manageKeys } from './manage-keys.ts'
import { memoryStore } from './memory-store.ts'
import type { Account, AccountChange, KeyStore } from './store.ts'

const NOW = 1_790_000_000_000

function world(options: Partial<ManageAccountsOptions> = {}) {
  const store = memoryStore()
  const clock = { at: NOW }
  const given = { store, by: 'user_1', plans: ['free', 'pro'], now: () => clock.at }
  const manage = (other: Partial<ManageAccountsOptions>) => manageAccounts({ ...given, ...options, ...other })
  return { store, clock, manage, accounts: manage({}) }
}

const DETAILS: NewAccount = { id: 'account_1', plan: 'pro' }
const ACCOUNT: Account = { id: 'account_1', plan: 'pro', status: 'active', email: null, metadata: {} }

async function refusal(call: Promise<unknown>): Promise<Error> {
  const error = await call.then(
    () => undefined,
    (cause: unknown) => cause,
  )
  if (!(error instanceof Error)) throw new Error('nothing was refused')
  return error
}

async function expectRefused(call: Promise<unknown>, option: string): Promise<void> {
  const error = await refusal(call)
  expect(error).toBeInstanceOf(TypeError)
  expect(error.message).toMatch(new RegExp(`^${option}\\b`))
}

describe('manageAccounts', () => {
  const good = { store: memoryStore(), by: 'user_1' }

  it.each([
    ['store', { store: undefined }],
    ['by', { by: ' ' }],
    ['plans', { plans: 'free' }],
    ['options', { plan: ['free'] }],
    ['plans', { plans: null }],
    ['timeout', { timeout: 0 }],
    ['timeout', { timeout: NaN }],
    ['timeout', { timeout: 2 ** 31 }],
  ])('refuses a wrong %s at once (%#)', (option, change) => {
    const options = { ...good, ...change } as typeof good
    expect(() => manageAccounts(options)).toThrow(TypeError)
    expect(() => manageAccounts(options)).toThrow(new RegExp(`^${option}\\b`))
  })

  it('takes the time from the clock of the machine', async () => {
    const { manage } = world()
    const before = Date.now()
    const accounts = manage({ now: undefined })
    await accounts.create(DETAILS)
    const at = (await accounts.audit('account_1')).items[0]?.at
    expect(at).toBeGreaterThanOrEqual(before)
    expect(at).toBeLessThanOrEqual(Date.now())
  })
})

describe('create', () => {
  it('makes an active account without e-mail and metadata', async () => {
    const { store, accounts } = world()
    expect(await accounts.create(DETAILS)).toEqual(ACCOUNT)
    expect(store.records()).toEqual({ accounts: [ACCOUNT], keys: [] })
  })

  it('keeps what is given', async () => {
    const { accounts } = world()
    const whole: Account = {
      id: 'account_1',
      plan: 'free',
      status: 'suspended',
      email: 'you@example.com',
      metadata: { team: 7 },
    }
    expect(await accounts.create(whole)).toEqual(whole)
    expect(await accounts.find('account_1')).toEqual(whole)
  })

  it('takes any plan where none are named', async () => {
    const { manage } = world()
    expect((await manage({ plans: undefined }).create({ ...DETAILS, plan: 'gold' }))?.plan).toBe('gold')
  })

  it('answers an id that is taken with nothing, and changes nothing', async () => {
    const { store, accounts } = world()
    await accounts.create(DETAILS)
    expect(await accounts.create({ ...DETAILS, plan: 'free', email: 'other@example.com' })).toBeUndefined()
    expect(store.records().accounts).toEqual([ACCOUNT])
    expect((await accounts.audit('account_1')).items.length).toBe(1)
  })

  it('makes one of parallel calls', async () => {
    const { store, accounts } = world()
    const all = await Promise.all(Array.from({ length: 8 }, () => accounts.create(DETAILS)))
    expect(all.filter((account) => account !== undefined)).toEqual([ACCOUNT])
    expect(store.records().accounts).toEqual([ACCOUNT])
  })

  it.each([
    ['account', { stauts: 'suspended' }],
    ['id', { id: '' }],
    ['id', { id: 'a\nb' }],
    ['id', { id: undefined }],
    ['id', { id: 7 }],
    ['plan', { plan: undefined }],
    ['plan', { plan: '' }],
    ['plan', { plan: 'gold' }],
    ['plan', { plan: 'toString' }],
    ['status', { status: 'Active' }],
    ['status', { status: null }],
    ['email', { email: '' }],
    ['email', { email: 7 }],
    ['metadata', { metadata: [] }],
    ['metadata', { metadata: null }],
    ['metadata', { metadata: { id: 1n } }],
  ])('refuses a wrong %s, and stores nothing (%#)', async (option, change) => {
    const { store, accounts } = world()
    await expectRefused(accounts.create({ ...DETAILS, ...change } as NewAccount), option)
    expect(store.records().accounts).toEqual([])
    expect(store.listAudit({ limit: 10 }).items).toEqual([])
  })

  it.each(['', undefined, 7])('refuses %j for a plan also where none are named', async (plan) => {
    const { manage } = world()
    await expectRefused(manage({ plans: undefined }).create({ ...DETAILS, plan: plan as string }), 'plan')
  })
})

describe('find and list', () => {
  it('find nothing where there is nothing', async () => {
    const { accounts } = world()
    expect(await accounts.find('account_1')).toBeUndefined()
    expect(await accounts.find('constructor')).toBeUndefined()
    expect(await accounts.list()).toEqual({ items: [], next: null })
  })

  it('list the oldest first, page by page', async () => {
    const { accounts } = world()
    const ids = ['c', 'a', 'e', 'b', 'd']
    for (const id of ids) await accounts.create({ ...DETAILS, id })
    const pages: string[][] = []
    let after: string | undefined
    do {
      const page = await accounts.list({ limit: 2, after })
      pages.push(page.items.map(({ id }) => id))
      after = page.next ?? undefined
    } while (after !== undefined)
    expect(pages).toEqual([['c', 'a'], ['e', 'b'], ['d']])
    expect((await accounts.list()).items.map(({ id }) => id)).toEqual(ids)
  })

  it('refuse an id or a limit that is none', async () => {
    const { accounts } = world()
    await expectRefused(accounts.find(''), 'id')
    await expectRefused(accounts.audit(''), 'id')
    await expectRefused(accounts.list({ limit: 0 }), 'limit')
    await expectRefused(accounts.audit('account_1', { limit: 1001 }), 'limit')
  })
})

describe('change', () => {
  it.each([
    ['plan', { plan: 'free' }],
    ['status', { status: 'suspended' }],
    ['e-mail', { email: 'other@example.com' }],
    ['e-mail away', { email: null }],
    ['metadata', { metadata: { team: 8 } }],
    ['all of it', { plan: 'free', status: 'suspended', email: null, metadata: {} }],
    ['nothing', {}],
    ['what is not there', { plan: undefined, status: undefined, metadata: undefined }],
  ] as [string, AccountChange][])('changes the %s and leaves the rest', async (_what, change) => {
    const { accounts } = world()
    const before = await accounts.create({ ...DETAILS, email: 'you@example.com', metadata: { team: 7 } })
    const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined))
    expect(await accounts.change('account_1', change)).toEqual({ ...before, ...given })
    expect(await accounts.find('account_1')).toEqual({ ...before, ...given })
  })

  it('moves no account to another id, and takes no member that is misspelt', async () => {
    const { store, accounts } = world()
    await accounts.create(DETAILS)
    const moved = { id: 'account_2', plan: 'free' }
    const misspelt = { stauts: 'suspended', plan: 'free' }
    for (const change of [moved, misspelt]) {
      await expect(accounts.change('account_1', change)).rejects.toThrow(/^change: unknown member "(id|stauts)"; /)
    }
    expect(store.records().accounts).toEqual([ACCOUNT])
  })

  it('is unknown of an account that is not there, and makes none', async () => {
    const { store, accounts } = world()
    expect(await accounts.change('account_1', { plan: 'free' })).toBeUndefined()
    expect(store.records().accounts).toEqual([])
    expect(await accounts.audit('account_1')).toEqual({ items: [], next: null })
  })

  it.each([
    ['plan', { plan: 'gold' }],
    ['plan', { plan: null }],
    ['status', { status: 'deleted' }],
    ['status', { status: null }],
    ['email', { email: '' }],
    ['metadata', { metadata: null }],
    ['metadata', { metadata: 'x' }],
  ])('refuses a wrong %s, and changes nothing (%#)', async (option, change) => {
    const { store, accounts } = world()
    await accounts.create(DETAILS)
    await expectRefused(accounts.change('account_1', { metadata: { a: 1 }, ...change } as AccountChange), option)
    await expectRefused(accounts.change('', {}), 'id')
    expect(store.records().accounts).toEqual([ACCOUNT])
    expect((await accounts.audit('account_1')).items.length).toBe(1)
  })

  it.each(['', null, 7])('refuses %j for a plan also where none are named', async (plan) => {
    const { store, accounts, manage } = world()
    await accounts.create(DETAILS)
    const change = { plan: plan as string }
    await expectRefused(manage({ plans: undefined }).change('account_1', change), 'plan')
    expect(store.records().accounts).toEqual([ACCOUNT])
  })

  it('holds from the next request on: suspended, restored, downgraded', async () => {
    const answer: Answer = { status: 400, body: {} }
    const contract: Contract<'free' | 'pro', 'read'> = {
      name: 'acme',
      carriers: [header('x-api-key')],
      key: { prefix: 'acme_', length: 32, alphabet: 'base36' },
      plans: ['free', 'pro'],
      denials: {
        missing: answer,
        malformed: answer,
        unknown: answer,
        revoked: answer,
        expired: answer,
        token_invalid: answer,
        suspended: answer,
        plan: answer,
        rate_limited: answer,
        concurrency: answer,
        forbidden: answer,
        exhausted: answer,
        hidden: answer,
        unavailable: answer,
      },
    }
    const { store, accounts } = world()
    await accounts.create(DETAILS)
    const { secret } = await manageKeys({ contract, store, by: 'user_1' }).create({
      accountId: 'account_1',
      name: 'ci',
    })
    const authenticate = createAuth({ contract, store }).authenticator({ plan: 'pro' })
    const outcome = async () => {
      const denied = await authenticate({}, new Headers({ 'x-api-key': secret ?? '' }))
      return denied.kind === 'denied' ? denied.code : denied.kind
    }
    const outcomes = [await outcome()]
    for (const change of [{ status: 'suspended' }, { status: 'active' }, { plan: 'free' }, { plan: 'pro' }] as const) {
      await accounts.change('account_1', change)
      outcomes.push(await outcome())
    }
    expect(outcomes).toEqual(['allowed', 'suspended', 'allowed', 'plan', 'allowed'])
  })
})

describe('the audit record', () => {
  it('says of every change who made it, what and when, newest first, of one account', async () => {
    const { clock, accounts, manage } = world()
    await accounts.create({ ...DETAILS, email: 'you@example.com', metadata: { note: 'x' } })
    clock.at++
    await accounts.create({ ...DETAILS, id: 'account_2' })
    clock.at++
    await manage({ by: 'support' }).change('account_1', { status: 'suspended', email: null })
    const of = { service: null, keyId: null, accountId: 'account_1' }
    expect(await accounts.audit('account_1')).toEqual({
      items: [
        {
          at: NOW + 2,
          by: 'support',
          action: 'account.changed',
          details: { status: 'suspended', email: null },
          ...of,
        },
        { at: NOW, by: 'user_1', action: 'account.created', details: { plan: 'pro', status: 'active' }, ...of },
      ],
      next: null,
    })
    const first = await accounts.audit('account_1', { limit: 1 })
    const second = await accounts.audit('account_1', { limit: 1, after: first.next ?? '' })
    expect([...first.items, ...second.items].map(({ at }) => at)).toEqual([NOW + 2, NOW])
  })

  it('is empty of an account that is not there', async () => {
    expect(await world().accounts.audit('account_1')).toEqual({ items: [], next: null })
  })
})

describe('a store that fails', () => {
  const CALLS = [
    [
      'insertAccount',
      (accounts: ReturnType<typeof manageAccounts>) => accounts.create({ ...DETAILS, id: 'account_2' }),
    ],
    ['findAccount', (accounts: ReturnType<typeof manageAccounts>) => accounts.find('account_1')],
    ['listAccounts', (accounts: ReturnType<typeof manageAccounts>) => accounts.list()],
    ['changeAccount', (accounts: ReturnType<typeof manageAccounts>) => accounts.change('account_1', { plan: 'free' })],
    ['listAudit', (accounts: ReturnType<typeof manageAccounts>) => accounts.audit('account_1')],
  ] as const

  it.each(CALLS)('is told on, and not waited for longer than the timeout: %s', async (method, call) => {
    const { store, manage } = world()
    const cause = new Error('disk full')
    const throws = () => {
      throw cause
    }
    for (const fail of [throws, () => Promise.reject(cause)]) {
      const failing: KeyStore = { ...store, [method]: fail }
      await expect(call(manage({ store: failing }))).rejects.toBe(cause)
    }
    const hanging: KeyStore = { ...store, [method]: () => new Promise(() => {}) }
    expect((await refusal(call(manage({ store: hanging, timeout: 20 })))).message).toBe('no answer within 20 ms')
  })
})
