import type { Allowance, BalanceChange, Charged, Ledger, Standing } from '@latchkey/core'
import { type Columns, orNull, readAll, time, whole, writeAll } from './columns.ts'
import type { Connection } from './connection.ts'
import type { Names } from './names.ts'
import * as balances from './scripts/balances.ts'

const STANDING: Columns<Standing> = { start: time, used: whole, limit: whole }
const CHANGE: Columns<BalanceChange> = { used: whole, limit: orNull(whole) }

type Reply = readonly [start: string, used: string, limit: string]

/** Keeps balances for all processes on the store. */
export function redisLedger(connection: Connection, names: Names): Ledger {
  const keysOf = (balanceId: string) => [names.meta, names.of('balance', balanceId)]

  return {
    async reserve(allowance: Allowance, amount: number): Promise<Charged | undefined> {
      const input = { ...asked(allowance), amount: String(amount) }
      const reply = await connection.run(balances.reserve, keysOf(allowance.balanceId), input)
      if (reply === null) return undefined
      const [kind, ...standing] = reply as ['charged' | 'refused', ...Reply]
      return { charged: kind === 'charged', ...standingOf(allowance, standing) }
    },

    async giveBack(balanceId: string, start: number, amount: number): Promise<void> {
      await connection.run(balances.giveBack, keysOf(balanceId), { start: String(start), amount: String(amount) })
    },

    async read(allowance: Allowance): Promise<Standing | undefined> {
      const reply = await connection.run(balances.read, keysOf(allowance.balanceId), asked(allowance))
      return reply === null ? undefined : standingOf(allowance, reply as Reply)
    },

    async change(allowance: Allowance, change: BalanceChange): Promise<void> {
      const input = { ...asked(allowance), ...writeAll(CHANGE, change) }
      await connection.run(balances.change, keysOf(allowance.balanceId), input)
    },
  }
}

function asked({ start, limit }: Allowance) {
  return { start: String(start), limit: limit === undefined ? undefined : String(limit) }
}

function standingOf({ balanceId }: Allowance, [start, used, limit]: Reply): Standing {
  return readAll(STANDING, { start, used, limit }, `balance ${balanceId}`)
}
