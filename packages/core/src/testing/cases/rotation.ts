import type { KeyDetails, KeySecret, SecretInfo } from '../../store.ts'
import { equal, rejection } from '../equal.ts'
import { type Group, group } from '../group.ts'
import { allowed, codeOf, NOW, type World } from '../world.ts'

function shown({ display, createdAt, expiresAt }: KeySecret): SecretInfo {
  return { display, createdAt, expiresAt }
}

async function versionsOf({ store, service }: World, id: string): Promise<KeyDetails['versions'] | undefined> {
  return (await store.findKey({ service, id }))?.versions
}

export const rotation: Group = group('rotating a key', {
  'adds a version to the same key, and ends the earlier one': async (world) => {
    const { store, service, account, issue, draw, entry } = world
    const { key, secret, ref } = await issue()
    const neighbour = await issue()
    const next = draw({ expiresAt: NOW + 7000 })
    equal(await store.rotateKey(ref, next.secret, NOW + 10, entry('key.rotated')), key)
    const ended = { ...secret, expiresAt: NOW + 10 }
    equal(await store.findByDigest(service, secret.digest), { key, account, secret: ended })
    equal(await store.findByDigest(service, next.secret.digest), { key, account, secret: next.secret })
    const versions = [shown(ended), shown(next.secret)]
    equal(await store.findKey(ref), { key, kind: 'key', versions, firstUsedAt: null, lastUsedAt: null })
    equal(await versionsOf(world, neighbour.key.id), [shown(neighbour.secret)])
  },

  'keeps the earlier sealed secret beside the new one': async (world) => {
    const { store, service, account, issueSigning, drawSigning, entry } = world
    const { key, secret, ref } = await issueSigning()
    const next = await drawSigning(key, { createdAt: NOW + 5 })
    equal(await store.rotateKey(ref, next.secret, NOW + 10, entry('key.rotated')), key)
    const secrets = [{ ...secret, expiresAt: NOW + 10 }, next.secret]
    equal(await store.findSigningKey(service, key.id), { key, account, secrets })
    const versions = secrets.map(({ createdAt, expiresAt }) => ({ display: null, createdAt, expiresAt }))
    equal(await store.findKey(ref), { key, kind: 'signing', versions, firstUsedAt: null, lastUsedAt: null })
  },

  'never lets an earlier version live longer than it would have': async (world) => {
    const { store, issue, draw, entry } = world
    const { key, secret, ref } = await issue({}, { expiresAt: NOW + 10 })
    const [second, third] = [draw(), draw()]
    await store.rotateKey(ref, second.secret, NOW + 1000, entry('key.rotated'))
    await store.rotateKey(ref, third.secret, NOW + 500, entry('key.rotated'))
    const versions = [secret, { ...second.secret, expiresAt: NOW + 500 }, third.secret]
    equal(await versionsOf(world, key.id), versions.map(shown))
  },

  'ends earlier versions at once where their end lies in the past': async (world) => {
    const { store, account, issue, draw, entry, decide } = world
    for (const end of [NOW, NOW - 1, 0, -1]) {
      const { key, text, ref } = await issue()
      const next = draw()
      await store.rotateKey(ref, next.secret, end, entry('key.rotated'))
      equal(codeOf(await decide(text, NOW)), 'unknown')
      equal(await decide(next.text, NOW), allowed(account, key))
    }
  },

  'keeps all versions, oldest first, also those of one millisecond': async (world) => {
    const { store, service, issue, issueSigning, draw, drawSigning, entry } = world
    const first = await issue({}, { display: 'v0', expiresAt: NOW + 1 })
    const versions = [first.secret]
    for (const display of ['v9', 'v1', 'v5', 'v3', 'v7', 'v2']) {
      const { secret } = draw({ display, expiresAt: NOW + 1 })
      versions.push(secret)
      await store.rotateKey(first.ref, secret, NOW + 1, entry('key.rotated'))
    }
    equal(await versionsOf(world, first.key.id), versions.map(shown))

    const signing = await issueSigning({}, { expiresAt: NOW + 1 })
    const secrets = [signing.secret]
    for (let count = 0; count < 4; count++) {
      const { secret } = await drawSigning(signing.key, { expiresAt: NOW + 1 })
      secrets.push(secret)
      await store.rotateKey(signing.ref, secret, NOW + 1, entry('key.rotated'))
    }
    equal((await store.findSigningKey(service, signing.key.id))?.secrets, secrets)
  },

  'works for one that is expired': async ({ store, issue, draw, entry }) => {
    const { key, ref } = await issue({ expiresAt: NOW - 1 })
    equal(await store.rotateKey(ref, draw().secret, NOW, entry('key.rotated')), key)
  },

  'does nothing to one that is revoked': async (world) => {
    const { store, service, issue, draw, entry, audited } = world
    const { ref } = await issue()
    await store.revokeKey(ref, null, entry('key.revoked'))
    const before = [await store.findKey(ref), await audited()]
    const next = draw()
    equal(await store.rotateKey(ref, next.secret, NOW, entry('key.rotated')), undefined)
    equal([await store.findKey(ref), await audited()], before)
    equal(await store.findByDigest(service, next.secret.digest), undefined)
  },

  'to a secret of another kind rejects, and changes nothing': async (world) => {
    const { store, service, issue, issueSigning, draw, drawSigning, entry, audited } = world
    const [key, signing] = [await issue(), await issueSigning()]
    const state = async () => [
      await store.findKey(key.ref),
      await store.findKey(signing.ref),
      await store.findByDigest(service, key.secret.digest),
      await store.findSigningKey(service, signing.key.id),
      await audited(),
    ]
    const before = await state()
    const [nextKey, nextSigning] = [draw(), await drawSigning(key.key)]
    await rejection(() => store.rotateKey(key.ref, nextSigning.secret, NOW, entry('key.rotated')))
    await rejection(() => store.rotateKey(signing.ref, nextKey.secret, NOW, entry('key.rotated')))
    equal(await state(), before)
    equal(await store.findByDigest(service, nextKey.secret.digest), undefined)
    equal(await store.findSigningKey(service, key.key.id), undefined)
  },
})
