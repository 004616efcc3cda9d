import { LRUCache } from 'lru-cache'
import { attempt } from './attempt.ts'
import { type Awaitable, chain, isPromise } from './awaitable.ts'
import { type Gate, plainReader, type Reader } from './cache.ts'
import type { AnyContract } from './contract.ts'
import { extract, type Fields } from './credential.ts'
import { digestKey, digitsOf } from './digest.ts'
import type { Subject } from './epochs.ts'
import { identityVerifier } from './identity.ts'
import { keyCodec, MAX_KEY_LENGTH } from './key-format.ts'
import { type Denied, isDenied, MISSING, tokenInvalid, UNKNOWN } from './outcome.ts'
import { type ParsedToken, parseToken } from './parse-token.ts'
import type { KeyPrincipal, Principal } from './principal.ts'
import { isAccount, isKeyMatch, isSigningKeyMatch, isText } from './record.ts'
import { type MasterKey, sealer } from './seal.ts'
import type { Account, AccountReader, KeyMatch, KeyReader, KeyRecord, SigningKeyMatch, SigningSecret } from './store.ts'
import { verifyKey } from './verify-key.ts'
import { isLive, type OpenKeyMatch, type TokenRules, verifyToken } from './verify-token.ts'

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

  const open = masterKey === undefined ? undefined : opener(masterKey)
  const principals = new WeakMap<KeyRecord, KeyPrincipal>()

  const findKey = reader.lookup<KeyMatch>({
    read: (digest) => chain(store.findByDigest(service, digest), (match) => checked(match, 'key', isKeyMatch)),
    subjectOf,
  })
  const findSigningKey = reader.lookup<SigningKeyMatch>({
    read: (id) => chain(store.findSigningKey(service, id), (match) => checked(match, 'signing key', isSigningKeyMatch)),
    subjectOf,
  })
  const findAccount = (accounts === undefined || accounts.cached === true ? reader : plainReader(timeout)).lookup({
    read: (id) =>
      chain(accounts === undefined ? store.findAccount?.(id) : accounts.find(id), (account) => {
        checkAccount(account, id)
        return account ?? undefined
      }),
    subjectOf: (_, accountId) => ({ accountId }),
  })

  const providers = (contract.identity ?? []).map((provider) => identityVerifier(provider, timeout))
  const algorithms = [
    ...(rules === undefined ? [] : ['HS256']),
    ...providers.flatMap(({ provider }) => provider.algorithms),
  ]

  function prove(fields: Fields, now: number, gate?: Gate): Awaitable<Principal | Denied> {
    const extraction = extract(contract.carriers, fields)
    if (extraction.kind === 'missing') return MISSING
    if (extraction.kind === 'malformed') return malformed(extraction.text)
    const { text } = extraction
    // No key format has a dot where tokens are accepted, and every token has two.
    const isToken = algorithms.length > 0 && (codec === undefined || text.includes('.'))
    return isToken ? proveToken(text, now, gate) : proveKey(text, now, gate)
  }

  function proveKey(text: string, now: number, gate: Gate | undefined): Awaitable<Principal | Denied> {
    const possible = text.length <= MAX_KEY_LENGTH && (contract.imported === true || codec?.accepts(text) === true)
    if (!possible) return malformed(text)
    const digest = digestKey(text, pepper)
    return chain(findKey(digest, gate), (match) => {
      if (isDenied(match)) return match
      const verified = verifyKey(match, digest, service, now)
      if (verified === UNKNOWN) return unknown(text, digest)
      if (isDenied(verified)) return verified
      const { key } = verified
      return chain(accountOf(verified), (account) => {
        if (isDenied(account)) return account
        // A key whose account is gone belongs to nobody.
        if (!account) return unknown(text, digest)
        return keyPrincipal(key, account)
      })
    })
  }

  // The same one for as long as key and account are kept: what is made of it, such as its charges, is made once. Only of
  // what is frozen: a store that does not announce may change its records in place.
  function keyPrincipal(key: KeyRecord, account: Account): KeyPrincipal {
    const known = principals.get(key)
    if (known?.account === account) return known
    const principal: KeyPrincipal = Object.freeze({
      via: 'key',
      account,
      key,
      plan: account.plan,
      permissions: key.permissions,
    })
    if (Object.isFrozen(key) && Object.isFrozen(account)) principals.set(key, principal)
    return principal
  }

  function proveToken(text: string, now: number, gate: Gate | undefined): Awaitable<Principal | Denied> {
    const token = parseToken(text, algorithms)
    if (token === undefined) return malformed(text)
    return token.alg === 'HS256' && rules !== undefined
      ? proveSigned(token, rules, now, gate)
      : proveIdentity(text, token, now)
  }

  function proveSigned(
    token: ParsedToken,
    rules: TokenRules,
    now: number,
    gate: Gate | undefined,
  ): Awaitable<Principal | Denied> {
    const found = chain(findSigningKey(token.kid, gate), (match) =>
      isDenied(match) ? match : attempt(() => opened(match, now), timeout),
    )
    return chain(found, (match) => {
      if (isDenied(match)) return match
      const verified = verifyToken(token, match, service, rules, now)
      if (isDenied(verified)) return verified
      const { key } = verified
      return chain(accountOf(verified), (account) => {
        if (isDenied(account)) return account
        if (!account) return tokenInvalid('key')
        const { plan } = account
        return { via: 'token', account, key, plan, permissions: key.permissions, claims: token.claims }
      })
    })
  }

  // One secret that does not open is enough to tell nothing: who knows which one the token was signed with. What has
  // ended verifies nothing, so it stays closed, whether or not its master key is still there.
  function opened(match: SigningKeyMatch | undefined, now: number): Awaitable<OpenKeyMatch | undefined> {
    if (match === undefined) return undefined
    if (open === undefined) throw new Error('there is no master key to open signing secrets with')
    const { key, account } = match
    const live = match.secrets.filter((secret) => isLive(secret, now))
    const texts = live.map((secret) => open(secret, key))
    const secretsOf = (all: readonly string[]) =>
      all.map((text, i) => ({ text, expiresAt: (live[i] as SigningSecret).expiresAt }))
    return texts.some(isPromise)
      ? Promise.all(texts).then((all) => ({ key, account, secrets: secretsOf(all) }))
      : { key, account, secrets: secretsOf(texts as string[]) }
  }

  async function proveIdentity(text: string, token: ParsedToken, now: number): Promise<Principal | Denied> {
    // What the token says of its issuer chooses who checks it; that one then checks that it is so.
    const verifier = providers.find(({ provider }) => provider.issuer === token.claims.iss)
    if (verifier === undefined) return tokenInvalid('issuer')
    const denied = await verifier.verify(text, token, now)
    if (denied !== undefined) return denied
    const { claims } = token
    const subject = claims.sub
    if (typeof subject !== 'string' || subject === '') return tokenInvalid('subject')

    const { issuer, accountId = () => subject, permissions = scopesOf } = verifier.provider
    // The callbacks are the application's: what they throw is no reason to let anybody in, nor the caller's fault.
    const id = await attempt(() => chain(accountId(claims), textOf), timeout)
    if (isDenied(id)) return id
    const account = id === undefined ? undefined : await findAccount(id)
    if (isDenied(account)) return account
    if (account === undefined) return tokenInvalid('subject')
    const known = await attempt(() => chain(permissions(claims), knownOf), timeout)
    if (isDenied(known)) return known
    return { via: 'identity', account, plan: account.plan, permissions: known, issuer, subject, claims }
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

  function accountOf({ key, account }: Pick<KeyMatch, 'key' | 'account'>) {
    return accounts === undefined ? account : findAccount(key.accountId)
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
    return codec?.idIn(text) ?? `${contract.key?.id?.prefix}${digitsOf(digest ?? digestKey(text, pepper))}`
  }

  return prove
}

/** How many signing secrets a process keeps open. */
const OPEN_SECRETS = 1000

/** Opens signing secrets, each once. That a secret is still the key's, the store has said before. */
function opener(masterKey: MasterKey): (secret: SigningSecret, key: KeyRecord) => Awaitable<string> {
  const { open } = sealer(masterKey)
  const known = new LRUCache<string, string>({ max: OPEN_SECRETS })
  return (secret, { service, id: keyId }) => {
    // By all that the seal is bound to: else a sealed text that was put beside another key would be opened from memory.
    const seal = JSON.stringify([service, keyId, secret.version, secret.sealed])
    const text = known.get(seal)
    if (text !== undefined) return text
    return chain(open(secret, { service, keyId, version: secret.version }), (opened) => {
      known.set(seal, opened)
      return opened
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
