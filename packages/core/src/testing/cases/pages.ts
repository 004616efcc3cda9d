import type { Awaitable } from '../../awaitable.ts'
import type { KeyStore, Page, PageQuery } from '../../store.ts'
import { equal, holds, rejection } from '../equal.ts'
import { type Group, group } from '../group.ts'
import { NOW, type World } from '../world.ts'

type List<T> = (query: PageQuery) => Awaitable<Page<T>>

/** What no list has ever given as `next`. */
const NO_CURSORS = ['', ' ', 'no cursor', '-1', 'null', '{}', '%00', '🙂', `'; drop table keys; --`, 'x'.repeat(5000)]

/** Every page of a list, and that each is as long as was asked for at most, and says whether there is another one. */
async function walk<T>(list: List<T>, limit: number, between: () => Awaitable<unknown> = () => {}): Promise<T[]> {
  const all: T[] = []
  const cursors = new Set<string>()
  for (let after: string | undefined; ; ) {
    const { items, next } = await list({ after, limit })
    holds(items.length <= limit, `a page of at most ${limit} has ${items.length} items`)
    holds(next === null || items.length > 0, 'a page that is not the last one has an item')
    all.push(...items)
    if (next === null) return all
    holds(!cursors.has(next), 'a list goes on, and does not come back to a place')
    cursors.add(next)
    after = next
    await between()
  }
}

async function refusesCursors(list: List<unknown>): Promise<void> {
  for (const after of NO_CURSORS) {
    const reason = await rejection(() => list({ after, limit: 10 }))
    // By name: a test framework may run a store in a realm of its own.
    equal([after, (reason as Error | undefined)?.name], [after, 'TypeError'])
  }
}

function keyList({ store, service }: World, accountId?: string): List<string> {
  return async (query) => {
    const { items, next } = await store.listKeys({ service, accountId, ...query })
    return { items: items.map(({ key }) => key.name), next }
  }
}

/** Issues a key for each time, named by its place in the list of times. */
async function issueAt(world: World, times: readonly number[]): Promise<void> {
  for (const [index, createdAt] of times.entries()) await world.issue({ name: `${index}`, createdAt })
}

export const keyPages: Group = group('a list of keys', {
  'has each key once, oldest first, whatever the limit': async (world) => {
    await issueAt(world, [NOW + 3, NOW - 1, 8.64e15, -8.64e15, NOW + 1, 0, 8.64e15 - 1])
    for (const limit of [1, 2, 3, 6, 7, 8, 1000]) {
      equal(await walk(keyList(world), limit), ['3', '5', '1', '4', '0', '6', '2'])
    }
  },

  'says that there is no other page where there is none': async (world) => {
    await issueAt(world, [1, 2, 3, 4])
    const { store, service, otherService } = world
    equal(await store.listKeys({ service: otherService, limit: 1 }), { items: [], next: null })
    equal((await store.listKeys({ service, limit: 4 })).next, null)
    const { next } = await store.listKeys({ service, limit: 2 })
    holds(next !== null, 'there is a second page')
    equal((await store.listKeys({ service, limit: 2, after: next ?? '' })).next, null)
  },

  'has the whole details of each': async ({ store, service, issue, issueSigning }) => {
    const issued = [await issue({ createdAt: 1 }), await issueSigning({ createdAt: 2 })]
    const { items } = await store.listKeys({ service, limit: 10 })
    equal(items, await Promise.all(issued.map(({ ref }) => store.findKey(ref))))
  },

  'has keys of one millisecond once each, always in the same order': async (world) => {
    await issueAt(
      world,
      Array.from({ length: 12 }, () => NOW),
    )
    const whole = await walk(keyList(world), 1000)
    equal([...whole].sort(), Array.from({ length: 12 }, (_, index) => `${index}`).sort())
    for (const limit of [1, 5]) equal(await walk(keyList(world), limit), whole)
  },

  'has one account’s keys alone, on every page': async (world) => {
    const { issue, account, fresh } = world
    const other = fresh('account')
    for (let index = 0; index < 9; index++) {
      await issue({ name: `${index}`, createdAt: index, accountId: index % 3 === 0 ? other : account.id })
    }
    for (const limit of [1, 2, 4]) {
      equal(await walk(keyList(world, account.id), limit), ['1', '2', '4', '5', '7', '8'])
      equal(await walk(keyList(world, other), limit), ['0', '3', '6'])
    }
  },

  'neither repeats nor loses a key while others are inserted': async (world) => {
    await issueAt(world, [10, 20, 30, 40])
    let count = 0
    const list = await walk(keyList(world), 1, async () => {
      if (count >= 3) return
      count++
      await world.issue({ name: `older ${count}`, createdAt: -count })
      await world.issue({ name: `newer ${count}`, createdAt: 100 + count })
    })
    // What is inserted before the place that was reached is not on a later page.
    equal(list, ['0', '1', '2', '3', 'newer 1', 'newer 2', 'newer 3'])
  },

  'neither repeats nor loses a key while others are deleted': async (world) => {
    const { store, issue, entry } = world
    const issued = await Promise.all(Array.from({ length: 8 }, (_, at) => issue({ name: `${at}`, createdAt: at })))
    const doomed = [issued[0], issued[1], issued[6]]
    // The two that were read, one of them the last of its page; then one that was not.
    const list = await walk(keyList(world), 2, async () => {
      for (const gone of doomed.splice(0)) if (gone) await store.deleteKey(gone.ref, entry('key.deleted'))
    })
    equal(list, ['0', '1', '2', '3', '4', '5', '7'])
  },

  'keeps its order while keys change': async (world) => {
    const { store, issue, draw, entry } = world
    const issued = await Promise.all(Array.from({ length: 4 }, (_, at) => issue({ createdAt: at })))
    const list = await walk(
      async (query) => {
        const { items, next } = await store.listKeys({ service: world.service, ...query })
        return { items: items.map(({ key }) => key.id), next }
      },
      1,
      async () => {
        for (const { ref } of issued) {
          await store.changeKey(ref, { name: 'renamed', metadata: { a: 1 } }, entry('key.changed'))
          await store.rotateKey(ref, draw({ createdAt: NOW + 1 }).secret, NOW, entry('key.rotated'))
          await store.revokeKey(ref, null, entry('key.revoked'))
        }
      },
    )
    equal(
      list,
      issued.map(({ key }) => key.id),
    )
  },
})

