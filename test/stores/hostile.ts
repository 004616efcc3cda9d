// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is one of the texts.
/** Texts that would do something else than be kept, if they ever stood in SQL. */
import type { Account, Awaitable, KeyStore, Page, PageQuery } from '@latchkey/core'
import { expect, it } from 'vitest'
import { accountNamed, entryOf, keyNamed, NOW, refTo, sealedAs, secretOf, useOf } from './records.ts'

const TEXTS: Readonly<Record<string, string>> = {
  'a statement': "'; drop table latchkey_keys; --",
  'a condition': "' or '1' = '1",
  'another quote': '" or "" = "',
  'a backslash': "\\'; delete from latchkey_keys; --",
  parameters: '$1 ?1 ? :a @b ${c} %s {0}',
  'a dollar quote': '$$; drop table latchkey_keys; $$',
  comments: '/* -- */ #',
  wildcards: '%_*?[a-z]',
  'a number': '0',
  null: 'null',
  JSON: '{"a":[1,"\\u0000"]}',
  'lines and tabs': 'a\r\n\tb',
  'other scripts': 'Ünïcödé ß 日本語 العربية 👩‍👩‍👧‍👦 e\u0301 \u200b\u202e\ufeff\ufffd\u{10ffff}',
  'as many characters as there may be': '語'.repeat(255),
  blanks: '   ',
}

/** What no database keeps as it is. */
const REFUSED: Readonly<Record<string, string>> = {
  'half a character': 'a\ud83d',
  'the other half': '\udc4d',
  'a NUL': "a\0b'; drop table latchkey_keys; --",
}

export interface Hostile {
  open(): Promise<KeyStore>
  /** Runs plain SQL, and gives its rows. */
  run(sql: string): Promise<readonly object[]>
}

/** How many records there are of each kind. */
type Counts = Readonly<Record<string, number>>

/** What the test of a text leaves behind. */
const LEFT = { accounts: 1, keys: 0, key_secrets: 0, signing_secrets: 0, uses: 0, usage: 0, audit: 12 }

export function keepsTextsOrRefusesThem({ open, run }: Hostile): void {
  keepsTexts(LEFT, open, async () => {
    const columns = Object.keys(LEFT).map((table) => `(select count(*) from latchkey_${table}) as ${table}`)
    const [row = {}] = await run(`select ${columns.join(', ')}`)
    return Object.fromEntries(Object.entries(row).map(([table, count]) => [table, Number(count)]))
  })
}

/** Whatever the records lie in. `left`: what the test of a text leaves behind. */
export function keepsTexts(left: Counts, open: () => Promise<KeyStore>, counts: () => Promise<Counts>): void {
  it.each(Object.entries(TEXTS))('keeps in every place: %s', async (_, text) => {
    const store = await open()
    const seen = await bystander(store)
    const before = await counts()
    await keeps(store, text)
    const expected = Object.entries(left).map(([kind, more]) => [kind, (before[kind] ?? 0) + more])
    expect(await counts()).toEqual(Object.fromEntries(expected))
    expect(await bystander(store)).toEqual(seen)
    await store.close()
  })

  it.each(Object.entries(REFUSED))('refuses in every place: %s', async (_, text) => {
    const store = await open()
    const before = [await bystander(store), await counts()]
    for (const call of callsWith(store, text)) {
      await expect(Promise.resolve().then(call)).rejects.toBeInstanceOf(Error)
      expect([await bystander(store), await counts()]).toEqual(before)
    }
    await store.close()
  })
}

/** What is there beside, and must stay as it is. */
async function bystander(store: KeyStore): Promise<unknown> {
  const [account, key, secret] = [accountNamed('bystander'), keyNamed('bystander'), secretOf('bystander')]
  await store.insertAll({ accounts: [account], keys: [{ key, secrets: [secret] }] })
  return [await store.findAccount(account.id), await store.findByDigest(key.service, secret.digest)]
}

