import { equal } from '../equal.ts'
import { type Group, group } from '../group.ts'
import { useOf } from '../world.ts'

/** Nobody's digest. */
const DIGEST = '0123456789abcdef'.repeat(4)
/** Texts that are none of a store's ids and digests, and mean something to a database. */
const WILD = ['%', '_', '*', '__proto__', 'constructor', 'null', '0', `' or '1' = '1`, '~'.repeat(256)]

/** Texts that are nearly this one, or mean it to a database that compares loosely. */
function around(text: string): readonly string[] {
  const shorter = text.slice(0, -1)
  return [shorter, `${text}0`, ` ${text}`, `${text} `, `${shorter}_`, `${shorter}%`, `${text}' --`, text.toUpperCase()]
}

export const finding: Group = group('finding a key', {
  'gives its record, account and secret by its digest': async ({ store, service, account, fresh, issue }) => {
    const { key, secret } = await issue()
    equal(await store.findByDigest(service, secret.digest), { key, account, secret })
    const other = await issue({ accountId: fresh('elsewhere') })
    const match = { key: other.key, account: null, secret: other.secret }
    equal(await store.findByDigest(service, other.secret.digest), match)
  },

  'that signs tokens gives its record, account and sealed secrets by its id': async (world) => {
    const { store, service, account, fresh, issueSigning } = world
    const { key, secret } = await issueSigning({}, { expiresAt: 1_800_000_000_000 })
    equal(await store.findSigningKey(service, key.id), { key, account, secrets: [secret] })
    const other = await issueSigning({ accountId: fresh('elsewhere') })
    const match = { key: other.key, account: null, secrets: [other.secret] }
    equal(await store.findSigningKey(service, other.key.id), match)
  },

  'gives its record and what is shown of its secrets by its id': async ({ store, issue, issueSigning }) => {
    const { key, ref, secret } = await issue({}, { expiresAt: 1_800_000_000_000 })
    const { display, createdAt, expiresAt } = secret
    const versions = [{ display, createdAt, expiresAt }]
    equal(await store.findKey(ref), { key, kind: 'key', versions, firstUsedAt: null, lastUsedAt: null })
    const signing = await issueSigning()
    const hidden = [{ display: null, createdAt: signing.secret.createdAt, expiresAt: null }]
    equal(await store.findKey(signing.ref), {
      key: signing.key,
      kind: 'signing',
      versions: hidden,
      firstUsedAt: null,
      lastUsedAt: null,
    })
  },

  'takes no API key for one that signs tokens, nor the other way round': async (world) => {
    const { store, service } = world
    const { key } = await world.issue()
    const { secret } = await world.issueSigning()
    equal(await store.findSigningKey(service, key.id), undefined)
    for (const text of [secret.sealed, secret.version]) equal(await store.findByDigest(service, text), undefined)
  },

  'finds nothing by a text that is not the whole digest or id': async (world) => {
    const { store, service, account, issue, issueSigning } = world
    const [key, signing] = [await issue(), await issueSigning()]
    for (const text of ['', DIGEST, ...WILD, ...around(key.secret.digest)]) {
      equal(await store.findByDigest(service, text), undefined)
    }
    for (const text of [...WILD, ...around(signing.key.id)]) {
      equal(await store.findSigningKey(service, text), undefined)
      equal(await store.findKey({ service, id: text }), undefined)
    }
    for (const text of around(account.id)) equal(await store.findAccount(text), undefined)
  },

  'answers each of many calls at once with its own key': async ({ store, service, account, issue }) => {
    const issued = await Promise.all(Array.from({ length: 20 }, () => issue()))
    const found = await Promise.all(issued.map(async ({ secret }) => store.findByDigest(service, secret.digest)))
    const expected = issued.map(({ key, secret }) => ({ key, account, secret }))
    equal(found, expected)
  },

  'never rejects for what is not there': async (world) => {
    const { store, service, draw, drawSigning, keyWith, entry } = world
    const key = keyWith()
    const ref = { service, id: key.id }
    const [from, to] = [(await drawSigning(key)).secret, (await drawSigning(key)).secret]
    const nothing = { items: [], next: null }
    equal(await store.findByDigest(service, DIGEST), undefined)
    equal(await store.findSigningKey(service, key.id), undefined)
    equal(await store.findKey(ref), undefined)
    equal(await store.listKeys({ service, limit: 10 }), nothing)
    equal(await store.rotateKey(ref, draw().secret, key.createdAt, entry('key.rotated')), undefined)
    equal(await store.revokeKey(ref, 'leaked', entry('key.revoked')), undefined)
    equal(await store.deleteKey(ref, entry('key.deleted')), false)
    equal(await store.changeKey(ref, { name: 'x' }, entry('key.changed')), undefined)
    equal(await store.listSealed(service, 'none', 10), [])
    equal(await store.resealSecret(ref, from, to, entry('secret.resealed')), false)
    equal(await store.findAccount(key.id), undefined)
    equal(await store.changeAccount(key.id, { plan: 'free' }, entry('account.changed')), undefined)
    equal(await store.listAudit({ service, limit: 10 }), nothing)
    await store.recordUses([useOf(service, key.id, key.createdAt)])
  },
})
