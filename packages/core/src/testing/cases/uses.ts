import { createAuth } from '../../auth.ts'
import { equal } from '../equal.ts'
import { type Group, group } from '../group.ts'
import { contractOf, fieldsOf, MASTER_KEY, NOW } from '../world.ts'

export const uses: Group = group('the last use of a key', {
  'is found and listed with the key': async ({ store, service, issue, issueSigning }) => {
    const issued = [await issue({ createdAt: 1 }), await issueSigning({ createdAt: 2 }), await issue({ createdAt: 3 })]
    await store.recordUses(issued.slice(0, 2).map(({ key }, index) => ({ service, keyId: key.id, at: NOW + index })))
    const found = await Promise.all(issued.map(async ({ ref }) => (await store.findKey(ref))?.lastUsedAt))
    equal(found, [NOW, NOW + 1, null])
    const { items } = await store.listKeys({ service, limit: 10 })
    equal(
      items.map(({ lastUsedAt }) => lastUsedAt),
      found,
    )
  },

  'is the newest one, in whatever order they are recorded': async ({ store, service, issue }) => {
    const { key, ref } = await issue()
    const used = async (...times: number[]) => {
      await store.recordUses(times.map((at) => ({ service, keyId: key.id, at })))
      return (await store.findKey(ref))?.lastUsedAt
    }
    equal(await used(NOW), NOW)
    equal(await used(NOW - 1), NOW)
    equal(await used(NOW + 1, NOW + 3, NOW + 2), NOW + 3)
    equal(await used(NOW - 5, NOW + 2), NOW + 3)
  },

  'is not recorded of keys that are not there': async ({ store, service, otherService, fresh, issue }) => {
    const { key, ref } = await issue()
    const missing = fresh('key')
    await store.recordUses([
      { service, keyId: missing, at: NOW },
      { service: otherService, keyId: key.id, at: NOW + 5 },
      { service, keyId: key.id, at: NOW + 1 },
    ])
    equal((await store.findKey(ref))?.lastUsedAt, NOW + 1)
    equal(await store.findKey({ service, id: missing }), undefined)
    const later = await issue({ id: missing })
    equal((await store.findKey(later.ref))?.lastUsedAt, null)
  },

  'is never audited, changes nothing else, and outlasts changes': async ({
    store,
    service,
    issue,
    draw,
    entry,
    audited,
  }) => {
    const { key, ref } = await issue()
    const before = [{ ...(await store.findKey(ref)), lastUsedAt: NOW }, await audited()]
    await store.recordUses([{ service, keyId: key.id, at: NOW }])
    equal([await store.findKey(ref), await audited()], before)
    await store.changeKey(ref, { name: 'x' }, entry('key.changed'))
    await store.rotateKey(ref, draw().secret, NOW, entry('key.rotated'))
    await store.revokeKey(ref, null, entry('key.revoked'))
    equal((await store.findKey(ref))?.lastUsedAt, NOW)
  },

  'is recorded in batches of any size': async ({ store, service, fresh, issue }) => {
    const [first, last] = [await issue(), await issue()]
    const strangers = Array.from({ length: 500 }, () => fresh('key'))
    const keyIds = [first.key.id, ...strangers, last.key.id]
    await store.recordUses(keyIds.map((keyId) => ({ service, keyId, at: NOW })))
    equal([(await store.findKey(first.ref))?.lastUsedAt, (await store.findKey(last.ref))?.lastUsedAt], [NOW, NOW])
    await store.recordUses([])
  },

  'is what requests have noted': async ({ store, service, issue }) => {
    const { text, ref } = await issue()
    const auth = createAuth({ contract: contractOf(service), store, masterKey: MASTER_KEY, now: () => NOW })
    await auth.authenticator()({}, fieldsOf(text))
    await auth.close()
    equal((await store.findKey(ref))?.lastUsedAt, NOW)
  },
})
