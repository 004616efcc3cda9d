import type { AccountChange } from '../../store.ts'
import { equal } from '../equal.ts'
import { type Group, group } from '../group.ts'
import type { World } from '../world.ts'

const CHANGES: readonly AccountChange[] = [
  { plan: 'free' },
  { status: 'suspended' },
  { email: 'me@example.com' },
  { email: null },
  { metadata: { project: 'x' } },
  { plan: 'free', status: 'suspended', email: null, metadata: {} },
  {},
]

async function changes({ store, accountWith, entry }: World, change: AccountChange): Promise<void> {
  const [account, neighbour] = [accountWith({ metadata: { team: 7 } }), accountWith()]
  for (const one of [account, neighbour]) equal(await store.insertAccount(one, entry('account.created')), true)
  const changed = { ...account, ...change }
  equal(await store.changeAccount(account.id, change, entry('account.changed', { ...change })), changed)
  equal(await store.findAccount(account.id), changed)
  equal(await store.findAccount(neighbour.id), neighbour)
}

export const accounts: Group = group('an account', {
  'is inserted and found whole': async ({ store, accountWith, entry }) => {
    const account = accountWith({ status: 'suspended', metadata: { team: [7] } })
    equal(await store.findAccount(account.id), undefined)
    equal(await store.insertAccount(account, entry('account.created')), true)
    equal(await store.findAccount(account.id), account)
  },

  'is inserted once': async ({ store, accountWith, entry }) => {
    const account = accountWith()
    equal(await store.insertAccount(account, entry('account.created')), true)
    equal(await store.insertAccount({ ...account, plan: 'free' }, entry('account.created')), false)
    equal(await store.insertAccount(account, entry('account.created')), false)
    equal(await store.findAccount(account.id), account)
    equal((await store.listAudit({ accountId: account.id, limit: 10 })).items.length, 1)
  },

  'changes in each field alone, in all at once, or in none': async (world) => {
    for (const change of CHANGES) await changes(world, change)
  },

  'is not made another one by a change': async ({ store, account, fresh, entry }) => {
    const id = fresh('account')
    const change = JSON.parse(JSON.stringify({ id, role: 'admin', plan: 'free' })) as AccountChange
    const changed = { ...account, plan: 'free' }
    equal(await store.changeAccount(account.id, change, entry('account.changed')), changed)
    equal(await store.findAccount(account.id), changed)
    equal(await store.findAccount(id), undefined)
  },

  'changes with every one of its keys': async ({ store, service, account, issue, issueSigning, entry }) => {
    const [key, signing] = [await issue(), await issueSigning()]
    await store.changeAccount(account.id, { status: 'suspended' }, entry('account.changed'))
    const changed = { ...account, status: 'suspended' }
    equal((await store.findByDigest(service, key.secret.digest))?.account, changed)
    equal((await store.findSigningKey(service, signing.key.id))?.account, changed)
  },

  'belongs to a key that was there before it': async ({ store, service, accountWith, issue, entry }) => {
    const account = accountWith()
    const { key, secret } = await issue({ accountId: account.id })
    await store.insertAccount(account, entry('account.created'))
    equal(await store.findByDigest(service, secret.digest), { key, account, secret })
  },
})
