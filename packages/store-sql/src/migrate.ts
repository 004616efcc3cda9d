import type { Connection, Engine } from './connection.ts'
import { migrationsFor, schemaTable } from './migrations.ts'
import { builderFor } from './tables.ts'

/** Several processes that start at once may get into each other's way so often at one version, and not more. */
const ATTEMPTS = 5

/** Whether the table of versions is there: in a new database it is not. */
const IS_THERE: Readonly<Record<Engine, string>> = {
  postgres: "select 1 as there where to_regclass('latchkey_schema') is not null",
  sqlite: "select 1 as there from sqlite_master where name = 'latchkey_schema'",
}

/**
 * Brings a database to this program's schema. Processes that do so at once wait for each other, or find that it is done:
 * the row of the version is inserted first, and there can be one.
 *
 * Rejects for a database that is newer than this program, and with the database's error.
 */
export async function migrate(connection: Connection, engine: Engine): Promise<void> {
  const builder = builderFor(engine)
  let reached = -1
  for (let attempt = 1; ; attempt++) {
    // Where another process was first, the next attempt finds its work; where the database is away, it says so.
    const version = await versionOf(connection, engine)
    if (version > reached) attempt = 1
    reached = version
    try {
      if (version === 0) await connection.write([{ sql: schemaTable(engine), parameters: [] }])
      for (const migration of migrationsFor(engine).filter((migration) => migration.version > version)) {
        const row = { version: migration.version, applied_at: Date.now() }
        const applied = builder.insertInto('latchkey_schema').values(row).compile()
        const statements = migration.statements.map((sql) => ({ sql, parameters: [] }))
        await connection.write([applied, ...statements])
      }
      break
    } catch (error) {
      if (attempt === ATTEMPTS) throw error
    }
  }
  await checkVersion(connection, engine)
}

/** @throws TypeError when it is no decision: "no" would bring the schema up to date. */
export function checkMigrate(migrate: unknown): void {
  if (typeof migrate !== 'boolean') throw new TypeError('migrate must be true or false')
}

/** Rejects unless the database has this program's schema. */
export async function checkVersion(connection: Connection, engine: Engine): Promise<void> {
  const version = await versionOf(connection, engine)
  const latest = migrationsFor(engine).at(-1)?.version ?? 0
  if (version > latest) {
    throw new Error(`the database has schema version ${version}, and this version of Latchkey knows ${latest}`)
  }
  if (version < latest) throw new Error(`the database has schema version ${version}, and needs ${latest}: migrate it`)
}

async function versionOf(connection: Connection, engine: Engine): Promise<number> {
  const [table] = await connection.read({ sql: IS_THERE[engine], parameters: [] })
  if (table === undefined) return 0
  const versions = builderFor(engine).selectFrom('latchkey_schema')
  const [row] = await connection.read(versions.select(({ fn }) => fn.max('version').as('version')).compile())
  return Number(row?.version ?? 0)
}
