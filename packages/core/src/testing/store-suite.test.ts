/** Shows that the suite passes a store that keeps its word, and fails stores with a fault, each in a case of its own. */
import { describe, expect, it } from 'vitest'
import { type MemoryStore, memoryStore } from '../memory-store.ts'
import type {
  Change,
  ChangeFeed,
  ChangeListener,
  InsertOptions,
  KeyDetails,
  KeyMatch,
  KeyRecord,
  KeyRef,
  KeyStore,
  KeyUse,
  PageQuery,
  Secret,
  UsageCount,
} from '../store.ts'
import { type Damage, type StoreSubject, storeCases, type Tampering, testStore } from './index.ts'

const MEMORY = memoryStore().capabilities
const DATABASE = { durable: true, shared: true, consistency: 'immediate', announces: true, lease: 50 } as const

interface Fault {
  readonly fault: string
  /** Group and name of a case that must fail. */
  readonly caught: string
  plant(store: MemoryStore): Partial<KeyStore>
}

/** A tick, in which others have their turn. */
const tick = () => new Promise((resolve) => setImmediate(resolve))

function entryOf(store: MemoryStore, { service, id }: KeyRef) {
  return store.records().keys.find(({ key }) => key.service === service && key.id === id)
}

/** Puts a key in another one's place, past the store's rules. */
function replace(store: MemoryStore, ref: KeyRef, key: KeyRecord, secrets: readonly Secret[]): KeyRecord {
  store.deleteKey(ref, { at: 0, by: 'fault', action: 'key.deleted', details: {} })
  store.insertAll({ accounts: [], keys: [{ key, secrets }] })
  return key
}

function keysOf(store: MemoryStore, service: string): readonly KeyDetails[] {
  return store.listKeys({ service, limit: 10_000 }).items
}

/** What the store tells goes through this first; a heartbeat it is for all to wait for. */
function hearing(store: MemoryStore, through: (listener: ChangeListener) => ChangeListener): Pick<KeyStore, 'changes'> {
  const { changes } = store
  if (changes === undefined) throw new Error('a memory store tells its changes')
  return { changes: { ...changes, lease: 50, subscribe: (listener) => changes.subscribe(through(listener)) } }
}

const CHANGES_UNTOLD: readonly (readonly [fault: string, caught: string, isUntold: (change: Change) => boolean])[] = [
  ['a change of an account is not told', 'an account that is changed', ({ kind }) => kind === 'account'],
  ['a change of a key is not told', 'a key that is revoked', ({ kind }) => kind === 'key'],
]

