/** What lies in Redis: texts as they are, nothing of what is deleted, and nothing of it in an error. */
import { inspect } from 'node:util'
import type { KeyStore } from '@latchkey/core'
import { openRedis } from '@latchkey/store-redis'
import { type RedisServer, startRedis } from '@latchkey/test-servers'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { describeWith } from '../requirements.ts'
import { keepsTexts } from './hostile.ts'
import { leakSearch } from './leaks.ts'
import { accountNamed, digestOf, entryOf, keyNamed, NOW, refTo, SERVICE, sealedAs, secretOf, useOf } from './records.ts'
import { nameOf } from './redis-names.ts'
import { startProxy } from './tcp-proxy.ts'

const LONG = 60_000
const TAKEN = digestOf('taken')
const NO_DIGEST = 'UPPER-CASE-AND-NO-DIGEST'.padEnd(64, 'Z')
const SEALED = 'c2VhbGVkLXNlY3JldC10aGF0LW5vYm9keS1tYXktc2Vl'
const VALUE = 'a-value-that-nobody-may-see'

const leaksIn = leakSearch([
  { what: 'a digest', text: TAKEN },
  { what: 'a text that is no digest', text: NO_DIGEST },
  { what: 'a sealed secret', text: SEALED },
  { what: 'a value', text: VALUE },
])

