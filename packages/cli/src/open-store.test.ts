import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { openStore } from './open-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'latchkey-cli-'))
afterAll(() => rmSync(folder, { recursive: true }))

const ACCOUNT = { id: 'acme', plan: 'pro', status: 'active', email: null, metadata: {} } as const

describe('openStore', () => {
  it('opens a store in memory, a new one each time', async () => {
    const [one, other] = [await openStore('memory:'), await openStore('memory:')]
    await one.insertAll({ accounts: [ACCOUNT], keys: [] })
    expect([await one.findAccount('acme'), await other.findAccount('acme')]).toEqual([ACCOUNT, undefined])
  })

  it.each([
    ['sqlite:', 'a.db'],
    ['SQLITE:', 'b.db'],
    ['sqlite://', 'c.db'],
  ])('opens a SQLite file at %s and a path', async (scheme, name) => {
    const path = join(folder, name)
    const store = await openStore(`${scheme}${path}`)
    await store.insertAll({ accounts: [ACCOUNT], keys: [] })
    await store.close()
    expect(statSync(path).isFile()).toBe(true)
    const again = await openStore(`sqlite:${path}`)
    expect(await again.findAccount('acme')).toEqual(ACCOUNT)
    await again.close()
  })

  it('rejects when a Postgres does not answer', async () => {
    await expect(openStore('postgres://app:hunter2@127.0.0.1:1/keys')).rejects.toThrow('ECONNREFUSED')
    await expect(openStore('postgresql://app:hunter2@127.0.0.1:1/keys')).rejects.toThrow('ECONNREFUSED')
  })

  it('rejects when a Redis does not answer', async () => {
    await expect(openStore('redis://:hunter2@127.0.0.1:1')).rejects.toThrow('ECONNREFUSED')
    await expect(openStore('rediss://:hunter2@127.0.0.1:1')).rejects.toThrow('ECONNREFUSED')
  })

  it.each([
    ['sqlite:', 'file must be the path of a file, or sqlite:PATH'],
    ['mysql://app:hunter2@db', "a store's URL must be sqlite:PATH, postgres://…, redis://… or memory:"],
    ['keys.db', "a store's URL must be sqlite:PATH, postgres://…, redis://… or memory:"],
    ['', "a store's URL must be sqlite:PATH, postgres://…, redis://… or memory:"],
  ])('rejects %j and does not repeat it', async (url, message) => {
    await expect(openStore(url)).rejects.toThrow(new TypeError(message))
  })
})
