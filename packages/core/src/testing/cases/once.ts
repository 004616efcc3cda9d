import type { Inserted, InsertOptions, KeyRecord } from '../../store.ts'
import { equal } from '../equal.ts'
import { type Group, group } from '../group.ts'
import type { World } from '../world.ts'

const INSERTED: Inserted = { kind: 'inserted' }

function insert({ store, draw, entry }: World, key: KeyRecord, options?: InsertOptions) {
  return store.insertKey(key, draw().secret, entry('key.created'), options)
}

export const onlyFirst: Group = group('only an account’s first key', {
  'is inserted, and answered from then on': async (world) => {
    const { store, service, keyWith, draw, entry, audited } = world
    const [first, second] = [keyWith(), keyWith()]
    equal(await insert(world, first, { onlyFirst: true }), INSERTED)
    const before = await audited()
    const { secret } = draw()
    const answer = await store.insertKey(second, secret, entry('key.created'), { onlyFirst: true })
    equal(answer, { kind: 'exists', key: first })
    equal(await store.findKey({ service, id: second.id }), undefined)
    equal(await store.findByDigest(service, secret.digest), undefined)
    equal(await audited(), before)
  },

  'is counted by account and by service': async (world) => {
    const { keyWith, fresh, otherService } = world
    equal(await insert(world, keyWith(), { onlyFirst: true }), INSERTED)
    equal(await insert(world, keyWith({ accountId: fresh('account') }), { onlyFirst: true }), INSERTED)
    equal(await insert(world, keyWith({ service: otherService }), { onlyFirst: true }), INSERTED)
  },

  'is no limit where it is not asked for, and counts those that were inserted otherwise': async (world) => {
    const { key } = await world.issue()
    equal(await insert(world, world.keyWith({ createdAt: key.createdAt + 1 })), INSERTED)
    equal(await insert(world, world.keyWith({ createdAt: key.createdAt + 2 }), { onlyFirst: false }), INSERTED)
    const undefineds = { onlyFirst: undefined, idempotencyKey: undefined }
    equal(await insert(world, world.keyWith({ createdAt: key.createdAt + 3 }), undefineds), INSERTED)
    equal(await insert(world, world.keyWith(), { onlyFirst: true }), { kind: 'exists', key })
  },

  'is on record when it is revoked, and gone when it is deleted': async (world) => {
    const { store, issue, keyWith, entry } = world
    const { key, ref } = await issue()
    const audit = entry('key.revoked')
    await store.revokeKey(ref, null, audit)
    const revoked = { ...key, revokedAt: audit.at }
    equal(await insert(world, keyWith(), { onlyFirst: true }), { kind: 'exists', key: revoked })
    const second = keyWith()
    equal(await insert(world, second), INSERTED)
    await store.deleteKey(ref, entry('key.deleted'))
    equal(await insert(world, keyWith(), { onlyFirst: true }), { kind: 'exists', key: second })
    await store.deleteKey({ ...ref, id: second.id }, entry('key.deleted'))
    equal(await insert(world, keyWith(), { onlyFirst: true }), INSERTED)
  },
})

