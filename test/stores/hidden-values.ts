/** What is thrown names records, and holds nothing of what is in them. */
import { inspect } from 'node:util'
import type { KeyStore } from '@latchkey/core'
import { expect, it } from 'vitest'
import { leakSearch } from './leaks.ts'
import { accountNamed, digestOf, entryOf, keyNamed, NOW, refTo, SERVICE, sealedAs, secretOf } from './records.ts'

const TAKEN = digestOf('taken')
const SEALED = 'c2VhbGVkLXNlY3JldC10aGF0LW5vYm9keS1tYXktc2Vl'
const VALUE = 'a-value-that-nobody-may-see'
// What a check of the database refuses is quoted by some.
const NO_DIGEST = 'UPPER-CASE-AND-NO-DIGEST'.padEnd(64, 'Z')

const search = leakSearch([
  { what: 'a digest', text: TAKEN },
  { what: 'a text that is no digest', text: NO_DIGEST },
  { what: 'a sealed secret', text: SEALED },
  { what: 'a value', text: VALUE },
])

interface Hiding {
  open(): Promise<KeyStore>
  run(sql: string): Promise<unknown>
}

export function hidesValues({ open, run }: Hiding): void {
  /** A store with a key of which every record holds what must not be seen. */
  async function opened(): Promise<{ readonly store: KeyStore; readonly id: string; readonly service: string }> {
    const store = await open()
    const [service, id] = [crypto.randomUUID(), crypto.randomUUID()]
    const others = { service, name: VALUE, metadata: { value: VALUE } }
    const account = accountNamed(id, { email: VALUE, metadata: { value: VALUE } })
    const keys = [
      { key: keyNamed(id, { ...others, accountId: id }), secrets: [secretOf('taken', { display: VALUE })] },
      { key: keyNamed('signing', others), secrets: [sealedAs(SEALED)] },
    ]
    expect(await store.insertAll({ accounts: [account], keys })).toBe(true)
    return { store, id, service }
  }

  async function thrownBy(call: () => unknown): Promise<Error> {
    const error = await Promise.resolve()
      .then(call)
      .then(
        () => new Error('it did not reject'),
        (error) => error,
      )
    expect(error).toBeInstanceOf(Error)
    expect(error.message).not.toBe('it did not reject')
    expect(search(inspect(error, { depth: null, showHidden: true, maxStringLength: null }))).toEqual([])
    return error
  }

  it('not where a digest is taken', async () => {
    const { store, service } = await opened()
    const other = keyNamed('other', { service })
    await store.insertKey(other, secretOf('other'), entryOf('key.created'))
    const error = await thrownBy(() => store.rotateKey(refTo(other), secretOf('taken'), NOW, entryOf('key.rotated')))
    expect(Object.keys(error).filter((name) => !['code', 'rawCode'].includes(name))).toEqual([])
    expect(error.cause).toBeUndefined()
    await store.close()
  })

  it('not where the database refuses a row', async () => {
    const { store, service } = await opened()
    const [key, secret] = [
      keyNamed('other', { service, name: VALUE }),
      secretOf('x', { digest: NO_DIGEST, display: VALUE }),
    ]
    await thrownBy(() => store.insertKey(key, secret, entryOf('key.created', { value: VALUE })))
    await thrownBy(() => store.insertAll({ accounts: [], keys: [{ key, secrets: [secret] }] }))
    const status = VALUE as 'active'
    await thrownBy(() =>
      store.insertAccount(accountNamed('other', { status, email: VALUE }), entryOf('account.created')),
    )
    await store.close()
  })

  it.each([
    ['metadata', `'{"value":"${VALUE}'`],
    ['permissions', `'["${VALUE}"'`],
    ['permissions', `'{"value":"${VALUE}"}'`],
    ['expires_at', '8640000000000001'],
  ])('not where a key’s %s is %s', async (column, value) => {
    const { store, service, id } = await opened()
    await run(`update latchkey_keys set ${column} = ${value} where service = '${service}' and id = '${id}'`)
    const damaged = new Error(`key ${id}: its ${column} is damaged`)
    const ref = { service, id }
    for (const call of [
      () => store.findByDigest(service, TAKEN),
      () => store.findKey(ref),
      () => store.listKeys({ service, limit: 9 }),
      () => store.changeKey(ref, { name: 'x' }, entryOf('key.changed')),
    ]) {
      expect(await thrownBy(call)).toEqual(damaged)
    }
    await store.close()
  })

  it('not where an account’s metadata is damaged', async () => {
    const { store, service, id } = await opened()
    await run(`update latchkey_accounts set metadata = '{"value":"${VALUE}' where id = '${id}'`)
    const damaged = new Error(`account ${id}: its metadata is damaged`)
    expect(await thrownBy(() => store.findAccount(id))).toEqual(damaged)
    expect(await thrownBy(() => store.findByDigest(service, TAKEN))).toEqual(damaged)
    await run(`delete from latchkey_accounts where id = '${id}'`)
    await store.close()
  })

  it('not where a signing secret’s end is damaged', async () => {
    const { store, service } = await opened()
    await run(`update latchkey_signing_secrets set expires_at = 8640000000000001 where service = '${service}'`)
    const damaged = new Error('key signing: its expires_at of a secret is damaged')
    expect(await thrownBy(() => store.findSigningKey(service, 'signing'))).toEqual(damaged)
    expect(await thrownBy(() => store.listSealed(service, 'none', 9))).toEqual(damaged)
    await store.close()
  })

  it('not where the tables are gone', async () => {
    const { store, service } = await opened()
    await run('alter table latchkey_key_secrets rename to hidden')
    try {
      await thrownBy(() => store.findByDigest(service, TAKEN))
      await thrownBy(() => store.insertKey(keyNamed('x', { name: VALUE }), secretOf('taken'), entryOf('key.created')))
    } finally {
      await run('alter table hidden rename to latchkey_key_secrets')
    }
    expect((await store.findByDigest(service, TAKEN))?.secret.digest).toBe(TAKEN)
    await store.close()
  })

  it('not where the store is closed', async () => {
    const { store } = await opened()
    await store.close()
    expect(await thrownBy(() => store.findByDigest(SERVICE, TAKEN))).toEqual(new Error('the store is closed'))
    expect(await thrownBy(() => store.findKey(refTo(keyNamed('x'))))).toEqual(new Error('the store is closed'))
    const change = () => store.changeKey(refTo(keyNamed('x')), { name: VALUE }, entryOf('key.changed'))
    expect(await thrownBy(change)).toEqual(new Error('the store is closed'))
    await store.close()
  })
}
