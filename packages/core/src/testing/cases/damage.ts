import type { Awaitable } from '../../awaitable.ts'
import { equal, holds, mentions, rejection } from '../equal.ts'
import { type Group, group } from '../group.ts'
import type { Damage } from '../subject.ts'
import { allowed, allowedToken, codeOf, type Decision, type World } from '../world.ts'

/** Neither allowed nor unknown: nobody can tell, and the log says of which record. */
function isUnavailableFor(decision: Decision, ...ids: readonly string[]): void {
  equal(codeOf(decision), 'unavailable')
  const cause = decision.kind === 'denied' && decision.code === 'unavailable' ? decision.cause : undefined
  holds(
    ids.some((id) => mentions(cause, id)),
    'the cause names the id of the record that is damaged',
  )
}

async function rejectsNaming(id: string, call: () => Awaitable<unknown>): Promise<void> {
  holds(mentions(await rejection(call), id), 'the error names the id of the record that is damaged')
}

/** An API key whose record is damaged is refused, and reported to whoever manages it; others work on. */
function refusesKey(damage: Damage): (world: World) => Promise<void> {
  return async (world) => {
    const { service, account, issue, decide } = world
    const [broken, sound] = [await issue({ expiresAt: null }), await issue({ accountId: world.account.id })]
    const { id } = broken.key
    equal(await decide(broken.text), allowed(account, broken.key))
    if (!(await world.tamper({ kind: 'key', service, keyId: id, damage }))) return
    const store = await world.connect()
    const decision = await decide(broken.text, undefined, store)
    // A digest that is no longer there is not found, as that of no key at all.
    if (!(damage === 'digest' && codeOf(decision) === 'unknown')) isUnavailableFor(decision, id)
    await rejectsNaming(id, () => store.findKey({ service, id }))
    await rejectsNaming(id, () => store.listKeys({ service, limit: 10 }))
    equal(await decide(sound.text, undefined, store), allowed(account, sound.key))
    equal((await store.findKey(sound.ref))?.key, sound.key)
  }
}

/** The same of a key that signs tokens. `shown`: what is damaged is also what managing it shows. */
function refusesSigningKey(damage: Damage, shown: boolean): (world: World) => Promise<void> {
  return async (world) => {
    const { service, account, issueSigning, decideToken } = world
    const [broken, sound] = [await issueSigning(), await issueSigning()]
    const { id } = broken.key
    equal(await decideToken(id, broken.text), allowedToken(account, broken.key))
    if (!(await world.tamper({ kind: 'key', service, keyId: id, damage }))) return
    const store = await world.connect()
    isUnavailableFor(await decideToken(id, broken.text, undefined, store), id)
    if (shown) await rejectsNaming(id, () => store.findKey({ service, id }))
    const decision = await decideToken(sound.key.id, sound.text, undefined, store)
    equal(decision, allowedToken(account, sound.key))
  }
}

export const damage: Group = group(
  'a damaged record',
  {
    'with permissions that are none is refused and reported': refusesKey('permissions'),
    'with metadata that is none is refused and reported': refusesKey('metadata'),
    'with an end that is no time is refused and reported': refusesKey('expiresAt'),
    'with a revocation that is no time is refused and reported': refusesKey('revokedAt'),
    'with a secret’s end that is no time is refused and reported': refusesKey('secret expiresAt'),
    'without a digest is refused and reported': refusesKey('digest'),
    'of a newer schema is refused and reported': refusesKey('schema'),
    'of a signing key whose end is no time is refused and reported': refusesSigningKey('expiresAt', true),
    'of a signing key whose secret’s end is no time is refused and reported': refusesSigningKey(
      'secret expiresAt',
      true,
    ),
    'of a signing key of a newer schema is refused and reported': refusesSigningKey('schema', true),
    'of a signing key whose seal is broken is refused': refusesSigningKey('sealed', false),

    'of an account with a status that there is not is refused and reported': async (world) => {
      const { account, issue, issueSigning, decide, decideToken } = world
      const [key, signing] = [await issue(), await issueSigning()]
      const { id: accountId } = account
      if (!(await world.tamper({ kind: 'account', accountId, status: 'frozen' }))) return
      try {
        const store = await world.connect()
        isUnavailableFor(await decide(key.text, undefined, store), accountId, key.key.id)
        const ofToken = await decideToken(signing.key.id, signing.text, undefined, store)
        isUnavailableFor(ofToken, accountId, signing.key.id)
        await rejectsNaming(accountId, () => store.findAccount(accountId))
      } finally {
        // Accounts are listed across all cases: whatever is found here, later ones can read them.
        await world.tamper({ kind: 'account', accountId, status: 'active' })
      }
      const repaired = await world.connect()
      equal(await decide(key.text, undefined, repaired), allowed(account, key.key))
    },
  },
  ({ durable }) => durable,
)
