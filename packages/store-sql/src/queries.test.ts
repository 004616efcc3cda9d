import Libsql from 'libsql'
import { describe, expect, it } from 'vitest'
import { migrations } from './index.ts'
import { readQueries } from './queries.ts'
import { builderFor } from './tables.ts'

/** Ten thousand keys of one service, half of them with sealed secrets, and a thousand accounts. */
const FILL = `
create temp table numbers as with recursive n (i) as (select 1 union all select i + 1 from n where i < 10000) select i from n;
insert into latchkey_accounts (id, plan, status, metadata, schema)
  select 'account ' || i, 'pro', 'active', '{}', 1 from numbers where i <= 1000;
insert into latchkey_keys (service, id, kind, account_id, name, permissions, created_at, metadata, revision, schema)
  select 'acme', 'key ' || i, iif(i % 2, 'signing', 'key'), 'account ' || (i % 1000 + 1), 'ci', '[]', i, '{}', '', 1
  from numbers;
insert into latchkey_key_secrets (service, digest, key_id, number, display, created_at)
  select 'acme', printf('%064x', i), 'key ' || i, 1, '', 0 from numbers where i % 2 = 0;
insert into latchkey_signing_secrets (service, key_id, version, number, sealed, master_key_id, created_at)
  select 'acme', 'key ' || i, 'v1', 1, '', '', 0 from numbers where i % 2 = 1;
analyze;`

describe('what a request asks for, among ten thousand keys in SQLite', () => {
  const database = new Libsql(':memory:')
  for (const { sql } of migrations('sqlite')) database.exec(sql)
  database.exec(FILL)
  const { byDigest, signingKey, account } = readQueries(builderFor('sqlite'))

  function planOf(sql: string, parameters: readonly string[]): readonly string[] {
    const rows = database.prepare(`explain query plan ${sql}`).all(...parameters) as { readonly detail: string }[]
    return rows.map(({ detail }) => detail)
  }

  it.each([
    [
      'a key by its digest',
      byDigest,
      ['acme', (4712).toString(16).padStart(64, '0')],
      ['s (service=? AND digest=?)', 'latchkey_keys (service=? AND id=?)', 'a (id=?)'],
    ],
    [
      'a signing key by its id',
      signingKey,
      ['acme', 'key 4711'],
      ['s (service=? AND key_id=?)', 'latchkey_keys (service=? AND id=?)', 'a (id=?)'],
    ],
    ['an account by its id', account, ['account 471'], ['latchkey_accounts (id=?)']],
  ])('is found by index lookups alone: %s', (_, sql, parameters, lookups) => {
    const plan = planOf(sql, parameters)
    // The few secrets of one key are sorted after they were found.
    const steps = plan.filter((step) => step !== 'USE TEMP B-TREE FOR ORDER BY')
    const found = steps.map((step) => step.replace(/^SEARCH (\w+) USING INDEX \w+ (\([^)]*\))( LEFT-JOIN)?$/, '$1 $2'))
    expect([...found].sort()).toEqual([...lookups].sort())
  })

  it('finds them', () => {
    const rows = (sql: string, ...parameters: readonly string[]) => database.prepare(sql).all(...parameters).length
    expect(rows(byDigest, 'acme', (4712).toString(16).padStart(64, '0'))).toBe(1)
    expect(rows(signingKey, 'acme', 'key 4711')).toBe(1)
    expect(rows(account, 'account 471')).toBe(1)
  })
})
