import type { Allowance, Awaitable, BalanceChange, Charged, Ledger, Standing } from '@latchkey/core'
import { type RawBuilder, sql } from 'kysely'
import { chain } from './chain.ts'
import type { Connection, Engine, Query, Row } from './connection.ts'
import { standingOf } from './rows.ts'
import { builderFor } from './tables.ts'
import { checkTexts } from './texts.ts'

/** Keeps balances for all processes on the database. Each change is one guarded statement, and lasts. */
export function sqlLedger(connection: Connection, engine: Engine): Ledger {
  const db = builderFor(engine)
  const query = (statement: RawBuilder<unknown>): Query => checkTexts(statement.compile(db))
  const write = (statement: RawBuilder<unknown>): Awaitable<readonly Row[]> => connection.write([query(statement)])

  function read({ balanceId, limit, start }: Allowance): Awaitable<Standing | undefined> {
    const rows = connection.read(query(sql`select * from latchkey_balances where id = ${balanceId}`))
    return chain(rows, ([row]) => {
      const standing = standingOf(row ?? { id: balanceId, start_at: start, used: 0, own_limit: null }, limit)
      return standing && standing.start < start ? { ...standing, start, used: 0 } : standing
    })
  }

  return {
    reserve(allowance: Allowance, amount: number): Awaitable<Charged | undefined> {
      const { balanceId, limit = null, start } = allowance
      const reserved = write(sql`insert into latchkey_balances (id, start_at, used, own_limit)
select ${balanceId}, ${whole(start)}, ${whole(amount)}, null
where ${whole(amount)} <= ${whole(limit)} or exists (select 1 from latchkey_balances where id = ${balanceId})
on conflict (id) do update set used = ${USED} + excluded.used, start_at = ${START}
where ${USED} + excluded.used <= coalesce(latchkey_balances.own_limit, ${whole(limit)})
returning id, start_at, used, own_limit`)
      return chain(reserved, ([row]) => {
        if (row === undefined) return chain(read(allowance), (standing) => standing && { charged: false, ...standing })
        const standing = standingOf(row, allowance.limit)
        return standing && { charged: true, ...standing }
      })
    },

    giveBack(balanceId: string, start: number, amount: number): Awaitable<void> {
      const given = write(sql`update latchkey_balances
set used = case when used > ${whole(amount)} then used - ${whole(amount)} else 0 end
where id = ${balanceId} and start_at = ${whole(start)}`)
      return chain(given, () => {})
    },

    read,

    change({ balanceId, start }: Allowance, { limit, used }: BalanceChange): Awaitable<void> {
      const changed = write(sql`insert into latchkey_balances (id, start_at, used, own_limit)
values (${balanceId}, ${whole(start)}, ${whole(used ?? 0)}, ${whole(limit ?? null)})
on conflict (id) do update set start_at = ${START},
  used = ${used === undefined ? USED : sql`excluded.used`},
  own_limit = ${limit === undefined ? sql`latchkey_balances.own_limit` : sql`excluded.own_limit`}`)
      return chain(changed, () => {})
    },
  }
}

/** What was used of the period that there is when the statement begins it anew, or leaves it. */
const USED = sql`(case when latchkey_balances.start_at < excluded.start_at then 0 else latchkey_balances.used end)`

/** The later one: a clock that is put right begins nothing twice. */
const START = sql`(case when latchkey_balances.start_at < excluded.start_at
  then excluded.start_at else latchkey_balances.start_at end)`

function whole(value: number | null): RawBuilder<number> {
  return sql<number>`cast(${value} as bigint)`
}
