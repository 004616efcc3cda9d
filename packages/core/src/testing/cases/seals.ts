import { sealer } from '../../seal.ts'
import type { SigningSecret } from '../../store.ts'
import { equal } from '../equal.ts'
import { type Group, group } from '../group.ts'
import { allowedToken, codeOf, type Issued, NOW, OTHER_MASTER_KEY, type World } from '../world.ts'

/** The same secret under another master key's seal. */
async function resealed({ service }: World, { key, text, secret }: Issued<SigningSecret>): Promise<SigningSecret> {
  const sealedFor = { service, keyId: key.id, version: secret.version }
  return { ...secret, ...(await sealer(OTHER_MASTER_KEY).seal(text, sealedFor)) }
}

/** Ids and versions, in an order of their own: a store lists in any. */
function named(list: readonly { readonly keyId: string; readonly secret: SigningSecret }[]): readonly string[] {
  return list.map(({ keyId, secret }) => JSON.stringify([keyId, secret])).sort()
}

export const seals: Group = group('sealed secrets', {
  'are listed where another master key sealed them, with every version': async (world) => {
    const { store, service, issue, issueSigning, drawSigning, entry } = world
    await issue()
    const current = await issueSigning({}, {}, OTHER_MASTER_KEY)
    const { key, secret, ref } = await issueSigning()
    const next = await drawSigning(key)
    await store.rotateKey(ref, next.secret, NOW, entry('key.rotated'))
    const revoked = await issueSigning({ expiresAt: NOW - 1 })
    await store.revokeKey(revoked.ref, null, entry('key.revoked'))
    equal(
      named(await store.listSealed(service, current.secret.masterKeyId, 10)),
      named([
        { keyId: key.id, secret: { ...secret, expiresAt: NOW } },
        { keyId: key.id, secret: next.secret },
        { keyId: revoked.key.id, secret: revoked.secret },
      ]),
    )
    for (const limit of [1, 2, 3]) {
      equal((await store.listSealed(service, current.secret.masterKeyId, limit)).length, limit)
    }
    const others = await store.listSealed(service, secret.masterKeyId, 10)
    equal(others, [{ keyId: current.key.id, secret: current.secret }])
  },

  'are replaced, and no longer listed': async (world) => {
    const { store, service, account, issueSigning, drawSigning, entry } = world
    const issued = await issueSigning()
    const { key, secret, ref } = issued
    const next = await drawSigning(key)
    await store.rotateKey(ref, next.secret, NOW + 10, entry('key.rotated'))
    const from = { ...secret, expiresAt: NOW + 10 }
    const to = await resealed(world, { ...issued, secret: from })
    equal(await store.resealSecret(ref, from, to, entry('secret.resealed')), true)
    equal(await store.findSigningKey(service, key.id), { key, account, secrets: [to, next.secret] })
    equal(await store.listSealed(service, to.masterKeyId, 10), [{ keyId: key.id, secret: next.secret }])
  },

  'are replaced once, and sign as before': async (world) => {
    const { store, service, account, issueSigning, entry, decideToken } = world
    const issued = await issueSigning()
    const { key, secret, text, ref } = issued
    const [to, late] = [await resealed(world, issued), await resealed(world, issued)]
    equal(await store.resealSecret(ref, secret, to, entry('secret.resealed')), true)
    equal(await store.resealSecret(ref, secret, late, entry('secret.resealed')), false)
    equal((await store.findSigningKey(service, key.id))?.secrets, [to])
    equal(await decideToken(key.id, text), allowedToken(account, key))
  },

  'stay as they are where they are gone, or not as expected': async (world) => {
    const { store, service, issueSigning, entry, fresh, audited } = world
    const issued = await issueSigning()
    const { key, secret, ref } = issued
    const to = await resealed(world, issued)
    const before = [await store.findSigningKey(service, key.id), await audited()]
    const froms = [
      { ...secret, sealed: to.sealed },
      { ...secret, sealed: `${secret.sealed} ` },
      { ...secret, sealed: secret.sealed.toLowerCase() },
      { ...secret, version: fresh('version') },
    ]
    for (const from of froms) equal(await store.resealSecret(ref, from, to, entry('secret.resealed')), false)
    equal([await store.findSigningKey(service, key.id), await audited()], before)
    await store.deleteKey(ref, entry('key.deleted'))
    equal(await store.resealSecret(ref, secret, to, entry('secret.resealed')), false)
    equal(await store.findSigningKey(service, key.id), undefined)
  },

  'that were read before a rotation do not undo their end': async (world) => {
    const { store, service, issueSigning, drawSigning, entry, decideToken } = world
    const issued = await issueSigning()
    const { key, secret, text, ref } = issued
    await store.rotateKey(ref, (await drawSigning(key)).secret, NOW, entry('key.rotated'))
    await store.resealSecret(ref, secret, await resealed(world, issued), entry('secret.resealed'))
    equal((await store.findSigningKey(service, key.id))?.secrets[0]?.expiresAt, NOW)
    equal(codeOf(await decideToken(key.id, text)), 'token_invalid')
  },
})
