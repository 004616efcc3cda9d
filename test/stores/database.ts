/** Reads a store's database past the store: with its driver alone. */
import Libsql from 'libsql'
import pg from 'pg'

export type Row = Readonly<Record<string, unknown>>

export interface Database {
  rows(sql: string): Promise<readonly Row[]>
  close(): Promise<void>
}

/** The database at `sqlite:PATH` or `postgres://…`. */
export async function openDatabase(url: string): Promise<Database> {
  return url.startsWith('sqlite:') ? sqliteAt(url.slice('sqlite:'.length)) : postgresAt(url)
}

/** On a connection of its own. */
export async function rowsOf(url: string, sql: string): Promise<readonly Row[]> {
  const database = await openDatabase(url)
  try {
    return await database.rows(sql)
  } finally {
    await database.close()
  }
}

function sqliteAt(path: string): Database {
  const database = new Libsql(path)
  return {
    rows: async (sql) => database.prepare(sql).all() as Row[],
    close: async () => void database.close(),
  }
}

async function postgresAt(url: string): Promise<Database> {
  const client = new pg.Client({ connectionString: url })
  // Its connection may break: that is what some tests are about.
  client.on('error', () => {})
  await client.connect()
  return {
    rows: async (sql) => (await client.query(sql)).rows as Row[],
    close: () => client.end(),
  }
}