const FAULTS: readonly Fault[] = [
  ...CHANGES_UNTOLD.map(
    ([fault, what, isUntold]): Fault => ({
      fault,
      caught: `a heartbeat comes back after what was made before it: ${what}`,
      plant: (store) =>
        hearing(store, (listener) => ({
          ...listener,
          changed: (change) => isUntold(change) || listener.changed(change),
        })),
    }),
  ),
  {
    fault: 'a deletion is not told',
    caught: 'a heartbeat comes back after what was made before it: a key that is deleted',
    plant: (store) =>
      hearing(store, (listener) => ({
        ...listener,
        changed: (change) => (change.kind === 'key' && !entryOf(store, change) ? undefined : listener.changed(change)),
      })),
  },
  {
    fault: 'a heartbeat comes back too early',
    caught: 'a heartbeat comes back after what was made before it: a key that is changed',
    plant: (store) =>
      hearing(store, (listener) => ({
        ...listener,
        changed: (change) => void tick().then(() => listener.changed(change)),
      })),
  },
  {
    fault: 'the first of several heartbeats takes all with it',
    caught: 'a heartbeat comes back each time, of several that are under way',
    plant: (store) => {
      let beats = 0
      const { changes } = hearing(store, (listener) => listener)
      return {
        changes: changes && {
          ...changes,
          async subscribe(listener) {
            const subscription = await changes.subscribe({
              ...listener,
              changed: (change) => beats === 0 && listener.changed(change),
            })
            return { ...subscription, beat: () => void beats++ }
          },
        },
      }
    },
  },
  {
    fault: 'a store that says it tells what it does does so after the call',
    caught: 'a heartbeat comes back after what was made before it: a key that is rotated',
    plant: (store) => {
      const { changes } = hearing(store, (listener) => ({
        ...listener,
        changed: (change) => void tick().then(() => listener.changed(change)),
      }))
      return { changes: changes && { ...changes, lease: Number.POSITIVE_INFINITY } }
    },
  },
  {
    fault: 'changes are told in another order',
    caught: 'a heartbeat comes back after many changes, in the order in which they were made',
    plant: (store) => {
      let held: Change | undefined
      return hearing(store, (listener) => ({
        ...listener,
        changed(change) {
          if (held !== undefined) {
            listener.changed(change)
            listener.changed(held)
          }
          held = held === undefined ? change : undefined
        },
      }))
    },
  },
  {
    fault: 'every other change that is made at once is lost',
    caught: 'a heartbeat comes back after changes that were made at once',
    plant: (store) => {
      let count = 0
      return hearing(store, (listener) => ({
        ...listener,
        changed: (change) => (count++ % 2 === 0 ? listener.changed(change) : undefined),
      }))
    },
  },
  {
    fault: 'what is announced is told to nobody',
    caught: 'a heartbeat comes back after what is announced, by whomever',
    plant: (store) => {
      const { changes } = hearing(store, (listener) => listener)
      return { changes: changes && { ...changes, announce: () => {} } }
    },
  },
  {
    fault: 'a use is told as a change',
    caught: 'a heartbeat comes back with nothing, where nothing was changed',
    plant: (store) => ({
      recordUses([use, ...others]) {
        if (use !== undefined) store.changes?.announce({ kind: 'key', service: use.service, id: use.keyId })
        return store.recordUses(use === undefined ? others : [use, ...others])
      },
    }),
  },
  {
    fault: 'a subscription that is closed goes on',
    caught: 'a subscription that is closed is told nothing more, and others are',
    plant: (store) => {
      const { changes } = hearing(store, (listener) => listener)
      const subscribe: ChangeFeed['subscribe'] = async (listener) => {
        const subscription = await changes?.subscribe(listener)
        return { beat: async () => subscription?.beat(), close: () => {} }
      }
      return { changes: changes && { ...changes, subscribe } }
    },
  },
  {
    fault: 'a store says that it tells what changes, and does not',
    caught: 'a store tells what changes where it says so, and its lease',
    plant: () => ({ changes: undefined }),
  },
  {
    fault: 'others go on for longer than a store says',
    caught: 'a store tells what changes where it says so, and its lease',
    plant: (store) => hearing(store, (listener) => listener),
  },
  {
    fault: 'a change undoes a revocation',
    caught: 'changing a key does not undo its revocation',
    plant: (store) => ({
      changeKey(ref, change, audit) {
        const entry = entryOf(store, ref)
        if (!('revokedAt' in change) || entry === undefined) return store.changeKey(ref, change, audit)
        return replace(store, ref, { ...entry.key, revokedAt: null, revokedReason: null }, entry.secrets)
      },
    }),
  },
  {
    fault: 'a change makes it another account’s key',
    caught: 'changing a key does not make it another key, another owner’s or an older one',
    plant: (store) => ({
      changeKey(ref, change) {
        const entry = entryOf(store, ref)
        return entry && replace(store, ref, { ...entry.key, ...change }, entry.secrets)
      },
    }),
  },
  {
    fault: 'a second revocation replaces the first one',
    caught: 'revoking a key a second time changes nothing, and is not recorded',
    plant: (store) => ({
      revokeKey(ref, revokedReason, audit) {
        const entry = entryOf(store, ref)
        return entry && replace(store, ref, { ...entry.key, revokedAt: audit.at, revokedReason }, entry.secrets)
      },
    }),
  },
  {
    fault: 'a second revocation is recorded',
    caught: 'revoking a key a second time changes nothing, and is not recorded',
    plant: (store) => ({
      revokeKey(ref, reason, audit) {
        const before = store.findKey(ref)?.key
        const { service, id: keyId } = ref
        if (before?.revokedAt) store.recordAudit({ ...audit, service, keyId, accountId: before.accountId })
        return store.revokeKey(ref, reason, audit)
      },
    }),
  },
  {
    fault: 'a rotation forgets the earlier version',
    caught: 'rotating a key adds a version to the same key, and ends the earlier one',
    plant: (store) => ({
      rotateKey(ref, secret) {
        const entry = entryOf(store, ref)
        return entry && replace(store, ref, entry.key, [secret])
      },
    }),
  },
  {
    fault: 'a rotation ends nothing',
    caught: 'deciding by what the store finds ends a rotated version at the millisecond, and not its successor',
    plant: (store) => ({ rotateKey: (ref, secret, _end, audit) => store.rotateKey(ref, secret, 8.64e15, audit) }),
  },
  {
    fault: 'a rotation lets an earlier version live longer',
    caught: 'rotating a key never lets an earlier version live longer than it would have',
    plant: (store) => ({
      rotateKey(ref, secret, expiresAt) {
        const entry = entryOf(store, ref)
        if (entry === undefined) return undefined
        return replace(store, ref, entry.key, [...entry.secrets.map((old) => ({ ...old, expiresAt })), secret])
      },
    }),
  },
  {
    fault: 'a rotation gives a revoked key a text that is found',
    caught: 'rotating a key does nothing to one that is revoked',
    plant: (store) => ({
      rotateKey(ref, secret, end, audit) {
        const entry = entryOf(store, ref)
        if (entry === undefined || entry.key.revokedAt === null) return store.rotateKey(ref, secret, end, audit)
        return replace(store, ref, entry.key, [...entry.secrets, secret])
      },
    }),
  },
  {
    fault: 'a rotation to a taken digest is answered as if it were made',
    caught: 'a key that is there keeps each of its digests: rotating to one rejects and changes nothing',
    plant: (store) => ({
      rotateKey(ref, secret, end, audit) {
        const taken = secret.kind === 'key' && store.findByDigest(ref.service, secret.digest) !== undefined
        return taken ? store.findKey(ref)?.key : store.rotateKey(ref, secret, end, audit)
      },
    }),
  },
  {
    fault: 'a list of one account has all keys',
    caught: 'another account’s key is not listed, nor its audit',
    plant: (store) => ({ listKeys: (query) => store.listKeys({ ...query, accountId: undefined }) }),
  },
  {
    fault: 'the audit of one account has all records',
    caught: 'another account’s key is not listed, nor its audit',
    plant: (store) => ({ listAudit: (query) => store.listAudit({ ...query, accountId: undefined }) }),
  },
  ...(['findKey', 'rotateKey', 'revokeKey', 'deleteKey', 'changeKey', 'resealSecret'] as const).map(
    (method): Fault => ({
      fault: `${method} does not look whose key it is`,
      caught: 'another account’s key does not exist where an account is given',
      plant: (store) => ({
        [method]: ({ service, id }: KeyRef, ...rest: readonly unknown[]) =>
          Reflect.apply(store[method], store, [{ service, id }, ...rest]),
      }),
    }),
  ),
  {
    fault: 'a digest is found in every service',
    caught: 'another service’s key does not exist',
    plant: (store) => ({
      findByDigest(_service, digest): KeyMatch | undefined {
        const matches = store.records().keys.map(({ key }) => store.findByDigest(key.service, digest))
        return matches.find((match) => match !== undefined)
      },
    }),
  },
  {
    fault: 'a digest is unique across services',
    caught: 'another service’s key may have the same id and the same digest',
    plant: (store) => ({
      insertKey(key, secret, audit, options) {
        const digests = store.records().keys.flatMap(({ secrets }) => secrets.map((one) => digestOf(one)))
        const taken = secret.kind === 'key' && digests.includes(secret.digest)
        return taken ? { kind: 'taken' } : store.insertKey(key, secret, audit, options)
      },
    }),
  },
  {
    fault: 'a digest is compared without case',
    caught: 'finding a key finds nothing by a text that is not the whole digest or id',
    plant: (store) => ({ findByDigest: (service, digest) => store.findByDigest(service, digest.toLowerCase()) }),
  },
  {
    fault: 'an id that is taken shows whose it is',
    caught: 'a key that is there keeps its id, whatever its state: inserting answers taken and changes nothing',
    plant: (store) => ({
      insertKey(key, secret, audit, options) {
        const answer = store.insertKey(key, secret, audit, options)
        const other = store.findKey(key)?.key
        return answer.kind === 'taken' && other !== undefined ? { kind: 'exists', key: other } : answer
      },
    }),
  },
  {
    fault: 'a deleted key leaves its id taken',
    caught: 'deleting a key leaves its id and digests free, and nothing of it behind',
    plant: (store) => {
      const deleted = new Set<string>()
      return {
        deleteKey(ref, audit) {
          deleted.add(ref.id)
          return store.deleteKey(ref, audit)
        },
        insertKey(key, secret, audit, options) {
          return deleted.has(key.id) ? { kind: 'taken' } : store.insertKey(key, secret, audit, options)
        },
      }
    },
  },
  {
    fault: 'a set is inserted in part',
    caught: 'inserting all adds none where a key’s id is taken',
    plant: (store) => ({
      insertAll({ accounts, keys }) {
        if (!store.insertAll({ accounts, keys: [] })) return false
        return keys.map((entry) => store.insertAll({ accounts: [], keys: [entry] })).every((inserted) => inserted)
      },
    }),
  },
  {
    fault: 'the first key is inserted by two calls at once',
    caught: 'of calls at the same time of many that insert only the first key one does',
    plant: (store) => ({
      async insertKey(key, secret, audit, { onlyFirst }: InsertOptions = {}) {
        const first = keysOf(store, key.service).find((other) => other.key.accountId === key.accountId)
        if (onlyFirst === true && first !== undefined) return { kind: 'exists', key: first.key }
        await tick()
        return store.insertKey(key, secret, audit)
      },
    }),
  },
  {
    fault: 'an idempotency key inserts by two calls at once',
    caught: 'of calls at the same time of many with one idempotency key one inserts',
    plant: (store) => {
      const made = new Map<string, KeyRecord>()
      return {
        async insertKey(key, secret, audit, { idempotencyKey = key.id }: InsertOptions = {}) {
          const before = made.get(idempotencyKey)
          if (before !== undefined) return { kind: 'exists', key: before }
          await tick()
          made.set(idempotencyKey, key)
          return store.insertKey(key, secret, audit)
        },
      }
    },
  },
  {
    fault: 'an idempotency key is every account’s',
    caught: 'an idempotency key is one call’s, one account’s and one service’s',
    plant: (store) => {
      const made = new Map<string, KeyRecord>()
      return {
        insertKey(key, secret, audit, { idempotencyKey = key.id }: InsertOptions = {}) {
          const before = made.get(idempotencyKey)
          if (before !== undefined) return { kind: 'exists', key: before }
          made.set(idempotencyKey, key)
          return store.insertKey(key, secret, audit)
        },
      }
    },
  },
  {
    fault: 'a change writes back what it has read',
    caught: 'of calls at the same time changes of different fields are all made, of a key and of an account',
    plant: (store) => ({
      async changeKey(ref, change, audit) {
        const before = store.findKey(ref)?.key
        await tick()
        return store.changeKey(ref, { ...before, ...change }, audit)
      },
    }),
  },
  {
    fault: 'a rotation writes back a key that was revoked meanwhile',
    caught: 'of calls at the same time a revocation and a rotation leave no text that works',
    plant: (store) => ({
      async rotateKey(ref, secret) {
        const entry = entryOf(store, ref)
        await tick()
        return entry && replace(store, ref, entry.key, [...entry.secrets, secret])
      },
    }),
  },
  {
    fault: 'two rotations both end only what they have read',
    caught: 'of calls at the same time two rotations without overlap leave one text that works',
    plant: (store) => ({
      async rotateKey(ref, secret, end) {
        const read = entryOf(store, ref)?.secrets ?? []
        await tick()
        const now = entryOf(store, ref)
        const ended = now?.secrets.map((old) => (read.includes(old) ? { ...old, expiresAt: end } : old)) ?? []
        return now && replace(store, ref, now.key, [...ended, secret])
      },
    }),
  },
  {
    fault: 'a rotation brings back a key that was deleted meanwhile',
    caught: 'of calls at the same time a deletion and a rotation leave nothing of the key',
    plant: (store) => ({
      async rotateKey(ref, secret) {
        const entry = entryOf(store, ref)
        await tick()
        return entry && replace(store, ref, entry.key, [...entry.secrets, secret])
      },
    }),
  },
  {
    fault: 'a cursor counts the items before it',
    caught: 'a list of keys neither repeats nor loses a key while others are deleted',
    plant: (store) => ({ listKeys: (query) => counted(keysOf(store, query.service), query) }),
  },
  {
    fault: 'a cursor is repeated when something is inserted before it',
    caught: 'a list of keys neither repeats nor loses a key while others are inserted',
    plant: (store) => ({ listKeys: (query) => counted(keysOf(store, query.service), query) }),
  },
  {
    fault: 'a cursor comes back to where it began',
    caught: 'a list of keys has each key once, oldest first, whatever the limit',
    plant: (store) => ({
      listKeys(query) {
        const page = store.listKeys(query)
        return { ...page, next: page.next && store.listKeys({ ...query, after: undefined }).next }
      },
    }),
  },
  {
    fault: 'a cursor is a time that several keys share',
    caught: 'a list of keys has keys of one millisecond once each, always in the same order',
    plant: (store) => ({
      listKeys({ service, after = '-Infinity', limit }) {
        const rest = keysOf(store, service).filter(({ key }) => key.createdAt > Number(after))
        const items = rest.slice(0, limit)
        return { items, next: rest.length > limit ? `${items.at(-1)?.key.createdAt}` : null }
      },
    }),
  },
  {
    fault: 'a full page always says that there is another one',
    caught: 'a list of keys says that there is no other page where there is none',
    plant: (store) => ({
      listKeys(query) {
        const page = store.listKeys(query)
        return { ...page, next: page.items.length === query.limit ? (page.next ?? 'end') : null }
      },
    }),
  },
  {
    fault: 'a cursor that is none starts again',
    caught: 'a cursor that is none is refused with a TypeError',
    plant: (store) => ({
      listKeys(query) {
        try {
          return store.listKeys(query)
        } catch {
          return store.listKeys({ ...query, after: undefined })
        }
      },
    }),
  },
  {
    fault: 'keys are listed in the order of their ids',
    caught: 'a list of keys has each key once, oldest first, whatever the limit',
    plant: (store) => ({
      listKeys: ({ service, ...query }) => {
        const sorted = [...keysOf(store, service)].sort((a, b) => (a.key.id < b.key.id ? -1 : 1))
        return counted(sorted, query)
      },
    }),
  },
  {
    fault: 'changes are not audited',
    caught: 'the audit has one record of each change to a key, whole and newest first',
    plant: (store) => ({
      listAudit(query) {
        const page = store.listAudit(query)
        return { ...page, items: page.items.filter(({ action }) => action !== 'key.changed') }
      },
    }),
  },
  {
    fault: 'the audit is listed oldest first',
    caught: 'a list of the audit has each record once, newest first, whatever the limit',
    plant: (store) => ({
      listAudit: (query) =>
        counted(store.listAudit({ ...query, after: undefined, limit: 1000 }).items.toReversed(), query),
    }),
  },
  {
    fault: 'a deletion takes the audit with it',
    caught: 'the audit outlives the key',
    plant: (store) => ({
      listAudit(query) {
        const page = store.listAudit(query)
        const isThere = (keyId: string | null) => store.records().keys.some(({ key }) => key.id === keyId)
        return { ...page, items: page.items.filter(({ keyId }) => isThere(keyId)) }
      },
    }),
  },
  {
    fault: 'a seal is replaced without a look at the one before',
    caught: 'sealed secrets are replaced once, and sign as before',
    plant: (store) => ({
      resealSecret(ref, from, to, audit) {
        const current = store
          .findSigningKey(ref.service, ref.id)
          ?.secrets.find(({ version }) => version === from.version)
        return current !== undefined && store.resealSecret(ref, current, to, audit)
      },
    }),
  },
  {
    fault: 'a new seal undoes the end of its version',
    caught: 'sealed secrets that were read before a rotation do not undo their end',
    plant: (store) => ({
      resealSecret(ref, from, to) {
        const entry = entryOf(store, ref)
        if (entry === undefined) return false
        const resealed = (old: Secret) => (old.kind === 'signing' && old.version === from.version ? to : old)
        replace(store, ref, entry.key, entry.secrets.map(resealed))
        return true
      },
    }),
  },
  {
    fault: 'the last use that is recorded wins',
    caught: 'the last use of a key is the newest one, in whatever order they are recorded',
    plant: (store) => {
      const uses = new Map<string, number>()
      return {
        recordUses(batch) {
          for (const { keyId, lastAt } of batch) uses.set(keyId, lastAt)
          return true
        },
        findKey(ref) {
          const found = store.findKey(ref)
          return found && { ...found, lastUsedAt: uses.get(ref.id) ?? null }
        },
      }
    },
  },
  {
    fault: 'the first use that is recorded stays',
    caught: 'the first use of a key is the oldest one, in whatever order they are recorded',
    plant: (store) => {
      const uses = new Map<string, number>()
      return {
        recordUses(batch) {
          for (const { keyId, firstAt } of batch) if (!uses.has(keyId)) uses.set(keyId, firstAt)
          return store.recordUses(batch)
        },
        findKey(ref) {
          const found = store.findKey(ref)
          return found && { ...found, firstUsedAt: uses.get(ref.id) ?? null }
        },
      }
    },
  },
  {
    fault: 'a count takes the place of the one before',
    caught: 'the usage of keys is added up, in one batch and in several',
    plant: () => {
      const counts = new Map<string, UsageCount>()
      return {
        recordUses(batch) {
          for (const use of batch) counts.set(`${use.keyId} ${use.day} ${use.route} ${use.status}`, use)
          return true
        },
        listUsage: ({ keyIds }) => [...counts.values()].filter(({ keyId }) => keyIds.includes(keyId)),
      }
    },
  },
  {
    fault: 'the day that a range ends with is in it',
    caught: 'the usage of keys is read of the days that begin in a range',
    plant: (store) => ({ listUsage: (query) => store.listUsage({ ...query, to: query.to + 1 }) }),
  },
  {
    fault: 'routes are kept without regard to case',
    caught: 'the usage of keys holds routes as they are written',
    plant: (store) => ({
      recordUses: (uses) => store.recordUses(uses.map((use) => ({ ...use, route: use.route.toUpperCase() }))),
    }),
  },
  {
    fault: 'every status is taken for a success',
    caught: 'the usage of keys is counted by key, day, route and status',
    plant: (store) => ({ recordUses: (uses) => store.recordUses(uses.map((use) => ({ ...use, status: 200 }))) }),
  },
  {
    fault: 'the usage of keys that are not there is kept',
    caught: 'the usage of keys is not that of another service, nor of keys that are not there',
    plant: () => {
      const kept: KeyUse[] = []
      return {
        recordUses(batch) {
          kept.push(...batch)
          return true
        },
        listUsage: ({ service, keyIds }) => kept.filter((use) => use.service === service && keyIds.includes(use.keyId)),
      }
    },
  },
  {
    fault: 'the usage of a key that was deleted stays',
    caught: 'the usage of keys outlasts a revocation, and is gone with the key',
    plant: () => {
      const kept: KeyUse[] = []
      return {
        recordUses(batch) {
          kept.push(...batch)
          return true
        },
        listUsage: ({ keyIds }) => kept.filter((use) => keyIds.includes(use.keyId)),
      }
    },
  },
  {
    fault: 'usage is read of a hundred keys at most',
    caught: 'the usage of keys is read of many keys at once',
    plant: (store) => ({
      listUsage: (query) => store.listUsage({ ...query, keyIds: query.keyIds.slice(0, 100) }),
    }),
  },
  {
    fault: 'uses are taken and counted nowhere',
    caught: 'the usage of keys is what requests have counted, whatever they were answered with',
    plant: () => ({ recordUses: () => true }),
  },
  {
    fault: 'a batch of uses has a limit',
    caught: 'the last use of a key is recorded in batches of any size',
    plant: (store) => ({ recordUses: (uses) => store.recordUses(uses.slice(0, 100)) }),
  },
  {
    fault: 'metadata loses what is null',
    caught: 'a store keeps metadata of every kind that JSON knows, also where it is long or deep',
    plant: (store) => ({
      insertKey(key, secret, audit, options) {
        const known = Object.entries(key.metadata).filter(([, value]) => value !== null)
        return store.insertKey({ ...key, metadata: Object.fromEntries(known) }, secret, audit, options)
      },
    }),
  },
  {
    fault: 'times are kept in seconds',
    caught: 'deciding by what the store finds ends a key at the millisecond',
    plant: (store) => ({
      insertKey(key, secret, audit, options) {
        const expiresAt = key.expiresAt === null ? null : Math.round(key.expiresAt / 1000) * 1000
        return store.insertKey({ ...key, expiresAt }, secret, audit, options)
      },
    }),
  },
  {
    fault: 'texts are trimmed',
    caught: 'a store keeps every text as a name, environment or permission',
    plant: (store) => ({
      insertKey: (key, secret, audit, options) =>
        store.insertKey({ ...key, name: key.name.trim() }, secret, audit, options),
    }),
  },
  {
    fault: 'what is not there rejects',
    caught: 'finding a key never rejects for what is not there',
    plant: (store) => ({
      findKey(ref) {
        const found = store.findKey(ref)
        if (found === undefined) throw new Error('there is no such key')
        return found
      },
    }),
  },
  {
    fault: 'an account is read once and kept',
    caught: 'deciding by what the store finds holds to a changed account from the next request on',
    plant: (store) => {
      const kept = new Map<string, KeyMatch['account']>()
      return {
        findByDigest(service, digest) {
          const match = store.findByDigest(service, digest)
          if (match === undefined) return undefined
          const { accountId } = match.key
          kept.set(accountId, kept.get(accountId) ?? match.account)
          return { ...match, account: kept.get(accountId) ?? null }
        },
      }
    },
  },
]

