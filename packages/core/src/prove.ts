import { LRUCache } from 'lru-cache'
import { hexOfBytes } from '#platform'
import { attempt } from './attempt.ts'
import { type Awaitable, chain, isPromise } from './awaitable.ts'
import { type Freeze, type Gate, type Kept, plainReader, type Reader } from './cache.ts'
import type { AnyContract } from './contract.ts'
import { type Fields, isWellFormed, MAX_CREDENTIAL_LENGTH, type Presented, presented } from './credential.ts'
import { digestBytes, digitsOf } from './digest.ts'
import type { Subject } from './epochs.ts'
import { type Hold, type IdentityVerifier, identityVerifier } from './identity.ts'
import { keyCodec, MAX_KEY_LENGTH } from './key-format.ts'
import { type KeyMemo, keyPrincipal, tokenPrincipal } from './key-memo.ts'
import { type Denied, isDenied, MISSING, tokenInvalid, UNKNOWN } from './outcome.ts'
import { type ParsedToken, parseToken } from './parse-token.ts'
import type { KeyPrincipal, Principal, TokenPrincipal } from './principal.ts'
import { isAccount, isKeyMatch, isSigningKeyMatch, isText } from './record.ts'
import { type MasterKey, sealer } from './seal.ts'
import { seenTokens } from './seen-tokens.ts'
import type { Account, AccountReader, KeyMatch, KeyReader, KeyRecord, SigningKeyMatch, SigningSecret } from './store.ts'
import { belongs, endOf, type FoundKey, verifyKey } from './verify-key.ts'
import {
  isLive,
  lifeOf,
  type OpenKey,
  type OpenKeyMatch,
  openKeyOf,
  type TokenRules,
  verifyToken,
} from './verify-token.ts'

export interface ProverOptions {
  readonly contract: AnyContract
  readonly store: KeyReader
  /** Reads the store, and what it says of a key or an account it may keep. */
  readonly reader: Reader
  readonly accounts: AccountReader | undefined
  readonly pepper: string | undefined
  readonly masterKey: MasterKey | undefined
  /** Milliseconds. */
  readonly timeout: number
}

