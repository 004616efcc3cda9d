/** One lookup in a store with many keys, beside the driver's own lookup of the same row. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { problemDetails } from '@latchkey/contracts'
import { createAuth, digestKey, type KeyStore, manageAccounts, manageKeys } from '@latchkey/core'
import { openPostgres, openSqlite } from '@latchkey/store-sql'
import { findPostgres, startPostgres } from '@latchkey/test-servers'
import Libsql from 'libsql'
import pg from 'pg'
import { number, table } from './markdown.ts'
import { prove, type Row, timeRows } from './rounds.ts'

const contract = problemDetails({ name: 'bench', plans: ['free', 'pro'], permissions: { read: [], write: [] } })

/** So many of the keys are asked for, one after the other. */
const ASKED = 1000

/** The same join as the store's, as somebody would write it by hand. */
const LOOKUP = (first: string, second: string) => `
  select k.*, a.plan, a.status, s.digest, s.expires_at as secret_expires_at
  from latchkey_key_secrets s
  join latchkey_keys k on k.service = s.service and k.id = s.key_id
  left join latchkey_accounts a on a.id = k.account_id
  where s.service = ${first} and s.digest = ${second}`

interface Sizes {
  readonly keys: readonly number[]
  readonly rounds: number
}

export async function benchStores(quick: boolean): Promise<string> {
  const sizes = { keys: quick ? [100, 100_000] : [100, 10_000, 1_000_000], rounds: quick ? 5 : 15 }
  return [
    '## One lookup in a store',
    `A key is found by its digest, with its account: by the driver alone, by the store, and as a whole decision
(extraction, format, digest, lookup, checks). Microseconds, medians of interleaved rounds, one caller at a time; in
brackets the ratio to the first row.`,
    `### SQLite (libsql)\n\n${await benchSqlite(sizes)}`,
    `### Postgres\n\n${await benchPostgres(sizes)}`,
  ].join('\n\n')
}

async function benchSqlite({ keys, rounds }: Sizes): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-bench-'))
  const store = await openSqlite(join(directory, 'keys.db'))
  const raw = new Libsql(join(directory, 'keys.db'))
  try {
    const texts = await askedKeys(store)
    const lookup = raw.prepare(LOOKUP('?', '?'))
    const rows = [
      {
        name: 'libsql, prepared statement',
        run: (i: number) => lookup.get(contract.name, digestKey(textOf(texts, i))) !== undefined,
      },
      ...storeRows(store, texts),
    ]
    return await grow(rows, keys, rounds, 2000, async (from, to) => {
      const series = 'with recursive n(i) as (select ? union all select i + 1 from n where i < ?)'
      raw.exec('begin')
      raw
        .prepare(`${series} insert into latchkey_keys select 'bench', 'filler_' || i, 'key', 'customer', 'Filler', null,
          '[]', 0, null, null, null, '{}', null, null, '', 1 from n`)
        .run(from, to - 1)
      raw
        .prepare(`${series} insert into latchkey_key_secrets select 'bench', lower(hex(randomblob(32))), 'filler_' || i, 1,
          '…', 0, null from n`)
        .run(from, to - 1)
      raw.exec('commit')
      raw.exec('analyze')
    })
  } finally {
    raw.close()
    await store.close()
    rmSync(directory, { recursive: true })
  }
}

async function benchPostgres({ keys, rounds }: Sizes): Promise<string> {
  const found = findPostgres()
  if (found === undefined) return 'Postgres is not installed, so nothing was measured.'
  const server = await startPostgres(found)
  const url = await server.database()
  const store = await openPostgres(url)
  const raw = new pg.Client({ connectionString: url })
  await raw.connect()
  try {
    const texts = await askedKeys(store)
    const text = LOOKUP('$1', '$2')
    const ask = (i: number, query: object) =>
      raw.query({ text, values: [contract.name, digestKey(textOf(texts, i))], ...query })
    const rows = [
      { name: 'pg, query', run: async (i: number) => (await ask(i, {})).rows.length > 0 },
      {
        name: 'pg, prepared statement',
        run: async (i: number) => (await ask(i, { name: 'lookup' })).rows.length > 0,
      },
      ...storeRows(store, texts),
    ]
    return await grow(rows, keys, rounds, 500, async (from, to) => {
      // Nobody listens, and a million announcements are not what is measured.
      await raw.query(
        'alter table latchkey_keys disable trigger all; alter table latchkey_key_secrets disable trigger all',
      )
      await raw.query(
        `insert into latchkey_keys select 'bench', 'filler_' || i, 'key', 'customer', 'Filler', null, '[]', 0, null, null,
          null, '{}', null, null, '', 1 from generate_series($1::int, $2::int) i`,
        [from, to - 1],
      )
      await raw.query(
        `insert into latchkey_key_secrets select 'bench', md5(i::text) || md5('x' || i), 'filler_' || i, 1, '…', 0, null
          from generate_series($1::int, $2::int) i`,
        [from, to - 1],
      )
      await raw.query(
        'alter table latchkey_keys enable trigger all; alter table latchkey_key_secrets enable trigger all',
      )
      await raw.query('vacuum analyze')
    })
  } finally {
    await raw.end()
    await store.close()
    await server.stop()
  }
}

/** Makes the account and the keys that are asked for. */
async function askedKeys(store: KeyStore): Promise<readonly string[]> {
  await manageAccounts({ store, by: 'bench' }).create({ id: 'customer', plan: 'pro' })
  const keys = manageKeys({ contract, store, by: 'bench' })
  const texts: string[] = []
  while (texts.length < ASKED) texts.push((await keys.create({ accountId: 'customer', name: 'Asked' })).secret)
  return texts
}

/** The i-th text that is asked for; −1 is one that is no key. */
function textOf(texts: readonly string[], i: number): string {
  const text = texts[Math.max(0, i) % ASKED] ?? ''
  return i < 0 ? `${text}x` : text
}

function storeRows(store: KeyStore, texts: readonly string[]): readonly Row[] {
  const auth = createAuth({ contract, store })
  const authenticate = auth.authenticator()
  const found = (match: object | undefined) => match !== undefined
  const isAllowed = ({ kind }: { readonly kind: string }) => kind === 'allowed'
  return [
    {
      name: 'store.findByDigest',
      run(i) {
        const match = store.findByDigest(contract.name, digestKey(textOf(texts, i)))
        return match instanceof Promise ? match.then(found) : found(match)
      },
    },
    {
      name: 'authenticate',
      run(i) {
        const text = textOf(texts, i)
        const outcome = authenticate({}, { get: (name: string) => (name === 'x-api-key' ? text : null) })
        return outcome instanceof Promise ? outcome.then(isAllowed) : isAllowed(outcome)
      },
    },
  ]
}

/** Measures at each size, filling up in between. */
async function grow(
  rows: readonly Row[],
  sizes: readonly number[],
  rounds: number,
  count: number,
  fill: (from: number, to: number) => Promise<void>,
): Promise<string> {
  for (const row of rows) await prove(row, 0, -1)
  const columns: (readonly string[])[] = []
  let filled = 0
  for (const size of sizes) {
    if (size > filled) await fill(filled, size)
    filled = Math.max(filled, size)
    const timed = await timeRows(rows, rounds, count)
    const floor = timed[0]?.median ?? 1
    columns.push(timed.map(({ median }) => `${number(median)} (${number(median / floor)})`))
  }
  const head = ['', ...sizes.map((size) => `${size.toLocaleString('en')} keys and ${ASKED} more`)]
  return table(
    head,
    rows.map(({ name }, i) => [name, ...columns.map((column) => column[i] ?? '')]),
  )
}
