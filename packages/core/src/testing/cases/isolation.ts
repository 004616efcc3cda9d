import { equal } from '../equal.ts'
import { type Group, group } from '../group.ts'
import { NOW, useOf, type World } from '../world.ts'

/** Asks for a key as a stranger, in every way, and shows that there is none for them and that nothing has changed. */
async function refuses(world: World, stranger: { readonly service: string; readonly accountId?: string }) {
  const { store, service, issue, issueSigning, draw, drawSigning, entry } = world
  const [key, signing] = [await issue(), await issueSigning()]
  const before = [await store.findKey(key.ref), await store.findKey(signing.ref), await world.audited()]

  const ref = { ...stranger, id: key.key.id }
  const next = draw()
  equal(await store.findKey(ref), undefined)
  equal(await store.rotateKey(ref, next.secret, NOW, entry('key.rotated')), undefined)
  equal(await store.revokeKey(ref, 'mine now', entry('key.revoked')), undefined)
  equal(await store.changeKey(ref, { permissions: ['admin'] }, entry('key.changed')), undefined)
  equal(await store.deleteKey(ref, entry('key.deleted')), false)
  equal(await store.findByDigest(service, next.secret.digest), undefined)

  const other = { ...stranger, id: signing.key.id }
  const resealed = (await drawSigning(signing.key, { version: signing.secret.version })).secret
  equal(await store.resealSecret(other, signing.secret, resealed, entry('secret.resealed')), false)

  equal([await store.findKey(key.ref), await store.findKey(signing.ref), await world.audited()], before)
  equal((await store.findSigningKey(service, signing.key.id))?.secrets, [signing.secret])
}

export const tenants: Group = group('another account’s key', {
  'does not exist where an account is given': async (world) => {
    const stranger = world.accountWith()
    equal(await world.store.insertAccount(stranger, world.entry('account.created')), true)
    await refuses(world, { service: world.service, accountId: stranger.id })
    await refuses(world, { service: world.service, accountId: '' })
  },

  'is not listed, nor its audit': async ({ store, service, account, fresh, issue }) => {
    const mine = await issue()
    const theirs = await issue({ accountId: fresh('account') })
    const listed = async (accountId: string | undefined) =>
      (await store.listKeys({ service, accountId, limit: 10 })).items.map(({ key }) => key.id).sort()
    equal(await listed(account.id), [mine.key.id])
    equal(await listed(theirs.key.accountId), [theirs.key.id])
    equal(await listed(fresh('account')), [])
    equal(await listed(undefined), [mine.key.id, theirs.key.id].sort())

    const audited = async (accountId: string, keyId?: string) =>
      (await store.listAudit({ service, accountId, keyId, limit: 10 })).items.map((record) => record.keyId)
    equal(await audited(account.id), [mine.key.id])
    equal(await audited(account.id, theirs.key.id), [])
    equal(await audited(theirs.key.accountId, theirs.key.id), [theirs.key.id])
  },

  'is one’s own where it is one’s own': async (world) => {
    const { store, account, issue, issueSigning, draw, drawSigning, entry } = world
    const { key, ref } = await issue()
    const mine = { ...ref, accountId: account.id }
    equal((await store.findKey(mine))?.key, key)
    equal((await store.findKey({ ...ref, accountId: undefined }))?.key, key)
    equal(await store.rotateKey(mine, draw().secret, NOW, entry('key.rotated')), key)
    equal(await store.changeKey(mine, { name: 'x' }, entry('key.changed')), { ...key, name: 'x' })
    const audit = entry('key.revoked')
    const revoked = { ...key, name: 'x', revokedAt: audit.at, revokedReason: null }
    equal(await store.revokeKey(mine, null, audit), revoked)
    equal(await store.deleteKey(mine, entry('key.deleted')), true)

    const signing = await issueSigning()
    const { secret } = await drawSigning(signing.key, { version: signing.secret.version })
    const signingRef = { ...signing.ref, accountId: account.id }
    equal(await store.resealSecret(signingRef, signing.secret, secret, entry('secret.resealed')), true)
  },
})

export const services: Group = group('another service’s key', {
  'does not exist': async (world) => {
    await refuses(world, { service: world.otherService })
    await refuses(world, { service: '' })
    await refuses(world, { service: world.service.toUpperCase() })
    const { store, otherService, issue, issueSigning } = world
    const [key, signing] = [await issue(), await issueSigning()]
    equal(await store.findByDigest(otherService, key.secret.digest), undefined)
    equal(await store.findSigningKey(otherService, signing.key.id), undefined)
  },

  'is not listed, nor its audit, nor its sealed secrets': async ({ store, otherService, account, issueSigning }) => {
    const { key } = await issueSigning()
    const nothing = { items: [], next: null }
    equal(await store.listKeys({ service: otherService, limit: 10 }), nothing)
    equal(await store.listKeys({ service: otherService, accountId: account.id, limit: 10 }), nothing)
    equal(await store.listAudit({ service: otherService, limit: 10 }), nothing)
    equal(await store.listAudit({ service: otherService, keyId: key.id, limit: 10 }), nothing)
    equal(await store.listSealed(otherService, 'none', 10), [])
  },

  'may have the same id and the same digest': async (world) => {
    const { store, service, otherService, account, issue, issueSigning, keyWith, draw, drawSigning, entry } = world
    const ours = await issue()
    const theirs = keyWith({ id: ours.key.id, service: otherService, name: 'theirs' })
    equal(await store.insertKey(theirs, ours.secret, entry('key.created')), { kind: 'inserted' })
    equal(await store.findByDigest(service, ours.secret.digest), { key: ours.key, account, secret: ours.secret })
    equal(await store.findByDigest(otherService, ours.secret.digest), { key: theirs, account, secret: ours.secret })

    const signing = await issueSigning()
    const signingTheirs = keyWith({ id: signing.key.id, service: otherService })
    const { secret } = await drawSigning(signingTheirs, { version: signing.secret.version })
    equal(await store.insertKey(signingTheirs, secret, entry('key.created')), { kind: 'inserted' })
    equal((await store.findSigningKey(service, signing.key.id))?.secrets, [signing.secret])
    equal((await store.findSigningKey(otherService, signing.key.id))?.secrets, [secret])

    await store.recordUses([useOf(otherService, ours.key.id, NOW)])
    const audit = entry('key.revoked')
    await store.revokeKey({ service: otherService, id: ours.key.id }, null, audit)
    equal((await store.findKey({ service: otherService, id: theirs.id }))?.lastUsedAt, NOW)
    equal((await store.findByDigest(service, ours.secret.digest))?.key, ours.key)
    equal((await store.findKey(ours.ref))?.lastUsedAt, null)

    const next = draw()
    equal(await store.rotateKey(ours.ref, next.secret, NOW, entry('key.rotated')), ours.key)
    equal((await store.findByDigest(otherService, ours.secret.digest))?.secret, ours.secret)
    equal(await store.deleteKey(ours.ref, entry('key.deleted')), true)
    const revoked = { ...theirs, revokedAt: audit.at }
    equal(await store.findByDigest(otherService, ours.secret.digest), { key: revoked, account, secret: ours.secret })
  },
})