function digestOf(secret: Secret): string | undefined {
  return secret.kind === 'key' ? secret.digest : undefined
}

/** A page whose cursor is the number of items before it. */
function counted<T>(items: readonly T[], { after = '0', limit }: PageQuery) {
  const start = Number(after)
  const end = start + limit
  return { items: items.slice(start, end), next: end < items.length ? `${end}` : null }
}

describe.each(FAULTS.map((fault) => [fault.fault, fault] as const))('where %s', (_fault, { caught, plant }) => {
  it(`fails: ${caught}`, async () => {
    const storeCase = caseNamed(caught, MEMORY)
    await storeCase.run({ open: memoryStore })
    const broken = storeCase.run({
      open() {
        const store = memoryStore()
        return { ...store, ...plant(store) }
      },
    })
    await expect(broken).rejects.toThrow(FAILED)
  })
})

/** What the suite says, or the store; not a mistake in the fault itself. */
const FAILED = /^(not as expected|does not hold|it did not reject|there is no such key)/

function caseNamed(whole: string, capabilities: KeyStore['capabilities']) {
  const found = storeCases(capabilities).filter(({ group, name }) => `${group} ${name}` === whole)
  if (found[0] === undefined || found.length > 1) throw new Error(`${found.length} cases are called "${whole}"`)
  return found[0]
}

