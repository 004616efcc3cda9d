import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { expect, it } from 'vitest'
import * as d1 from './d1.ts'
import * as index from './index.ts'

const { migrations, openKysely, openPostgres, openSqlite } = index
const { openD1 } = d1

it('exports these names', () => {
  expect(Object.keys(index).sort()).toEqual(['migrations', 'openKysely', 'openPostgres', 'openSqlite'])
  expect(Object.keys(d1)).toEqual(['openD1'])
})

/** As a program without types may call it. */
function untyped<T>(value: unknown): T {
  return value as T
}

const FILE = 'file must be the path of a file, or sqlite:PATH'
const LEASE = 'lease must be whole milliseconds, from 0 to 60000'

it.each([
  ['', {}, FILE],
  [undefined, {}, FILE],
  ['sqlite:', {}, FILE],
  ['postgres://localhost/keys', {}, FILE],
  ['keys.db', { migrate: 'no' }, 'migrate must be true or false'],
  ['keys.db', { lese: 1 }, 'options: unknown member "lese"; it must be one of timeout, migrate, lease'],
  ['keys.db', { timeout: -1 }, 'timeout must be whole milliseconds'],
  ['keys.db', { timeout: 0.5 }, 'timeout must be whole milliseconds'],
  ['keys.db', { timeout: '0; drop table x' }, 'timeout must be whole milliseconds'],
  ['keys.db', { lease: -1 }, LEASE],
  ['keys.db', { lease: 0.5 }, LEASE],
  ['keys.db', { lease: 60_001 }, LEASE],
  ['keys.db', { lease: Number.NaN }, LEASE],
  ['keys.db', { lease: '40' }, LEASE],
])('SQLite is not opened at %j with %j', async (path, options, message) => {
  await expect(openSqlite(untyped(path), untyped(options))).rejects.toEqual(new TypeError(message))
})

const TIMEOUT = 'timeout must be whole milliseconds, from 1 to 2147483647'

it.each([
  ['mysql://localhost/keys', {}, 'source must be a URL that begins with postgres://'],
  ['localhost', {}, 'source must be a URL that begins with postgres://'],
  ['', {}, 'source must be a URL that begins with postgres://'],
  [undefined, {}, "source must be a URL, or a pool of pg's"],
  [{}, {}, "source must be a URL, or a pool of pg's"],
  ['postgres://localhost', { timeout: 0 }, TIMEOUT],
  ['postgres://localhost', { timeout: 2 ** 31 }, TIMEOUT],
  ['postgres://localhost', { timeout: Number.NaN }, TIMEOUT],
  ['postgres://localhost', { lease: 60_001 }, LEASE],
  ['postgres://localhost', { migrate: 0 }, 'migrate must be true or false'],
  [
    'postgres://localhost',
    { migrat: 0 },
    'options: unknown member "migrat"; it must be one of timeout, migrate, lease',
  ],
])('Postgres is not opened at %j with %j', async (source, options, message) => {
  await expect(openPostgres(untyped(source), untyped(options))).rejects.toEqual(new TypeError(message))
})

const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool: new pg.Pool() }) })

it.each([
  [undefined, { engine: 'postgres' }, 'db must be a Kysely, and no transaction'],
  [{}, { engine: 'postgres' }, 'db must be a Kysely, and no transaction'],
  [db, { engine: 'mysql' }, 'engine must be one of postgres, sqlite'],
  [db, { engine: 'postgres', timeout: 0 }, TIMEOUT],
  [db, { engine: 'postgres', migrate: null }, 'migrate must be true or false'],
  [
    db,
    { engine: 'postgres', time: 5 },
    'options: unknown member "time"; it must be one of engine, timeout, migrate, lease',
  ],
  [db, { engine: 'postgres', lease: -1 }, LEASE],
  [db, {}, 'engine must be one of postgres, sqlite'],
])('Kysely is not opened over anything else: %#', async (given, options, message) => {
  await expect(openKysely(untyped<Kysely<unknown>>(given), untyped(options))).rejects.toEqual(new TypeError(message))
})

it.each([undefined, null, {}, 'KEYS'])('D1 is not opened over %j', async (binding) => {
  await expect(openD1(untyped(binding))).rejects.toEqual(new TypeError('binding must be a D1 database'))
})

it.each(['sqlite', 'postgres'] as const)('the migrations for %s are numbered from 1 without gaps', (engine) => {
  const all = migrations(engine)
  expect(all.map(({ version }) => version)).toEqual(all.map((_, index) => index + 1))
})
