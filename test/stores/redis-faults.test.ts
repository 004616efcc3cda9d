/** A Redis that fails in any way: requests are refused as unavailable, in time, and all is well when it is well again. */
import { setTimeout as pass } from 'node:timers/promises'
import type { AnyAuth, Change, KeyStore } from '@latchkey/core'
import { openRedis, type RedisOptions } from '@latchkey/store-redis'
import { type RedisServer, startRedis } from '@latchkey/test-servers'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { describeWith } from '../requirements.ts'
import {
  ACCOUNT,
  authOf,
  type Caller,
  healthyVerdicts,
  keysOf,
  MASTER_KEY,
  newKey,
  populate,
  verdict,
  verdicts,
} from './callers.ts'
import { redisFaults } from './faults.ts'
import { leakSearch } from './leaks.ts'
import { everythingOf } from './programs/everything.ts'
import { type Fault, startProxy, type TcpProxy } from './tcp-proxy.ts'

/** Of the store, and of who asks it, in milliseconds. */
const TIMEOUT = 300
/** What a busy machine adds to that. */
const GRACE = 700
/** How soon all is well when the fault is over, in milliseconds. */
const HEALED = 2000
/** At once. */
const REQUESTS = 50
/** One after the other. */
const BATCHES = 2
const LONG = 60_000
const PASSWORD = 'a password that nobody may see'

const strays: unknown[] = []
const stray = (error: unknown) => strays.push(error)
process.on('unhandledRejection', stray).on('uncaughtException', stray)
afterAll(() => process.off('unhandledRejection', stray).off('uncaughtException', stray))
afterEach(async () => {
  // One turn of the loop, in which a rejection that nobody handles is told.
  await pass(1)
  expect(strays.splice(0)).toEqual([])
})

