import type { Allowance, BalanceChange, Charged, Ledger, Standing } from './ledger.ts'

export type MemoryLedger = {
  readonly [M in keyof Ledger]: (...args: Parameters<Ledger[M]>) => Exclude<ReturnType<Ledger[M]>, Promise<unknown>>
}

interface Entry {
  readonly start: number
  readonly used: number
  readonly limit: number | null
}

/** Keeps balances in this process's memory, for tests: they are gone with it. Synchronous. */
export function memoryLedger(): MemoryLedger {
  const entries = new Map<string, Entry>()

  function entryOf({ balanceId, start }: Allowance): Entry {
    const entry = entries.get(balanceId)
    if (entry === undefined) return { start, used: 0, limit: null }
    return entry.start < start ? { ...entry, start, used: 0 } : entry
  }

  return {
    reserve(allowance: Allowance, amount: number): Charged | undefined {
      const entry = entryOf(allowance)
      const limit = entry.limit ?? allowance.limit
      if (limit === undefined) return undefined
      const { start } = entry
      if (entry.used + amount > limit) return { charged: false, limit, used: entry.used, start }
      const used = entry.used + amount
      entries.set(allowance.balanceId, { ...entry, used })
      return { charged: true, limit, used, start }
    },

    giveBack(balanceId: string, start: number, amount: number): void {
      const entry = entries.get(balanceId)
      if (entry?.start === start) entries.set(balanceId, { ...entry, used: Math.max(0, entry.used - amount) })
    },

    read(allowance: Allowance): Standing | undefined {
      const { limit, used, start } = entryOf(allowance)
      const holds = limit ?? allowance.limit
      return holds === undefined ? undefined : { limit: holds, used, start }
    },

    change(allowance: Allowance, change: BalanceChange): void {
      const entry = entryOf(allowance)
      const { limit = entry.limit, used = entry.used } = change
      entries.set(allowance.balanceId, { start: entry.start, used, limit })
    },
  }
}
