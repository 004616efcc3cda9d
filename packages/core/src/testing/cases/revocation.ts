import { equal } from '../equal.ts'
import { type Group, group } from '../group.ts'
import { NOW, useOf } from '../world.ts'

export const revocation: Group = group('revoking a key', {
  'keeps it on record, as of the audit entry': async ({ store, service, account, issue, entry }) => {
    const { key, secret, ref } = await issue()
    const neighbour = await issue()
    const audit = entry('key.revoked')
    const revoked = { ...key, revokedAt: audit.at, revokedReason: 'leaked' }
    equal(await store.revokeKey(ref, 'leaked', audit), revoked)
    equal(await store.findByDigest(service, secret.digest), { key: revoked, account, secret })
    equal((await store.findKey(ref))?.key, revoked)
    equal((await store.findKey(neighbour.ref))?.key, neighbour.key)
  },

  'keeps one that signs tokens, with its sealed secrets': async ({ store, service, account, issueSigning, entry }) => {
    const { key, secret, ref } = await issueSigning()
    const audit = entry('key.revoked')
    const revoked = { ...key, revokedAt: audit.at, revokedReason: null }
    equal(await store.revokeKey(ref, null, audit), revoked)
    equal(await store.findSigningKey(service, key.id), { key: revoked, account, secrets: [secret] })
  },

  'a second time changes nothing, and is not recorded': async ({ store, issue, entry, audited }) => {
    for (const reason of ['leaked', null]) {
      const { key, ref } = await issue()
      const audit = entry('key.revoked')
      await store.revokeKey(ref, reason, audit)
      const before = [await store.findKey(ref), await audited()]
      const revoked = { ...key, revokedAt: audit.at, revokedReason: reason }
      equal(await store.revokeKey(ref, 'again', entry('key.revoked')), revoked)
      equal(await store.revokeKey(ref, null, { ...entry('key.revoked'), at: NOW - 1000 }), revoked)
      equal([await store.findKey(ref), await audited()], before)
    }
  },

  'is not undone by inserting it again, nor by its use': async ({ store, service, issue, draw, entry }) => {
    const { key, secret, ref } = await issue()
    const revoked = await store.revokeKey(ref, 'leaked', entry('key.revoked'))
    equal(await store.insertKey(key, secret, entry('key.created')), { kind: 'taken' })
    equal(await store.insertKey(key, draw().secret, entry('key.created')), { kind: 'taken' })
    equal(await store.insertAll({ accounts: [], keys: [{ key, secrets: [secret] }] }), false)
    await store.recordUses([useOf(service, key.id, NOW)])
    equal((await store.findKey(ref))?.key, revoked)
  },
})
