import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { openSqlite } from '@latchkey/store-sql'
import Libsql from 'libsql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hidesValues } from './hidden-values.ts'
import { keepsTextsOrRefusesThem } from './hostile.ts'
import { openAtOnce } from './openers.ts'
import { passesTheSuite } from './proven.ts'
import { accountNamed, entryOf, keyNamed, SERVICE, secretOf, useOf } from './records.ts'

const folder = mkdtempSync(join(tmpdir(), 'latchkey-sqlite-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('a store in an SQLite file', () => {
  const path = join(folder, 'keys.db')
  const open = () => openSqlite(path)

  async function run(sql: string): Promise<readonly object[]> {
    const database = new Libsql(path)
    try {
      if (/^select/.test(sql)) return database.prepare(sql).all() as object[]
      database.exec(sql)
      return []
    } finally {
      database.close()
    }
  }

  passesTheSuite({ feed: { announces: true, lease: 40 }, open, run })
  describe('and texts', () => keepsTextsOrRefusesThem({ open, run }))
  describe('and what it throws, which holds no values:', () => hidesValues({ open, run }))

  it('is the same by the URL that commands take', async () => {
    const store = await open()
    await store.insertAll({ accounts: [accountNamed('by-url')], keys: [] })
    for (const url of [`sqlite:${path}`, `SQLite://${path}`]) {
      const same = await openSqlite(url)
      expect(await same.findAccount('by-url')).toMatchObject({ id: 'by-url' })
      await same.close()
    }
    await store.close()
  })

  it('lets no request wait for another process to note a use', async () => {
    const store = await open()
    const other = new Libsql(path)
    other.exec('begin immediate')
    const begun = performance.now()
    expect(await store.recordUses([useOf('key_1', 1)])).toBe(false)
    expect(performance.now() - begun).toBeLessThan(1000)
    // What it was refused then must not hold it to what was true then.
    other.exec(
      "insert into latchkey_accounts (id, plan, status, metadata, schema) values ('since', 'pro', 'active', '{}', 1)",
    )
    other.exec('commit')
    other.close()
    expect(store.findAccount('since')).toMatchObject({ id: 'since' })
    expect(await store.recordUses([useOf('key_1', 1)])).toBe(true)
    await store.close()
  })

  it('sees what others have changed after it has waited for them in vain', async () => {
    const store = await openSqlite(path, { timeout: 10 })
    const other = new Libsql(path)
    other.exec('begin immediate')
    await expect(store.insertAccount(accountNamed('late'), entryOf('account.created'))).rejects.toThrow(/locked/)
    other.exec(
      "insert into latchkey_accounts (id, plan, status, metadata, schema) values ('then', 'pro', 'active', '{}', 1)",
    )
    other.exec('commit')
    other.close()
    expect(store.findAccount('then')).toMatchObject({ id: 'then' })
    await store.close()
  })

  it('answers what requests ask for without a promise', async () => {
    const store = await open()
    const [key, secret, account] = [keyNamed('k', { accountId: 'sync' }), secretOf('sync'), accountNamed('sync')]
    await store.insertAll({ accounts: [account], keys: [{ key, secrets: [secret] }] })
    expect(store.findByDigest(SERVICE, secret.digest)).toEqual({ key, account, secret })
    expect(store.findSigningKey(SERVICE, 'none')).toBeUndefined()
    expect(store.findAccount('sync')).toEqual(account)
    await store.close()
  })

  it('keeps the log that it writes to, also where another process believes to be the last one', async () => {
    const path = join(folder, 'log.db')
    const [first, second] = [await openSqlite(path), await openSqlite(path)]
    await first.insertAccount(accountNamed('before'), entryOf('account.created'))
    expect(await openAtOnce(1, [`sqlite:${path}`])).toEqual([['opened']])
    expect(existsSync(`${path}-wal`)).toBe(true)
    await first.insertAccount(accountNamed('after'), entryOf('account.created'))
    for (const id of ['before', 'after']) expect(second.findAccount(id)).toEqual(accountNamed(id))
    await Promise.all([first.close(), second.close()])
    const third = await openSqlite(path)
    for (const id of ['before', 'after']) expect(third.findAccount(id)).toEqual(accountNamed(id))
    await third.close()
  })

  it('works on after a transaction that SQLite itself has rolled back', async () => {
    const path = join(folder, 'rolled-back.db')
    const store = await openSqlite(path)
    const database = new Libsql(path)
    database.exec(`create trigger no_more before insert on latchkey_keys begin select raise(rollback, 'no more'); end`)
    const insert = () => store.insertKey(keyNamed('k'), secretOf('k'), entryOf('key.created'))
    await expect(Promise.resolve().then(insert)).rejects.toThrow(/^no more$/)
    database.exec('drop trigger no_more')
    database.close()
    expect(await insert()).toEqual({ kind: 'inserted' })
    await store.close()
  })
})

describe('while another process writes to the file, a store', () => {
  const path = join(folder, 'shared.db')
  let child: ChildProcessByStdio<Writable, Readable, null>
  let lines: AsyncIterator<string>

  beforeAll(async () => {
    await (await openSqlite(path)).close()
    const program = fileURLToPath(new URL('programs/dist/hold-sqlite.js', import.meta.url))
    const env = { PATH: process.env.PATH }
    child = spawn(process.execPath, [program], { env, stdio: ['pipe', 'pipe', 'inherit'] })
    lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  })
  afterAll(() => void child?.kill())

  /** Runs this while the lock is held, and waits until it no longer is. */
  async function whileHeld(path: string, work: () => Promise<void>): Promise<void> {
    child.stdin.write(`${JSON.stringify({ path, milliseconds: 300 })}\n`)
    expect((await lines.next()).value).toBe('held')
    await work()
    expect((await lines.next()).value).toBe('released')
  }

  it('waits with its own changes, and makes them', async () => {
    const store = await openSqlite(path, { timeout: 60_000 })
    await whileHeld(path, async () => {
      expect(await store.insertAccount(accountNamed('waited'), entryOf('account.created'))).toBe(true)
    })
    await store.close()
  })

  it('waits until it can make the tables of a new file', async () => {
    const path = join(folder, 'new.db')
    await whileHeld(path, async () => {
      const store = await openSqlite(path, { timeout: 60_000 })
      expect(await store.insertAccount(accountNamed('waited'), entryOf('account.created'))).toBe(true)
      await store.close()
    })
  })

  it('is not opened where the file is new, and it may not wait', async () => {
    const path = join(folder, 'busy.db')
    await whileHeld(path, async () => {
      await expect(openSqlite(path, { timeout: 0 })).rejects.toThrow(/^database is locked$/)
    })
    await (await openSqlite(path, { timeout: 0 })).close()
  })

  it('answers what requests ask for, and rejects changes that may not wait', async () => {
    const store = await openSqlite(path, { timeout: 0 })
    await store.insertAccount(accountNamed('known'), entryOf('account.created'))
    const insert = () => store.insertAccount(accountNamed('new'), entryOf('account.created'))
    await whileHeld(path, async () => {
      expect(store.findAccount('known')).toEqual(accountNamed('known'))
      await expect(Promise.resolve().then(insert)).rejects.toThrow(/^database is locked$/)
      expect(store.findAccount('new')).toBeUndefined()
    })
    expect(await insert()).toBe(true)
    await store.close()
  })
})
