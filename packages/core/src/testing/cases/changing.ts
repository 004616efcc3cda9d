import type { KeyChange, KeyRecord } from '../../store.ts'
import { equal } from '../equal.ts'
import { type Group, group } from '../group.ts'
import { NOW, useOf, type World } from '../world.ts'

const BEFORE: Partial<KeyRecord> = {
  name: 'before',
  environment: 'test',
  permissions: ['read', 'write'],
  expiresAt: NOW + 1000,
  metadata: { team: 7 },
}

const CHANGES: readonly KeyChange[] = [
  { name: 'after' },
  { environment: 'live' },
  { environment: null },
  { permissions: ['admin'] },
  { permissions: [] },
  { expiresAt: NOW + 1 },
  { expiresAt: null },
  { metadata: { project: 'x' } },
  { metadata: {} },
]

/** A record as it comes from a request's body, whatever its type says. */
function unchecked<T>(json: string): T {
  return JSON.parse(json) as T
}

async function changes(world: World, change: KeyChange): Promise<void> {
  const { store, service, account, issue, entry } = world
  const { key, secret, ref } = await issue(BEFORE)
  const neighbour = await issue(BEFORE)
  const changed = { ...key, ...change }
  equal(await store.changeKey(ref, change, entry('key.changed', { ...change })), changed)
  equal(await store.findByDigest(service, secret.digest), { key: changed, account, secret })
  equal((await store.findKey(ref))?.key, changed)
  equal((await store.findKey(neighbour.ref))?.key, neighbour.key)
}

export const changing: Group = group('changing a key', {
  'replaces each field alone, and as a whole': async (world) => {
    for (const change of CHANGES) await changes(world, change)
  },

  'replaces all fields at once, or none': async (world) => {
    await changes(world, { name: 'after', environment: null, permissions: [], expiresAt: null, metadata: { a: [1] } })
    await changes(world, {})
  },

  'does not make it another key, another owner’s or an older one': async ({ store, issue, issueSigning, entry }) => {
    const change = unchecked<KeyChange>(
      '{ "id": "other", "service": "other", "accountId": "other", "createdAt": 0, "kind": "signing", "secrets": [] }',
    )
    for (const { key, ref } of [await issue(), await issueSigning()]) {
      const before = await store.findKey(ref)
      equal(await store.changeKey(ref, change, entry('key.changed')), key)
      equal(await store.findKey(ref), before)
    }
  },

  'does not undo its revocation': async ({ store, issue, entry }) => {
    const { key, ref } = await issue()
    const audit = entry('key.revoked')
    await store.revokeKey(ref, 'leaked', audit)
    const change = unchecked<KeyChange>('{ "name": "x", "revokedAt": null, "revokedReason": null, "revoked_at": null }')
    await store.changeKey(ref, change, entry('key.changed'))
    const after = await store.findKey(ref)
    equal({ ...after?.key, name: key.name }, { ...key, revokedAt: audit.at, revokedReason: 'leaked' })
  },
})

export const deleting: Group = group('deleting a key', {
  'removes it with every version of its secret': async ({ store, service, issue, draw, entry }) => {
    const { secret, ref } = await issue()
    const next = draw()
    await store.rotateKey(ref, next.secret, NOW + 1000, entry('key.rotated'))
    const neighbour = await issue()
    const before = await store.findKey(neighbour.ref)
    equal(await store.deleteKey(ref, entry('key.deleted')), true)
    for (const { digest } of [secret, next.secret]) equal(await store.findByDigest(service, digest), undefined)
    equal(await store.findKey(ref), undefined)
    equal(await store.listKeys({ service, limit: 10 }), { items: [before], next: null })
    equal(await store.deleteKey(ref, entry('key.deleted')), false)
  },

  'removes one that signs tokens, or is revoked': async ({ store, service, issue, issueSigning, entry }) => {
    const [revoked, signing] = [await issue(), await issueSigning()]
    await store.revokeKey(revoked.ref, null, entry('key.revoked'))
    for (const { ref } of [revoked, signing]) equal(await store.deleteKey(ref, entry('key.deleted')), true)
    equal(await store.findByDigest(service, revoked.secret.digest), undefined)
    equal(await store.findSigningKey(service, signing.key.id), undefined)
    equal(await store.listSealed(service, 'none', 10), [])
  },

  'leaves its id and digests free, and nothing of it behind': async (world) => {
    const { store, service, account, issue, draw, keyWith, entry } = world
    const { key, secret, ref } = await issue(BEFORE)
    const next = draw()
    await store.rotateKey(ref, next.secret, NOW + 1000, entry('key.rotated'))
    await store.recordUses([useOf(service, key.id, NOW)])
    await store.deleteKey(ref, entry('key.deleted'))

    const again = keyWith({ id: key.id, name: 'again' })
    equal(await store.insertKey(again, next.secret, entry('key.created')), { kind: 'inserted' })
    const { display, createdAt, expiresAt } = next.secret
    const versions = [{ display, createdAt, expiresAt }]
    equal(await store.findKey(ref), { key: again, kind: 'key', versions, firstUsedAt: null, lastUsedAt: null })
    equal(await store.rotateKey(ref, secret, NOW, entry('key.rotated')), again)
    equal(await store.findByDigest(service, secret.digest), { key: again, account, secret })
  },
})