describeWith('redis', 'what lies in Redis', (found) => {
  const isOurs = !/^rediss?:/.test(found)
  let server: RedisServer
  let prefix: string
  beforeAll(async () => {
    server = await startRedis(found)
  }, LONG)
  afterAll(() => server.stop())
  beforeEach(() => {
    prefix = server.prefix()
  })

  const open = () => openRedis(server.url, { prefix })

  /** The names of all that lies there. */
  async function names(): Promise<readonly string[]> {
    const all = (await server.command('KEYS', `{${prefix}}:*`)) as string[]
    return all.map((name) => name.slice(prefix.length + 3)).sort()
  }

  describe('is every text', () => {
    const kinds = ['account', 'key', 'keys', 'secret', 'secrets', 'sealed', 'masters', 'call']
    // In the words of `LEFT`: an account, and nothing of a key.
    const left = { ...Object.fromEntries(kinds.map((kind) => [kind, 0])), account: 1, audit: 12 }
    keepsTexts(left, open, async () => {
      const all = await names()
      const counted = kinds.map((kind) => [kind, all.filter((name) => name.startsWith(`${kind}:`)).length])
      return { ...Object.fromEntries(counted), audit: Number(await server.command('XLEN', nameOf(prefix, 'audit'))) }
    })
  })

  it('is nothing of a deleted key but what was recorded', async () => {
    const store = await open()
    const [ref, signing] = [refTo(keyNamed('key')), refTo(keyNamed('signing'))]
    const before = await names()
    const call = { idempotencyKey: 'call', onlyFirst: true }
    await store.insertKey(keyNamed('key'), secretOf('text'), entryOf('key.created'), call)
    await store.insertKey(keyNamed('signing'), sealedAs('one'), entryOf('key.created'))
    await store.rotateKey(ref, secretOf('next'), NOW, entryOf('key.rotated'))
    await store.rotateKey(
      signing,
      sealedAs('two', { version: 'v2', masterKeyId: 'other' }),
      NOW,
      entryOf('key.rotated'),
    )
    await store.resealSecret(
      signing,
      sealedAs('one'),
      sealedAs('x', { masterKeyId: 'third' }),
      entryOf('secret.resealed'),
    )
    await store.recordUses([useOf('key', NOW)])
    expect((await names()).length).toBeGreaterThan(before.length + 10)
    for (const one of [ref, signing]) expect(await store.deleteKey(one, entryOf('key.deleted'))).toBe(true)
    const audit = [
      'audit',
      'audit-of-accountId:8:customer',
      'audit-of-keyId:3:key',
      'audit-of-keyId:7:signing',
      'audit-of-service:4:acme',
    ]
    expect(await names()).toEqual([...before, ...audit].sort())
    await store.close()
  })

  it('is found by what verification asks in one script each', async () => {
    const proxy = await startProxy(server.url)
    const store = await openRedis(proxy.url, { prefix })
    const keys = [
      { key: keyNamed('key'), secrets: [secretOf('taken')] },
      { key: keyNamed('signing'), secrets: [sealedAs(SEALED)] },
    ]
    await store.insertAll({ accounts: [accountNamed('customer')], keys })
    const questions = [
      () => store.findByDigest(SERVICE, TAKEN),
      () => store.findSigningKey(SERVICE, 'signing'),
      () => store.findAccount('customer'),
    ]
    // Once before, so that the server knows the scripts.
    for (const ask of questions) await ask()
    for (const ask of questions) {
      proxy.count()
      expect(await ask()).toBeDefined()
      expect(proxy.count()).toEqual({ connections: 0, statements: 1 })
    }
    await store.close()
    await proxy.stop()
  })

  it('is audited as far as it is kept: what is trimmed away is gone', async () => {
    const store = await open()
    for (const id of ['a', 'b', 'c', 'd']) await store.insertAccount(accountNamed(id), entryOf('account.created'))
    await server.command('XTRIM', nameOf(prefix, 'audit'), 'MAXLEN', '2')
    const about = async (accountId?: string) => {
      const { items, next } = await store.listAudit({ limit: 2, ...(accountId !== undefined && { accountId }) })
      return [items.map((record) => record.accountId), next]
    }
    expect([await about(), await about('c'), await about('a')]).toEqual([
      [['d', 'c'], null],
      [['c'], null],
      [[], null],
    ])
    await store.close()
  })

  it('is looked through for what no list is of', { timeout: LONG }, async () => {
    const store = await open()
    const record = (service: string, at: number) =>
      store.recordAudit({ ...entryOf('secret.revealed', { at }), service, keyId: null, accountId: 'customer' })
    await record('rare', 0)
    await Promise.all(Array.from({ length: 2500 }, () => record('usual', 1)))
    await record('rare', 2)
    const query = { service: 'rare', accountId: 'customer', limit: 1 }
    const first = await store.listAudit(query)
    const second = await store.listAudit({ ...query, after: first.next ?? '' })
    expect([first.items, second.items].map(([item]) => item?.details)).toEqual([{ at: 2 }, { at: 0 }])
    expect(second.next).toBeNull()
    await store.close()
  })

  it('is of one prefix, and nothing of another', async () => {
    const store = await open()
    await store.insertAccount(accountNamed('customer'), entryOf('account.created'))
    const other = await openRedis(server.url, { prefix: server.prefix() })
    expect(await other.findAccount('customer')).toBeUndefined()
    expect(await other.insertAccount(accountNamed('customer'), entryOf('account.created'))).toBe(true)
    expect((await store.listAccounts({ limit: 9 })).items.length).toBe(1)
    for (const one of [store, other]) await one.close()
  })

  describe.skipIf(!isOurs)('where memory is full', () => {
    it('is revoked, changed and deleted, and only added to no more, nor in part', { timeout: LONG }, async () => {
      const full = await startRedis(found)
      onTestFinished(() => full.stop())
      const store = await openRedis(full.url)
      const keys = ['a', 'b', 'c'].map((id) => ({ key: keyNamed(id), secrets: [secretOf(id)] }))
      await store.insertAll({ accounts: [accountNamed('customer')], keys })
      await full.command('CONFIG', 'SET', 'maxmemory', '1')
      const before = await store.listKeys({ service: SERVICE, limit: 9 })
      const adding: readonly (() => unknown)[] = [
        () => store.insertKey(keyNamed('new'), secretOf('new'), entryOf('key.created')),
        () => store.insertAccount(accountNamed('new'), entryOf('account.created')),
        () => store.insertAll({ accounts: [], keys: [{ key: keyNamed('new'), secrets: [secretOf('new')] }] }),
      ]
      for (const add of adding) await expect(Promise.resolve().then(add)).rejects.toThrow('OOM')
      expect(await store.listKeys({ service: SERVICE, limit: 9 })).toEqual(before)
      expect((await store.revokeKey(refTo(keyNamed('a')), 'leaked', entryOf('key.revoked')))?.revokedAt).toBe(NOW)
      expect(await store.rotateKey(refTo(keyNamed('b')), secretOf('new'), 0, entryOf('key.rotated'))).toBeDefined()
      expect(await store.deleteKey(refTo(keyNamed('c')), entryOf('key.deleted'))).toBe(true)
      const suspended = await store.changeAccount('customer', { status: 'suspended' }, entryOf('account.changed'))
      expect(suspended?.status).toBe('suspended')
      expect((await store.listAudit({ limit: 9 })).items.length).toBe(4)
      await store.close()
    })
  })

  describe('and is not in what is thrown:', () => {
    const key = keyNamed('key', { name: VALUE, metadata: { value: VALUE } })
    const signing = keyNamed('signing', { name: VALUE })
    let store: KeyStore

    beforeEach(async () => {
      store = await open()
      const account = accountNamed('customer', { email: VALUE, metadata: { value: VALUE } })
      const keys = [
        { key, secrets: [secretOf('taken', { display: VALUE })] },
        { key: signing, secrets: [sealedAs(SEALED)] },
      ]
      expect(await store.insertAll({ accounts: [account], keys })).toBe(true)
      return () => store.close()
    })

    async function thrownBy(call: () => unknown): Promise<Error> {
      const error = await Promise.resolve()
        .then(call)
        .then(
          () => 'nothing',
          (error) => error,
        )
      expect(error).toBeInstanceOf(Error)
      expect(leaksIn(inspect(error, { depth: null, showHidden: true, maxStringLength: null }))).toEqual([])
      return error
    }

    const secretAt = (digest: string) => nameOf(prefix, 'secret', SERVICE, digest)

    it('where a digest is taken', async () => {
      const error = await thrownBy(() => store.rotateKey(refTo(key), secretOf('taken'), NOW, entryOf('key.rotated')))
      expect(error).toEqual(new Error('the secret is taken'))
    })

    it.each<[name: string, insert: (store: KeyStore) => unknown]>([
      ['digest', (s) => s.insertKey(keyNamed('x'), secretOf('x', { digest: NO_DIGEST }), entryOf('key.created'))],
      ['status', (s) => s.insertAccount(accountNamed('x', { status: VALUE as 'active' }), entryOf('key.created'))],
      ['createdAt', (s) => s.insertKey(keyNamed('x', { createdAt: 0.5 }), secretOf('x'), entryOf('key.created'))],
      ['expiresAt', (s) => s.changeKey(refTo(key), { expiresAt: Number.NaN }, entryOf('key.changed'))],
      ['at', (s) => s.recordUses([useOf('key', Number.POSITIVE_INFINITY)])],
    ])('where a %s is none, which is not written', async (name, insert) => {
      const before = [await names(), await store.findKey(refTo(key))]
      expect(await thrownBy(() => insert(store))).toEqual(new TypeError(`${name} is not as it must be`))
      expect([await names(), await store.findKey(refTo(key))]).toEqual(before)
    })

    it.each([
      ['metadata', `{"value":"${VALUE}`],
      ['permissions', `["${VALUE}"`],
      ['permissions', `{"value":"${VALUE}"}`],
      ['expiresAt', VALUE],
      ['createdAt', '8640000000000001'],
    ])('where a key’s %s is %s', async (field, value) => {
      await server.command('HSET', nameOf(prefix, 'key', SERVICE, 'key'), field, value)
      for (const call of [
        () => store.findByDigest(SERVICE, TAKEN),
        () => store.findKey(refTo(key)),
        () => store.listKeys({ service: SERVICE, limit: 9 }),
        () => store.revokeKey(refTo(key), null, entryOf('key.revoked')),
      ]) {
        expect(await thrownBy(call)).toEqual(new Error(`key key: its ${field} is damaged`))
      }
    })

    it('where a key is gone, and not its secret, nor its place in a list', async () => {
      await server.command('UNLINK', nameOf(prefix, 'key', SERVICE, 'key'))
      const gone = new Error('key key: schema version undefined is unknown')
      expect(await thrownBy(() => store.findByDigest(SERVICE, TAKEN))).toEqual(gone)
      expect(await thrownBy(() => store.listKeys({ service: SERVICE, limit: 9 }))).toEqual(gone)
    })

    it('where an account’s metadata is damaged', async () => {
      await server.command('HSET', nameOf(prefix, 'account', 'customer'), 'metadata', `{"value":"${VALUE}`)
      const damaged = new Error('account customer: its metadata is damaged')
      expect(await thrownBy(() => store.findAccount('customer'))).toEqual(damaged)
      expect(await thrownBy(() => store.findByDigest(SERVICE, TAKEN))).toEqual(damaged)
      expect(await thrownBy(() => store.listAccounts({ limit: 9 }))).toEqual(damaged)
    })

    it('where a signing secret’s end is damaged', async () => {
      await server.command('HSET', nameOf(prefix, 'secret', SERVICE, 'signing', 'v1'), 'expiresAt', VALUE)
      const damaged = new Error('key signing: its expiresAt is damaged')
      expect(await thrownBy(() => store.findSigningKey(SERVICE, 'signing'))).toEqual(damaged)
      expect(await thrownBy(() => store.listSealed(SERVICE, 'none', 9))).toEqual(damaged)
    })

    it('where something else lies in its place', async () => {
      await server.command('SET', secretAt(TAKEN), VALUE)
      const error = await thrownBy(() => store.findByDigest(SERVICE, TAKEN))
      expect(error.message).toMatch(/^WRONGTYPE /)
      // Of one record alone: others are found meanwhile on the same connection.
      expect((await store.findSigningKey(SERVICE, 'signing'))?.key).toEqual(signing)
    })

    it.skipIf(!isOurs)('where the server lets nobody run scripts', async () => {
      const strict = await startRedis(found)
      onTestFinished(() => strict.stop())
      await strict.command('ACL', 'SETUSER', 'default', '-@scripting')
      const error = await thrownBy(() => openRedis(strict.url))
      expect(error.message).toMatch(/^NOPERM .*'evalsha' command$/)
    })

    it('where the store is closed', async () => {
      await store.close()
      expect(await thrownBy(() => store.findByDigest(SERVICE, TAKEN))).toEqual(new Error('the store is closed'))
      const change = () => store.changeKey(refTo(key), { name: VALUE }, entryOf('key.changed'))
      expect(await thrownBy(change)).toEqual(new Error('the store is closed'))
    })
  })
})
