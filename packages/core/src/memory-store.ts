import { pageOf } from './memory-pages.ts'
import { type MemoryUsage, memoryUsage } from './memory-usage.ts'
import type {
  Account,
  AccountChange,
  AuditEntry,
  AuditQuery,
  AuditRecord,
  Change,
  ChangeFeed,
  ChangeListener,
  Inserted,
  InsertOptions,
  KeyChange,
  KeyDetails,
  KeyMatch,
  KeyQuery,
  KeyRecord,
  KeyRef,
  KeySecret,
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
} from './store.ts'

interface Entry {
  readonly key: KeyRecord
  readonly secrets: readonly Secret[]
}

interface Service {
  readonly entries: Map<string, Entry>
  /** The secret that has a digest, and its key. */
  readonly byDigest: Map<string, { readonly key: KeyRecord; readonly secret: KeySecret }>
  /** The id of the key that an idempotency key made, by account. */
  readonly made: Map<string, string>
  readonly usage: MemoryUsage
}

/** A store in this process's memory, for tests, demos and single-process tools. Every answer is synchronous. */
export type MemoryStore = { readonly [M in keyof KeyStore]: Synchronous<KeyStore[M]> } & {
  /** All accounts and keys, as `insertAll` of another store takes them. */
  records(): Records
}

type Synchronous<F> = F extends (...args: infer A) => infer R ? (...args: A) => Exclude<R, Promise<unknown>> : F

