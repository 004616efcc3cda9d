/** What Redis tells of changes: everything, in order, or that it can no longer be told. */
import type { Change, ChangeSubscription, KeyStore } from '@latchkey/core'
import { openRedis } from '@latchkey/store-redis'
import { type RedisServer, startRedis } from '@latchkey/test-servers'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { describeWith } from '../requirements.ts'
import { accountNamed, entryOf, keyNamed, secretOf } from './records.ts'
import { nameOf } from './redis-names.ts'
import { type Announced, BY_THE_STORE, key, ref, sealed, signing, text, UNHEARD } from './told-changes.ts'

const LONG = 60_000

interface Heard {
  readonly changes: Change[]
  readonly lost: unknown[]
  readonly subscription: ChangeSubscription
}

async function listen(store: KeyStore): Promise<Heard> {
  const heard = { changes: [] as Change[], lost: [] as unknown[] }
  const subscription = await feedOf(store).subscribe({
    changed: (change) => heard.changes.push(change),
    lost: (cause) => heard.lost.push(cause),
  })
  return { ...heard, subscription }
}

function feedOf(store: KeyStore) {
  if (store.changes === undefined) throw new Error('the store tells no changes')
  return store.changes
}

function changeOf([kind, service, id]: Announced): unknown {
  return kind === 'key' ? { kind, service, id } : { kind, id }
}

