import { hexOfBytes } from '#platform'
import { type Awaitable, chain } from './awaitable.ts'
import type { Freeze, Gate } from './cache.ts'
import { isWellFormed, type Presented } from './credential.ts'
import { digestBytes } from './digest.ts'
import { MAX_KEY_LENGTH } from './key-format.ts'
import { type KeyMemo, keyPrincipal } from './key-memo.ts'
import { checked, subjectOf } from './lookups.ts'
import { type Denied, isDenied, UNKNOWN } from './outcome.ts'
import type { KeyPrincipal, Principal } from './principal.ts'
import type { Prove, Proving } from './proving.ts'
import { isKeyMatch } from './record.ts'
import type { KeyMatch } from './store.ts'
import { belongs, endOf, type FoundKey, verifyKey } from './verify-key.ts'

/** A key as it is kept: what a request needs of it is made once. */
interface KnownKey extends FoundKey, KeyMemo {
  /** `undefined`: its account is not in the store. */
  principal: KeyPrincipal | undefined
  /** As long as it works, in milliseconds since the epoch: `verifyKey` says why it does not. */
  readonly until: number
}

const LASTING: FoundKey['secret'] = Object.freeze({ expiresAt: null })

/** Makes the function that proves an API key: format → digest → lookup → verify → account. */
export function keyProver(proving: Proving): Prove {
  const { contract, codec, store, reader, accounts, accountsById, pepper, denials } = proving
  const { name: service } = contract
  const { malformed, unknown } = denials
  const hasHeader = contract.carriers.some(({ kind }) => kind === 'header')

  const keys = reader.lookup<KnownKey, KeyMatch>({
    read: (id) => store.findByDigest(service, hexOfBytes(id)),
    make: knownKey,
    subjectOf,
  })

  function proveKey(found: Presented, now: number, gate?: Gate): Awaitable<Principal | Denied> {
    const { text } = found
    if (found.isBroken || text.length > MAX_KEY_LENGTH) return malformed(text)
    const digest = digestBytes(text, pepper)
    const kept = keys.kept(digest)
    // What is kept was written as a key before: to look again takes as long as to find it. Only what is good as a header's
    // value may be no bearer's.
    const isToBeRead = kept === undefined || (hasHeader && found.carrier.kind === 'bearer')
    if (isToBeRead && !isWellFormed(found)) return malformed(text)
    if (kept !== undefined) return workingPrincipal(kept.value, now) ?? decide(kept.value, text, digest, now)
    if (contract.imported !== true && codec?.accepts(text) !== true) return malformed(text)
    return chain(keys.find(digest, gate), decide, text, digest, now)
  }

  function decide(
    known: KnownKey | Denied | undefined,
    text: string,
    digest: string,
    now: number,
  ): Awaitable<Principal | Denied> {
    if (known === undefined) return unknown(text, digest)
    if (isDenied(known)) return known
    const principal = workingPrincipal(known, now)
    if (principal !== undefined) return principal
    const denied = verifyKey(known, now)
    if (denied !== undefined) return denied === UNKNOWN ? unknown(text, digest) : denied
    // A key whose account is gone belongs to nobody.
    if (accounts === undefined) return unknown(text, digest)
    const { key } = known
    return chain(accountsById.find(key.accountId), (account) => {
      if (account === undefined) return unknown(text, digest)
      return isDenied(account) ? account : keyPrincipal(key, account, known)
    })
  }

  function knownKey(match: KeyMatch | undefined, id: string, freeze: Freeze): KnownKey | undefined {
    const whole = checked(match, 'key', isKeyMatch, accounts)
    if (whole === undefined || !belongs(whole, hexOfBytes(id), service)) return undefined
    const { secret } = whole
    const key = freeze(whole.key)
    const account = accounts === undefined ? freeze(whole.account) : null
    // Member by member, as they lie beside each other: there are many.
    const known: KnownKey = {
      key,
      // Not all that the store says of it: many are kept.
      secret: secret.expiresAt === null ? LASTING : { expiresAt: secret.expiresAt },
      until: endOf(whole),
      principal: undefined,
      charges: undefined,
      keyId: key.id,
      route: '',
      moment: 0,
      count: -1,
      firstAt: 0,
      lastAt: 0,
    }
    if (account !== null) known.principal = keyPrincipal(key, account, known)
    return known
  }

  return proveKey
}

/** Of a key that works, whose account is known with it. */
function workingPrincipal(known: KnownKey | undefined, now: number): KeyPrincipal | undefined {
  return known !== undefined && now < known.until ? known.principal : undefined
}
