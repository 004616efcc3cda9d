import {
  DummyDriver,
  type Generated,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import type { Engine } from './connection.ts'

/** The rows as they lie there. Times are milliseconds since the epoch, structures are JSON texts. */
export interface Tables {
  latchkey_accounts: AccountsTable
  latchkey_keys: KeysTable
  latchkey_key_secrets: KeySecretsTable
  latchkey_signing_secrets: SigningSecretsTable
  latchkey_uses: UsesTable
  latchkey_usage: UsageTable
  latchkey_audit: AuditTable
  latchkey_changes: ChangesTable
  latchkey_settings: { name: string; value: string }
  latchkey_schema: { version: number; applied_at: number }
}

interface AccountsTable {
  /** In the order in which they came. */
  number: Generated<number>
  id: string
  plan: string
  status: string
  email: string | null
  metadata: string
  schema: number
}

interface KeysTable {
  service: string
  id: string
  kind: string
  account_id: string
  name: string
  environment: string | null
  permissions: string
  created_at: number
  expires_at: number | null
  revoked_at: number | null
  revoked_reason: string | null
  metadata: string
  /** The account, where the key was made as its only one: unique, so that of parallel calls one inserts. */
  only_of: string | null
  idempotency_key: string | null
  /** Drawn anew by every change, so that the statements behind it can ask whether it was made. */
  revision: string
  /** What a program has to know to read the row. One that knows less refuses it. */
  schema: number
}

interface KeySecretsTable {
  service: string
  digest: string
  key_id: string
  /** 1 for a key's first secret, 2 for the second. */
  number: number
  display: string
  created_at: number
  expires_at: number | null
}

interface SigningSecretsTable {
  service: string
  key_id: string
  version: string
  number: number
  sealed: string
  master_key_id: string
  created_at: number
  expires_at: number | null
}

interface UsesTable {
  service: string
  key_id: string
  /** `null`: a program wrote the row that knew of last uses alone. */
  first_used_at: number | null
  last_used_at: number
}

interface UsageTable {
  service: string
  key_id: string
  /** Its first millisecond. */
  day: number
  route: string
  status: number
  requests: number
}

interface AuditTable {
  id: Generated<number>
  at: number
  actor: string
  action: string
  service: string | null
  key_id: string | null
  account_id: string | null
  details: string
}

/** In SQLite and D1 alone. */
interface ChangesTable {
  sequence: Generated<number>
  kind: string
  service: string | null
  id: string
}

export type Builder = Kysely<Tables>

const PARTS = {
  postgres: {
    createAdapter: () => new PostgresAdapter(),
    createIntrospector: (db: Kysely<unknown>) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
  sqlite: {
    createAdapter: () => new SqliteAdapter(),
    createIntrospector: (db: Kysely<unknown>) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
}

/** Writes statements in an engine's SQL. They run elsewhere: see `Connection`. */
export function builderFor(engine: Engine): Builder {
  return new Kysely<Tables>({ dialect: { ...PARTS[engine], createDriver: () => new DummyDriver() } })
}
