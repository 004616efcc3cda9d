import { describe, expect, it } from 'vitest'
import type { Contract, DenialTable } from './contract.ts'
import { bearer } from './credential.ts'
import type { Ledger } from './ledger.ts'
import { manageBalances } from './manage-balances.ts'
import { memoryLedger } from './memory-ledger.ts'
import type { Account } from './store.ts'

const CONTRACT: Contract = {
  name: 'acme',
  carriers: [bearer()],
  plans: ['free', 'pro'],
  quota: { name: 'month', limit: { pro: 10 }, period: { months: 1 } },
  // Nothing is rendered here.
  denials: {} as DenialTable,
}
const PRO: Account = { id: 'account_1', plan: 'pro', status: 'active', email: null, metadata: {} }
const FREE: Account = { ...PRO, id: 'account_2', plan: 'free' }
const [SEPTEMBER, OCTOBER, NOVEMBER] = [Date.UTC(2026, 8), Date.UTC(2026, 9), Date.UTC(2026, 10)]

function managed(ledger: Ledger = memoryLedger(), contract = CONTRACT) {
  const clock = { now: Date.UTC(2026, 8, 20) }
  return { clock, ledger, balances: manageBalances({ contract, ledger, now: () => clock.now, timeout: 50 }) }
}

describe('a balance', () => {
  it('is the plan’s before it was ever used, and is readable at zero', async () => {
    const { balances } = managed()
    expect(await balances.find(PRO)).toEqual({ limit: 10, used: 0, remaining: 10, start: SEPTEMBER, end: OCTOBER })
    await balances.change(PRO, { used: 10 })
    expect(await balances.find(PRO)).toMatchObject({ used: 10, remaining: 0 })
    await balances.change(PRO, { limit: 4 })
    expect(await balances.find(PRO)).toMatchObject({ limit: 4, used: 10, remaining: 0 })
  })

  it('is there anew in the next period', async () => {
    const { balances, clock } = managed()
    await balances.change(PRO, { used: 10 })
    clock.now = OCTOBER
    expect(await balances.find(PRO)).toEqual({ limit: 10, used: 0, remaining: 10, start: OCTOBER, end: NOVEMBER })
  })

  it('shows the period that is charged, also where the clock was ahead', async () => {
    const { balances, clock } = managed()
    clock.now = OCTOBER
    await balances.change(PRO, { used: 3 })
    clock.now = SEPTEMBER
    expect(await balances.find(PRO)).toEqual({ limit: 10, used: 3, remaining: 7, start: OCTOBER, end: NOVEMBER })
  })

  it('is not there for who is not metered, until it is given', async () => {
    const { balances } = managed()
    expect(await balances.find(FREE)).toBeUndefined()
    await balances.change(FREE, { limit: 5 })
    expect(await balances.find(FREE)).toMatchObject({ limit: 5 })
    await balances.change(FREE, { limit: null })
    expect(await balances.find(FREE)).toBeUndefined()
  })

  it('that is never refilled has no end', async () => {
    const { balances } = managed(memoryLedger(), { ...CONTRACT, quota: { name: 'credits' } })
    await balances.change(PRO, { limit: 50, used: 8 })
    expect(await balances.find(PRO)).toEqual({ limit: 50, used: 8, remaining: 42, start: 0, end: null })
  })

  it('is not changed by a member that is misspelt', async () => {
    await expect(managed().balances.change(PRO, { limits: 5 } as object)).rejects.toThrow(
      new TypeError('change: unknown member "limits"; it must be one of limit, used'),
    )
  })

  it.each([{ limit: -1 }, { limit: 0.5 }, { used: NaN }, { used: -1 }, { limit: '5' as never }])(
    'is not changed to %j',
    async (change) => {
      await expect(managed().balances.change(PRO, change)).rejects.toThrow(TypeError)
    },
  )

  it('rejects when the ledger does, or does not answer', async () => {
    const read = () => new Promise<never>(() => {})
    const failing = managed({ ...memoryLedger(), read, change: () => Promise.reject(new Error('gone')) })
    await expect(failing.balances.find(PRO)).rejects.toThrow()
    await expect(failing.balances.change(PRO, { used: 1 })).rejects.toThrow('gone')
  })

  it('needs a ledger', () => {
    expect(() => manageBalances({ contract: CONTRACT, ledger: {} as Ledger })).toThrow(/^ledger/)
    const misspelt = { contract: CONTRACT, ledger: memoryLedger(), timeOut: 5 }
    expect(() => manageBalances(misspelt)).toThrow(/^options: unknown member "timeOut"; /)
  })
})
