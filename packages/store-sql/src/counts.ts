import type { Engine, Query } from './connection.ts'

/** Counts the units of one window, or slots. */
export interface Counter {
  readonly id: string
  readonly limit: number
  /** What it is charged; below 0: what it is given back. */
  readonly units: number
  /** How long units stay, in milliseconds. */
  readonly length: number
  /** Units of so many milliseconds come back together, with the last of them. */
  readonly width: number
  /** When the units that are given back would have come back. */
  readonly endsAt?: number | undefined
}

/*
 * A counter is one row, with a list of `[when they come back, how many]` in JSON: in Postgres who has waited for a row sees
 * it as it is, but other rows as they were when the statement began. Rows are locked in the order of their ids, so that
 * nobody waits in a circle.
 */

interface Words {
  readonly clock: string
  /** Elements of a list in JSON, each as `value`. */
  readonly elements: (list: string) => string
  readonly list: string
  readonly collect: string
  readonly isAsked: string
  readonly locked: string
  readonly skipLocked: string
}

const WORDS: Readonly<Record<Engine, Words>> = {
  postgres: {
    // Whoever waits for the row would wait for the disk too. It holds until the statement's end.
    clock: "select latchkey_now() as now, set_config('synchronous_commit', 'off', true) as setting",
    elements: (list) => `json_array_elements(cast(${list} as json))`,
    list: '$1',
    collect: 'json_agg(json_build_array(after.ends_at, after.units))',
    isAsked: 'id = any (array(select id from asked))',
    locked: 'order by id for update',
    skipLocked: 'for update skip locked',
  },
  sqlite: {
    clock: 'select cast(? as bigint) as now',
    elements: (list) => `json_each(${list})`,
    list: '?',
    collect: 'json_group_array(json_array(after.ends_at, after.units))',
    isAsked: 'id in (select id from asked)',
    locked: '',
    skipLocked: '',
  },
}

export interface CountStatements {
  /**
   * Charges all counters, or none where one has no room. Of each that is there a row: its `runs` as they are afterwards,
   * `taken` (1 or 0, the same in all), the database's `now`, and when the units come back, `ends_at`.
   */
  count(counters: readonly Counter[], now: number): readonly Query[]
  /** Makes those that are not there, and removes some others that have been empty. */
  make(counters: readonly Counter[], now: number): readonly Query[]
}

export function countStatements(engine: Engine): CountStatements {
  const { clock, elements, list, collect, isAsked, locked, skipLocked } = WORDS[engine]

  const asked = `with asked as materialized (
  select a.id, a.most, a.units, a.length, a.width, a.now,
    coalesce(a.ends_at, (a.now / a.width + 1) * a.width - 1 + a.length) as ends_at
  from (
    select e.value ->> 0 as id, cast(e.value ->> 1 as bigint) as most, cast(e.value ->> 2 as bigint) as units,
      cast(e.value ->> 3 as bigint) as length, cast(e.value ->> 4 as bigint) as width,
      cast(e.value ->> 5 as bigint) as ends_at, clock.now
    from (${clock}) as clock, ${elements(list)} as e
  ) as a
)`

  const counted = `${asked}, locked as materialized (
  select id, runs from latchkey_counts where ${isAsked} ${locked}
), live as materialized (
  select asked.id, cast(r.value ->> 0 as bigint) as ends_at, cast(r.value ->> 1 as bigint) as units
  from asked join locked on locked.id = asked.id, ${elements('locked.runs')} as r
  where cast(r.value ->> 0 as bigint) > asked.now
    and cast(r.value ->> 0 as bigint) < asked.now + 2 * asked.length + asked.width
), refusing as materialized (
  select count(*) as counters from asked left join locked on locked.id = asked.id
  where asked.units > 0 and (
    locked.id is null
    or asked.units + coalesce((select sum(live.units) from live where live.id = asked.id), 0) > asked.most
  )
), after as materialized (
  select unit.id, unit.ends_at, cast(sum(unit.units) as bigint) as units
  from (select id, ends_at, units from live union all select id, ends_at, units from asked) as unit
  group by unit.id, unit.ends_at having sum(unit.units) > 0
), counted as materialized (
  select locked.id, max(coalesce(after.ends_at, 0)) as ends_at,
    cast(coalesce(${collect} filter (where after.id is not null), '[]') as text) as runs
  from locked left join after on after.id = locked.id, refusing
  where refusing.counters = 0 group by locked.id
)`

  const update = `update latchkey_counts set runs = counted.runs, ends_at = counted.ends_at
from counted where latchkey_counts.id = counted.id`

  const count =
    engine === 'postgres'
      ? [
          `${counted}, taken as (${update} returning latchkey_counts.id, latchkey_counts.runs)
select asked.id, asked.now, asked.ends_at, coalesce(taken.runs, locked.runs) as runs,
  case when taken.id is null then 0 else 1 end as taken
from asked join locked on locked.id = asked.id left join taken on taken.id = asked.id`,
        ]
      : [
          `${counted} ${update}`,
          `${asked} select asked.id, asked.now, asked.ends_at, latchkey_counts.runs, changes() > 0 as taken
from asked join latchkey_counts on latchkey_counts.id = asked.id`,
        ]

  // Twice as many as are made, behind an id that is as good as drawn: the dead cannot outgrow the living.
  const make = [
    `${asked} insert into latchkey_counts (id, runs, ends_at)
select id, '[]', ends_at from asked where true order by id
on conflict (id) do nothing`,
    `${asked}, near as materialized (
  select id, ends_at from latchkey_counts where id > (select id from asked limit 1)
  order by id limit (select 2 * count(*) from asked)
), empty as materialized (
  select id from latchkey_counts where id in (select id from near where ends_at <= (select min(now) from asked)) ${skipLocked}
)
delete from latchkey_counts where id in (select id from empty) and ends_at <= (select min(now) from asked)`,
  ]

  function queries(texts: readonly string[], counters: readonly Counter[], now: number): readonly Query[] {
    const list = JSON.stringify(
      counters.map(({ id, limit, units, length, width, endsAt }) => [id, limit, units, length, width, endsAt ?? null]),
    )
    const parameters = engine === 'postgres' ? [list] : [now, list]
    return texts.map((sql) => ({ sql, parameters }))
  }

  return {
    count: (counters, now) => queries(count, counters, now),
    make: (counters, now) => queries(make, counters, now),
  }
}
