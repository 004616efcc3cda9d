import { createAuth } from '../../auth.ts'
import type { UsageCount } from '../../store.ts'
import { equal } from '../equal.ts'
import { type Group, group } from '../group.ts'
import { contractOf, fieldsOf, MASTER_KEY, NOW, useOf, type World } from '../world.ts'

export const uses: Group = group('the last use of a key', {
  'is found and listed with the key': async ({ store, service, issue, issueSigning }) => {
    const issued = [await issue({ createdAt: 1 }), await issueSigning({ createdAt: 2 }), await issue({ createdAt: 3 })]
    await store.recordUses(issued.slice(0, 2).map(({ key }, index) => useOf(service, key.id, NOW + index)))
    const found = await Promise.all(issued.map(async ({ ref }) => (await store.findKey(ref))?.lastUsedAt))
    equal(found, [NOW, NOW + 1, null])
    const { items } = await store.listKeys({ service, limit: 10 })
    equal(
      items.map(({ lastUsedAt }) => lastUsedAt),
      found,
    )
  },

  'is the newest one, in whatever order they are recorded': async ({ store, service, issue }) => {
    const { key, ref } = await issue()
    const used = async (...times: number[]) => {
      await store.recordUses(times.map((at) => useOf(service, key.id, at)))
      return (await store.findKey(ref))?.lastUsedAt
    }
    equal(await used(NOW), NOW)
    equal(await used(NOW - 1), NOW)
    equal(await used(NOW + 1, NOW + 3, NOW + 2), NOW + 3)
    equal(await used(NOW - 5, NOW + 2), NOW + 3)
  },

  'is not recorded of keys that are not there': async ({ store, service, otherService, fresh, issue }) => {
    const { key, ref } = await issue()
    const missing = fresh('key')
    await store.recordUses([
      useOf(service, missing, NOW),
      useOf(otherService, key.id, NOW + 5),
      useOf(service, key.id, NOW + 1),
    ])
    equal((await store.findKey(ref))?.lastUsedAt, NOW + 1)
    equal(await store.findKey({ service, id: missing }), undefined)
    const later = await issue({ id: missing })
    equal((await store.findKey(later.ref))?.lastUsedAt, null)
  },

  'is never audited, changes nothing else, and outlasts changes': async ({
    store,
    service,
    issue,
    draw,
    entry,
    audited,
  }) => {
    const { key, ref } = await issue()
    const before = [{ ...(await store.findKey(ref)), firstUsedAt: NOW, lastUsedAt: NOW }, await audited()]
    await store.recordUses([useOf(service, key.id, NOW)])
    equal([await store.findKey(ref), await audited()], before)
    await store.changeKey(ref, { name: 'x' }, entry('key.changed'))
    await store.rotateKey(ref, draw().secret, NOW, entry('key.rotated'))
    await store.revokeKey(ref, null, entry('key.revoked'))
    equal((await store.findKey(ref))?.lastUsedAt, NOW)
  },

  'is recorded in batches of any size': async ({ store, service, fresh, issue }) => {
    const [first, last] = [await issue(), await issue()]
    const strangers = Array.from({ length: 500 }, () => fresh('key'))
    const keyIds = [first.key.id, ...strangers, last.key.id]
    await store.recordUses(keyIds.map((keyId) => useOf(service, keyId, NOW)))
    equal([(await store.findKey(first.ref))?.lastUsedAt, (await store.findKey(last.ref))?.lastUsedAt], [NOW, NOW])
    equal(await store.recordUses([]), true)
  },

  'is what requests have noted': async ({ store, service, issue }) => {
    const { text, ref } = await issue()
    const auth = createAuth({ contract: contractOf(service), store, masterKey: MASTER_KEY, now: () => NOW })
    await auth.authenticator()({}, fieldsOf(text))
    await auth.close()
    equal((await store.findKey(ref))?.lastUsedAt, NOW)
  },
})

export const firstUses: Group = group('the first use of a key', {
  'is the oldest one, in whatever order they are recorded': async ({ store, service, issue }) => {
    const { key, ref } = await issue()
    const used = async (...uses: readonly (readonly [firstAt: number, lastAt: number])[]) => {
      await store.recordUses(uses.map(([firstAt, lastAt]) => useOf(service, key.id, NOW, { firstAt, lastAt })))
      const found = await store.findKey(ref)
      return [found?.firstUsedAt, found?.lastUsedAt]
    }
    equal(await used([NOW, NOW + 5]), [NOW, NOW + 5])
    equal(await used([NOW + 1, NOW + 2]), [NOW, NOW + 5])
    equal(await used([NOW + 9, NOW + 9], [NOW - 3, NOW - 2], [NOW, NOW]), [NOW - 3, NOW + 9])
  },
})

const DAY = 86_400_000
const TODAY = Math.floor(NOW / DAY) * DAY

/** The counts of keys, of all days, in an order of their own. */
async function countsOf({ store, service }: World, ...keyIds: string[]): Promise<readonly UsageCount[]> {
  const counts = await store.listUsage({ service, keyIds, from: 0, to: TODAY + 10 * DAY })
  const text = ({ keyId, day, route, status }: UsageCount) => `${keyIds.indexOf(keyId)} ${day} ${route} ${status}`
  return counts.toSorted((a, b) => (text(a) < text(b) ? -1 : 1))
}

