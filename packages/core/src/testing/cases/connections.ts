import type { StoreCapabilities } from '../../store.ts'
import { equal, holds } from '../equal.ts'
import { type Group, group } from '../group.ts'
import { allowed, codeOf, NOW, useOf } from '../world.ts'

function isShared({ shared, consistency }: StoreCapabilities): boolean {
  return shared && consistency === 'immediate'
}

export const connections: Group = group(
  'what one connection has written',
  {
    'is read by another one at once': async (world) => {
      const { store, service, account, issue, issueSigning, draw, entry } = world
      const other = await world.connect()
      holds(other !== store, 'each opening is a connection of its own')
      const { key, secret, ref } = await issue()
      equal(await other.findByDigest(service, secret.digest), { key, account, secret })
      equal(await other.findKey(ref), await store.findKey(ref))
      const signing = await issueSigning()
      equal((await other.findSigningKey(service, signing.key.id))?.secrets, [signing.secret])

      const changed = { ...key, permissions: ['write'] }
      await store.changeKey(ref, { permissions: ['write'] }, entry('key.changed'))
      equal((await other.findByDigest(service, secret.digest))?.key, changed)
      await other.changeAccount(account.id, { plan: 'free' }, entry('account.changed'))
      equal((await store.findByDigest(service, secret.digest))?.account, { ...account, plan: 'free' })
      await other.rotateKey(ref, draw().secret, NOW, entry('key.rotated'))
      equal((await store.findByDigest(service, secret.digest))?.secret.expiresAt, NOW)
      await store.recordUses([useOf(service, key.id, NOW)])
      equal((await other.findKey(ref))?.lastUsedAt, NOW)
      const audit = entry('key.revoked')
      await store.revokeKey(ref, null, audit)
      equal((await other.findKey(ref))?.key.revokedAt, audit.at)
      equal(await other.listKeys({ service, limit: 10 }), await store.listKeys({ service, limit: 10 }))
      equal(await world.audited(other), await world.audited(store))
      await other.deleteKey(ref, entry('key.deleted'))
      equal(await store.findByDigest(service, secret.digest), undefined)
      equal(await store.findKey(ref), undefined)
    },

    'is what another one decides by, also where it has just decided otherwise': async (world) => {
      const { store, account, issue, draw, entry, decide } = world
      const other = await world.connect()
      const { key, text, ref } = await issue()
      const next = draw()
      equal(codeOf(await decide(next.text, NOW, other)), 'unknown')
      equal(await decide(text, NOW, other), allowed(account, key))
      await store.rotateKey(ref, next.secret, NOW, entry('key.rotated'))
      equal(codeOf(await decide(text, NOW, other)), 'unknown')
      equal(await decide(next.text, NOW, other), allowed(account, key))
      await store.changeAccount(account.id, { status: 'suspended' }, entry('account.changed'))
      equal(codeOf(await decide(next.text, NOW, other)), 'suspended')
      await store.changeAccount(account.id, { status: 'active' }, entry('account.changed'))
      equal(await decide(next.text, NOW, other), allowed(account, key))
      await store.revokeKey(ref, null, entry('key.revoked'))
      equal(codeOf(await decide(next.text, NOW, other)), 'revoked')
      await store.deleteKey(ref, entry('key.deleted'))
      equal(codeOf(await decide(next.text, NOW, other)), 'unknown')
    },

    'is there when it is closed, also for a list that it has begun': async (world) => {
      const { store, service, issue, keyWith, draw, entry } = world
      const other = await world.connect()
      const issued = [await issue({ createdAt: 1 }), await issue({ createdAt: 2 })]
      const late = keyWith({ createdAt: 3 })
      equal(await other.insertKey(late, draw().secret, entry('key.created')), { kind: 'inserted' })
      const first = await other.listKeys({ service, limit: 1 })
      await world.disconnect(other)
      const rest = await store.listKeys({ service, limit: 2, after: first.next ?? undefined })
      equal(
        [...first.items, ...rest.items].map(({ key }) => key),
        [...issued.map(({ key }) => key), late],
      )
    },
  },
  isShared,
)