/** Makes an empty store. What it holds is gone with the process, and no other process sees it. */
export function memoryStore(): MemoryStore {
  const services = new Map<string, Service>()
  const accounts = new Map<string, Account>()
  const audits: AuditRecord[] = []
  const listeners = new Set<ChangeListener>()

  function announce(change: Change): void {
    for (const listener of listeners) listener.changed(change)
  }

  // Within the write itself, so that nobody can have read what was before when it returns.
  const changes: ChangeFeed = {
    lease: Infinity,
    subscribe(listener: ChangeListener) {
      const own = { ...listener }
      listeners.add(own)
      return { beat: () => {}, close: () => void listeners.delete(own) }
    },
    announce,
  }

  function serviceOf(name: string): Service {
    let service = services.get(name)
    if (service === undefined) {
      service = { entries: new Map(), byDigest: new Map(), made: new Map(), usage: memoryUsage() }
      services.set(name, service)
    }
    return service
  }

  function entryOf({ service, id, accountId }: KeyRef): Entry | undefined {
    const entry = services.get(service)?.entries.get(id)
    return accountId === undefined || entry?.key.accountId === accountId ? entry : undefined
  }

  // Records are replaced, never written to: a caller that holds one sees the state it read, and cannot change it.
  function put(entry: Entry): KeyRecord {
    const { id, accountId, name, environment, createdAt, expiresAt, revokedAt, revokedReason } = entry.key
    const service = serviceOf(entry.key.service)
    // Written out, as all that is frozen here: V8 makes each spread that is frozen a shape of its own, which takes more room,
    // and more time to read.
    const key: KeyRecord = Object.freeze({
      id,
      service: entry.key.service,
      accountId,
      name,
      environment,
      permissions: Object.freeze([...entry.key.permissions]),
      createdAt,
      expiresAt,
      revokedAt,
      revokedReason,
      metadata: frozenJson(entry.key.metadata),
    })
    const secrets = Object.freeze(entry.secrets.map(frozenSecret))
    service.entries.set(key.id, Object.freeze({ key, secrets }))
    for (const secret of secrets) if (secret.kind === 'key') service.byDigest.set(secret.digest, { key, secret })
    announce({ kind: 'key', service: key.service, id: key.id })
    return key
  }

  function putAccount({ id, plan, status, email, metadata }: Account): Account {
    const account = Object.freeze({ id, plan, status, email, metadata: frozenJson(metadata) })
    accounts.set(account.id, account)
    announce({ kind: 'account', id: account.id })
    return account
  }

  function record({ at, by, action, details, service, keyId, accountId }: AuditRecord): void {
    audits.push(Object.freeze({ at, by, action, details: frozenJson(details), service, keyId, accountId }))
  }

  function audited(entry: AuditEntry, { service, id, accountId }: KeyRecord): void {
    record({ ...entry, service, keyId: id, accountId })
  }

  function auditedAccount(entry: AuditEntry, accountId: string): void {
    record({ ...entry, service: null, keyId: null, accountId })
  }

  function update(ref: KeyRef, audit: AuditEntry, step: (entry: Entry) => Entry | undefined): KeyRecord | undefined {
    const entry = entryOf(ref)
    const next = entry && step(entry)
    if (next === undefined) return undefined
    audited(audit, next.key)
    return put(next)
  }

  function isTaken({ key, secrets }: Entry): boolean {
    const service = services.get(key.service)
    return (
      service?.entries.has(key.id) === true ||
      secrets.some((secret) => secret.kind === 'key' && service?.byDigest.has(secret.digest) === true)
    )
  }

  function detailsOf({ key, secrets }: Entry): KeyDetails {
    const versions = secrets.map((secret) => ({
      display: secret.kind === 'key' ? secret.display : null,
      createdAt: secret.createdAt,
      expiresAt: secret.expiresAt,
    }))
    const kind = secrets[0]?.kind ?? 'key'
    const { firstAt = null, lastAt = null } = services.get(key.service)?.usage.timesOf(key.id) ?? {}
    return { key, kind, versions, firstUsedAt: firstAt, lastUsedAt: lastAt }
  }

  return {
    capabilities: Object.freeze({
      durable: false,
      shared: false,
      consistency: 'immediate',
      announces: true,
      lease: 0,
    }),
    changes,

    findByDigest(service: string, digest: string): KeyMatch | undefined {
      const found = services.get(service)?.byDigest.get(digest)
      if (found === undefined) return undefined
      const { key, secret } = found
      return { key, account: accounts.get(key.accountId) ?? null, secret }
    },

    findSigningKey(service: string, id: string): SigningKeyMatch | undefined {
      const entry = services.get(service)?.entries.get(id)
      const secrets = entry?.secrets.filter((secret) => secret.kind === 'signing') ?? []
      if (entry === undefined || secrets.length === 0) return undefined
      return { key: entry.key, account: accounts.get(entry.key.accountId) ?? null, secrets }
    },

    findKey(ref: KeyRef): KeyDetails | undefined {
      const entry = entryOf(ref)
      return entry && detailsOf(entry)
    },

    listKeys({ service, accountId, ...page }: KeyQuery): Page<KeyDetails> {
      const keys = [...(services.get(service)?.entries.values() ?? [])]
        .filter(({ key }) => accountId === undefined || key.accountId === accountId)
        .map((entry) => ({ order: entry.key.createdAt, id: entry.key.id, item: detailsOf(entry) }))
      return pageOf(keys, page)
    },

    insertKey(key: KeyRecord, secret: Secret, audit: AuditEntry, options: InsertOptions = {}): Inserted {
      const { entries, made } = serviceOf(key.service)
      const call = options.idempotencyKey === undefined ? undefined : `${key.accountId}\n${options.idempotencyKey}`
      const replayed = entries.get(made.get(call ?? '') ?? '')?.key
      if (replayed !== undefined) return { kind: 'exists', key: replayed }
      if (options.onlyFirst === true) {
        const first = [...entries.values()].find((entry) => entry.key.accountId === key.accountId)
        if (first !== undefined) return { kind: 'exists', key: first.key }
      }
      if (isTaken({ key, secrets: [secret] })) return { kind: 'taken' }
      put({ key, secrets: [secret] })
      if (call !== undefined) made.set(call, key.id)
      audited(audit, key)
      return { kind: 'inserted' }
    },

    rotateKey(ref: KeyRef, secret: Secret, previousEndsAt: number, audit: AuditEntry): KeyRecord | undefined {
      return update(ref, audit, ({ key, secrets }) => {
        if (key.revokedAt !== null) return undefined
        if (secrets.some((old) => old.kind !== secret.kind)) throw new Error('the secret is of another kind')
        if (secret.kind === 'key' && services.get(ref.service)?.byDigest.has(secret.digest)) {
          throw new Error('the digest is taken')
        }
        const ended = secrets.map((old) => ({ ...old, expiresAt: Math.min(old.expiresAt ?? Infinity, previousEndsAt) }))
        return { key, secrets: [...ended, secret] }
      })
    },

    revokeKey(ref: KeyRef, reason: string | null, audit: AuditEntry): KeyRecord | undefined {
      const before = entryOf(ref)?.key
      if (before === undefined || before.revokedAt !== null) return before
      return update(ref, audit, ({ key, secrets }) => ({
        key: { ...key, revokedAt: audit.at, revokedReason: reason },
        secrets,
      }))
    },

    deleteKey(ref: KeyRef, audit: AuditEntry): boolean {
      const entry = entryOf(ref)
      if (entry === undefined) return false
      const { entries, byDigest, made, usage } = serviceOf(ref.service)
      for (const secret of entry.secrets) if (secret.kind === 'key') byDigest.delete(secret.digest)
      for (const [call, id] of made) if (id === ref.id) made.delete(call)
      usage.delete(ref.id)
      audited(audit, entry.key)
      entries.delete(ref.id)
      announce({ kind: 'key', service: ref.service, id: ref.id })
      return true
    },

    changeKey(ref: KeyRef, change: KeyChange, audit: AuditEntry): KeyRecord | undefined {
      return update(ref, audit, ({ key, secrets }) => {
        const { name, environment, permissions, expiresAt, metadata } = { ...key, ...change }
        return { key: { ...key, name, environment, permissions, expiresAt, metadata }, secrets }
      })
    },

    listSealed(service: string, otherThan: string, limit: number) {
      const entries = [...(services.get(service)?.entries.values() ?? [])]
      const sealed = entries.flatMap(({ key, secrets }) =>
        secrets
          .filter((secret) => secret.kind === 'signing' && secret.masterKeyId !== otherThan)
          .map((secret) => ({ keyId: key.id, secret: secret as SigningSecret })),
      )
      return sealed.slice(0, limit)
    },

    resealSecret(ref: KeyRef, from: SigningSecret, to: SigningSecret, audit: AuditEntry): boolean {
      const resealed = update(ref, audit, ({ key, secrets }) => {
        const index = secrets.findIndex(
          (secret) => secret.kind === 'signing' && secret.version === from.version && secret.sealed === from.sealed,
        )
        // The seal alone: the version may have been ended since it was read.
        const { sealed, masterKeyId } = to
        return index < 0
          ? undefined
          : { key, secrets: secrets.with(index, { ...(secrets[index] as SigningSecret), sealed, masterKeyId }) }
      })
      return resealed !== undefined
    },

    findAccount(id: string): Account | undefined {
      return accounts.get(id)
    },

    listAccounts(query: PageQuery): Page<Account> {
      return pageOf(
        [...accounts.values()].map((item, order) => ({ order, id: item.id, item })),
        query,
      )
    },

    insertAccount(account: Account, audit: AuditEntry): boolean {
      if (accounts.has(account.id)) return false
      putAccount(account)
      auditedAccount(audit, account.id)
      return true
    },

    changeAccount(id: string, change: AccountChange, audit: AuditEntry): Account | undefined {
      const account = accounts.get(id)
      if (account === undefined) return undefined
      const { plan, status, email, metadata } = { ...account, ...change }
      auditedAccount(audit, id)
      return putAccount({ id, plan, status, email, metadata })
    },

    insertAll({ accounts: newAccounts, keys }: Records): boolean {
      if (newAccounts.some(({ id }) => accounts.has(id)) || keys.some(isTaken)) return false
      if (repeats({ accounts: newAccounts, keys })) return false
      for (const account of newAccounts) putAccount(account)
      for (const entry of keys) put(entry)
      return true
    },

    recordAudit: record,

    listAudit({ service, keyId, accountId, ...page }: AuditQuery): Page<AuditRecord> {
      const about = audits
        .map((item, index) => ({ order: -index, id: '', item }))
        .filter(
          ({ item }) =>
            (service === undefined || item.service === service) &&
            (keyId === undefined || item.keyId === keyId) &&
            (accountId === undefined || item.accountId === accountId),
        )
      return pageOf(about, page)
    },

    recordUses(batch: readonly KeyUse[]): boolean {
      for (const use of batch) {
        const { entries, usage } = serviceOf(use.service)
        // Of a key that was deleted meanwhile nothing is kept.
        if (entries.has(use.keyId)) usage.add(use)
      }
      return true
    },

    listUsage({ service, keyIds, from, to }: UsageQuery): readonly UsageCount[] {
      const usage = services.get(service)?.usage
      const counts = [...new Set(keyIds)].flatMap((id) => usage?.countsOf(id) ?? [])
      return counts.filter(({ day }) => day >= from && day < to)
    },

    close(): void {},
    [Symbol.asyncDispose]: async () => {},

    records(): Records {
      const keys = [...services.values()].flatMap(({ entries }) => [...entries.values()])
      return { accounts: [...accounts.values()], keys }
    },
  }
}

/** Whether an id or a digest is there twice. */
function repeats({ accounts, keys }: Records): boolean {
  const names = [
    ...accounts.map(({ id }) => ['account', id]),
    ...keys.map(({ key }) => ['key', key.service, key.id]),
    ...keys.flatMap(({ key, secrets }) =>
      secrets.flatMap((secret) => (secret.kind === 'key' ? [['digest', key.service, secret.digest]] : [])),
    ),
  ]
  return new Set(names.map((name) => JSON.stringify(name))).size < names.length
}

function frozenSecret(secret: Secret): Secret {
  const { createdAt, expiresAt } = secret
  if (secret.kind === 'key') {
    const { kind, digest, display } = secret
    return Object.freeze({ kind, digest, display, createdAt, expiresAt })
  }
  const { kind, version, sealed, masterKeyId } = secret
  return Object.freeze({ kind, version, sealed, masterKeyId, createdAt, expiresAt })
}

/** A copy as JSON keeps it, which nobody can write to. */
function frozenJson(value: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return JSON.parse(JSON.stringify(value), (_name, part) => Object.freeze(part))
}
