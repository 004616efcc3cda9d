import type {
  Account,
  AccountChange,
  AuditEntry,
  AuditQuery,
  AuditRecord,
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
  UsageCount,
  UsageQuery,
} from '@latchkey/core'
import type { Fields } from './columns.ts'
import type { Connection, Input } from './connection.ts'
import { redisLedger } from './ledger.ts'
import { redisLimiter } from './limiter.ts'
import { type Names, placeOf } from './names.ts'
import { fromAccount, fromEntry, fromKey, pageOf } from './pages.ts'
import * as records from './records.ts'
import { foundOf, type Hash, hashOf } from './replies.ts'
import * as changes from './scripts/changes.ts'
import * as reads from './scripts/reads.ts'
import type { Script } from './scripts/script.ts'

/** So many are noted, or looked at, at once: Redis does nothing else meanwhile. */
const BATCH = 1000

/** Of so many keys the usage is read at once. */
const USAGE_BATCH = 50

/** The names of records, and what is to lie there. */
interface Insertion {
  readonly keys: readonly string[]
  readonly records: readonly Input[]
}

/** Makes a store of a connection to a Redis that has the schema. */
export function redisStore(
  connection: Connection,
  names: Names,
  lease: number,
  feed: ChangeFeed | undefined,
  close: () => Promise<void>,
): KeyStore {
  const keyName = ({ service, id }: KeyRef) => names.of('key', service, id)
  const secretsName = ({ service, id }: KeyRef) => names.of('secrets', service, id)

  function secretName({ service, id }: KeyRef, secret: Secret): string {
    return secret.kind === 'key'
      ? names.of('secret', service, secret.digest)
      : names.of('secret', service, id, secret.version)
  }

  /** The list that has all that is asked for, and the least beside it. */
  function auditName({ service, keyId, accountId }: Omit<AuditQuery, 'limit'>): string {
    if (keyId !== undefined) return names.of('audit-of-keyId', keyId)
    if (accountId !== undefined) return names.of('audit-of-accountId', accountId)
    return service === undefined ? names.of('audit') : names.of('audit-of-service', service)
  }

  async function run<T>(script: Script, keys: readonly string[], input: Input = {}, work?: number): Promise<T> {
    return (await connection.run(script, [names.meta, ...keys], input, work)) as T
  }

  function inserted({ key, secrets }: Records['keys'][number]): Insertion {
    const { service, id, accountId } = key
    const fields = records.keyFields(key, secrets[0]?.kind ?? 'key')
    return {
      keys: [keyName(key), ...secrets.map((secret) => secretName(key, secret))],
      records: [
        { kind: 'key', service, id, accountId, place: placeOf(key.createdAt, id), fields },
        ...secrets.map((secret) => ({ kind: 'secret', fields: records.secretFields(secret) })),
      ],
    }
  }

  function insertedAccount(account: Account): Insertion {
    const { id } = account
    return {
      keys: [names.of('account', id)],
      records: [{ kind: 'account', id, fields: records.accountFields(account) }],
    }
  }

  /** All of them or nothing. */
  async function insert(insertions: readonly Insertion[], more: Input = {}): Promise<Inserted> {
    const keys = insertions.flatMap((insertion) => insertion.keys)
    if (keys.length === 0) return { kind: 'inserted' }
    const input = { ...more, records: insertions.flatMap((insertion) => insertion.records) }
    const [kind, id, key] = await run<[Inserted['kind'], string, Hash]>(changes.insert, keys, input, keys.length)
    return kind === 'exists' ? { kind, key: records.keyOf(hashOf(key), id) } : { kind }
  }

  /** The key as it is after a change, if there is one. */
  async function changed(script: Script, ref: KeyRef, input: Input): Promise<KeyRecord | undefined> {
    const key = await run<Hash | null>(script, [keyName(ref)], { ...ref, ...input })
    return key === null ? undefined : records.keyOf(hashOf(key), ref.id)
  }

  return {
    capabilities: { durable: true, shared: true, consistency: 'immediate', announces: feed !== undefined, lease },
    changes: feed,
    limiter: redisLimiter(connection, names),
    ledger: redisLedger(connection, names),

    async findByDigest(service: string, digest: string): Promise<KeyMatch | undefined> {
      const found = await run<[string, Hash, Hash, Hash] | null>(reads.findByDigest, [
        names.of('secret', service, digest),
      ])
      if (found === null) return undefined
      const [id, key, account, secret] = found
      return records.keyMatchOf(foundOf(id, key, [secret], account))
    },

    async findSigningKey(service: string, id: string): Promise<SigningKeyMatch | undefined> {
      const keys = [keyName({ service, id }), secretsName({ service, id })]
      const found = await run<[Hash, Hash, readonly Hash[]] | null>(reads.findSigningKey, keys)
      if (found === null) return undefined
      const [key, account, secrets] = found
      return records.signingKeyMatchOf(foundOf(id, key, secrets, account))
    },

    async findAccount(id: string): Promise<Account | undefined> {
      const account = await run<Hash>(reads.findAccount, [names.of('account', id)])
      return account.length === 0 ? undefined : records.accountOf(hashOf(account), id)
    },

    async findKey(ref: KeyRef): Promise<KeyDetails | undefined> {
      const found = await run<[Hash, readonly Hash[]] | null>(reads.findKey, [keyName(ref), secretsName(ref)], {
        ...ref,
      })
      return found === null ? undefined : records.detailsOf(foundOf(ref.id, ...found))
    },

    async listKeys({ service, accountId, after, limit }: KeyQuery): Promise<Page<KeyDetails>> {
      const list = accountId === undefined ? names.of('keys', service) : names.of('keys', service, accountId)
      const input = { service, from: fromKey(after), limit: String(limit + 1) }
      const found = await run<readonly [string, Hash, readonly Hash[]][]>(reads.listKeys, [list], input, limit)
      const details = found.map((item) => records.detailsOf(foundOf(...item)))
      return pageOf(
        details,
        limit,
        (item) => item,
        ({ key }) => `${key.createdAt}.${key.id}`,
      )
    },

    async insertKey(key: KeyRecord, secret: Secret, audit: AuditEntry, options: InsertOptions = {}): Promise<Inserted> {
      const { onlyFirst, idempotencyKey: call } = options
      return insert([inserted({ key, secrets: [secret] })], { call, onlyFirst, audit: records.auditFields(audit) })
    },

    async rotateKey(
      ref: KeyRef,
      secret: Secret,
      previousEndsAt: number,
      audit: AuditEntry,
    ): Promise<KeyRecord | undefined> {
      const input = {
        ...ref,
        kind: secret.kind,
        fields: records.secretFields(secret),
        endsAt: records.timeField(previousEndsAt),
        audit: records.auditFields(audit),
      }
      const keys = [keyName(ref), secretsName(ref), secretName(ref, secret)]
      const [answer, key] = await run<['none' | 'another kind' | 'taken' | 'rotated', Hash]>(
        changes.rotateKey,
        keys,
        input,
      )
      if (answer === 'none') return undefined
      if (answer === 'another kind') throw new Error('the secret is of another kind')
      if (answer === 'taken') throw new Error('the secret is taken')
      return records.keyOf(hashOf(key), ref.id)
    },

    async revokeKey(ref: KeyRef, reason: string | null, audit: AuditEntry): Promise<KeyRecord | undefined> {
      return changed(changes.revokeKey, ref, {
        ...records.revocationFields(audit.at, reason),
        audit: records.auditFields(audit),
      })
    },

    async deleteKey(ref: KeyRef, audit: AuditEntry): Promise<boolean> {
      const input = { ...ref, audit: records.auditFields(audit) }
      return (await run(changes.deleteKey, [keyName(ref), secretsName(ref)], input)) !== null
    },

    async changeKey(ref: KeyRef, change: KeyChange, audit: AuditEntry): Promise<KeyRecord | undefined> {
      return changed(changes.changeKey, ref, {
        ...records.keyChangeFields(change),
        audit: records.auditFields(audit),
      })
    },

    async listSealed(service: string, otherThan: string, limit: number) {
      const input = { service, otherThan, limit: String(limit) }
      const found = await run<readonly [string, Hash][]>(reads.listSealed, [names.of('masters', service)], input, limit)
      return found.map(([keyId, secret]) => ({ keyId, secret: records.signingSecretOf(hashOf(secret), keyId) }))
    },

    async resealSecret(ref: KeyRef, from: SigningSecret, to: SigningSecret, audit: AuditEntry): Promise<boolean> {
      const { sealed, masterKeyId } = to
      const input = { ...ref, from: from.sealed, to: sealed, masterKeyId, audit: records.auditFields(audit) }
      return (await run(changes.resealSecret, [keyName(ref), secretName(ref, from)], input)) !== null
    },

    async listAccounts({ after, limit }: PageQuery): Promise<Page<Account>> {
      const input = { from: fromAccount(after), limit: String(limit + 1) }
      const found = await run<readonly [string, string, Hash][]>(
        reads.listAccounts,
        [names.of('accounts')],
        input,
        limit,
      )
      return pageOf(
        found,
        limit,
        ([id, , account]) => records.accountOf(hashOf(account), id),
        ([, number]) => number,
      )
    },

    async insertAccount(account: Account, audit: AuditEntry): Promise<boolean> {
      const { kind } = await insert([insertedAccount(account)], { audit: records.auditFields(audit) })
      return kind === 'inserted'
    },

    async changeAccount(id: string, change: AccountChange, audit: AuditEntry): Promise<Account | undefined> {
      const input = { id, ...records.accountChangeFields(change), audit: records.auditFields(audit) }
      const account = await run<Hash | null>(changes.changeAccount, [names.of('account', id)], input)
      return account === null ? undefined : records.accountOf(hashOf(account), id)
    },

    async insertAll({ accounts, keys }: Records): Promise<boolean> {
      return (await insert([...accounts.map(insertedAccount), ...keys.map(inserted)])).kind === 'inserted'
    },

    async recordAudit({ service, keyId, accountId, ...entry }: AuditRecord): Promise<void> {
      const about = {
        ...(service !== null && { service }),
        ...(keyId !== null && { keyId }),
        ...(accountId !== null && { accountId }),
      }
      await run(changes.recordAudit, [], { about, audit: records.auditFields(entry) })
    },

    async listAudit({ after, limit, ...about }: AuditQuery): Promise<Page<AuditRecord>> {
      const filter = Object.entries(about).filter(([, text]) => text !== undefined)
      // One list is of what is asked for, or is looked through for it.
      const size = filter.length > 1 ? BATCH : limit + 1
      const found: (readonly [place: string, fields: Fields])[] = []
      for (let before: string | undefined = fromEntry(after); before !== undefined; ) {
        const input: Input = { before, limit: String(size) }
        const entries = await run<readonly [string, Hash][]>(reads.listAudit, [auditName(about)], input)
        for (const [place, entry] of entries) {
          const fields = hashOf(entry)
          if (entry.length > 0 && filter.every(([name, text]) => fields[name] === text)) found.push([place, fields])
        }
        const last = entries[size - 1]
        before = last === undefined || found.length > limit ? undefined : `(${last[0]}`
      }
      return pageOf(
        found,
        limit,
        ([place, fields]) => records.auditRecordOf(fields, place),
        ([place]) => place,
      )
    },

    async recordUses(uses: readonly KeyUse[]): Promise<boolean> {
      for (let start = 0; start < uses.length; start += BATCH) {
        const batch = uses.slice(start, start + BATCH)
        const keys = batch.map(({ service, keyId: id }) => keyName({ service, id }))
        await run(changes.recordUses, keys, { uses: batch.map(records.useFields) })
      }
      return true
    },

    async listUsage({ service, keyIds, from, to }: UsageQuery): Promise<readonly UsageCount[]> {
      const range = { service, from: records.timeField(from), to: `(${records.timeField(to)}` }
      const found: UsageCount[] = []
      for (let start = 0; start < keyIds.length; start += USAGE_BATCH) {
        const ids = [...new Set(keyIds.slice(start, start + USAGE_BATCH))]
        const days = await run<readonly [id: string, day: string, Hash][]>(reads.listUsage, [], { ...range, ids })
        found.push(...days.flatMap(([id, day, counts]) => records.usageOf(id, day, hashOf(counts))))
      }
      return found
    },

    close,
    [Symbol.asyncDispose]: close,
  }
}
