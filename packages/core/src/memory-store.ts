import type {
  Account,
  AccountChange,
  Inserted,
  KeyChange,
  KeyMatch,
  KeyRecord,
  KeySecret,
  KeyStore,
  SigningKeyMatch,
  SigningSecret,
} from './store.ts'

type Secret = KeySecret | SigningSecret

interface Entry {
  readonly key: KeyRecord
  readonly secrets: readonly Secret[]
}

interface Service {
  readonly entries: Map<string, Entry>
  /** The id of the key that a digest belongs to. */
  readonly ids: Map<string, string>
}

/** A store in this process's memory, for tests, demos and single-process tools. Every answer is synchronous. */
export type MemoryStore = { readonly [M in keyof KeyStore]: SyncMethod<KeyStore[M]> }

type SyncMethod<F> = F extends (...args: infer A) => infer R ? (...args: A) => Exclude<R, Promise<unknown>> : never

/** Makes an empty store. What it holds is gone with the process, and no other process sees it. */
export function memoryStore(): MemoryStore {
  const services = new Map<string, Service>()
  const accounts = new Map<string, Account>()

  function serviceOf(name: string): Service {
    let service = services.get(name)
    if (service === undefined) {
      service = { entries: new Map(), ids: new Map() }
      services.set(name, service)
    }
    return service
  }

  // Records are replaced, never written to: a caller that holds one sees the state it read. Metadata is not copied.
  function put(entry: Entry): KeyRecord {
    const service = serviceOf(entry.key.service)
    const key = Object.freeze({ ...entry.key, permissions: Object.freeze([...entry.key.permissions]) })
    service.entries.set(key.id, { key, secrets: entry.secrets })
    for (const secret of entry.secrets) if (secret.kind === 'key') service.ids.set(secret.digest, key.id)
    return key
  }

  function update(service: string, id: string, step: (entry: Entry) => Entry | undefined): KeyRecord | undefined {
    const entry = services.get(service)?.entries.get(id)
    const next = entry && step(entry)
    return next && put(next)
  }

  function listKeys(service: string, accountId: string): readonly KeyRecord[] {
    const keys = [...(services.get(service)?.entries.values() ?? [])].map((entry) => entry.key)
    return keys.filter((key) => key.accountId === accountId)
  }

  return {
    listKeys,

    findByDigest(service: string, digest: string): KeyMatch | undefined {
      const found = services.get(service)
      const id = found?.ids.get(digest)
      const entry = id === undefined ? undefined : found?.entries.get(id)
      const secret = entry?.secrets.find((version) => version.kind === 'key' && version.digest === digest)
      if (entry === undefined || secret?.kind !== 'key') return undefined
      return { key: entry.key, account: accounts.get(entry.key.accountId) ?? null, secret }
    },

    findSigningKey(service: string, id: string): SigningKeyMatch | undefined {
      const entry = services.get(service)?.entries.get(id)
      const secrets = entry?.secrets.filter((secret) => secret.kind === 'signing') ?? []
      if (entry === undefined || secrets.length === 0) return undefined
      return { key: entry.key, account: accounts.get(entry.key.accountId) ?? null, secrets }
    },

    findById(service: string, id: string): KeyRecord | undefined {
      return services.get(service)?.entries.get(id)?.key
    },

    insertKey(key: KeyRecord, secret: Secret, options: { readonly onlyFirst?: boolean } = {}): Inserted {
      const service = serviceOf(key.service)
      const id = secret.kind === 'key' ? (service.ids.get(secret.digest) ?? key.id) : key.id
      const taken = service.entries.get(id)?.key
      const first = options.onlyFirst === true ? listKeys(key.service, key.accountId)[0] : undefined
      const existing = first ?? taken
      if (existing !== undefined) return { kind: 'exists', key: existing }
      put({ key, secrets: [secret] })
      return { kind: 'inserted' }
    },

    rotateKey(service: string, id: string, secret: Secret, previousEndsAt: number): KeyRecord | undefined {
      return update(service, id, ({ key, secrets }) => {
        if (key.revokedAt !== null) return undefined
        if (secrets.some((old) => old.kind !== secret.kind)) throw new Error('the secret is of another kind')
        if (secret.kind === 'key' && services.get(service)?.ids.has(secret.digest))
          throw new Error('the digest is taken')
        const ended = secrets.map((old) => ({ ...old, expiresAt: Math.min(old.expiresAt ?? Infinity, previousEndsAt) }))
        return { key, secrets: [...ended, secret] }
      })
    },

    revokeKey(service: string, id: string, at: number, reason: string | null): KeyRecord | undefined {
      return update(service, id, ({ key, secrets }) =>
        key.revokedAt === null ? { key: { ...key, revokedAt: at, revokedReason: reason }, secrets } : { key, secrets },
      )
    },

    deleteKey(service: string, id: string): boolean {
      const found = services.get(service)
      const entry = found?.entries.get(id)
      if (found === undefined || entry === undefined) return false
      for (const secret of entry.secrets) if (secret.kind === 'key') found.ids.delete(secret.digest)
      return found.entries.delete(id)
    },

    changeKey(service: string, id: string, change: KeyChange): KeyRecord | undefined {
      return update(service, id, ({ key, secrets }) => {
        const { name, environment, permissions, expiresAt, metadata } = { ...key, ...change }
        return { key: { ...key, name, environment, permissions, expiresAt, metadata }, secrets }
      })
    },

    findAccount(id: string): Account | undefined {
      return accounts.get(id)
    },

    insertAccount(account: Account): boolean {
      if (accounts.has(account.id)) return false
      accounts.set(account.id, Object.freeze({ ...account }))
      return true
    },

    changeAccount(id: string, change: AccountChange): Account | undefined {
      const account = accounts.get(id)
      if (account === undefined) return undefined
      const changed = Object.freeze({ ...account, ...change, id })
      accounts.set(id, changed)
      return changed
    },
  }
}