describeWith('redis', 'what changes in Redis', (found) => {
  const isOurs = !/^rediss?:/.test(found)
  let server: RedisServer
  let prefix: string
  let opened: KeyStore[] = []
  let store: KeyStore
  let other: KeyStore

  const open = async (options = {}) => {
    const one = await openRedis(server.url, { prefix, ...options })
    opened.push(one)
    return one
  }

  beforeAll(async () => {
    server = await startRedis(found)
  }, LONG)
  afterAll(() => server.stop())
  beforeEach(async () => {
    prefix = server.prefix()
    store = await open()
    other = await open()
    const keys = [
      { key, secrets: [text] },
      { key: signing, secrets: [sealed] },
    ]
    expect(await store.insertAll({ accounts: [accountNamed('customer')], keys })).toBe(true)
  })
  afterEach(async () => {
    for (const one of opened) await one.close()
    opened = []
  })

  const publish = (channel: string, message: string) => server.command('SPUBLISH', channel, message)

  describe.each([
    ['itself', () => store],
    ['another process', () => other],
  ])('by %s', (_, writer) => {
    it.each(BY_THE_STORE)('is told before a heartbeat that is sent after it: %s', async (_, change, announced) => {
      const { changes, subscription } = await listen(store)
      await change(writer())
      await subscription.beat()
      expect(changes).toEqual(announced.map(changeOf))
    })

    it.each(UNHEARD)('is not told: %s', async (_, change) => {
      const { changes, subscription } = await listen(store)
      await change(writer())
      await subscription.beat()
      expect(changes).toEqual([])
    })

    it.each<Change>([{ kind: 'key', service: 'é"\\', id: '[]' }, { kind: 'account', id: '{"a":1}' }, { kind: 'all' }])(
      'is told when it is announced: %j',
      async (change) => {
        const { changes, subscription } = await listen(store)
        await feedOf(writer()).announce(change)
        await subscription.beat()
        expect(changes).toEqual([change])
      },
    )
  })

  it('is told of ids with any text in them', async () => {
    const { changes, subscription } = await listen(store)
    for (const id of [`'"\\/ \u2028 \u007f日本\n👩‍👩`, '{}', '語'.repeat(255)]) {
      await store.insertKey(keyNamed(id, { service: id }), secretOf(id, { display: 'x' }), entryOf('key.created'))
      await subscription.beat()
      expect(changes.splice(0)).toEqual([{ kind: 'key', service: id, id }])
    }
  })

  it('is told to every subscription once, and only what comes after it', async () => {
    await store.changeKey(ref, { name: 'before' }, entryOf('key.changed'))
    const listening = [await listen(store), await listen(store), await listen(other)]
    await store.changeKey(ref, { name: 'after' }, entryOf('key.changed'))
    for (const { changes, subscription } of listening) {
      await subscription.beat()
      expect(changes).toEqual([{ kind: 'key', service: ref.service, id: ref.id }])
    }
  })

  it('is told in the order of the changes, each before the heartbeat behind it', { timeout: LONG }, async () => {
    const writers = [store, other, await open()]
    const { changes, subscription } = await listen(store)
    await Promise.all(
      Array.from({ length: 300 }, async (_, index) => {
        const id = `account ${index}`
        await writers[index % 3]?.insertAccount(accountNamed(id), entryOf('account.created'))
        await subscription.beat()
        expect(changes).toContainEqual({ kind: 'account', id })
      }),
    )
    const order: string[] = []
    for (let after: string | undefined; ; ) {
      const page = await store.listAccounts({ limit: 100, ...(after !== undefined && { after }) })
      order.push(...page.items.map(({ id }) => id))
      if (page.next === null) break
      after = page.next
    }
    expect(changes).toEqual(order.slice(1).map((id) => ({ kind: 'account', id })))
  })

  it('is told of each change that is made while somebody begins to listen, from the answer on', async () => {
    const changing = Promise.all(
      Array.from({ length: 50 }, (_, at) => other.changeKey(ref, { name: `${at}` }, entryOf('key.changed'))),
    )
    const { changes, subscription } = await listen(store)
    await other.changeAccount('customer', { plan: 'free' }, entryOf('account.changed'))
    await changing
    await subscription.beat()
    expect(changes).toContainEqual({ kind: 'account', id: 'customer' })
  })

  it.each([
    '',
    'x',
    'null',
    '7',
    '{}',
    '[]',
    '["key"]',
    '["key","acme"]',
    '["key","acme",7]',
    '["key","acme","key","more"]',
    '["account"]',
    '["account",null]',
    '["account","a","b"]',
    '["user","a"]',
    '["all"]',
    '\ud83d',
    '[[[[',
    '"'.repeat(100_000),
  ])('may be anything where nobody can say what: %j', async (garbage) => {
    const { changes, lost, subscription } = await listen(store)
    await publish(nameOf(prefix, 'changes'), garbage)
    await store.changeKey(ref, { name: 'new' }, entryOf('key.changed'))
    await subscription.beat()
    expect(changes).toEqual([{ kind: 'all' }, { kind: 'key', service: ref.service, id: ref.id }])
    expect(lost).toEqual([])
  })

  describe('a heartbeat', () => {
    it('comes back while others are under way, each to the one who sent it', async () => {
      const [one, two] = [await listen(store), await listen(store)]
      await Promise.all(Array.from({ length: 100 }, (_, at) => (at % 2 ? one : two).subscription.beat()))
      expect([one.changes, two.changes, one.lost, two.lost]).toEqual([[], [], [], []])
    })

    it('is not taken for one by what else comes on its channel', async () => {
      const { changes, subscription } = await listen(store)
      const channels = (await server.command('PUBSUB', 'SHARDCHANNELS', `{${prefix}}:beats:*`)) as string[]
      expect(channels.length).toBe(1)
      for (const message of ['', 'x', '0', '-1', '1', '["all"]']) await publish(channels[0] ?? '', message)
      await subscription.beat()
      expect(changes).toEqual([])
    })

    it('rejects where the store is gone, or was made by a newer version', async () => {
      const { subscription } = await listen(store)
      await server.command('HSET', nameOf(prefix, 'meta'), 'schema', '2')
      await expect(subscription.beat()).rejects.toThrow('SCHEMA the store has schema version 2')
      await server.command('UNLINK', nameOf(prefix, 'meta'))
      await expect(subscription.beat()).rejects.toThrow('SCHEMA the store has schema version none')
      await expect(store.findKey(ref)).rejects.toThrow('SCHEMA')
    })
  })

  describe('a subscription', () => {
    // Other tests' connections are not ours to cut.
    it.skipIf(!isOurs)('is lost once, with its connection', async () => {
      const { lost, subscription } = await listen(store)
      const waiting = subscription.beat()
      await waiting
      await server.command('CLIENT', 'KILL', 'TYPE', 'pubsub')
      await until(() => lost.length > 0)
      await expect(subscription.beat()).rejects.toThrow('the subscription has ended')
      await store.changeKey(ref, { name: 'new' }, entryOf('key.changed'))
      expect(lost).toEqual([expect.any(Error)])
      await subscription.close()

      const again = await listen(store)
      await store.changeKey(ref, { name: 'newer' }, entryOf('key.changed'))
      await again.subscription.beat()
      expect(again.changes).toEqual([{ kind: 'key', service: ref.service, id: ref.id }])
      expect(lost.length).toBe(1)
    })

    it('hears nothing once it is closed, and is not lost', async () => {
      const [{ changes, lost, subscription }, other] = [await listen(store), await listen(store)]
      await subscription.close()
      await subscription.close()
      await store.changeKey(ref, { name: 'new' }, entryOf('key.changed'))
      await other.subscription.beat()
      await expect(subscription.beat()).rejects.toThrow('the subscription has ended')
      expect([changes, lost]).toEqual([[], []])
      expect(other.changes.length).toBe(1)
    })

    it('ends with its store, and others’ do not', async () => {
      const [{ changes, lost, subscription }, others] = [await listen(store), await listen(other)]
      await store.close()
      await expect(subscription.beat()).rejects.toThrow('the subscription has ended')
      await expect(listen(store)).rejects.toThrow('the store is closed')
      await other.changeKey(ref, { name: 'new' }, entryOf('key.changed'))
      await others.subscription.beat()
      expect([changes, lost, others.changes.length]).toEqual([[], [], 1])
    })

    it('leaves no connection behind', async () => {
      const count = async () => {
        const list = String(await server.command('CLIENT', 'LIST', 'TYPE', 'pubsub'))
        return list.split('\n').filter((line) => line !== '').length
      }
      const before = await count()
      const listening = await Promise.all([1, 2, 3].map(() => listen(store)))
      expect(await count()).toBe(before + 3)
      for (const { subscription } of listening) await subscription.close()
      await until(async () => (await count()) === before)
    })
  })

  describe('the lease', () => {
    it('is 400 ms where nobody has said otherwise, and is then what it is', async () => {
      expect([store.capabilities.lease, feedOf(store).lease]).toEqual([400, 400])
      expect((await open({ lease: 400 })).capabilities.lease).toBe(400)
      const refused = 'the database has a lease of 400 ms, and 50 ms were asked for'
      await expect(open({ lease: 50 })).rejects.toThrow(refused)
    })

    it('is the first one that was given, for every process', async () => {
      prefix = server.prefix()
      expect((await open({ lease: 50 })).capabilities.lease).toBe(50)
      expect((await open()).capabilities.lease).toBe(50)
      await expect(open({ lease: 400 })).rejects.toThrow('a lease of 50 ms')
    })

    it('is one, whoever opens a new store at the same moment', async () => {
      prefix = server.prefix()
      const opening = await Promise.allSettled([10, 20, 30, 40].map((lease) => open({ lease })))
      expect(opening.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected', 'rejected'])
    })

    it('may be none: nothing is kept, so nobody listens', async () => {
      prefix = server.prefix()
      for (const options of [{ lease: 0 }, {}]) {
        const { capabilities, changes, findAccount } = await open(options)
        expect([capabilities.announces, capabilities.lease, changes]).toEqual([false, 0, undefined])
        expect(await findAccount('nobody')).toBeUndefined()
      }
      await expect(open({ lease: 400 })).rejects.toThrow('the database has a lease of 0 ms, and 400 ms were asked for')
    })

    it.each(['', '-1', '60001', '1.5', 'soon', '99999999999'])('that is kept as %j is damaged', async (lease) => {
      await server.command('HSET', nameOf(prefix, 'meta'), 'lease', lease)
      await expect(open()).rejects.toThrow('the lease that the store keeps is damaged')
    })
  })

  it('is not opened where a newer version has made the store', async () => {
    await server.command('HSET', nameOf(prefix, 'meta'), 'schema', '2')
    await expect(open()).rejects.toThrow('the store has schema version 2, and this version of Latchkey knows 1')
  })

  describe.skipIf(!isOurs)('on a server that has become a replica', () => {
    it('is neither read nor written nor listened for, until it is none any more', { timeout: LONG }, async () => {
      const replica = await startRedis(found)
      onTestFinished(() => replica.stop())
      const { url } = replica
      const there = await openRedis(url)
      await there.insertAll({ accounts: [accountNamed('customer')], keys: [] })
      const { subscription } = await listen(there)
      await subscription.beat()
      const { hostname, port } = new URL(server.url)
      await replica.command('REPLICAOF', hostname, port)
      const calls: readonly (() => unknown)[] = [
        () => there.findAccount('customer'),
        () => there.findByDigest('acme', text.digest),
        () => there.revokeKey(ref, null, entryOf('key.revoked')),
        () => there.insertAccount(accountNamed('new'), entryOf('account.created')),
        () => subscription.beat(),
        () => openRedis(url),
      ]
      for (const call of calls) {
        await expect(Promise.resolve().then(call)).rejects.toThrow('READONLY')
      }
      await replica.command('REPLICAOF', 'NO', 'ONE')
      await there.close()
      await (await openRedis(url)).close()
    })
  })
})

/** Waits for what must come about. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 5))
}