/** Puts the text everywhere, finds it, and takes it away again: only what is recorded of it stays. */
async function keeps(store: KeyStore, text: string): Promise<void> {
  const entry = { ...entryOf('key.created', { [text]: text }), by: text }
  const account: Account = { id: text, plan: text, status: 'active', email: text, metadata: { [text]: [text] } }
  expect(await store.insertAccount(account, entry)).toBe(true)
  expect(await store.insertAccount(account, entry)).toBe(false)
  expect(await store.changeAccount(text, { plan: text, email: text }, entry)).toEqual(account)
  const accounts = await all((page) => store.listAccounts({ ...page, limit: 1000 }))
  expect(accounts.filter(({ id }) => id === text)).toEqual([account])

  const texts = { name: text, environment: text, permissions: [text], metadata: { [text]: [text] } }
  const key = keyNamed(text, { service: text, accountId: text, ...texts })
  const [secret, next] = [secretOf(`first ${text}`, { display: text }), secretOf(`second ${text}`, { display: text })]
  const [ref, service] = [{ ...refTo(key), accountId: text }, text]
  const call = { idempotencyKey: text }
  expect(await store.insertKey(key, secret, entry, call)).toEqual({ kind: 'inserted' })
  expect(await store.insertKey(key, secret, entry, call)).toEqual({ kind: 'exists', key })
  expect(await store.insertKey(key, secret, entry)).toEqual({ kind: 'taken' })
  expect(await store.findByDigest(service, secret.digest)).toEqual({ key, account, secret })
  expect(await store.findByDigest(service, text)).toBeUndefined()
  const second = keyNamed(`${text}2`, { service, accountId: text })
  expect(await store.insertAll({ accounts: [], keys: [{ key: second, secrets: [] }] })).toBe(true)
  const listed = await all((page) => store.listKeys({ ...page, service, accountId: text, limit: 1 }))
  expect(listed.map((item) => item.key)).toEqual([key, second])
  expect(await store.changeKey(ref, texts, entry)).toEqual(key)
  await store.recordUses([useOf(text, NOW, { service })])
  expect(await store.rotateKey(ref, next, NOW, entry)).toEqual(key)
  const revoked = { ...key, revokedAt: NOW, revokedReason: text }
  expect(await store.revokeKey(ref, text, entry)).toEqual(revoked)
  const versions = [
    { display: text, createdAt: NOW, expiresAt: NOW },
    { display: text, createdAt: NOW, expiresAt: null },
  ]
  expect(await store.findKey(ref)).toEqual({ key: revoked, kind: 'key', versions, firstUsedAt: NOW, lastUsedAt: NOW })
  const counts = [{ keyId: text, route: 'GET /things/:id', status: 200, day: 0, count: 1 }]
  expect(await store.listUsage({ service, keyIds: [text], from: 0, to: 1 })).toEqual(counts)
  expect(await store.deleteKey(ref, entry)).toBe(true)
  expect(await store.findKey(ref)).toBeUndefined()

  const [old, renewed] = [
    sealedAs(text, { version: text, masterKeyId: `${text}.` }),
    sealedAs(`${text}!`, { version: text, masterKeyId: text }),
  ]
  expect(await store.insertKey(key, old, entry)).toEqual({ kind: 'inserted' })
  expect(await store.findSigningKey(service, text)).toEqual({ key, account, secrets: [old] })
  expect(await store.listSealed(service, text, 9)).toEqual([{ keyId: text, secret: old }])
  expect(await store.resealSecret(ref, old, renewed, entry)).toBe(true)
  expect(await store.findSigningKey(service, text)).toEqual({ key, account, secrets: [renewed] })
  expect(await store.listSealed(service, text, 9)).toEqual([])
  expect(await store.deleteKey(ref, entry)).toBe(true)
  expect(await store.deleteKey(refTo(second), entryOf('key.deleted'))).toBe(true)

  const record = { ...entry, service, keyId: text, accountId: text }
  await store.recordAudit(record)
  const { items } = await store.listAudit({ service, keyId: text, accountId: text, limit: 1 })
  expect(items).toEqual([record])
}

async function all<T>(list: (page: Pick<PageQuery, 'after'>) => Awaitable<Page<T>>): Promise<readonly T[]> {
  const found: T[] = []
  for (let after: string | undefined; ; ) {
    const { items, next } = await list({ after })
    found.push(...items)
    if (next === null) return found
    after = next
  }
}

/** Each with the text in one place alone, where it would be written. */
function callsWith(store: KeyStore, text: string): readonly (() => unknown)[] {
  const entry = entryOf('key.changed')
  const ref = refTo(keyNamed('bystander'))
  const insert = (others: object, secret: object = {}, options = {}) =>
    store.insertKey({ ...keyNamed('new'), ...others }, { ...secretOf('new'), ...secret }, entry, options)
  const insertSigning = (others: object) => store.insertKey(keyNamed('new'), { ...sealedAs('x'), ...others }, entry)
  return [
    () => insert({ id: text }),
    () => insert({ service: text }),
    () => insert({ accountId: text }),
    () => insert({ name: text }),
    () => insert({ environment: text }),
    () => insert({ revokedReason: text }),
    () => insert({}, { display: text }),
    () => insert({}, { digest: text }),
    () => insert({}, {}, { idempotencyKey: text }),
    () => insertSigning({ version: text }),
    () => insertSigning({ sealed: text }),
    () => insertSigning({ masterKeyId: text }),
    () => store.insertAll({ accounts: [], keys: [{ key: keyNamed(text), secrets: [] }] }),
    () => store.insertAll({ accounts: [accountNamed(text)], keys: [] }),
    () => store.insertAccount(accountNamed('new', { plan: text }), entry),
    () => store.insertAccount(accountNamed('new', { email: text }), entry),
    () => store.insertAccount(accountNamed('new'), { ...entry, by: text }),
    () => store.changeAccount('bystander', { email: text }, entry),
    () => store.changeKey(ref, { name: text }, entry),
    () => store.changeKey(ref, { environment: text }, entry),
    () => store.changeKey(ref, {}, { ...entry, by: text }),
    () => store.revokeKey(ref, text, entry),
    () => store.rotateKey(ref, secretOf('new', { display: text }), NOW, entry),
    () => store.recordAudit({ ...entry, service: text, keyId: null, accountId: null }),
  ]
}
