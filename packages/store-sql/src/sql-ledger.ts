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
  const write = (query: Query): Awaitable<readonly Row[]> => connection.write([query])

  /** Those that run for a request are put together once, with names in place of their parameters. */
  function compiled<Name extends string>(statement: RawBuilder<unknown>): (values: Record<Name, unknown>) => Query {
    const { sql, parameters } = statement.compile(db)
    return (values) => checkTexts({ sql, parameters: parameters.map((name) => values[name as Name]) })
  }

  const readQuery = compiled<'id'>(sql`select * from latchkey_balances where id = ${'id'}`)

  const reserveQuery = compiled<
    'id' | 'start' | 'amount' | 'limit'
  >(sql`insert into latchkey_balances (id, start_at, used, own_limit)
select ${'id'}, ${whole('start')}, ${whole('amount')}, null
where ${whole('amount')} <= ${whole('limit')} or exists (select 1 from latchkey_balances where id = ${'id'})
on conflict (id) do update set used = ${USED} + excluded.used, start_at = ${START}
where ${USED} + excluded.used <= coalesce(latchkey_balances.own_limit, ${whole('limit')})
returning id, start_at, used, own_limit`)

  const giveBackQuery = compiled<'id' | 'start' | 'amount'>(sql`update latchkey_balances
set used = case when used > ${whole('amount')} then used - ${whole('amount')} else 0 end
where id = ${'id'} and start_at = ${whole('start')}`)

  function read({ balanceId: id, limit, start }: Allowance): Awaitable<Standing | undefined> {
    return chain(connection.read(readQuery({ id })), ([row]) => {
      const standing = standingOf(row ?? { id, start_at: start, used: 0, own_limit: null }, limit)
      return standing && standing.start < start ? { ...standing, start, used: 0 } : standing
    })
  }

  return {
    reserve(allowance: Allowance, amount: number): Awaitable<Charged | undefined> {
      const { balanceId: id, limit = null, start } = allowance
      return chain(write(reserveQuery({ id, start, amount, limit })), ([row]) => {
        if (row === undefined) return chain(read(allowance), (standing) => standing && { charged: false, ...standing })
        const standing = standingOf(row, allowance.limit)
        return standing && { charged: true, ...standing }
      })
    },

    giveBack(id: string, start: number, amount: number): Awaitable<void> {
      return chain(write(giveBackQuery({ id, start, amount })), () => {})
    },

    read,

    change({ balanceId, start }: Allowance, { limit, used }: BalanceChange): Awaitable<void> {
      const change = sql`insert into latchkey_balances (id, start_at, used, own_limit)
values (${balanceId}, ${whole(start)}, ${whole(used ?? 0)}, ${whole(limit ?? null)})
on conflict (id) do update set start_at = ${START},
  used = ${used === undefined ? USED : sql`excluded.used`},
  own_limit = ${limit === undefined ? sql`latchkey_balances.own_limit` : sql`excluded.own_limit`}`
      return chain(write(checkTexts(change.compile(db))), () => {})
    },
  }
}

/** What was used of the period that there is when the statement begins it anew, or leaves it. */
const USED = sql`(case when latchkey_balances.start_at < excluded.start_at then 0 else latchkey_balances.used end)`

/** The later one: a clock that is put right begins nothing twice. */
const START = sql`(case when latchkey_balances.start_at < excluded.start_at
  then excluded.start_at else latchkey_balances.start_at end)`

/** @param value or its name */
function whole(value: number | string | null): RawBuilder<number> {
  return sql<number>`cast(${value} as bigint)`
}