export const idempotency: Group = group('an idempotency key', {
  'inserts once, and answers with the key from then on': async (world) => {
    const { store, service, keyWith, draw, entry, audited, fresh } = world
    const options = { idempotencyKey: fresh('call') }
    const [first, second] = [keyWith(), keyWith()]
    const call = { key: first, secret: draw().secret }
    equal(await store.insertKey(call.key, call.secret, entry('key.created'), options), INSERTED)
    const before = await audited()
    const { secret } = draw()
    for (const replay of [call, { key: second, secret }]) {
      const answer = await store.insertKey(replay.key, replay.secret, entry('key.created'), options)
      equal(answer, { kind: 'exists', key: first })
    }
    equal(await store.findKey({ service, id: second.id }), undefined)
    equal(await store.findByDigest(service, secret.digest), undefined)
    equal(await audited(), before)
  },

  'is one call’s, one account’s and one service’s': async (world) => {
    const { keyWith, fresh, otherService } = world
    const options = { idempotencyKey: 'one' }
    equal(await insert(world, keyWith(), options), INSERTED)
    equal(await insert(world, keyWith(), { idempotencyKey: 'two' }), INSERTED)
    equal(await insert(world, keyWith({ accountId: fresh('account') }), options), INSERTED)
    equal(await insert(world, keyWith({ service: otherService }), options), INSERTED)
    equal(await insert(world, keyWith()), INSERTED)
    equal(await insert(world, keyWith()), INSERTED)
  },

  'is kept apart from others that look alike': async (world) => {
    const { keyWith } = world
    for (const idempotencyKey of ['call', 'Call', 'call ', ' call', 'cäll', 'ca\u0308ll', '%', '0', '__proto__']) {
      const key = keyWith()
      equal(await insert(world, key, { idempotencyKey }), INSERTED)
      equal(await insert(world, keyWith(), { idempotencyKey }), { kind: 'exists', key })
    }
    // Whatever stands between account and call where both are written as one text, either of them may hold it.
    for (const between of [':', '/', ' ', '|', '-', ',', '.', '_', '#']) {
      equal(await insert(world, keyWith({ accountId: `a${between}b` }), { idempotencyKey: 'c' }), INSERTED)
      equal(await insert(world, keyWith({ accountId: 'a' }), { idempotencyKey: `b${between}c` }), INSERTED)
    }
  },

  'answers with the key as it is by now': async (world) => {
    const { store, keyWith, entry, fresh, service } = world
    const options = { idempotencyKey: fresh('call') }
    const key = keyWith()
    const ref = { service, id: key.id }
    equal(await insert(world, key, options), INSERTED)
    await store.changeKey(ref, { name: 'renamed' }, entry('key.changed'))
    equal(await insert(world, keyWith(), options), { kind: 'exists', key: { ...key, name: 'renamed' } })
    const audit = entry('key.revoked')
    await store.revokeKey(ref, 'leaked', audit)
    const revoked = { ...key, name: 'renamed', revokedAt: audit.at, revokedReason: 'leaked' }
    equal(await insert(world, keyWith(), options), { kind: 'exists', key: revoked })
  },

  'is free again when its key is deleted, also where another key takes over the id': async (world) => {
    const { store, service, keyWith, entry, fresh } = world
    const options = { idempotencyKey: fresh('call') }
    const key = keyWith()
    equal(await insert(world, key, options), INSERTED)
    await store.deleteKey({ service, id: key.id }, entry('key.deleted'))
    equal(await insert(world, keyWith({ id: key.id })), INSERTED)
    const next = keyWith()
    equal(await insert(world, next, options), INSERTED)
    equal(await insert(world, keyWith(), options), { kind: 'exists', key: next })
  },

  'is not used up by what is taken': async (world) => {
    const { keyWith, fresh, issue } = world
    const options = { idempotencyKey: fresh('call') }
    const { key } = await issue()
    equal(await insert(world, keyWith({ id: key.id }), options), { kind: 'taken' })
    const next = keyWith()
    equal(await insert(world, next, options), INSERTED)
    equal(await insert(world, keyWith(), options), { kind: 'exists', key: next })
  },

  'holds together with only the first key': async (world) => {
    const { keyWith, fresh } = world
    const options = { idempotencyKey: fresh('call'), onlyFirst: true }
    const key = keyWith()
    equal(await insert(world, key, options), INSERTED)
    equal(await insert(world, keyWith(), options), { kind: 'exists', key })
    equal(await insert(world, keyWith(), { ...options, idempotencyKey: fresh('call') }), { kind: 'exists', key })
    equal(await insert(world, keyWith(), { idempotencyKey: options.idempotencyKey }), { kind: 'exists', key })
  },

  'inserts a signing key once': async (world) => {
    const { store, service, keyWith, drawSigning, entry, fresh } = world
    const options = { idempotencyKey: fresh('call') }
    const [first, second] = [keyWith(), keyWith()]
    const { secret } = await drawSigning(first)
    equal(await store.insertKey(first, secret, entry('key.created'), options), INSERTED)
    const replay = await store.insertKey(second, (await drawSigning(second)).secret, entry('key.created'), options)
    equal(replay, { kind: 'exists', key: first })
    equal((await store.findSigningKey(service, first.id))?.secrets, [secret])
    equal(await store.findSigningKey(service, second.id), undefined)
  },
})