describeWith('redis', 'Redis', (found) => {
  if (/^rediss?:/.test(found)) {
    it('is left out', ({ skip }) => skip('REDIS_URL names a server that is not ours to break'))
    return
  }
  let server: RedisServer
  let options: RedisOptions
  /** What is not under test reaches the server directly, and has time. */
  let steady: KeyStore
  let callers: readonly Caller[]
  beforeAll(async () => {
    server = await startRedis(found, {
      settings: { requirepass: PASSWORD, appendonly: 'yes', appendfsync: 'always' },
    })
    options = { prefix: server.prefix() }
    steady = await openRedis(server.url, { ...options, timeout: LONG })
    callers = await populate(steady)
  }, LONG)
  afterAll(async () => {
    await steady.close()
    await server.stop()
  })

  interface World {
    readonly proxy: TcpProxy
    readonly store: KeyStore
  }

  const open = ({ url }: { readonly url: string }) => openRedis(url, { ...options, timeout: TIMEOUT })

  /** A test over a proxy and a store of its own, so that what one fault leaves behind meets no other test. */
  function inWorld(run: (world: World) => Promise<void>): () => Promise<void> {
    return async () => {
      const proxy = await startProxy(server.url)
      const store = await inTime(() => open(proxy))
      try {
        await run({ proxy, store })
      } finally {
        proxy.heal()
        await store.close()
        await proxy.stop()
      }
    }
  }

  describe.each(redisFaults(TIMEOUT))('where %s', { timeout: LONG }, (_, fault) => {
    const answersRequests = inWorld(async ({ proxy, store }) => {
      const auth = authOf(store, TIMEOUT)
      await inTime(() => isWell(auth, callers))
      await auth.close()
      proxy.count()
      proxy.break(fault)
      for (let batch = 0; batch < BATCHES; batch++) await isUnavailable(auth, callers)
      const { connections, statements } = proxy.count()
      expect(connections).toBeLessThanOrEqual(BATCHES * REQUESTS)
      expect(statements).toBeLessThanOrEqual(2 * BATCHES * REQUESTS)
      // What was still under way comes to an end, and nothing begins by itself.
      await pass(2 * TIMEOUT)
      proxy.count()
      await pass(TIMEOUT)
      expect(proxy.count()).toEqual({ connections: 0, statements: 0 })
      proxy.heal()
      await inTime(() => isWell(auth, callers))
      await auth.close()
    })
    it('is unavailable in time to every request, and well again', answersRequests)

    const makesChanges = inWorld(async ({ proxy, store }) => {
      const keys = keysOf(store, TIMEOUT)
      const doomed = await newKey(keysOf(steady))
      const idempotencyKey = crypto.randomUUID()
      const create = () => keys.create({ accountId: ACCOUNT, name: 'once' }, { idempotencyKey })
      proxy.break(fault)
      const began = performance.now()
      const errors = await Promise.all([create(), keys.rotate(doomed.id), keys.revoke(doomed.id)].map(rejection))
      expect(performance.now() - began).toBeLessThan(TIMEOUT + GRACE)
      expect(leaksOf(doomed.secret, errors)).toEqual([])
      proxy.heal()
      const { key } = await inTime(create)
      await inTime(() => keys.revoke(doomed.id))
      expect((await inTime(create)).key.id).toBe(key.id)
      expect(await recorded(doomed.id, 'key.revoked')).toEqual(['key.revoked'])
      expect(await verdict(authOf(steady, LONG), doomed.secret)).toBe('revoked')
    })
    it('rejects changes in time, without a secret, and makes them once when they are asked for again', makesChanges)

    const opens = inWorld(async ({ proxy }) => {
      proxy.break(fault)
      const began = performance.now()
      const error = await rejection(open(proxy))
      expect(performance.now() - began).toBeLessThan(TIMEOUT + GRACE)
      expect(leaksOf(PASSWORD, [error])).toEqual([])
      proxy.heal()
      await (await inTime(() => open(proxy))).close()
    })
    it('is not opened, in time, and is opened when all is well', opens)

    const listens = inWorld(async ({ proxy, store }) => {
      const lost: unknown[] = []
      const changes: Change[] = []
      const listener = { changed: (change: Change) => changes.push(change), lost: (cause: unknown) => lost.push(cause) }
      const subscribe = async () => store.changes?.subscribe(listener)
      const subscription = await subscribe()
      await subscription?.beat()
      proxy.break(fault)
      const began = performance.now()
      const errors = await Promise.all([subscription?.beat(), subscription?.beat(), subscribe()].map(rejection))
      expect(performance.now() - began).toBeLessThan(TIMEOUT + GRACE)
      expect(leaksOf(PASSWORD, errors)).toEqual([])
      await subscription?.close()
      proxy.heal()
      const again = await inTime(subscribe)
      changes.splice(0)
      const { id } = await newKey(keysOf(steady))
      await inTime(async () => again?.beat())
      expect(changes).toEqual([{ kind: 'key', service: 'called', id }])
      // Of the first alone, if its connection has ended before it was closed.
      expect(lost.length).toBeLessThanOrEqual(1)
      await again?.close()
    })
    it('sends no heartbeat and listens to nothing, in time, and does when all is well', listens)
  })

  it(
    'is well at the next request when connections were cut that nobody used',
    inWorld(async ({ proxy, store }) => {
      const auth = authOf(store, TIMEOUT)
      await inTime(() => isWell(auth, callers))
      proxy.break({ kind: 'reset' })
      proxy.heal()
      await pass(50)
      await isWell(auth, callers)
      await auth.close()
    }),
  )

  it(
    'has no heartbeat come back where the listening connection alone hangs',
    async () => {
      const [commands, announcements] = [await startProxy(server.url), await startProxy(server.url)]
      let made = 0
      const { createClient } = await import('redis')
      // The first connection is for commands; the ones after it listen.
      const client = {
        options: {},
        duplicate: (settings: object) =>
          createClient({ ...settings, url: made++ === 0 ? commands.url : announcements.url }),
      }
      const store = await openRedis(client, { ...options, timeout: TIMEOUT })
      const subscription = await store.changes?.subscribe({ changed: () => {}, lost: () => {} })
      await subscription?.beat()
      announcements.break({ kind: 'hang' })
      expect(await rejection(Promise.resolve(subscription?.beat()))).toEqual(
        new Error(`no answer within ${TIMEOUT} ms`),
      )
      announcements.heal()
      await subscription?.beat()
      await store.close()
      await Promise.all([commands.stop(), announcements.stop()])
    },
    LONG,
  )

  describe.each<[when: string, reaches: 'reaches' | 'does not reach', fault: Fault]>([
    ['is cut off before the script', 'does not reach', { kind: 'reset' }],
    ['is cut off behind the script', 'reaches', { kind: 'reset' }],
    ['hangs before the script', 'does not reach', { kind: 'hang' }],
    ['hangs behind the script', 'reaches', { kind: 'hang' }],
  ])('which %s of a change', { timeout: LONG }, (_, reaches, fault) => {
    const isMade = reaches === 'reaches'

    /** The change alone: what it looks up before is asked for at once. */
    async function broken(proxy: TcpProxy, change: () => Promise<unknown>, script: number): Promise<void> {
      proxy.breakAt(script, reaches, fault)
      await rejection(change())
      proxy.heal()
      // What was held back comes now, and too late.
      await pass(TIMEOUT)
    }

    const creates = inWorld(async ({ proxy, store }) => {
      const keys = keysOf(store, 2 * TIMEOUT)
      const idempotencyKey = crypto.randomUUID()
      const create = () => keys.create({ accountId: ACCOUNT, name: 'once' }, { idempotencyKey })
      await broken(proxy, create, await scriptsOf(proxy, () => newKey(keys)))
      const { key, secret } = await inTime(create)
      expect(secret === null).toBe(isMade)
      expect(await recorded(key.id)).toEqual(['key.created'])
    })
    it('has made one key or none, and one in the end', creates)

    const revokes = inWorld(async ({ proxy, store }) => {
      const keys = keysOf(store, 2 * TIMEOUT)
      const [first, { id, secret }] = [await newKey(keysOf(steady)), await newKey(keysOf(steady))]
      await broken(proxy, () => keys.revoke(id), await scriptsOf(proxy, () => keys.revoke(first.id)))
      expect(await verdict(authOf(steady, LONG), secret)).toBe(isMade ? 'revoked' : `allowed ${id}`)
      await inTime(() => keys.revoke(id))
      expect(await verdict(authOf(steady, LONG), secret)).toBe('revoked')
      expect(await recorded(id)).toEqual(['key.revoked', 'key.created'])
    })
    it('has revoked a key or not, never later than it said so, and once in the end', revokes)

    const rotates = inWorld(async ({ proxy, store }) => {
      const keys = keysOf(store, 2 * TIMEOUT)
      const [first, { id, secret }] = [await newKey(keysOf(steady)), await newKey(keysOf(steady))]
      await broken(proxy, () => keys.rotate(id), await scriptsOf(proxy, () => keys.rotate(first.id)))
      const rotated = await inTime(() => keys.rotate(id))
      expect(await verdict(authOf(steady, LONG), secret)).toBe('unknown')
      expect(await verdict(authOf(steady, LONG), rotated?.secret ?? '')).toBe(`allowed ${id}`)
      expect(await recorded(id)).toEqual([...Array(isMade ? 2 : 1).fill('key.rotated'), 'key.created'])
    })
    it('has rotated a key or not, and has rotated it in the end', rotates)
  })

  it(
    'does not go on with a rotation that was given up, so that it ends no later one',
    inWorld(async ({ store }) => {
      const { id } = await newKey(keysOf(steady))
      await store.findAccount(ACCOUNT)
      server.pause()
      const given = rejection(Promise.resolve(store.rotateKey({ service: 'called', id }, NEXT, 0, ENTRY)))
      expect(await given).toEqual(new Error(`no answer within ${TIMEOUT} ms`))
      server.resume()
      const rotated = await inTime(() => keysOf(steady).rotate(id))
      await pass(2 * TIMEOUT)
      expect(await verdict(authOf(steady, LONG), rotated?.secret ?? '')).toBe(`allowed ${id}`)
      expect(await recorded(id)).toEqual(['key.rotated', 'key.created'])
    }),
    LONG,
  )

  it(
    'is closed in time while nothing passes',
    inWorld(async ({ proxy, store }) => {
      proxy.break({ kind: 'hang' })
      const hanging = rejection(Promise.resolve(store.findAccount(ACCOUNT)))
      const began = performance.now()
      await store.close()
      expect(performance.now() - began).toBeLessThan(TIMEOUT + GRACE)
      await hanging
    }),
  )

  const isStopped = inWorld(async ({ store }) => {
    const auth = authOf(store, TIMEOUT)
    await inTime(() => isWell(auth, callers))
    server.pause()
    try {
      for (let batch = 0; batch < BATCHES; batch++) await isUnavailable(auth, callers)
    } finally {
      server.resume()
    }
    await inTime(() => isWell(auth, callers))
    await auth.close()
  })
  it('is unavailable while its process is stopped, and well when it goes on', isStopped, LONG)

  const isKilled = inWorld(async ({ store }) => {
    const auth = authOf(store, TIMEOUT)
    await inTime(() => isWell(auth, callers))
    const lost: unknown[] = []
    await store.changes?.subscribe({ changed: () => {}, lost: (cause) => lost.push(cause) })
    await server.crash()
    await inTime(() => isWell(auth, callers))
    expect(lost).toEqual([expect.any(Error)])
    await auth.close()
  })
  it('is well soon after it was killed and started anew, and says that nobody listens', isKilled, LONG)

  /** Each one is made by four who ask at once, until the server is gone. */
  async function changesUntil(end: () => Promise<void>) {
    const store = await openRedis(server.url, { ...options, timeout: LONG })
    const keys = keysOf(store)
    const made: { readonly id: string; readonly secret: string; isRevoked: boolean }[] = []
    let isOver = false

    async function change(): Promise<void> {
      while (!isOver) {
        const own = { ...(await newKey(keys)), isRevoked: false }
        made.push(own)
        if (made.length % 2 === 0) continue
        await keys.revoke(own.id)
        own.isRevoked = true
      }
    }

    const changing = [1, 2, 3, 4].map(() => change().catch(() => {}))
    while (made.length === 0) await pass(1)
    await end()
    isOver = true
    await Promise.all(changing)
    await store.close()
    return made
  }

  const holds = async () => {
    for (let round = 0; round < 10; round++) {
      const made = await changesUntil(async () => {
        await pass(5 * round)
        await server.crash()
      })
      await inTime(async () => steady.findAccount(ACCOUNT))
      const auth = authOf(steady, LONG)
      for (const { id, secret, isRevoked } of made) {
        // A revocation that nobody has heard of may have been made.
        expect(isRevoked ? ['revoked'] : [`allowed ${id}`, 'revoked']).toContain(await verdict(auth, secret))
      }
      await isWhole()
    }
  }
  it('holds what it has acknowledged, and all else wholly or not at all, when it is killed at any moment', holds, LONG)

  /** Each key that is listed can be read, with its secret and the record of its making. */
  async function isWhole(): Promise<void> {
    for (let after: string | undefined; ; ) {
      const page = await keysOf(steady).list({ accountId: ACCOUNT, ...(after !== undefined && { after }) })
      for (const { key, versions } of page.items) {
        expect(versions.length).toBeGreaterThan(0)
        expect((await recorded(key.id)).at(-1)).toBe('key.created')
      }
      if (page.next === null) return
      after = page.next
    }
  }

  async function recorded(keyId: string, action?: string): Promise<readonly string[]> {
    const { items } = await steady.listAudit({ service: 'called', keyId, limit: 100 })
    return items.map((record) => record.action).filter((one) => action === undefined || one === action)
  }
})

