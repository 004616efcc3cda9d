import { LRUCache } from 'lru-cache'
import { attempt } from './attempt.ts'
import { type Awaitable, chain, isPromise } from './awaitable.ts'
import type { Gate, Kept } from './cache.ts'
import { type KeyMemo, tokenPrincipal } from './key-memo.ts'
import { checked, subjectOf } from './lookups.ts'
import { type Denied, isDenied, tokenInvalid } from './outcome.ts'
import type { ParsedToken } from './parse-token.ts'
import type { Principal, TokenPrincipal } from './principal.ts'
import type { Proving } from './proving.ts'
import { isSigningKeyMatch } from './record.ts'
import { type MasterKey, sealer } from './seal.ts'
import type { Recall, SeenTokens } from './seen-tokens.ts'
import type { KeyRecord, SigningKeyMatch, SigningSecret } from './store.ts'
import {
  isLive,
  type Life,
  lifeOf,
  type OpenKey,
  type OpenKeyMatch,
  openKeyOf,
  type TokenRules,
  verifyToken,
} from './verify-token.ts'

/** As a signing key is kept. */
interface KnownMatch extends OpenKeyMatch, KeyMemo {}

/** A signing key whose secrets were opened: those that worked then. */
interface OpenMatch {
  readonly open: KnownMatch
  /** When the first of them ends, in milliseconds since the epoch. */
  readonly until: number
}

/**
 * Makes the function that proves a token that a key's secret has signed: kid → lookup → open → verify → account.
 *
 * @param seen where tokens are remembered. `undefined`: each is verified each time
 */
export function signedProver(
  proving: Proving,
  rules: TokenRules,
  seen: SeenTokens | undefined,
): (token: ParsedToken, text: string, now: number, gate?: Gate) => Awaitable<Principal | Denied> {
  const { contract, store, reader, accounts, accountsById, masterKey, timeout } = proving
  const { name: service } = contract
  const open = masterKey === undefined ? undefined : opener(masterKey)
  const openMatches = new WeakMap<SigningKeyMatch, OpenMatch>()

  const signingKeys = reader.lookup<SigningKeyMatch, SigningKeyMatch>({
    read: (id) => store.findSigningKey(service, id),
    make: (match, _id, freeze) => freeze(checked(match, 'signing key', isSigningKeyMatch, accounts)),
    subjectOf,
  })

  function proveWith(
    match: SigningKeyMatch | Denied | undefined,
    token: ParsedToken,
    text: string,
    now: number,
  ): Awaitable<Principal | Denied> {
    if (isDenied(match)) return match
    const known = match && openMatches.get(match)
    if (known !== undefined && now < known.until) return decide(known.open, match, token, text, now)
    return chain(
      attempt(() => opened(match, now), timeout),
      (open) => decide(open, match, token, text, now),
    )
  }

  function decide(
    open: KnownMatch | Denied | undefined,
    match: SigningKeyMatch | undefined,
    token: ParsedToken,
    text: string,
    now: number,
  ): Awaitable<Principal | Denied> {
    if (isDenied(open)) return open
    const verified = verifyToken(token, open, service, rules, now)
    if (isDenied(verified)) return verified
    if (accounts !== undefined) {
      return chain(accountsById.find(verified.key.accountId), (account) => {
        if (account === undefined) return tokenInvalid('key')
        return isDenied(account) ? account : tokenPrincipal(verified.key, account, token.claims, verified)
      })
    }
    if (verified.account === null || match === undefined) return tokenInvalid('key')
    const principal = tokenPrincipal(verified.key, verified.account, token.claims, verified)
    if (seen?.mark(text) === true) {
      const key = signingKeys.kept(match.key.id)
      const ends = [match.key.expiresAt, ...match.secrets.map(({ expiresAt }) => expiresAt)]
      // It may have changed since it was found.
      if (key?.value === match) seen.keep(text, recallOf(principal, key, lifeOf(token, ends, rules, now)))
    }
    return principal
  }

  /** A token that was good is good as long as its key is the same, and nothing of it has ended. Holds nothing of its text. */
  function recallOf(principal: TokenPrincipal, key: Kept<SigningKeyMatch>, { from, until }: Life): Recall {
    return (now) => (now >= from && now < until && signingKeys.holds(key) ? principal : undefined)
  }

  // One secret that does not open is enough to tell nothing: who knows which one the token was signed with. What has
  // ended verifies nothing, so it stays closed, whether or not its master key is still there.
  function opened(match: SigningKeyMatch | undefined, now: number): Awaitable<KnownMatch | undefined> {
    if (match === undefined) return undefined
    if (open === undefined) throw new Error('there is no master key to open signing secrets with')
    const { key, account } = match
    const live = match.secrets.filter((secret) => isLive(secret, now))
    const keys = live.map((secret) => open(secret, key))
    const openWith = (all: readonly OpenKey[]): KnownMatch => {
      const secrets = all.map((open, i) => ({ ...open, expiresAt: (live[i] as SigningSecret).expiresAt }))
      const uncounted = { keyId: key.id, route: '', moment: 0, count: -1, firstAt: 0, lastAt: 0 }
      const found: KnownMatch = { key, account, secrets, charges: undefined, ...uncounted }
      // Until the first of them ends, there is nothing to open anew.
      const until = Math.min(...secrets.map(({ expiresAt }) => expiresAt ?? Infinity))
      if (reader.keeps) openMatches.set(match, { open: found, until })
      return found
    }
    return keys.some(isPromise) ? Promise.all(keys).then(openWith) : openWith(keys as OpenKey[])
  }

  return (token, text, now, gate) => {
    const kept = signingKeys.kept(token.kid)
    return kept === undefined
      ? chain(signingKeys.find(token.kid, gate), proveWith, token, text, now)
      : proveWith(kept.value, token, text, now)
  }
}

/** How many signing secrets a process keeps open. */
const OPEN_SECRETS = 1000

/** Opens signing secrets, each once. That a secret is still the key's, the store has said before. */
function opener(masterKey: MasterKey): (secret: SigningSecret, key: KeyRecord) => Awaitable<OpenKey> {
  const { open } = sealer(masterKey)
  const known = new LRUCache<string, OpenKey>({ max: OPEN_SECRETS })
  return (secret, { service, id: keyId }) => {
    // By all that the seal is bound to: else a sealed text that was put beside another key would be opened from memory.
    const seal = JSON.stringify([service, keyId, secret.version, secret.sealed])
    const opened = known.get(seal)
    if (opened !== undefined) return opened
    return chain(open(secret, { service, keyId, version: secret.version }), (text) => {
      const key = openKeyOf(text)
      known.set(seal, key)
      return key
    })
  }
}
