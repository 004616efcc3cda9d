import type { Account, KeyRecord } from '../../store.ts'
import { equal } from '../equal.ts'
import { type Group, group } from '../group.ts'
import { NOW, only, type World } from '../world.ts'

/** What names, ids and reasons may be: well-formed Unicode of up to 255 characters, without control characters. */
const TEXTS = [
  `it's "quoted" \`so\` \\ and \\\\ so`,
  `'; drop table keys; --`,
  'a%b_c*d?e[f]{g}:h|i$1@p',
  'Łódź Ünïcödé ß ẞ ﬁ',
  '日本語 한국어 العربية עברית',
  '👩‍👩‍👧‍👦 🇺🇳 \u{10ffff}',
  ' blanks at both ends ',
  'e\u0301 is not \u00e9',
  '\u200b\u202e\ufeff\u00a0\ufffd',
  'null',
  '0',
  '1e3',
  'true',
  '{"a":1}',
  '__proto__',
  'x'.repeat(255),
  '語'.repeat(255),
]

/** Texts that some databases take for one another. */
const ALIKE = ['Name', 'name', 'NAME', 'name ', ' name', 'n\u0101me', 'na\u0304me', 'n\uff41me', '1', '01', '1.0', '%']

/** Every kind of JSON; own properties with names that objects have, and characters that not every column takes. */
const METADATA = JSON.parse(`{
  "null": null, "true": true, "false": false, "zero": 0, "negative": -1.5, "large": 9007199254740991, "tiny": 5e-324,
  "huge": 1.7976931348623157e308, "inexact": 0.30000000000000004, "empty": "", "list": [], "object": {},
  "mixed": [1, "1", null, [true, { "deep": [[]] }]], "": "no name", "a.b": { "c d": 1 }, "1": "index",
  "quotes": "'\\"\`\\\\ $1 ? :a @b --", "lines": "a\\r\\n\\tb", "nul": "a\\u0000b", "half": "\\ud83d", "emoji": "👩‍👧",
  "__proto__": { "polluted": true }, "constructor": { "prototype": {} }, "toString": "own", "date": "2030-01-01T00:00:00Z"
}`) as Readonly<Record<string, unknown>>

/** Whole milliseconds that a `Date` can hold. */
const TIMES = [0, 1, -1, -62_135_596_800_001, NOW, 2 ** 31, 2 ** 32 + 1, 253_402_300_800_000, 8.64e15, -8.64e15]

/** Inserts a key and finds it in every way. */
async function keeps(world: World, others: Partial<KeyRecord>): Promise<void> {
  const { store, service, account, issue, entry } = world
  const { key, secret, ref } = await issue(others)
  const match = { key, account: key.accountId === account.id ? account : null, secret }
  equal(await store.findByDigest(service, secret.digest), match)
  equal((await store.findKey(ref))?.key, key)
  const { items } = await store.listKeys({ service, accountId: key.accountId, limit: 1000 })
  equal(
    items.filter((item) => item.key.id === key.id).map((item) => item.key),
    [key],
  )
  const { name, environment, permissions, expiresAt, metadata } = key
  const change = { name, environment, permissions, expiresAt, metadata }
  equal(await store.changeKey(ref, change, entry('key.changed', change)), key)
}

async function keepsAccount({ store, entry, accountWith }: World, others: Partial<Account>): Promise<void> {
  const account = accountWith(others)
  equal(await store.insertAccount(account, entry('account.created')), true)
  equal(await store.findAccount(account.id), account)
  equal(await store.changeAccount(account.id, { metadata: account.metadata }, entry('account.changed')), account)
}

