import { DEFAULT_TIMEOUT } from './attempt.ts'
import type { Awaitable } from './awaitable.ts'
import type { Contract } from './contract.ts'
import { checkListeners, type KeyEvents, type Listeners, quiet } from './events.ts'
import type { IdentityProvider } from './identity.ts'
import type {
  CreatedKey,
  ImportedKey,
  IssuedKey,
  KeyAuditOptions,
  Keys,
  KeyUsage,
  ListOptions,
  NewKey,
  UsageOptions,
} from './keys.ts'
import { statusOf } from './keys.ts'
import { checkKnown, checkMembers, membersOf } from './known.ts'
import {
  changer,
  checkBy,
  checkMetadata,
  checkText,
  checkTime,
  MANAGE_OPTIONS,
  type ManageOptions,
  pageQuery,
  settled,
} from './manage.ts'
import { secretMaker } from './new-secret.ts'
import { checkPepper, checkTimeout } from './options.ts'
import { type MasterKey, type SealedFor, type Sealer, sealer } from './seal.ts'
import type {
  AccountReader,
  AuditAction,
  AuditEntry,
  InsertOptions,
  KeyChange,
  KeyDetails,
  KeyRecord,
  KeyRef,
  Page,
  SigningSecret,
  UsageCount,
} from './store.ts'

export interface ManageKeysOptions<Plan extends string, Permission extends string, Feature extends string>
  extends ManageOptions {
  /** Whose keys: their format, and which permissions there are. */
  readonly contract: Contract<Plan, Permission, Feature, readonly IdentityProvider[]>
  /** Only this account's keys: the others are answered as keys that do not exist. Left out: the keys of all accounts. */
  readonly accountId?: string
  /** Where accounts are, if not in the store: as in `createAuth`. */
  readonly accounts?: AccountReader | undefined
  /** Mixed into the digests of keys, as in `createAuth`. Default: none. */
  readonly pepper?: string | undefined
  /** Seals signing secrets, as in `createAuth`. Required where the contract has token rules. */
  readonly masterKey?: MasterKey | undefined
  /** What is told of what is done to keys. */
  readonly on?: Listeners<KeyEvents> | undefined
}

const OPTIONS = [
  ...MANAGE_OPTIONS,
  ...membersOf<Omit<ManageKeysOptions<string, string, string>, keyof ManageOptions>>({
    contract: true,
    accountId: true,
    accounts: true,
    pepper: true,
    masterKey: true,
    on: true,
  }),
]
const CHANGE = membersOf<KeyChange>({
  name: true,
  environment: true,
  permissions: true,
  expiresAt: true,
  metadata: true,
})
const NEW = {
  accountId: true,
  name: true,
  kind: true,
  permissions: true,
  environment: true,
  expiresAt: true,
  metadata: true,
} as const
const NEW_KEY = membersOf<NewKey>(NEW)
const IMPORTED_KEY = membersOf<ImportedKey>({
  ...NEW,
  id: true,
  text: true,
  digest: true,
  dangerouslyAllowGuessableText: true,
})
const LIST = { after: true, limit: true, accountId: true } as const
const LIST_OPTIONS = membersOf<ListOptions>(LIST)
const AUDIT_OPTIONS = membersOf<KeyAuditOptions>({ ...LIST, keyId: true })
const USAGE_OPTIONS = membersOf<UsageOptions>({ ...LIST, keyId: true, from: true, to: true })
const INSERT_OPTIONS = membersOf<InsertOptions>({ onlyFirst: true, idempotencyKey: true })

/** An id or a digest that is taken is drawn again; a store that calls everything taken is broken. */
const ATTEMPTS = 8
const RESEAL_BATCH = 100

/**
 * Manages one contract's keys in a store.
 *
 * @throws TypeError naming the option that is wrong.
 */