export const usage: Group = group('the usage of keys', {
  'is counted by key, day, route and status': async (world) => {
    const { store, service, issue, issueSigning } = world
    const [one, other] = [(await issue()).key.id, (await issueSigning()).key.id]
    const [get, post] = ['GET /things/:id', 'POST /things']
    const count = (keyId: string, day: number, route: string, status: number, count: number): UsageCount => ({
      keyId,
      route,
      status,
      day,
      count,
    })
    const counts = [
      count(one, TODAY - DAY, get, 200, 1),
      count(one, TODAY, get, 200, 3),
      count(one, TODAY, get, 429, 5),
      count(one, TODAY, post, 200, 7),
      count(other, TODAY, get, 200, 9),
    ]
    equal(await store.recordUses(counts.map((count) => useOf(service, count.keyId, NOW, count))), true)
    equal(await countsOf(world, one, other), counts)
    equal(await countsOf(world, other), counts.slice(4))
    equal(await countsOf(world), [])
  },

  'is added up, in one batch and in several': async (world) => {
    const { store, service, issue } = world
    const { key } = await issue()
    const uses = (...counts: number[]) => counts.map((count) => useOf(service, key.id, NOW, { count }))
    await store.recordUses(uses(1, 2))
    await store.recordUses(uses(4))
    await store.recordUses(uses(8, 1_000_000_000_000))
    equal(
      (await countsOf(world, key.id)).map(({ count }) => count),
      [1_000_000_000_015],
    )
  },

  'is read of the days that begin in a range': async ({ store, service, issue }) => {
    const { key } = await issue()
    const days = [0, 1, 2, 3].map((ago) => TODAY - ago * DAY)
    await store.recordUses(days.map((day) => useOf(service, key.id, NOW, { day })))
    const within = async (from: number, to: number) =>
      (await store.listUsage({ service, keyIds: [key.id], from, to })).map(({ day }) => day).toSorted((a, b) => b - a)
    equal(await within(TODAY - 2 * DAY, TODAY), [TODAY - DAY, TODAY - 2 * DAY])
    equal(await within(TODAY - 2 * DAY + 1, TODAY + 1), [TODAY, TODAY - DAY])
    equal(await within(TODAY + 1, TODAY + DAY), [])
  },

  'holds routes as they are written': async (world) => {
    const { store, service, issue } = world
    const { key } = await issue()
    const routes = ['(none)', 'ALL /*', 'GET /a/:b{[a-z]+}', 'GET /it\'s "so" \\ %_', 'GET /ü/🗝', 'get /a']
    await store.recordUses(routes.map((route, index) => useOf(service, key.id, NOW, { route, count: index + 1 })))
    const found = new Map((await countsOf(world, key.id)).map(({ route, count }) => [route, count]))
    equal(
      routes.map((route) => found.get(route)),
      [1, 2, 3, 4, 5, 6],
    )
    equal(found.size, routes.length)
  },

  'is not that of another service, nor of keys that are not there': async (world) => {
    const { store, service, otherService, fresh, issue } = world
    const { key } = await issue()
    const missing = fresh('key')
    await store.recordUses([useOf(otherService, key.id, NOW), useOf(service, missing, NOW)])
    equal(await countsOf(world, key.id, missing), [])
    equal(await countsOf({ ...world, service: otherService }, key.id), [])
    await issue({ id: missing })
    equal(await countsOf(world, missing), [])
  },

  'outlasts a revocation, and is gone with the key': async (world) => {
    const { store, service, issue, entry } = world
    const { key, ref } = await issue()
    const use = useOf(service, key.id, NOW)
    await store.recordUses([use])
    await store.revokeKey(ref, null, entry('key.revoked'))
    equal((await countsOf(world, key.id)).length, 1)
    await store.deleteKey(ref, entry('key.deleted'))
    equal(await countsOf(world, key.id), [])
    await issue({ id: key.id })
    equal(await countsOf(world, key.id), [])
    const details = await store.findKey(ref)
    equal([details?.firstUsedAt, details?.lastUsedAt], [null, null])
  },

  'is read of many keys at once': async (world) => {
    const { store, service, fresh, issue } = world
    const [first, last] = [(await issue()).key.id, (await issue()).key.id]
    await store.recordUses([useOf(service, first, NOW), useOf(service, last, NOW)])
    const strangers = Array.from({ length: 500 }, () => fresh('key'))
    equal((await countsOf(world, first, ...strangers, last)).length, 2)
  },

  'is what requests have counted, whatever they were answered with': async (world) => {
    const { store, service, issue } = world
    const { key, text } = await issue()
    const auth = createAuth({ contract: contractOf(service), store, masterKey: MASTER_KEY, now: () => NOW })
    const authenticate = auth.authenticator<{ readonly status: number }>(
      {},
      { onAnswer: ({ status }, answered) => answered({ route: 'GET /things/:id', status }) },
    )
    for (const status of [200, 403, 200]) await authenticate({ status }, fieldsOf(text))
    await auth.close()
    const counted = (await countsOf(world, key.id)).map(({ route, status, day, count }) => [route, status, day, count])
    equal(counted, [
      ['GET /things/:id', 200, TODAY, 2],
      ['GET /things/:id', 403, TODAY, 1],
    ])
  },
})
