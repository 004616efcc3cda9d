import type { Connection, Engine } from './connection.ts'
import { builderFor } from './tables.ts'

/** Longer, and whoever revokes a key waits for a minute. */
const LONGEST = 60_000

/** Of a database that has none yet, in milliseconds: SQLite is asked in microseconds, Postgres over a network. */
const DEFAULTS: Readonly<Record<Engine, number>> = { postgres: 400, sqlite: 40 }

/** @throws TypeError when it is none. */
export function checkLease(lease: number | undefined): void {
  if (lease !== undefined && !isLease(lease)) {
    throw new TypeError(`lease must be whole milliseconds, from 0 to ${LONGEST}`)
  }
}

/**
 * The database's lease, in milliseconds. It is written once, by whoever comes first: a process that kept what it has read
 * for longer than others wait would allow what they have revoked.
 *
 * Rejects when the database has another one than is asked for.
 */
export async function settleLease(connection: Connection, engine: Engine, asked: number | undefined): Promise<number> {
  const db = builderFor(engine)
  const query = db.selectFrom('latchkey_settings').select('value').where('name', '=', 'lease').compile()
  const found = async () => (await connection.read(query))[0]?.value
  let stored = await found()
  // Read first: a role that may only read opens a database that others have set up.
  if (stored === undefined) {
    const row = { name: 'lease', value: String(asked ?? DEFAULTS[engine]) }
    const insert = db
      .insertInto('latchkey_settings')
      .values(row)
      .onConflict((on) => on.column('name').doNothing())
    await connection.write([insert.compile()])
    stored = await found()
  }
  const lease = typeof stored === 'string' && /^\d+$/.test(stored) ? Number(stored) : Number.NaN
  if (!isLease(lease)) throw new Error('the lease in latchkey_settings is damaged')
  if (asked !== undefined && asked !== lease) {
    throw new Error(`the database has a lease of ${lease} ms, and ${asked} ms were asked for`)
  }
  return lease
}

function isLease(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= LONGEST
}
