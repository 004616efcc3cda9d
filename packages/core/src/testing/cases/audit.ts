import type { AuditEntry, AuditRecord } from '../../store.ts'
import { equal, rejection } from '../equal.ts'
import { type Group, group } from '../group.ts'
import { NOW, type World } from '../world.ts'

/** Every kind of JSON that details may hold. */
const DETAILS: AuditEntry['details'] = {
  name: `it's "quoted"`,
  expiresAt: null,
  permissions: ['read', 'write'],
  overlap: 0,
  metadata: { deep: [{ a: [true, 1.5, 'é\u0000'] }] },
  empty: {},
}

/** All that is recorded of an account, newest first. */
async function auditedOf({ store }: World, accountId: string): Promise<readonly AuditRecord[]> {
  return (await store.listAudit({ accountId, limit: 1000 })).items
}

export const audit: Group = group('the audit', {
  'has one record of each change to a key, whole and newest first': async (world) => {
    const { store, service, account, issueSigning, keyWith, draw, drawSigning, audited } = world
    const key = keyWith()
    const ref = { service, id: key.id }
    const entries: AuditEntry[] = []
    const entry = (action: AuditEntry['action']) => {
      const made = { ...world.entry(action, { ...DETAILS, action }), by: `by ${action}` }
      entries.unshift(made)
      return made
    }
    await store.insertKey(key, draw().secret, entry('key.imported'))
    await store.changeKey(ref, { name: 'x' }, entry('key.changed'))
    await store.rotateKey(ref, draw().secret, NOW, entry('key.rotated'))
    await store.revokeKey(ref, 'leaked', entry('key.revoked'))
    await store.deleteKey(ref, entry('key.deleted'))
    const expected = entries.map((made) => ({ ...made, service, keyId: key.id, accountId: account.id }))
    equal(await audited(), expected)
    equal((await store.listAudit({ service, keyId: key.id, limit: 10 })).items, expected)

    const signing = await issueSigning()
    const resealed = world.entry('secret.resealed', DETAILS)
    const { sealed, masterKeyId } = (await drawSigning(signing.key)).secret
    await store.resealSecret(signing.ref, signing.secret, { ...signing.secret, sealed, masterKeyId }, resealed)
    equal((await audited())[0], { ...resealed, service, keyId: signing.key.id, accountId: account.id })
  },

  'has one record of each change to an account': async (world) => {
    const { store, accountWith } = world
    const account = accountWith()
    const [created, changed] = [world.entry('account.created', DETAILS), world.entry('account.changed', DETAILS)]
    await store.insertAccount(account, created)
    await store.changeAccount(account.id, { plan: 'free' }, changed)
    const about = { service: null, keyId: null, accountId: account.id }
    equal(await auditedOf(world, account.id), [
      { ...changed, ...about },
      { ...created, ...about },
    ])
  },

  'has what is recorded by itself': async (world) => {
    const { store, service, account, fresh, entry, audited } = world
    const about = { service, keyId: fresh('key'), accountId: account.id }
    const records = [
      { ...entry('secret.revealed', DETAILS), ...about },
      { ...entry('secret.revealed'), ...about },
    ]
    for (const record of records) await store.recordAudit(record)
    equal(await audited(), [...records].reverse())
    const ofAccount: AuditRecord = { ...entry('account.changed'), service: null, keyId: null, accountId: about.keyId }
    await store.recordAudit(ofAccount)
    equal(await auditedOf(world, about.keyId), [ofAccount])
  },

  'has nothing of what did not happen': async (world) => {
    const { store, service, account, issue, issueSigning, keyWith, draw, drawSigning, entry, fresh, audited } = world
    const [{ key, secret, ref }, revoked, signing] = [await issue(), await issue(), await issueSigning()]
    await store.revokeKey(revoked.ref, null, entry('key.revoked'))
    const before = await audited()

    await store.insertKey(keyWith({ id: key.id }), draw().secret, entry('key.created'))
    await store.insertKey(keyWith(), secret, entry('key.created'))
    await store.insertKey(keyWith(), draw().secret, entry('key.created'), { onlyFirst: true })
    await rejection(() => store.rotateKey(ref, secret, NOW, entry('key.rotated')))
    await rejection(() => store.rotateKey(signing.ref, draw().secret, NOW, entry('key.rotated')))
    await store.rotateKey(revoked.ref, draw().secret, NOW, entry('key.rotated'))
    await store.revokeKey(revoked.ref, 'again', entry('key.revoked'))
    const other = (await drawSigning(signing.key)).secret
    await store.resealSecret(signing.ref, other, other, entry('secret.resealed'))
    for (const stranger of [
      { service, id: fresh('key') },
      { ...ref, accountId: fresh('account') },
    ]) {
      await store.rotateKey(stranger, draw().secret, NOW, entry('key.rotated'))
      await store.revokeKey(stranger, null, entry('key.revoked'))
      await store.changeKey(stranger, { name: 'x' }, entry('key.changed'))
      await store.deleteKey(stranger, entry('key.deleted'))
    }
    equal(await audited(), before)

    await store.insertAccount(account, entry('account.created'))
    const stranger = fresh('account')
    await store.changeAccount(stranger, { plan: 'free' }, entry('account.changed'))
    const ofAccounts = [...(await auditedOf(world, account.id)), ...(await auditedOf(world, stranger))]
    equal(
      ofAccounts.filter(({ keyId }) => keyId === null),
      [],
    )
  },

  'outlives the key': async ({ store, service, issue, entry }) => {
    const { key, ref } = await issue()
    await store.deleteKey(ref, entry('key.deleted'))
    const { items } = await store.listAudit({ service, keyId: key.id, limit: 10 })
    equal(
      items.map(({ action }) => action),
      ['key.deleted', 'key.created'],
    )
  },

  'is filtered by service, key and account together': async (world) => {
    const { store, service, otherService, fresh, entry } = world
    const [one, two] = [fresh('x'), fresh('x')]
    // The same texts as keys and as accounts: no filter looks into another column.
    const abouts = [service, otherService].flatMap((of) =>
      [one, two].flatMap((keyId) => [one, two].map((accountId) => ({ service: of, keyId, accountId }))),
    )
    const records = abouts.map((about) => ({ ...entry('secret.revealed'), ...about })).reverse()
    for (const record of [...records].reverse()) await store.recordAudit(record)
    const listed = async (filter: Partial<AuditRecord>) => {
      const { service: of, keyId, accountId } = filter
      const query = { service: of ?? undefined, keyId: keyId ?? undefined, accountId: accountId ?? undefined }
      return (await store.listAudit({ ...query, limit: 100 })).items
    }
    const matching = (filter: Partial<AuditRecord>) =>
      records.filter((record) => Object.entries(filter).every(([name, value]) => Reflect.get(record, name) === value))
    for (const filter of [
      { service },
      { keyId: one },
      { accountId: two },
      { service, keyId: one },
      { service, accountId: two },
      { keyId: two, accountId: one },
      { service: otherService, keyId: two, accountId: one },
    ]) {
      equal(await listed(filter), matching(filter))
    }
    equal(await listed({ service: fresh('service') }), [])
    const { items, next } = await store.listAudit({ limit: 1 })
    equal([items.length, next === null], [1, false])
  },

  'keeps the order of what was recorded in one millisecond': async (world) => {
    const { store, service, account, entry, audited } = world
    const names = ['d', 'a', 'e', 'b', 'c']
    const { at } = entry('secret.revealed')
    for (const keyId of names) {
      await store.recordAudit({ ...entry('secret.revealed'), at, service, keyId, accountId: account.id })
    }
    equal(
      (await audited()).map(({ keyId }) => keyId),
      [...names].reverse(),
    )
  },
})
