import type { Awaitable } from '../../awaitable.ts'
import type { KeyStore } from '../../store.ts'
import { equal, rejection } from '../equal.ts'
import { type Group, group } from '../group.ts'
import { NOW, useOf, type World } from '../world.ts'

/** A call of each method: a new one does not compile without its row. */
type Calls = Readonly<
  Record<
    Exclude<keyof KeyStore & string, 'capabilities' | 'changes' | 'limiter' | 'ledger' | 'close'>,
    () => Awaitable<unknown>
  >
>

async function callsOf({ store, service, keyWith, accountWith, draw, drawSigning, entry }: World): Promise<Calls> {
  const key = keyWith()
  const ref = { service, id: key.id }
  const [{ secret }, signing] = [draw(), (await drawSigning(key)).secret]
  const about = { service, keyId: key.id, accountId: key.accountId }
  return {
    findByDigest: () => store.findByDigest(service, secret.digest),
    findSigningKey: () => store.findSigningKey(service, key.id),
    findAccount: () => store.findAccount(key.accountId),
    findKey: () => store.findKey(ref),
    listKeys: () => store.listKeys({ service, limit: 1 }),
    insertKey: () => store.insertKey(key, secret, entry('key.created')),
    rotateKey: () => store.rotateKey(ref, secret, NOW, entry('key.rotated')),
    revokeKey: () => store.revokeKey(ref, null, entry('key.revoked')),
    deleteKey: () => store.deleteKey(ref, entry('key.deleted')),
    changeKey: () => store.changeKey(ref, { name: 'x' }, entry('key.changed')),
    listSealed: () => store.listSealed(service, 'none', 1),
    resealSecret: () => store.resealSecret(ref, signing, signing, entry('secret.resealed')),
    listAccounts: () => store.listAccounts({ limit: 1 }),
    insertAccount: () => store.insertAccount(accountWith(), entry('account.created')),
    changeAccount: () => store.changeAccount(key.accountId, { plan: 'free' }, entry('account.changed')),
    insertAll: () => store.insertAll({ accounts: [], keys: [{ key, secrets: [secret] }] }),
    recordAudit: () => store.recordAudit({ ...entry('secret.revealed'), ...about }),
    listAudit: () => store.listAudit({ service, limit: 1 }),
    recordUses: () => store.recordUses([useOf(service, key.id, NOW)]),
    listUsage: () => store.listUsage({ service, keyIds: [key.id], from: 0, to: NOW }),
  }
}

export const durability: Group = group(
  'a store that was closed',
  {
    'has everything when it is opened again': async (world) => {
      const { store, service, account, issue, issueSigning, draw, keyWith, entry } = world
      const [first, signing, revoked] = [await issue({ metadata: { a: [1] } }), await issueSigning(), await issue()]
      await store.rotateKey(first.ref, draw().secret, NOW + 1000, entry('key.rotated'))
      await store.changeKey(first.ref, { name: 'renamed' }, entry('key.changed'))
      await store.revokeKey(revoked.ref, 'leaked', entry('key.revoked'))
      await store.changeAccount(account.id, { plan: 'free' }, entry('account.changed'))
      await store.recordUses([useOf(service, first.key.id, NOW)])
      const [once, call] = [keyWith(), { idempotencyKey: 'call' }]
      equal(await store.insertKey(once, draw().secret, entry('key.created'), call), { kind: 'inserted' })
      const state = async (from: KeyStore) => [
        await from.findByDigest(service, first.secret.digest),
        await from.findSigningKey(service, signing.key.id),
        await from.findAccount(account.id),
        await from.listKeys({ service, limit: 10 }),
        await from.listSealed(service, 'none', 10),
        await from.listUsage({ service, keyIds: [first.key.id], from: 0, to: NOW }),
        await world.audited(from),
      ]
      const before = await state(store)
      await world.disconnect()
      const again = await world.connect()
      equal(again.capabilities, store.capabilities)
      equal(await state(again), before)
      const replayed = await again.insertKey(keyWith(), draw().secret, entry('key.created'), call)
      equal(replayed, { kind: 'exists', key: once })
    },

    'has nothing of what was refused or deleted when it is opened again': async (world) => {
      const { store, service, account, issue, keyWith, accountWith, draw, entry } = world
      const [kept, gone, refused] = [await issue(), await issue(), draw()]
      await store.deleteKey(gone.ref, entry('key.deleted'))
      equal(await store.insertKey(keyWith({ id: kept.key.id }), refused.secret, entry('key.created')), {
        kind: 'taken',
      })
      const newcomer = accountWith()
      equal(await store.insertAll({ accounts: [newcomer, account], keys: [] }), false)
      await world.disconnect()
      const again = await world.connect()
      equal(
        (await again.listKeys({ service, limit: 10 })).items.map(({ key }) => key),
        [kept.key],
      )
      for (const { digest } of [gone.secret, refused.secret])
        equal(await again.findByDigest(service, digest), undefined)
      equal(await again.findAccount(newcomer.id), undefined)
    },

    'rejects every call': async (world) => {
      const calls = await callsOf(world)
      await world.disconnect()
      const answered: string[] = []
      for (const [name, call] of Object.entries(calls)) {
        await rejection(call).catch(() => answered.push(name))
      }
      equal(answered, [])
    },
  },
  ({ durable }) => durable,
)