export function manageKeys<Plan extends string, Permission extends string, Feature extends string>(
  options: ManageKeysOptions<Plan, Permission, Feature>,
): Keys<Permission> {
  checkMembers('options', options, OPTIONS)
  const { contract, store, by, accountId: owner, accounts, pepper, masterKey, on = {} } = options
  const { timeout = DEFAULT_TIMEOUT, now = Date.now } = options
  checkBy(options)
  if (typeof contract !== 'object' || contract === null) throw new TypeError('contract must be a contract')
  if (accounts !== undefined && typeof accounts?.find !== 'function') throw new TypeError('accounts must have find(id)')
  // Given as undefined it is a mistake (a session without an account), not all accounts.
  if (Object.hasOwn(options, 'accountId')) checkText('accountId', owner)
  checkPepper(pepper)
  checkTimeout(timeout)
  checkListeners(on)
  const service = contract.name
  const seals = masterKey === undefined ? undefined : sealer(masterKey)
  if (contract.token !== undefined && seals === undefined) {
    throw new TypeError('masterKey must be given: the contract has token rules')
  }
  const secrets = secretMaker({ contract, pepper, seals, timeout })
  const make = changer(options, timeout)

  function told(listener: ((event: KeyEvents['keyChanged']) => void) | undefined, key: KeyRecord | undefined): void {
    if (key !== undefined) quiet(listener)?.({ service, by, key })
  }

  function ask<T>(call: () => Awaitable<T>): Promise<T> {
    return settled(call, timeout)
  }

  function refTo(id: string): KeyRef {
    return { service, id: checkText('id', id), accountId: owner }
  }

  function accountOf({ accountId = owner }: Pick<NewKey, 'accountId'>): string | undefined {
    if (owner !== undefined && accountId !== owner) throw new TypeError(`accountId must be ${owner}`)
    return accountId
  }

  function entry(action: AuditAction, details: AuditEntry['details'] = {}, at: number = now()): AuditEntry {
    return { at, by, action, details }
  }

  function checkPermissions(permissions: readonly string[]): void {
    if (!Array.isArray(permissions)) throw new TypeError('permissions must be an array')
    const known = Object.keys(contract.permissions ?? {})
    for (const permission of permissions) checkKnown('permissions', 'permission', permission, known)
  }

  async function recordOf(details: NewKey, at: number): Promise<Omit<KeyRecord, 'id'>> {
    const { name, permissions = [], environment = null, expiresAt = null, metadata = {} } = details
    const accountId = checkText('accountId', accountOf(details))
    checkText('name', name)
    checkPermissions(permissions)
    if (environment !== null) checkText('environment', environment)
    if (expiresAt !== null) checkTime('expiresAt', expiresAt)
    checkMetadata(metadata)
    const account = await ask(() => (accounts === undefined ? store.findAccount(accountId) : accounts.find(accountId)))
    if (account?.id !== accountId) throw new TypeError(`accountId: there is no account "${accountId}"`)
    return {
      service,
      accountId,
      name,
      environment,
      permissions: [...new Set(permissions)],
      createdAt: at,
      expiresAt,
      revokedAt: null,
      revokedReason: null,
      metadata,
    }
  }

  function create(details: NewKey): Promise<IssuedKey>
  function create(details: NewKey, options: InsertOptions): Promise<CreatedKey>
  async function create(details: NewKey, insert: InsertOptions = {}): Promise<CreatedKey> {
    checkMembers('details', details, NEW_KEY)
    checkMembers('options', insert, INSERT_OPTIONS)
    const { onlyFirst, idempotencyKey } = insert
    const kind = secrets.kindOf(details.kind)
    if (idempotencyKey !== undefined) checkText('idempotencyKey', idempotencyKey)
    const at = now()
    const record = await recordOf(details, at)
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const { id, text, secret } = await secrets.draw(kind, at)
      const key = { id, ...record }
      const audit = entry('key.created', detailsOf(key), at)
      const inserted = await ask(() => store.insertKey(key, secret, audit, { onlyFirst, idempotencyKey }))
      if (inserted.kind === 'inserted') {
        told(on.keyCreated, key)
        return { key, secret: text }
      }
      if (inserted.kind === 'exists') return { key: inserted.key, secret: null }
    }
    throw new Error('the store called every new key taken')
  }

  async function importKey(details: ImportedKey): Promise<KeyRecord | undefined> {
    checkMembers('details', details, IMPORTED_KEY)
    const at = now()
    const { id, secret } = await secrets.take(secrets.kindOf(details.kind), details, at)
    const key = { id, ...(await recordOf(details, at)) }
    const inserted = await ask(() => store.insertKey(key, secret, entry('key.imported', detailsOf(key), at)))
    if (inserted.kind !== 'inserted') return undefined
    told(on.keyImported, key)
    return key
  }

  async function change(id: string, changes: KeyChange): Promise<KeyRecord | undefined> {
    checkMembers('change', changes, CHANGE)
    const { name, environment, permissions, expiresAt, metadata } = changes
    const ref = refTo(id)
    if (name !== undefined) checkText('name', name)
    if (environment !== undefined && environment !== null) checkText('environment', environment)
    if (permissions !== undefined) checkPermissions(permissions)
    if (expiresAt !== undefined && expiresAt !== null) checkTime('expiresAt', expiresAt)
    if (metadata !== undefined) checkMetadata(metadata)
    const given = Object.entries({
      name,
      environment,
      permissions: permissions && [...new Set(permissions)],
      expiresAt,
      metadata,
    })
    const known = Object.fromEntries(given.filter(([, value]) => value !== undefined))
    const key = await make(() => store.changeKey(ref, known, entry('key.changed', known)))
    told(on.keyChanged, key)
    return key
  }

  async function rotate(id: string, overlap = 0): Promise<IssuedKey | undefined> {
    const at = now()
    // What it ends at is a time.
    if (!(Number.isInteger(overlap) && overlap >= 0 && at + overlap <= 8.64e15)) {
      throw new TypeError('overlap must be whole milliseconds, 0 or more')
    }
    const ref = refTo(id)
    const found = await ask(() => store.findKey(ref))
    if (found === undefined) return undefined
    const { text, secret } = await secrets.draw(secrets.kindOf(found.kind), at, id)
    // At once is long ago: by the clock of every machine.
    const endsAt = overlap === 0 ? 0 : at + overlap
    const key = await make(() => store.rotateKey(ref, secret, endsAt, entry('key.rotated', { overlap }, at)))
    told(on.keyRotated, key)
    return key && { key, secret: text }
  }

  async function revoke(id: string, reason: string | null = null): Promise<KeyRecord | undefined> {
    if (reason !== null) checkText('reason', reason)
    const audit = entry('key.revoked', { reason })
    const key = await make(() => store.revokeKey(refTo(id), reason, audit))
    // One that was revoked before stays as it was.
    if (key?.revokedAt === audit.at) told(on.keyRevoked, key)
    return key
  }

  async function deleteKey(id: string): Promise<boolean> {
    const isDeleted = await make(() => store.deleteKey(refTo(id), entry('key.deleted')))
    if (isDeleted) quiet(on.keyDeleted)?.({ service, by, keyId: id })
    return isDeleted
  }

  async function reveal(id: string): Promise<readonly string[] | undefined> {
    const ref = refTo(id)
    const found = await ask(() => store.findKey(ref))
    if (found?.kind !== 'signing' || seals === undefined) return undefined
    const { accountId } = found.key
    await ask(() => store.recordAudit({ ...entry('secret.revealed'), service, keyId: id, accountId }))
    told(on.secretRevealed, found.key)
    const match = await ask(() => store.findSigningKey(service, id))
    // It may be gone by now, and another account's key of that name.
    if (match?.key.accountId !== accountId) return undefined
    const at = now()
    const works = statusOf(match.key, at) === 'active'
    const live = match.secrets.filter(({ expiresAt }) => works && (expiresAt === null || at < expiresAt))
    const what = (secret: SigningSecret): SealedFor => ({ service, keyId: id, version: secret.version })
    return Promise.all(live.reverse().map((secret) => ask(() => seals.open(secret, what(secret)))))
  }

  async function reseal(): Promise<number> {
    if (owner !== undefined) throw new TypeError('accountId: the secrets of all accounts are sealed anew, or none')
    if (seals === undefined) return 0
    // What cannot be sealed anew does not keep the others from it.
    const skipped = new Set<string>()
    const failures: unknown[] = []
    for (let resealed = 0; ; ) {
      // Asked each time: a function may have fetched a newer one in the meantime.
      const current = await ask(() => seals.masterKeyId())
      const listed = await ask(() => store.listSealed(service, current, RESEAL_BATCH + skipped.size))
      const batch = listed.filter(({ secret }) => !skipped.has(secret.sealed))
      if (batch.length === 0) {
        if (failures.length > 0) throw failures[0]
        return resealed
      }
      for (const { keyId, secret } of batch) {
        skipped.add(secret.sealed)
        try {
          if (await resealOne(seals, keyId, secret)) resealed++
        } catch (cause) {
          failures.push(cause)
        }
      }
    }
  }

  /** False where it was rotated or deleted in the meantime and needs none, or another process has done it. */
  async function resealOne({ open, seal }: Sealer, keyId: string, secret: SigningSecret): Promise<boolean> {
    const what = { service, keyId, version: secret.version }
    const text = await ask(() => open(secret, what))
    const sealed: SigningSecret = { ...secret, ...(await ask(() => seal(text, what))) }
    const audit = entry('secret.resealed', { masterKeyId: sealed.masterKeyId })
    return ask(() => store.resealSecret({ service, id: keyId }, secret, sealed, audit))
  }

  async function detailsPage({ keyId, ...list }: Omit<UsageOptions, 'from' | 'to'>): Promise<Page<KeyDetails>> {
    const accountId = accountOf(list)
    if (keyId === undefined) return ask(() => store.listKeys({ service, ...pageQuery(list), accountId }))
    const found = await ask(() => store.findKey({ ...refTo(keyId), accountId }))
    return { items: found === undefined ? [] : [found], next: null }
  }

  async function usage(options: UsageOptions): Promise<Page<KeyUsage>> {
    checkMembers('options', options, USAGE_OPTIONS)
    const { from, to, ...which } = options
    checkTime('from', from)
    checkTime('to', to)
    const { items, next } = await detailsPage(which)
    const keyIds = items.map(({ key }) => key.id)
    const counts = await ask(() => store.listUsage({ service, keyIds, from, to }))
    const byKey = new Map<string, UsageCount[]>(keyIds.map((id) => [id, []]))
    for (const count of counts) byKey.get(count.keyId)?.push(count)
    return { items: items.map((item) => ({ ...item, counts: (byKey.get(item.key.id) ?? []).sort(inOrder) })), next }
  }

  return {
    create,
    import: importKey,
    find: async (id: string) => ask(() => store.findKey(refTo(id))),
    async list(list: ListOptions = {}) {
      checkMembers('options', list, LIST_OPTIONS)
      return ask(() => store.listKeys({ service, ...pageQuery(list), accountId: accountOf(list) }))
    },
    change,
    rotate,
    revoke,
    delete: deleteKey,
    reveal,
    reseal,
    usage,
    async audit(options: KeyAuditOptions = {}) {
      checkMembers('options', options, AUDIT_OPTIONS)
      const { keyId, ...list } = options
      return ask(() => store.listAudit({ service, keyId, ...pageQuery(list), accountId: accountOf(list) }))
    },
  }
}

function inOrder(a: UsageCount, b: UsageCount): number {
  return a.day - b.day || (a.route < b.route ? -1 : Number(a.route > b.route)) || a.status - b.status
}

/** What the audit record keeps of a new key, also when the key is gone. */
function detailsOf({ name, environment, permissions, expiresAt }: KeyRecord): AuditEntry['details'] {
  return { name, environment, permissions, expiresAt }
}