export const auditPages: Group = group('a list of the audit', {
  'has each record once, newest first, whatever the limit': async (world) => {
    const { store, service, issue, entry } = world
    const { ref } = await issue({ name: 'a' })
    for (const name of ['b', 'c', 'd', 'e', 'f', 'g']) {
      await store.changeKey(ref, { name }, entry('key.changed', { name }))
    }
    for (const limit of [1, 2, 6, 7, 8]) {
      const list = await walk((query) => store.listAudit({ service, ...query }), limit)
      equal(
        list.map(({ details }) => details.name),
        ['g', 'f', 'e', 'd', 'c', 'b', 'a'],
      )
    }
  },

  'neither repeats nor loses a record while others are written': async (world) => {
    const { store, service, issue, entry, audited } = world
    const { ref } = await issue()
    for (const name of ['a', 'b', 'c', 'd']) await store.changeKey(ref, { name }, entry('key.changed', { name }))
    const whole = await audited()
    const list = await walk(
      (query) => store.listAudit({ service, ...query }),
      2,
      () => store.changeKey(ref, { name: 'x' }, entry('key.changed')),
    )
    equal(list, whole)
  },
})

export const accountPages: Group = group('a list of accounts', {
  'has each account once and whole, oldest first, whatever the limit': async (world) => {
    const { store, entry, account, accountWith } = world
    const accounts = ['d', 'a', 'e', 'b', 'c'].map((plan) => accountWith({ plan, email: null, metadata: { plan } }))
    for (const added of accounts) await store.insertAccount(added, entry('account.created'))
    const after = await cursorAt(store, account.id)
    for (const limit of [1, 2, 5, 1000]) {
      const list = await walk((query) => store.listAccounts({ ...query, after: query.after ?? after }), limit)
      equal(
        list.filter(({ id }) => accounts.some((added) => added.id === id)),
        accounts,
      )
    }
  },

  'keeps its order while accounts change and others are inserted': async (world) => {
    const { store, entry, account, accountWith } = world
    const accounts = ['d', 'a', 'c'].map((plan) => accountWith({ plan }))
    for (const added of accounts) await store.insertAccount(added, entry('account.created'))
    const after = await cursorAt(store, account.id)
    let count = 0
    const list = await walk(
      (query) => store.listAccounts({ ...query, after: query.after ?? after }),
      1,
      async () => {
        for (const { id } of accounts) await store.changeAccount(id, { email: null }, entry('account.changed'))
        if (count++ < 2) await store.insertAccount(accountWith(), entry('account.created'))
      },
    )
    const ids = accounts.map(({ id }) => id)
    equal(
      list.map(({ id }) => id).filter((id) => ids.includes(id)),
      ids,
    )
    equal(list.length, new Set(list.map(({ id }) => id)).size)
  },
})

export const cursors: Group = group('a cursor that is none', {
  'is refused with a TypeError': async ({ store, service, issue }) => {
    await issue()
    await refusesCursors((query) => store.listKeys({ service, ...query }))
    await refusesCursors((query) => store.listAudit({ service, ...query }))
    await refusesCursors((query) => store.listAccounts(query))
  },
})

/** The cursor behind an account: whatever other accounts there are, the list goes on from there. */
async function cursorAt(store: KeyStore, id: string): Promise<string> {
  for (let after: string | undefined; ; ) {
    const page = await store.listAccounts({ after, limit: 500 })
    const place = page.items.findIndex((account) => account.id === id)
    if (place >= 0) {
      const { next } = await store.listAccounts({ after, limit: place + 1 })
      if (next === null) throw new Error('an account that was inserted later is not listed')
      return next
    }
    if (page.next === null || page.next === after) throw new Error('an account that was inserted is not listed')
    after = page.next
  }
}