/** How a database that several connections share can be at fault. */
interface DatabaseFaults {
  /** A connection remembers what it has found. */
  readonly remembers?: boolean
  /** It is empty when it is opened again. */
  readonly forgets?: boolean
  readonly answersWhenClosed?: boolean
  /** How it reads a damaged record. Default: it rejects with the record's id. */
  readonly reads?: 'as whole' | 'as unknown' | 'without its id' | 'as whole for managers'
  readonly refusesToBeDamaged?: boolean
  /** What a connection does not tell. Default: nothing. */
  readonly mutes?: 'what others change'
  readonly beatsWhenClosed?: boolean
}

const MANAGING = ['findKey', 'listKeys', 'findAccount']

/** A memory store behind connections, as of a database: every answer is a promise, and takes a while. */
function database(faults: DatabaseFaults = {}): Required<StoreSubject> {
  let memory = memoryStore()
  /** The connection that makes a change, while it makes it. */
  let acting: unknown
  const damaged = new Map<string, Damage | 'status'>()

  function connection(): KeyStore {
    let open = true
    const found = new Map<string, unknown>()
    const memoryOf = memory

    async function call(method: string, args: readonly unknown[]): Promise<unknown> {
      if (!open && faults.answersWhenClosed !== true) throw new Error('the connection is closed')
      if (method === 'close') {
        open = false
        if (faults.forgets === true) memory = memoryStore()
        return undefined
      }
      await tick()
      const name = JSON.stringify([method, args])
      if (faults.remembers === true && method === 'findByDigest' && found.has(name)) return found.get(name)
      acting = found
      const answer: unknown = Reflect.apply(Reflect.get(memoryOf, method), memoryOf, args)
      found.set(name, answer)
      return checked(method, answer)
    }

    function checked(method: string, answer: unknown): unknown {
      const text = JSON.stringify(answer) ?? ''
      const [id, damage] = [...damaged].find(([name]) => text.includes(`"id":${JSON.stringify(name)}`)) ?? []
      if (id === undefined || damage === 'sealed' || method === 'listAudit') return broken(answer, id)
      if (faults.reads === 'as whole') return answer
      if (faults.reads === 'as whole for managers' && MANAGING.includes(method)) return answer
      if (faults.reads === 'as unknown') return undefined
      throw new Error(faults.reads === 'without its id' ? 'a record is damaged' : `${id} is damaged`)
    }

    /** A signing key whose seal does not hold. */
    function broken(answer: unknown, id: string | undefined): unknown {
      if (id === undefined || faults.reads === 'as whole') return answer
      return JSON.parse(JSON.stringify(answer).replaceAll('"sealed":"', '"sealed":"AAAA'))
    }

    const { changes } = hearing(memoryOf, (listener) => ({
      ...listener,
      changed(change) {
        if (open && (faults.mutes === undefined || acting === found)) listener.changed(change)
      },
    }))

    async function subscribe(listener: ChangeListener) {
      if (!open) throw new Error('the connection is closed')
      const subscription = await changes?.subscribe(listener)
      return {
        async beat() {
          if (!open && faults.beatsWhenClosed !== true) throw new Error('the connection is closed')
          await tick()
        },
        close: async () => subscription?.close(),
      }
    }

    const methods = Object.keys(memory).filter((name) => !['capabilities', 'changes', 'records'].includes(name))
    const calls = methods.map((method) => [method, (...args: readonly unknown[]) => call(method, args)])
    const feed = { ...changes, subscribe }
    return { ...Object.fromEntries(calls), capabilities: DATABASE, changes: feed } as KeyStore
  }

  return {
    open: connection,
    async tamper(tampering: Tampering): Promise<boolean> {
      if (faults.refusesToBeDamaged === true) return false
      if (tampering.kind === 'key') damaged.set(tampering.keyId, tampering.damage)
      else if (tampering.status === 'active') damaged.delete(tampering.accountId)
      else damaged.set(tampering.accountId, 'status')
      return true
    },
  }
}

