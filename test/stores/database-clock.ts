import { rowsOf } from './database.ts'

/** Lets `latchkey_now()` of a Postgres database that is migrated show what it is told. What is given: how to set it. */
export async function databaseClock(url: string): Promise<(now: number) => Promise<void>> {
  await rowsOf(
    url,
    `create table clock (now bigint);
    insert into clock values (0);
    create or replace function latchkey_now() returns bigint language sql volatile as 'select now from clock'`,
  )
  let shown = { now: 0, set: Promise.resolve() as Promise<unknown> }
  return async (now) => {
    if (shown.now !== now) shown = { now, set: rowsOf(url, `update clock set now = ${now}`) }
    await shown.set
  }
}
