import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeWith } from '../requirements.ts'
import { countsExactly } from './counting.ts'
import { bundled, type D1Worker, startD1 } from './d1.ts'
import { hidesValues } from './hidden-values.ts'
import { keepsTextsOrRefusesThem } from './hostile.ts'
import { passesTheSuite } from './proven.ts'
import { accountNamed, entryOf, keyNamed, NOW, refTo, SERVICE, secretOf, useOf } from './records.ts'

it('the bundle of a Worker with a store in D1 imports nothing, of Node or else', async () => {
  const { code, imports } = await bundled()
  expect(imports).toEqual([])
  expect(code.match(/(?:from|import|require)\s*\(?\s*['"`](?:node:\w+|libsql|pg)/g)).toBeNull()
})

describeWith('workerd', 'a store in a D1 database', () => {
  let worker: D1Worker
  let whileEmpty: unknown
  let openedAtOnce: readonly unknown[]

  beforeAll(async () => {
    worker = await startD1()
    whileEmpty = await worker.open({ migrate: false }).catch((error) => error)
    const stores = await Promise.all(Array.from({ length: 6 }, () => worker.open()))
    openedAtOnce = await Promise.all(stores.map((store) => store.findAccount('nobody')))
  }, 60_000)
  afterAll(() => worker?.stop())

  const open = () => worker.open()
  const run = (sql: string) => worker.run(...sql.split(';\n'))
  passesTheSuite({ feed: { announces: false, lease: 0 }, open, run })
  describe('and texts', () => keepsTextsOrRefusesThem({ open, run }))
  describe('and what it throws, which holds no values:', () => hidesValues({ open, run }))

  countsExactly({ open, rows: run })

  it('is not opened while the database is empty, where it must not be migrated', () => {
    expect(whileEmpty).toEqual(new Error('the database has schema version 0, and needs 4: migrate it'))
  })

  it('is opened by several at once, and migrated once', async () => {
    expect(openedAtOnce.map((found) => found ?? 'answered')).toEqual(Array.from({ length: 6 }, () => 'answered'))
    expect(await run('select version from latchkey_schema')).toEqual([
      { version: 1 },
      { version: 2 },
      { version: 3 },
      { version: 4 },
    ])
    await (await worker.open({ migrate: false })).close()
  })

  it('is not opened where the schema is newer', async () => {
    await run('insert into latchkey_schema (version, applied_at) values (5, 0)')
    const newer = new Error('the database has schema version 5, and this version of Latchkey knows 4')
    for (const migrate of [true, false]) await expect(worker.open({ migrate })).rejects.toEqual(newer)
    await run('delete from latchkey_schema where version = 5')
    await (await worker.open()).close()
  })

  it('logs what changes', async () => {
    const store = await open()
    await run('delete from latchkey_changes')
    await store.insertAccount(accountNamed('logged'), entryOf('account.created'))
    await store.insertKey(keyNamed('logged'), secretOf('logged'), entryOf('key.created'))
    const logged = await run('select distinct kind, service, id from latchkey_changes order by sequence')
    expect(logged).toEqual([
      { kind: 'account', service: null, id: 'logged' },
      { kind: 'key', service: SERVICE, id: 'logged' },
    ])
    await store.close()
  })

  it('takes more secrets and uses at once than D1 has parameters', async () => {
    const store = await open()
    const key = keyNamed('many')
    const secrets = Array.from({ length: 150 }, (_, index) => secretOf(`many ${index}`))
    const records = { accounts: [], keys: [{ key, secrets }] }
    expect([await store.insertAll(records), await store.insertAll(records)]).toEqual([true, false])
    await store.recordUses(
      Array.from({ length: 5000 }, (_, index) => useOf('many', NOW + index, { route: `GET /${index}` })),
    )
    const found = await store.findKey(refTo(key))
    expect([found?.versions.length, found?.lastUsedAt]).toEqual([150, NOW + 4999])
    expect(await store.listUsage({ service: SERVICE, keyIds: ['many'], from: 0, to: 1 })).toHaveLength(5000)
    await store.close()
  })
})