/** Makes the function that turns header fields into a principal: carrier → format → lookup → verify → account. */
export function prover(
  options: ProverOptions,
): (fields: Fields, now: number, gate?: Gate) => Awaitable<Principal | Denied> {
  const { contract, store, reader, accounts, pepper, masterKey, timeout } = options
  const { name: service, token: rules } = contract
  const codec = contract.key && keyCodec(contract.key)
  const hasHeader = contract.carriers.some(({ kind }) => kind === 'header')

  const open = masterKey === undefined ? undefined : opener(masterKey)

  const keys = reader.lookup<KnownKey, KeyMatch>({
    read: (id) => store.findByDigest(service, hexOfBytes(id)),
    make: knownKey,
    subjectOf,
  })
  const signingKeys = reader.lookup<SigningKeyMatch, SigningKeyMatch>({
    read: (id) => store.findSigningKey(service, id),
    make: (match, _id, freeze) => freeze(checked(match, 'signing key', isSigningKeyMatch)),
    subjectOf,
  })
  const openMatches = new WeakMap<SigningKeyMatch, OpenMatch>()
  const accountsById = (accounts === undefined || accounts.cached === true ? reader : plainReader(timeout)).lookup({
    read: (id) => (accounts === undefined ? store.findAccount?.(id) : accounts.find(id)),
    make(account: Account | undefined, id, freeze) {
      checkAccount(account, id)
      return freeze(account ?? undefined)
    },
    subjectOf: (_, accountId) => ({ accountId }),
  })
  const providers = (contract.identity ?? []).map((provider) => identityVerifier(provider, timeout))
  const algorithms = [
    ...(rules === undefined ? [] : ['HS256']),
    ...providers.flatMap(({ provider }) => provider.algorithms),
  ]
  const keepsSigned = reader.keeps && accounts === undefined
  const tokens = keepsSigned || providers.length > 0 ? seenTokens<SeenToken>() : undefined

  function prove(fields: Fields, now: number, gate?: Gate): Awaitable<Principal | Denied> {
    const found = presented(contract.carriers, fields)
    if (found === undefined) return MISSING
    // No key format has a dot where tokens are accepted, and every token has two.
    const isToken = algorithms.length > 0 && (codec === undefined || found.text.includes('.'))
    return isToken ? proveToken(found, now, gate) : proveKey(found, now, gate)
  }

  function proveKey(found: Presented, now: number, gate: Gate | undefined): Awaitable<Principal | Denied> {
    const { text } = found
    if (found.isBroken || text.length > MAX_KEY_LENGTH) return malformed(text)
    const digest = digestBytes(text, pepper)
    const kept = keys.kept(digest)
    // What is kept was written as a key before: to look again takes as long as to find it. Only what is good as a header's
    // value may be no bearer's.
    const isToBeRead = kept === undefined || (hasHeader && found.carrier.kind === 'bearer')
    if (isToBeRead && !isWellFormed(found)) return malformed(text)
    if (kept !== undefined) return workingPrincipal(kept.value, now) ?? decideKey(kept.value, text, digest, now)
    if (contract.imported !== true && codec?.accepts(text) !== true) return malformed(text)
    return chain(keys.find(digest, gate), decideKey, text, digest, now)
  }

  function decideKey(
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
    const whole = checked(match, 'key', isKeyMatch)
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

  function proveToken(found: Presented, now: number, gate: Gate | undefined): Awaitable<Principal | Denied> {
    const { text } = found
    // How it is written the parser says, more strictly than a carrier; of one that was good it has said so before.
    if (found.isBroken || text.length > MAX_CREDENTIAL_LENGTH) return malformed(text)
    const seen = tokens?.find(text)
    if (seen !== undefined && isStill(seen, now)) {
      return seen.kind === 'signed' ? seen.principal : identify(seen.verifier, seen.token)
    }
    const token = parseToken(text, algorithms)
    if (token === undefined) return malformed(text)
    return token.alg === 'HS256' && rules !== undefined
      ? proveSigned(token, rules, text, now, gate)
      : proveIdentity(text, token, now)
  }

  /** A token that was good is good as long as its key is the same, and nothing of it has ended. */
  function isStill(seen: SeenToken, now: number): boolean {
    if (seen.kind === 'identity') return seen.verifier.isStill(seen.hold, now)
    const { key, from, until } = seen
    return now >= from && now < until && signingKeys.holds(key)
  }

  function proveSigned(
    token: ParsedToken,
    rules: TokenRules,
    text: string,
    now: number,
    gate: Gate | undefined,
  ): Awaitable<Principal | Denied> {
    const found = signingKeys.kept(token.kid)
    return found === undefined
      ? chain(signingKeys.find(token.kid, gate), (match) => proveWith(match, token, rules, text, now))
      : proveWith(found.value, token, rules, text, now)
  }

  function proveWith(
    match: SigningKeyMatch | Denied | undefined,
    token: ParsedToken,
    rules: TokenRules,
    text: string,
    now: number,
  ): Awaitable<Principal | Denied> {
    if (isDenied(match)) return match
    const known = match && openMatches.get(match)
    if (known !== undefined && now < known.until) return decideToken(known.open, match, token, rules, text, now)
    return chain(
      attempt(() => opened(match, now), timeout),
      (open) => decideToken(open, match, token, rules, text, now),
    )
  }

  function decideToken(
    open: KnownMatch | Denied | undefined,
    match: SigningKeyMatch | undefined,
    token: ParsedToken,
    rules: TokenRules,
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
    if (keepsSigned && tokens?.mark(text) === true) {
      const key = signingKeys.kept(match.key.id)
      const ends = [match.key.expiresAt, ...match.secrets.map(({ expiresAt }) => expiresAt)]
      const life = lifeOf(token, ends, rules, now)
      // It may have changed since it was found.
      if (key?.value === match) tokens.keep(text, { kind: 'signed', key, principal, ...life })
    }
    return principal
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

  async function proveIdentity(text: string, token: ParsedToken, now: number): Promise<Principal | Denied> {
    // What the token says of its issuer chooses who checks it; that one then checks that it is so.
    const verifier = providers.find(({ provider }) => provider.issuer === token.claims.iss)
    if (verifier === undefined) return tokenInvalid('issuer')
    const hold = await verifier.verify(text, token, now)
    if (isDenied(hold)) return hold
    if (tokens?.mark(text) === true) tokens.keep(text, { kind: 'identity', verifier, token, hold })
    return identify(verifier, token)
  }

  /** Whom a token means that holds. That is found anew for each request: the callbacks and accounts are the application's. */
  function identify({ provider }: IdentityVerifier, { claims }: ParsedToken): Awaitable<Principal | Denied> {
    const { sub: subject } = claims
    if (typeof subject !== 'string' || subject === '') return tokenInvalid('subject')
    const { issuer, accountId = () => subject, permissions = scopesOf } = provider
    // What they throw is no reason to let anybody in, nor the caller's fault.
    const id = attempt(() => chain(accountId(claims), textOf), timeout)
    const found = chain(id, (id) => (id === undefined || isDenied(id) ? id : accountsById.find(id)))
    return chain(found, (account) => {
      if (isDenied(account)) return account
      if (account === undefined) return tokenInvalid('subject')
      return chain(
        attempt(() => chain(permissions(claims), knownOf), timeout),
        (known): Principal | Denied =>
          isDenied(known)
            ? known
            : { via: 'identity', account, plan: account.plan, permissions: known, issuer, subject, claims },
      )
    })
  }

  // Only names that the contract knows: a wildcard is ours to give, not a provider's.
  function knownOf(permissions: unknown): readonly string[] {
    return Array.isArray(permissions) ? permissions.filter(isKnown) : []
  }

  function isKnown(permission: unknown): permission is string {
    const { permissions = {} } = contract
    return typeof permission === 'string' && Object.hasOwn(permissions, permission) && !permission.endsWith('*')
  }

  /** What was found, if it is whole. Looked at once, however often it is used. */
  function checked<T extends KeyMatch | SigningKeyMatch>(
    match: T | undefined,
    what: string,
    isWhole: (match: T) => boolean,
  ): T | undefined {
    if (match === undefined) return undefined
    if (!isWhole(match)) throw new Error(`the store returned a broken ${what}`)
    if (accounts === undefined) checkAccount(match.account, match.key.accountId)
    return match
  }

  function malformed(text: string): Denied<'malformed'> {
    return contract.key?.id === undefined
      ? { kind: 'denied', code: 'malformed' }
      : { kind: 'denied', code: 'malformed', keyId: keyIdOf(text) }
  }

  function unknown(text: string, digest: string): Denied<'unknown'> {
    return contract.key?.id === undefined ? UNKNOWN : { ...UNKNOWN, keyId: keyIdOf(text, digest) }
  }

  // The same shape whether or not such a key exists, and the same on every node for the same text. The one case in which
  // a text of any length is hashed: its id is asked for, and a header is 16 KiB at most.
  function keyIdOf(text: string, digest?: string): string {
    return (
      codec?.idIn(text) ?? `${contract.key?.id?.prefix}${digitsOf(hexOfBytes(digest ?? digestBytes(text, pepper)))}`
    )
  }

  return prove
}

const LASTING: FoundKey['secret'] = Object.freeze({ expiresAt: null })

/** A key as it is kept: what a request needs of it is made once. */
interface KnownKey extends FoundKey, KeyMemo {
  /** `undefined`: its account is not in the store. */
  principal: KeyPrincipal | undefined
  /** As long as it works, in milliseconds since the epoch: `verifyKey` says why it does not. */
  readonly until: number
}

/** Of a key that works, whose account is known with it. */
function workingPrincipal(known: KnownKey | undefined, now: number): KeyPrincipal | undefined {
  return known !== undefined && now < known.until ? known.principal : undefined
}

/** As a signing key is kept. */
interface KnownMatch extends OpenKeyMatch, KeyMemo {}

/** A signing key whose secrets were opened: those that worked then. */
interface OpenMatch {
  readonly open: KnownMatch
  /** When the first of them ends, in milliseconds since the epoch. */
  readonly until: number
}

/** What a token has proven that is remembered. */
type SeenToken = SeenSigned | SeenIdentity

interface SeenSigned {
  readonly kind: 'signed'
  /** Its key, as it was kept when the token was good. */
  readonly key: Kept<SigningKeyMatch>
  readonly principal: TokenPrincipal
  /** In milliseconds since the epoch, for as long as its claims and its key's ends say. */
  readonly from: number
  readonly until: number
}

interface SeenIdentity {
  readonly kind: 'identity'
  readonly verifier: IdentityVerifier
  readonly token: ParsedToken
  readonly hold: Hold
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

function checkAccount(account: Account | null | undefined, id: string): void {
  const isWhole = account === undefined || account === null || (isAccount(account) && account.id === id)
  if (!isWhole) throw new Error('the store returned a broken account')
}

function subjectOf(match: Pick<KeyMatch, 'key'> | undefined): Subject {
  return match === undefined ? {} : { keyId: match.key.id, accountId: match.key.accountId }
}

/** A claim may be anything, whatever a callback's type says of it: only a text that can be an id names an account. */
function textOf(value: unknown): string | undefined {
  return isText(value) ? value : undefined
}

function scopesOf({ scope }: Readonly<Record<string, unknown>>): readonly string[] {
  return typeof scope === 'string' ? scope.split(' ') : []
}