describe('a database', () => {
  const cases = storeCases(DATABASE)

  const named = cases.map((storeCase) => [`${storeCase.group} ${storeCase.name}`, storeCase] as const)
  it.each(named)('that keeps its word passes: %s', async (_name, { run }) => {
    await run(database())
  })

  it.each([
    ['remembers', 'what one connection has written is read by another one at once', { remembers: true }],
    [
      'remembers',
      'what one connection has written is what another one decides by, also where it has just decided otherwise',
      { remembers: true },
    ],
    ['forgets', 'a store that was closed has everything when it is opened again', { forgets: true }],
    [
      'mutes what others change',
      'a heartbeat comes back after what was made before it: a key that is revoked',
      { mutes: 'what others change' },
    ],
    ['beats when it is closed', 'a subscription ends with its store', { beatsWhenClosed: true }],
    ['answers when it is closed', 'a store that was closed rejects every call', { answersWhenClosed: true }],
    ...cases
      .filter(({ group }) => group === 'a damaged record')
      .flatMap(({ group, name }) =>
        (['as whole', 'as unknown', 'without its id', 'as whole for managers'] as const)
          // The seal is core's to open, and a signing key that is not found is a token that does not verify.
          .filter((reads) => !(name.includes('seal is broken') && reads !== 'as whole'))
          .map((reads) => [`reads ${reads}`, `${group} ${name}`, { reads }] as const),
      ),
  ] as const)('that %s fails: %s', async (_fault, caught, faults) => {
    await expect(caseNamed(caught, DATABASE).run(database(faults))).rejects.toThrow(FAILED)
  })

  it('that refuses to hold damaged records passes', async () => {
    for (const { group, run } of cases)
      if (group === 'a damaged record') await run(database({ refusesToBeDamaged: true }))
  })
})