const NEXT = {
  kind: 'key',
  digest: '0123456789abcdef'.repeat(4),
  display: 'x',
  createdAt: 0,
  expiresAt: null,
} as const
const ENTRY = { at: 0, by: 'test', action: 'key.rotated', details: {} } as const

/** How many scripts a change takes. */
async function scriptsOf(proxy: TcpProxy, change: () => Promise<unknown>): Promise<number> {
  // Once before, so that the server knows them.
  await change()
  proxy.count()
  await change()
  return proxy.count().statements
}

/** So many requests at once are all refused as unavailable, with good credentials and with bad ones, and in time. */
async function isUnavailable(auth: AnyAuth, callers: readonly Caller[]): Promise<void> {
  const began = performance.now()
  expect(await verdicts(auth, callers, REQUESTS)).toEqual(Array(REQUESTS).fill('unavailable'))
  expect(performance.now() - began).toBeLessThan(TIMEOUT + GRACE)
}

async function isWell(auth: AnyAuth, callers: readonly Caller[]): Promise<void> {
  expect(await verdicts(auth, callers, REQUESTS)).toEqual(healthyVerdicts(callers, REQUESTS))
}

/** Asks until it does not fail. */
async function inTime<T>(ask: () => Promise<T>): Promise<T> {
  const end = performance.now() + HEALED
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (performance.now() > end) throw error
      await pass(20)
    }
  }
}

/** What a call rejects with: an error, and nothing else. */
async function rejection(call: unknown): Promise<Error> {
  const error = await Promise.resolve(call).then(
    () => 'nothing: it resolved',
    (error) => error,
  )
  expect(error).toBeInstanceOf(Error)
  return error
}

function leaksOf(secret: string, errors: readonly Error[]): readonly string[] {
  const search = leakSearch([
    { what: 'the secret', text: secret, shown: 'key_' },
    { what: 'the password', text: PASSWORD },
    { what: 'the master key', text: MASTER_KEY },
  ])
  return search(errors.map(everythingOf).join())
}