export const values: Group = group('a store keeps', {
  'every text as a name, environment or permission': async (world) => {
    for (const text of TEXTS) await keeps(world, { name: text, environment: text, permissions: [text] })
    await keeps(world, { permissions: TEXTS })
  },

  'every text as an id': async (world) => {
    const { service, issueSigning, store } = world
    const tag = world.fresh('')
    for (const text of TEXTS) {
      await keeps(world, { id: text, accountId: `${tag}${text}`.slice(0, 255) })
      const signing = await issueSigning({ id: `+${text}`.slice(0, 255) })
      const found = await store.findSigningKey(service, signing.key.id)
      equal(found, { key: signing.key, account: world.account, secrets: [signing.secret] })
    }
  },

  'every text as a reason, and as who did it': async ({ store, service, issue, entry }) => {
    for (const text of TEXTS) {
      const { key, ref } = await issue()
      const audit = { ...entry('key.revoked', { reason: text }), by: text }
      const revoked = { ...key, revokedAt: audit.at, revokedReason: text }
      equal(await store.revokeKey(ref, text, audit), revoked)
      equal((await store.findKey(ref))?.key, revoked)
      const { items } = await store.listAudit({ service, limit: 1 })
      equal(items, [{ ...audit, service, keyId: key.id, accountId: key.accountId }])
    }
  },

  'ids apart that look alike, of keys and of accounts': async (world) => {
    const { store, service, fresh, keyWith, accountWith, draw, entry } = world
    const tag = fresh('')
    for (const text of ALIKE) {
      const account = accountWith({ id: `${tag}${text}`, email: text })
      equal(await store.insertAccount(account, entry('account.created')), true)
      const key = keyWith({ id: text, accountId: account.id, name: `<${text}>` })
      equal(await store.insertKey(key, draw().secret, entry('key.created')), { kind: 'inserted' })
    }
    for (const text of ALIKE) {
      equal((await store.findKey({ service, id: text }))?.key.name, `<${text}>`)
      equal((await store.findAccount(`${tag}${text}`))?.email, text)
      const { items } = await store.listKeys({ service, accountId: `${tag}${text}`, limit: 10 })
      equal(only(items).key.id, text)
    }
    equal(await store.deleteKey({ service, id: 'name' }, entry('key.deleted')), true)
    const { items } = await store.listKeys({ service, limit: 1000 })
    equal(items.map(({ key }) => key.id).sort(), ALIKE.filter((text) => text !== 'name').sort())
  },

  'metadata of every kind that JSON knows, also where it is long or deep': async (world) => {
    const nested = (depth: number): unknown => (depth === 0 ? [] : [nested(depth - 1)])
    const long = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`name ${index}`, 'é"\\ '.repeat(25)]))
    for (const metadata of [METADATA, { long, deep: nested(100) }]) {
      await keeps(world, { metadata })
      await keepsAccount(world, { metadata })
    }
  },

  'empty lists and objects, null, and the order of a list': async (world) => {
    await keeps(world, { permissions: [], environment: null, expiresAt: null, metadata: {} })
    await keeps(world, { permissions: ['write', 'read', 'admin', 'a', 'B', '10', '9'] })
    await keepsAccount(world, { email: null, metadata: {} })
  },

  'times to the millisecond, as far as a date goes': async (world) => {
    for (const at of TIMES) {
      await keeps(world, { createdAt: at, expiresAt: at })
      const { ref } = await world.issue({ createdAt: at }, { createdAt: at, expiresAt: at })
      const versions = (await world.store.findKey(ref))?.versions
      equal(
        versions?.map(({ createdAt, expiresAt }) => [createdAt, expiresAt]),
        [[at, at]],
      )
      const revoked = await world.store.revokeKey(ref, null, { ...world.entry('key.revoked'), at })
      equal(revoked?.revokedAt, at)
      equal((await world.store.findKey(ref))?.key.revokedAt, at)
    }
  },

  'accounts of either status, with every text': async (world) => {
    for (const text of TEXTS) await keepsAccount(world, { plan: text, email: text })
    await keepsAccount(world, { status: 'suspended' })
  },

  'what it was given, whatever becomes of the objects': async ({ store, service, account, draw, keyWith, entry }) => {
    const tags = ['a']
    const permissions = ['read']
    const details = { tags: [...tags] }
    const key = keyWith({ permissions, metadata: { tags } })
    const before = structuredClone(key)
    const { secret } = draw()
    const audit = { ...entry('key.created'), details }
    const audited = structuredClone(audit)
    await store.insertKey(key, secret, audit)
    tags.push('b')
    permissions.push('admin')
    details.tags.push('b')
    equal(await store.findByDigest(service, secret.digest), { key: before, account, secret })
    const { items } = await store.listAudit({ service, limit: 1 })
    equal(items, [{ ...audited, service, keyId: key.id, accountId: account.id }])
  },

  'what it has, whatever a reader does to its answers': async (world) => {
    const { store, service, account, audited } = world
    const { key, secret, ref } = await world.issue({ metadata: { tags: ['a'] }, permissions: ['read'] })
    const before = [await store.findKey(ref), await store.findAccount(account.id), await audited()]
    const kept = structuredClone(before)
    for (const answer of [...before, await store.findByDigest(service, secret.digest)]) scribble(answer)
    equal([await store.findKey(ref), await store.findAccount(account.id), await audited()], kept)
    equal(await store.findByDigest(service, secret.digest), { key, account, secret })
  },
})

/** Writes to everything that can be written to: a store may freeze what it hands out. */
function scribble(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  for (const [name, part] of Object.entries(value)) {
    scribble(part)
    Reflect.set(value, name, 'scribbled')
  }
  if (Array.isArray(value)) Reflect.set(value, 'length', 0)
}
