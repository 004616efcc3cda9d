import type {
  Account,
  AccountChange,
  AuditEntry,
  AuditQuery,
  AuditRecord,
  Awaitable,
  ChangeFeed,
  Inserted,
  InsertOptions,
  KeyChange,
  KeyDetails,
  KeyMatch,
  KeyQuery,
  KeyRecord,
  KeyRef,
  KeyStore,
  KeyUse,
  Page,
  PageQuery,
  Records,
  Secret,
  SigningKeyMatch,
  SigningSecret,
  StoreCapabilities,
  UsageCount,
  UsageQuery,
} from '@latchkey/core'
import { chain } from './chain.ts'
import type { Connection, Engine, Query } from './connection.ts'
import * as queries from './queries.ts'
import {
  accountOf,
  auditRecordOf,
  detailsOf,
  keyMatchOf,
  keyOf,
  signingKeyMatchOf,
  signingSecretOf,
  usageCountOf,
} from './rows.ts'
import { sqlLedger } from './sql-ledger.ts'
import { sqlLimiter } from './sql-limiter.ts'
import { builderFor } from './tables.ts'
import { checkTexts } from './texts.ts'

/** Makes a store of a database that has the schema. */
export function sqlStore(
  given: Connection,
  engine: Engine,
  capabilities: StoreCapabilities,
  changes?: ChangeFeed,
): KeyStore {
  const connection: Connection = {
    ...given,
    write: (statements, options) => given.write(statements.map(checkTexts), options),
  }
  const db = builderFor(engine)
  const reads = queries.readQueries(db)

  /** The key as it is after the changes, if they were made. */
  async function changed(ref: KeyRef, statements: readonly Query[]): Promise<KeyRecord | undefined> {
    const [row] = await connection.write([...statements, queries.keyByRef(db, ref)])
    return row && keyOf(row)
  }

  /** The key that stands where one was to be inserted. */
  async function inPlaceOf(key: KeyRecord, options: InsertOptions): Promise<KeyRecord | undefined> {
    const { onlyFirst, idempotencyKey } = options
    const questions = [
      ...(idempotencyKey === undefined ? [] : [queries.keyOfCall(db, key, idempotencyKey)]),
      ...(onlyFirst === true ? [queries.firstKey(db, key)] : []),
    ]
    for (const question of questions) {
      const [row] = await connection.read(question)
      if (row !== undefined) return keyOf(row)
    }
    return undefined
  }

  /** Whether an id or digest of these is another's already, or stands among them twice. */
  async function isTaken(records: Records): Promise<boolean> {
    const questions = queries.taken(db, records)
    const asked = new Set(questions.map(({ sql, parameters }) => JSON.stringify([sql, parameters])))
    if (asked.size < questions.length) return true
    for (const question of questions) {
      if ((await connection.read(question)).length > 0) return true
    }
    return false
  }

  async function inPlace(key: KeyRecord, secret: Secret, options: InsertOptions): Promise<Inserted | undefined> {
    const existing = await inPlaceOf(key, options)
    if (existing !== undefined) return { kind: 'exists', key: existing }
    return (await isTaken({ accounts: [], keys: [{ key, secrets: [secret] }] })) ? { kind: 'taken' } : undefined
  }

  return {
    capabilities,
    changes,
    limiter: sqlLimiter(given, engine),
    ledger: sqlLedger(given, engine),

    findByDigest(service: string, digest: string): Awaitable<KeyMatch | undefined> {
      const rows = connection.read({ sql: reads.byDigest, parameters: [service, digest] })
      return chain(rows, ([row]) => row && keyMatchOf(row))
    },

    findSigningKey(service: string, id: string): Awaitable<SigningKeyMatch | undefined> {
      const rows = connection.read({ sql: reads.signingKey, parameters: [service, id] })
      return chain(rows, signingKeyMatchOf)
    },

    findAccount(id: string): Awaitable<Account | undefined> {
      const rows = connection.read({ sql: reads.account, parameters: [id] })
      return chain(rows, ([row]) => row && accountOf(row))
    },

    async findKey(ref: KeyRef): Promise<KeyDetails | undefined> {
      return detailsOf(await connection.read(queries.keyDetails(db, ref)))[0]
    },

    async listKeys(query: KeyQuery): Promise<Page<KeyDetails>> {
      const after = cursorOf(query.after)
      // One more than asked for tells whether there is more.
      const rows = await connection.read(queries.keyPage(db, { ...query, limit: query.limit + 1 }, after))
      return pageOf(detailsOf(rows), query.limit, ({ key }) => `${key.createdAt}.${key.id}`)
    },

    async insertKey(key: KeyRecord, secret: Secret, audit: AuditEntry, options: InsertOptions = {}): Promise<Inserted> {
      // Asked first, because Postgres writes what an insert collides with into its log: a digest.
      const before = await inPlace(key, secret, options)
      if (before !== undefined) return before
      const revision = crypto.randomUUID()
      const inserted = queries.keyByRevision(db, key, revision)
      let failure: unknown = new Error(`key ${key.id}: the one in its place was deleted; try again`)
      try {
        const rows = await connection.write([
          queries.insertKey(db, key, secret.kind, options, revision),
          queries.insertSecret(db, key, secret, revision),
          queries.auditRevision(db, key, audit, revision),
          inserted,
        ])
        if (rows.length > 0) return { kind: 'inserted' }
      } catch (error) {
        failure = error
        // The answer to a commit may be lost on its way.
        if ((await connection.read(inserted)).length > 0) return { kind: 'inserted' }
      }
      // Parallel calls fail at a constraint: what it was is seen in the tables, on every engine.
      const other = await inPlace(key, secret, options)
      if (other === undefined) throw failure
      return other
    },

    async rotateKey(
      ref: KeyRef,
      secret: Secret,
      previousEndsAt: number,
      audit: AuditEntry,
    ): Promise<KeyRecord | undefined> {
      const revision = crypto.randomUUID()
      const [row] = await connection.write([
        queries.touchLiveKey(db, ref, secret.kind, revision),
        ...queries.endSecrets(db, ref, previousEndsAt, revision),
        queries.insertSecret(db, ref, secret, revision),
        queries.auditRevision(db, ref, audit, revision),
        queries.keyByRevision(db, ref, revision),
      ])
      if (row !== undefined) return keyOf(row)
      const found = detailsOf(await connection.read(queries.keyDetails(db, ref)))[0]
      if (found !== undefined && found.kind !== secret.kind) throw new Error('the secret is of another kind')
      return undefined
    },

    async revokeKey(ref: KeyRef, reason: string | null, audit: AuditEntry): Promise<KeyRecord | undefined> {
      const revision = crypto.randomUUID()
      return changed(ref, [
        queries.revokeKey(db, ref, audit.at, reason, revision),
        queries.auditRevision(db, ref, audit, revision),
      ])
    },

    async deleteKey(ref: KeyRef, audit: AuditEntry): Promise<boolean> {
      const revision = crypto.randomUUID()
      const deleted = await connection.write([
        queries.touchKey(db, ref, revision),
        queries.auditRevision(db, ref, audit, revision),
        queries.deleteKey(db, ref, revision),
      ])
      return deleted.length > 0
    },

    async changeKey(ref: KeyRef, change: KeyChange, audit: AuditEntry): Promise<KeyRecord | undefined> {
      const revision = crypto.randomUUID()
      return changed(ref, [
        queries.changeKey(db, ref, change, revision),
        queries.auditRevision(db, ref, audit, revision),
      ])
    },

    async listSealed(service: string, otherThan: string, limit: number) {
      const rows = await connection.read(queries.sealedOtherwise(db, service, otherThan, limit))
      return rows.map((row) => ({ keyId: String(row.id), secret: signingSecretOf(row, `key ${String(row.id)}`) }))
    },

    async resealSecret(ref: KeyRef, from: SigningSecret, to: SigningSecret, audit: AuditEntry): Promise<boolean> {
      const statements = queries.resealSecret(db, ref, from, to, audit, crypto.randomUUID())
      return (await connection.write(statements)).length > 0
    },

    async listAccounts(query: PageQuery): Promise<Page<Account>> {
      const after = numberOf(query.after)
      const rows = await connection.read(queries.accountPage(db, { limit: query.limit + 1 }, after))
      const page = pageOf(rows, query.limit, (row) => String(row.number))
      return { items: page.items.map(accountOf), next: page.next }
    },

    async insertAccount(account: Account, audit: AuditEntry): Promise<boolean> {
      try {
        await connection.write([queries.insertAccount(db, account), queries.auditAccount(db, account.id, audit)])
        return true
      } catch (error) {
        if (await isTaken({ accounts: [account], keys: [] })) return false
        throw error
      }
    },

    async changeAccount(id: string, change: AccountChange, audit: AuditEntry): Promise<Account | undefined> {
      const [row] = await connection.write([
        queries.changeAccount(db, id, change),
        queries.auditAccount(db, id, audit),
        { sql: reads.account, parameters: [id] },
      ])
      return row && accountOf(row)
    },

    async insertAll(records: Records): Promise<boolean> {
      const revision = crypto.randomUUID()
      const inserts = [
        ...records.accounts.map((account) => queries.insertAccount(db, account)),
        ...records.keys.flatMap(({ key, secrets }) => [
          queries.insertKey(db, key, secrets[0]?.kind ?? 'key', {}, revision),
          ...secrets.map((secret) => queries.insertSecret(db, key, secret, revision)),
        ]),
      ]
      try {
        await connection.write(inserts)
        return true
      } catch (error) {
        if (await isTaken(records)) return false
        throw error
      }
    },

    async recordAudit(record: AuditRecord): Promise<void> {
      await connection.write([queries.insertAudit(db, record)])
    },

    async listAudit(query: AuditQuery): Promise<Page<AuditRecord>> {
      const before = numberOf(query.after)
      const rows = await connection.read(queries.auditPage(db, { ...query, limit: query.limit + 1 }, before))
      const page = pageOf(rows, query.limit, (row) => String(row.id))
      return { items: page.items.map(auditRecordOf), next: page.next }
    },

    async recordUses(uses: readonly KeyUse[]): Promise<boolean> {
      if (uses.length === 0) return true
      try {
        await connection.write(queries.recordUses(engine, uses), { waits: false })
        return true
      } catch (error) {
        if ((error as { readonly code?: unknown } | null)?.code === 'SQLITE_BUSY') return false
        throw error
      }
    },

    async listUsage(query: UsageQuery): Promise<readonly UsageCount[]> {
      return (await connection.read(queries.usage(engine, query))).map(usageCountOf)
    },

    close: () => connection.close(),
    [Symbol.asyncDispose]: async () => connection.close(),
  }
}

function pageOf<T>(items: readonly T[], limit: number, placeOf: (item: T) => string): Page<T> {
  const page = items.slice(0, limit)
  const last = page.at(-1)
  return { items: page, next: items.length > limit && last !== undefined ? placeOf(last) : null }
}

function cursorOf(after: string | undefined): queries.Cursor | undefined {
  if (after === undefined) return undefined
  const [, at, id] = /^(-?\d{1,16})\.(.+)$/s.exec(after) ?? []
  if (at === undefined || id === undefined || /[\0\p{Cs}]/u.test(id)) throw noCursor()
  return { at: Number(at), id }
}

function numberOf(after: string | undefined): number | undefined {
  if (after === undefined) return undefined
  if (!/^\d{1,15}$/.test(after)) throw noCursor()
  return Number(after)
}

function noCursor(): TypeError {
  return new TypeError('after must be the `next` of a page')
}
