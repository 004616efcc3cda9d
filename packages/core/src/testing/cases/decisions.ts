import { equal } from '../equal.ts'
import { type Group, group } from '../group.ts'
import { allowed, allowedToken, codeOf, NOW } from '../world.ts'

export const decisions: Group = group('deciding by what the store finds', {
  'allows a key, and a token that a signing key has signed': async (world) => {
    const { account, issue, issueSigning, decide, decideToken } = world
    const { key, text } = await issue({ permissions: ['read', 'write'], metadata: { team: 7 } })
    equal(await decide(text), allowed(account, key))
    const signing = await issueSigning()
    equal(await decideToken(signing.key.id, signing.text), allowedToken(account, signing.key))
  },

  'knows no key that was never issued': async ({ issue, issueSigning, draw, decide, decideToken }) => {
    const { key } = await issue()
    const signing = await issueSigning()
    equal(await decide(draw().text), { kind: 'denied', code: 'unknown' })
    const invalid = (reason: string) => ({ kind: 'denied', code: 'token_invalid', reason })
    equal(await decideToken(signing.key.id, draw().text), invalid('signature'))
    equal(await decideToken(key.id, draw().text), invalid('key'))
  },

  'ends a key at the millisecond': async ({ account, issue, issueSigning, decide, decideToken }) => {
    const expired = (keyId: string) => ({ kind: 'denied', code: 'expired', keyId, expiredAt: NOW + 5 })
    const { key, text } = await issue({ expiresAt: NOW + 5 })
    equal(await decide(text, NOW + 4), allowed(account, key))
    equal(await decide(text, NOW + 5), expired(key.id))
    const signing = await issueSigning({ expiresAt: NOW + 5 })
    const { id } = signing.key
    equal(await decideToken(id, signing.text, NOW + 4), allowedToken(account, signing.key, NOW + 4))
    equal(await decideToken(id, signing.text, NOW + 5), expired(id))
  },

  'ends a rotated version at the millisecond, and not its successor': async (world) => {
    const { store, account, issue, draw, entry, decide } = world
    const { key, text, ref } = await issue()
    const next = draw()
    await store.rotateKey(ref, next.secret, NOW + 5, entry('key.rotated'))
    for (const at of [NOW, NOW + 4]) equal(await decide(text, at), allowed(account, key))
    for (const at of [NOW + 5, NOW + 6]) equal(await decide(text, at), { kind: 'denied', code: 'unknown' })
    for (const at of [NOW, NOW + 5]) equal(await decide(next.text, at), allowed(account, key))
  },

  'ends a rotated signing secret at the millisecond, and not its successor': async (world) => {
    const { store, account, issueSigning, drawSigning, entry, decideToken } = world
    const { key, text, ref } = await issueSigning()
    const next = await drawSigning(key)
    await store.rotateKey(ref, next.secret, NOW + 5, entry('key.rotated'))
    const ended = { kind: 'denied', code: 'token_invalid', reason: 'signature' }
    equal(await decideToken(key.id, text, NOW + 4), allowedToken(account, key, NOW + 4))
    equal(await decideToken(key.id, text, NOW + 5), ended)
    for (const at of [NOW, NOW + 5]) equal(await decideToken(key.id, next.text, at), allowedToken(account, key, at))
  },

  'denies a revoked key in every version, from the next request on': async (world) => {
    const { store, account, issue, issueSigning, draw, entry, decide, decideToken } = world
    const [{ key, text, ref }, signing, next] = [await issue(), await issueSigning(), draw()]
    await store.rotateKey(ref, next.secret, NOW + 1000, entry('key.rotated'))
    equal(await decide(text), allowed(account, key))
    equal(codeOf(await decideToken(signing.key.id, signing.text)), 'allowed')
    const audit = entry('key.revoked')
    for (const one of [ref, signing.ref]) await store.revokeKey(one, null, audit)
    const revoked = (keyId: string) => ({ kind: 'denied', code: 'revoked', keyId, revokedAt: audit.at })
    equal([await decide(text), await decide(next.text)], [revoked(key.id), revoked(key.id)])
    equal(await decideToken(signing.key.id, signing.text), revoked(signing.key.id))
  },

  'knows no key that was deleted, from the next request on': async (world) => {
    const { store, issue, issueSigning, entry, decide, decideToken } = world
    const [key, signing] = [await issue(), await issueSigning()]
    equal(
      [codeOf(await decide(key.text)), codeOf(await decideToken(signing.key.id, signing.text))],
      ['allowed', 'allowed'],
    )
    await store.deleteKey(key.ref, entry('key.deleted'))
    await store.deleteKey(signing.ref, entry('key.deleted'))
    equal(await decide(key.text), { kind: 'denied', code: 'unknown' })
    const unknown = { kind: 'denied', code: 'token_invalid', reason: 'key' }
    equal(await decideToken(signing.key.id, signing.text), unknown)
  },

  'knows no key whose account is not there': async ({ issue, fresh, decide }) => {
    const { text } = await issue({ accountId: fresh('account') })
    equal(await decide(text), { kind: 'denied', code: 'unknown' })
  },

  'holds to a changed key from the next request on': async ({ store, account, issue, entry, decide }) => {
    const { key, text, ref } = await issue({ permissions: ['read', 'write'] })
    equal(codeOf(await decide(text)), 'allowed')
    await store.changeKey(ref, { permissions: ['read'] }, entry('key.changed'))
    equal(await decide(text), allowed(account, { ...key, permissions: ['read'] }))
    await store.changeKey(ref, { expiresAt: NOW }, entry('key.changed'))
    equal(await decide(text), { kind: 'denied', code: 'expired', keyId: key.id, expiredAt: NOW })
  },

  'holds to a changed account from the next request on': async (world) => {
    const { store, account, issue, issueSigning, entry, decide, decideToken } = world
    const [key, signing] = [await issue(), await issueSigning()]
    const both = async () => [await decide(key.text), await decideToken(signing.key.id, signing.text)]
    await store.changeAccount(account.id, { plan: 'free' }, entry('account.changed'))
    const downgraded = { ...account, plan: 'free' }
    equal(await both(), [allowed(downgraded, key.key), allowedToken(downgraded, signing.key)])
    await store.changeAccount(account.id, { status: 'suspended' }, entry('account.changed'))
    const suspended = { kind: 'denied', code: 'suspended', accountId: account.id }
    equal(await both(), [suspended, suspended])
  },
})
