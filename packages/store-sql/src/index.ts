import type { Engine } from './connection.ts'
import { migrationsFor, schemaTable } from './migrations.ts'

export type { Engine } from './connection.ts'
export { type KyselyOptions, openKysely } from './kysely.ts'
export {
  openPostgres,
  type PostgresClient,
  type PostgresNotification,
  type PostgresOptions,
  type PostgresPool,
  type PostgresQuery,
} from './postgres.ts'
export { openSqlite, type SqliteOptions } from './sqlite.ts'

/**
 * The SQL of each schema version, the oldest first, for people who apply migrations with a tool of their own; then open
 * the store with `migrate: false`. Each is to run in one transaction, and says itself that it was applied.
 */
export function migrations(engine: Engine): readonly { readonly version: number; readonly sql: string }[] {
  return migrationsFor(engine).map(({ version, statements }) => {
    const applied = `insert into latchkey_schema (version, applied_at) values (${version}, 0)`
    return { version, sql: `${[schemaTable(engine), applied, ...statements].join(';\n\n')};\n` }
  })
}