describe('the suite', () => {
  it('exports these names', async () => {
    expect(Object.keys(await import('@latchkey/core/testing')).sort()).toEqual([
      'storeCases',
      'testLedger',
      'testLimiter',
      'testStore',
    ])
  })

  it('has each case once', () => {
    const names = storeCases(DATABASE).map(({ group, name }) => `${group} ${name}`)
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
  })

  it('asks a store for what its capabilities promise, and for no more', () => {
    const groups = (others: Partial<KeyStore['capabilities']>) =>
      new Set(storeCases({ ...MEMORY, ...others }).map(({ group }) => group))
    const all = groups(DATABASE)
    const without = (others: Partial<KeyStore['capabilities']>) => [...all].filter((name) => !groups(others).has(name))
    expect(without({})).toEqual(['what one connection has written', 'a store that was closed', 'a damaged record'])
    expect(without({ shared: true })).toEqual(['a store that was closed', 'a damaged record'])
    expect(without({ durable: true })).toEqual(['what one connection has written'])
    expect(without({ ...DATABASE, announces: false })).toEqual(['a heartbeat comes back', 'a subscription'])
    expect(without({ ...DATABASE, consistency: 'eventual' })).toEqual(['what one connection has written'])
  })

  it('registers each case in its group, and runs it on the subject', async () => {
    const registered: string[] = []
    const bodies: (() => Promise<void>)[] = []
    let group = ''
    const describe = (name: string, body: () => void) => {
      group = name
      body()
    }
    const it = (name: string, body: () => Promise<void>) => {
      registered.push(`${group} ${name}`)
      bodies.push(body)
    }
    let opened = 0
    const open = () => {
      opened++
      return memoryStore()
    }
    await testStore({ describe, it }, { open })
    expect(registered).toEqual(storeCases(MEMORY).map(({ group, name }) => `${group} ${name}`))
    expect(opened).toBe(1)
    await bodies[0]?.()
    expect(opened).toBe(2)
  })

  it('closes every store that it opens, also where a case fails', async () => {
    let open = 0
    const subject = database({ forgets: true })
    const counting: StoreSubject = {
      ...subject,
      async open() {
        open++
        const store = await subject.open()
        return { ...store, close: async () => void open-- }
      },
    }
    for (const { run } of storeCases(DATABASE).slice(-20)) await run(counting).catch(() => {})
    await testStore({ describe: () => {}, it: () => {} }, counting)
    expect(open).toBe(0)
  })

  it('refuses a durable store whose records cannot be damaged', async () => {
    const { open } = database()
    await expect(testStore({ describe, it }, { open })).rejects.toThrow(
      new TypeError('tamper must be given: the store is durable'),
    )
    const damage = storeCases(DATABASE).filter(({ group }) => group === 'a damaged record')
    for (const { run } of damage) await expect(run({ open })).rejects.toThrow(/^tamper must be given/)
  })
})
