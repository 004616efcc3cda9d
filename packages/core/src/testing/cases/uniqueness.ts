import type { KeyRecord, KeySecret, Secret } from '../../store.ts'
import { equal, rejection } from '../equal.ts'
import { type Group, group } from '../group.ts'
import { NOW, type World } from '../world.ts'

/** Everything that a refused call must leave as it was. */
async function stateOf({ store, service, audited }: World, { digest }: KeySecret): Promise<unknown> {
  return [await store.listKeys({ service, limit: 1000 }), await audited(), await store.findByDigest(service, digest)]
}

async function isTaken(world: World, key: KeyRecord, secret: KeySecret): Promise<void> {
  const before = await stateOf(world, secret)
  equal(await world.store.insertKey(key, secret, world.entry('key.created')), { kind: 'taken' })
  equal(await stateOf(world, secret), before)
}

async function isNotRotated(world: World, { id, service }: KeyRecord, secret: KeySecret): Promise<void> {
  const before = await stateOf(world, secret)
  await rejection(() => world.store.rotateKey({ service, id }, secret, NOW, world.entry('key.rotated')))
  equal(await stateOf(world, secret), before)
}

/** Keys of every state, all of one service: a live one, a stranger's, a revoked and a rotated one. */
async function keysOf(world: World): Promise<readonly { readonly key: KeyRecord; readonly secret: KeySecret }[]> {
  const { store, fresh, issue, draw, entry } = world
  const [live, stranger, revoked, rotated] = [
    await issue(),
    await issue({ accountId: fresh('account') }),
    await issue({ expiresAt: NOW - 1 }),
    await issue(),
  ]
  await store.revokeKey(revoked.ref, null, entry('key.revoked'))
  await store.rotateKey(rotated.ref, draw().secret, NOW - 1, entry('key.rotated'))
  return [live, stranger, revoked, rotated]
}

export const uniqueness: Group = group('a key that is there', {
  'keeps its id, whatever its state: inserting answers taken and changes nothing': async (world) => {
    const { issueSigning, keyWith, draw } = world
    for (const { key } of [...(await keysOf(world)), await issueSigning()]) {
      await isTaken(world, keyWith({ id: key.id }), draw().secret)
    }
  },

  'keeps the id and secret that it signs tokens with': async (world) => {
    const { store, service, issue, issueSigning, keyWith, drawSigning, entry } = world
    const [key, signing] = [await issue(), await issueSigning()]
    for (const { id } of [key.key, signing.key]) {
      const other = keyWith({ id })
      const secret: Secret = (await drawSigning(other)).secret
      equal(await store.insertKey(other, secret, entry('key.created')), { kind: 'taken' })
    }
    equal((await store.findSigningKey(service, signing.key.id))?.secrets, [signing.secret])
    equal(await store.findSigningKey(service, key.key.id), undefined)
  },

  'keeps each of its digests, whatever its state: inserting answers taken and changes nothing': async (world) => {
    for (const { secret } of await keysOf(world)) await isTaken(world, world.keyWith(), secret)
  },

  'keeps each of its digests: rotating to one rejects and changes nothing': async (world) => {
    const { key } = await world.issue()
    const keys = await keysOf(world)
    for (const { secret } of keys) await isNotRotated(world, key, { ...secret, expiresAt: null })
    // Its own ones, too: a text that has been replaced must not come to life again.
    const [live, , , rotated] = keys
    for (const own of [live, rotated]) if (own) await isNotRotated(world, own.key, { ...own.secret, expiresAt: null })
  },
})
