import type { Records } from '../../store.ts'
import { equal } from '../equal.ts'
import { type Group, group } from '../group.ts'
import { NOW, type World } from '../world.ts'

type Entry = Records['keys'][number]

/** Accounts and keys that are new, and beside them what is taken: nothing of it is added. */
async function addsNothing(world: World, taken: Partial<Records>): Promise<void> {
  const { store, service, accountWith, keyWith, draw, drawSigning, audited } = world
  const [before, after] = [accountWith(), accountWith()]
  const [key, last] = [draw(), draw()]
  const signing = keyWith()
  const keys: Entry[] = [
    { key: keyWith({ accountId: before.id }), secrets: [key.secret] },
    { key: signing, secrets: [(await drawSigning(signing)).secret] },
    ...(taken.keys ?? []),
    { key: keyWith({ accountId: after.id }), secrets: [last.secret] },
  ]
  const state = async () => [await store.listKeys({ service, limit: 1000 }), await audited()]
  const unchanged = await state()
  equal(await store.insertAll({ accounts: [before, ...(taken.accounts ?? []), after], keys }), false)
  equal(await state(), unchanged)
  for (const { id } of [before, after]) equal(await store.findAccount(id), undefined)
  for (const { secret } of [key, last]) equal(await store.findByDigest(service, secret.digest), undefined)
  equal(await store.findSigningKey(service, signing.id), undefined)
}

export const wholeSets: Group = group('inserting all', {
  'adds accounts and keys whole, without audit records': async (world) => {
    const { store, service, otherService, accountWith, keyWith, draw, drawSigning, audited } = world
    const [account, suspended] = [
      accountWith(),
      accountWith({ status: 'suspended', email: null, metadata: { a: [1] } }),
    ]
    const key = keyWith({ accountId: account.id, permissions: [], expiresAt: NOW + 1, metadata: { b: null } })
    const [first, second] = [draw({ expiresAt: NOW }), draw({ createdAt: NOW + 1 })]
    const signing = keyWith({ accountId: suspended.id })
    const secrets = [
      (await drawSigning(signing, { expiresAt: NOW })).secret,
      (await drawSigning(signing, { createdAt: NOW + 1 })).secret,
    ]
    // In another service the same id and the same digest are no others'.
    const revoked = keyWith({ id: key.id, service: otherService, revokedAt: NOW, revokedReason: 'leaked' })
    const records: Records = {
      accounts: [account, suspended],
      keys: [
        { key, secrets: [first.secret, second.secret] },
        { key: signing, secrets },
        { key: revoked, secrets: [first.secret] },
      ],
    }
    equal(await store.insertAll(records), true)
    for (const { secret } of [first, second]) {
      equal(await store.findByDigest(service, secret.digest), { key, account, secret })
    }
    equal(await store.findSigningKey(service, signing.id), { key: signing, account: suspended, secrets })
    const match = { key: revoked, account: world.account, secret: first.secret }
    equal(await store.findByDigest(otherService, first.secret.digest), match)
    const versions = [first, second].map(({ secret: { display, createdAt, expiresAt } }) => {
      return { display, createdAt, expiresAt }
    })
    equal(await store.findKey({ service, id: key.id }), {
      key,
      kind: 'key',
      versions,
      firstUsedAt: null,
      lastUsedAt: null,
    })
    equal(await audited(), [])
    for (const { id } of records.accounts) equal((await store.listAudit({ accountId: id, limit: 1 })).items, [])
  },

  'adds many at once, or none at all': async ({ store, service, accountWith, keyWith, draw }) => {
    equal(await store.insertAll({ accounts: [], keys: [] }), true)
    const accounts = Array.from({ length: 60 }, () => accountWith())
    const keys = accounts.map(({ id: accountId }) => ({ key: keyWith({ accountId }), secrets: [draw().secret] }))
    equal(await store.insertAll({ accounts, keys }), true)
    const { items, next } = await store.listKeys({ service, limit: 60 })
    equal([items.map(({ key }) => key.id).sort(), next], [keys.map(({ key }) => key.id).sort(), null])
    equal(await store.findAccount(accounts[59]?.id ?? ''), accounts[59])
  },

  'adds none where an account’s id is taken': async (world) => {
    await addsNothing(world, { accounts: [{ ...world.account, plan: 'free' }] })
    equal(await world.store.findAccount(world.account.id), world.account)
  },

  'adds none where a key’s id is taken': async (world) => {
    const { store, issue, issueSigning, draw, drawSigning } = world
    const [{ key, ref }, signing] = [await issue(), await issueSigning()]
    const before = await store.findKey(ref)
    await addsNothing(world, { keys: [{ key: { ...key, name: 'x' }, secrets: [draw().secret] }] })
    await addsNothing(world, { keys: [{ key: signing.key, secrets: [(await drawSigning(signing.key)).secret] }] })
    equal(await store.findKey(ref), before)
  },

  'adds none where a digest is taken': async (world) => {
    const { secret } = await world.issue()
    await addsNothing(world, { keys: [{ key: world.keyWith(), secrets: [world.draw().secret, secret] }] })
  },

  'adds none where something is given twice': async (world) => {
    const { accountWith, keyWith, draw } = world
    const account = accountWith()
    await addsNothing(world, { accounts: [account, { ...account, plan: 'free' }] })
    const key = keyWith()
    const [one, two] = [draw(), draw()]
    await addsNothing(world, { keys: [one, two].map(({ secret }) => ({ key, secrets: [secret] })) })
    await addsNothing(world, { keys: [keyWith(), keyWith()].map((other) => ({ key: other, secrets: [one.secret] })) })
    await addsNothing(world, { keys: [{ key, secrets: [one.secret, one.secret] }] })
  },
})
