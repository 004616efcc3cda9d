import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { openRedis, type RedisOptions } from '@latchkey/store-redis'
import { type RedisServer, type RedisServerOptions, startRedis } from '@latchkey/test-servers'
import { createClient } from 'redis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeWith } from '../requirements.ts'
import { accountNamed } from './records.ts'
import { nameOf } from './redis-names.ts'
import { passesTheSuite } from './redis-proven.ts'

/** Of stores whose test is not about it, in milliseconds: a busy machine is slow. */
const TIMEOUT = 30_000

const CLI = fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url))
const PASSWORD = 'p@ss:w/rd %'

interface World {
  readonly server: RedisServer
  readonly prefix: string
  /** How stores are opened that are not about it. */
  readonly options: RedisOptions
}

describeWith('redis', 'Redis', (found) => {
  const isOurs = !/^rediss?:/.test(found)

  /** A suite on a server of its own, where it needs one that is set up so. */
  function describeOn(name: string, options: RedisServerOptions, body: (world: () => World) => void): void {
    const needsOurs = options.settings !== undefined || options.tls === true
    if (needsOurs && !isOurs) {
      it(`${name} is left out`, ({ skip }) => skip('REDIS_URL names a server whose settings are not ours'))
      return
    }
    describe(name, () => {
      let world: World
      beforeAll(async () => {
        const server = await startRedis(found, options)
        const prefix = server.prefix()
        world = { server, prefix, options: { prefix, timeout: TIMEOUT } }
      }, 60_000)
      afterAll(() => world.server.stop())
      body(() => world)
    })
  }

  const command =
    (world: () => World) =>
    (...words: readonly string[]) =>
      world().server.command(...words)

  describeOn('a store by its URL', {}, (world) => {
    it('has the prefix that the URL says, unless it is told another one', async () => {
      const { server, prefix } = world()
      const url = `${server.url}${server.url.includes('?') ? '&' : '?'}prefix=${prefix}`
      const byUrl = await openRedis(url, { timeout: TIMEOUT })
      await byUrl.insertAll({ accounts: [accountNamed('by-url')], keys: [] })
      const byOption = await openRedis(server.url, { prefix, timeout: TIMEOUT })
      expect(await byOption.findAccount('by-url')).toMatchObject({ id: 'by-url' })
      const other = await openRedis(url, { prefix: `${prefix}-other`, timeout: TIMEOUT })
      expect(await other.findAccount('by-url')).toBeUndefined()
      for (const store of [byUrl, byOption, other]) await store.close()
    })

    passesTheSuite({
      prefix: () => world().prefix,
      open: () => openRedis(world().server.url, world().options),
      command: command(world),
    })
  })

  describeOn('a store with a password', { settings: { requirepass: PASSWORD } }, (world) => {
    passesTheSuite({
      prefix: () => 'latchkey',
      open: () => openRedis(world().server.url, { timeout: TIMEOUT }),
      command: command(world),
    })

    it('is not opened with another one, and does not say it', async () => {
      const url = Object.assign(new URL(world().server.url), { password: 'secret-guess' }).href
      const error = await openRedis(url).catch((cause: unknown) => cause)
      expect(error).toEqual(new Error('WRONGPASS invalid username-password pair or user is disabled.'))
    })
  })

  describeOn('a store with TLS, over a client of its own', { tls: true }, (world) => {
    const client = () =>
      createClient({ url: world().server.url, socket: { ca: readFileSync(world().server.certificate), tls: true } })
    passesTheSuite({
      prefix: () => world().prefix,
      open: () => openRedis(client(), world().options),
      command: command(world),
    })

    it('is opened by its URL where the certificate is known to Node', async () => {
      const env = { PATH: process.env.PATH, NODE_EXTRA_CA_CERTS: world().server.certificate }
      const words = [CLI, 'accounts', 'create', 'customer', '--plan', 'pro', '--json', '--store', world().server.url]
      const { stdout } = await promisify(execFile)(process.execPath, words, { env })
      expect(JSON.parse(stdout)).toMatchObject({ id: 'customer', plan: 'pro' })
    })

    it('is not opened where nobody vouches for the certificate', async () => {
      await expect(openRedis(world().server.url)).rejects.toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
    })
  })

  describeOn(
    'a store in a cluster',
    { settings: { 'cluster-enabled': 'yes', 'cluster-require-full-coverage': 'no' } },
    (world) => {
      beforeAll(async () => {
        await world().server.command('CLUSTER', 'ADDSLOTSRANGE', '0', '16383')
        while (!String(await world().server.command('CLUSTER', 'INFO')).includes('cluster_state:ok'));
      })
      passesTheSuite({
        prefix: () => world().prefix,
        open: () => openRedis(world().server.url, world().options),
        command: command(world),
      })

      it('has all that it keeps in one slot', async () => {
        const slot = Number(await world().server.command('CLUSTER', 'KEYSLOT', nameOf(world().prefix, 'meta')))
        const [inSlot, all] = [
          await world().server.command('CLUSTER', 'COUNTKEYSINSLOT', String(slot)),
          await world().server.command('DBSIZE'),
        ]
        expect(inSlot).toBe(all)
        expect(all).toBeGreaterThan(100)
      })
    },
  )

  describeOn('a store with a user of its own', { settings: { requirepass: PASSWORD } }, (world) => {
    // As the README says.
    const RULES = '~{latchkey}:* &{latchkey}:* +@read +@write +@scripting +@pubsub +@connection +time'
    beforeAll(async () => {
      await world().server.command('ACL', 'SETUSER', 'app', 'on', '>secret', ...RULES.split(' '))
    })
    passesTheSuite({
      prefix: () => 'latchkey',
      open: () => {
        const url = Object.assign(new URL(world().server.url), { username: 'app', password: 'secret' }).href
        return openRedis(url, { timeout: TIMEOUT })
      },
      command: command(world),
    })

    it('listens, too', async () => {
      const url = Object.assign(new URL(world().server.url), { username: 'app', password: 'secret' }).href
      const store = await openRedis(url)
      const subscription = await store.changes?.subscribe({ changed: () => {}, lost: () => {} })
      await subscription?.beat()
      await store.close()
    })
  })

  describeOn("a store over an application's own client", {}, (world) => {
    it('has connections of its own, and leaves the client as it is', async () => {
      const client = createClient({ url: world().server.url, database: 1 })
      await client.connect()
      const store = await openRedis(client, world().options)
      await store.insertAll({ accounts: [ACCOUNT], keys: [] })
      // In the database that the client is in.
      expect(await client.exists(nameOf(world().prefix, 'account', ACCOUNT.id))).toBe(1)
      await store.close()
      expect([client.isReady, await client.ping(), client.listenerCount('error')]).toEqual([true, 'PONG', 0])
      client.destroy()
    })
  })
})

const ACCOUNT = { id: 'customer', plan: 'pro', status: 'active', email: null, metadata: {} } as const
