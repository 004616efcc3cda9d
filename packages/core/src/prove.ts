import { attempt } from './attempt.ts'
import { type Awaitable, chain } from './awaitable.ts'
import type { AnyContract } from './contract.ts'
import { extract, type Fields } from './credential.ts'
import { digestKey, digitsOf } from './digest.ts'
import { identityVerifier } from './identity.ts'
import { keyCodec, MAX_KEY_LENGTH } from './key-format.ts'
import { type Denied, isDenied, MISSING, tokenInvalid, UNKNOWN, unavailable } from './outcome.ts'
import { type ParsedToken, parseToken } from './parse-token.ts'
import type { Principal } from './principal.ts'
import { isAccount, isKeyMatch, isSigningKeyMatch } from './record.ts'
import type { Account, AccountReader, KeyReader, KeyRecord } from './store.ts'
import { verifyKey } from './verify-key.ts'
import { type TokenRules, verifyToken } from './verify-token.ts'

export interface ProverOptions {
  readonly contract: AnyContract
  readonly store: KeyReader
  readonly accounts: AccountReader | undefined
  readonly pepper: string | undefined
  /** Milliseconds. */
  readonly timeout: number
}

/** Makes the function that turns header fields into a principal: carrier → format → lookup → verify → account. */
export function prover(options: ProverOptions): (fields: Fields, now: number) => Awaitable<Principal | Denied> {
  const { contract, store, accounts, pepper, timeout } = options
  const { name: service, token: rules } = contract
  const codec = contract.key && keyCodec(contract.key)

  const providers = (contract.identity ?? []).map((provider) => identityVerifier(provider, timeout))
  const algorithms = [
    ...(rules === undefined ? [] : ['HS256']),
    ...providers.flatMap(({ provider }) => provider.algorithms),
  ]

  function prove(fields: Fields, now: number): Awaitable<Principal | Denied> {
    const extraction = extract(contract.carriers, fields)
    if (extraction.kind === 'missing') return MISSING
    if (extraction.kind === 'malformed') return malformed(extraction.text)
    const { text } = extraction
    // No key format has a dot where tokens are accepted, and every token has two.
    const isToken = algorithms.length > 0 && (codec === undefined || text.includes('.'))
    return isToken ? proveToken(text, now) : proveKey(text, now)
  }

  function proveKey(text: string, now: number): Awaitable<Principal | Denied> {
    const possible = text.length <= MAX_KEY_LENGTH && (contract.imported === true || codec?.accepts(text) === true)
    if (!possible) return malformed(text)
    const digest = digestKey(text, pepper)
    const found = attempt(() => store.findByDigest(service, digest), timeout)
    return chain(found, (match) => {
      if (isDenied(match)) return match
      if (match !== undefined && !isKeyMatch(match)) return broken('key')
      const verified = verifyKey(match, digest, service, now)
      if (verified === UNKNOWN) return unknown(text, digest)
      if (isDenied(verified)) return verified
      const { key } = verified
      return chain(accountOf(verified), (account) => {
        if (isDenied(account)) return account
        // A key whose account is gone belongs to nobody.
        if (account === null) return unknown(text, digest)
        return { via: 'key', account, key, plan: account.plan, permissions: key.permissions }
      })
    })
  }

  function proveToken(text: string, now: number): Awaitable<Principal | Denied> {
    const token = parseToken(text, algorithms)
    if (token === undefined) return malformed(text)
    return token.alg === 'HS256' && rules !== undefined
      ? proveSigned(token, rules, now)
      : proveIdentity(text, token, now)
  }

  function proveSigned(token: ParsedToken, rules: TokenRules, now: number): Awaitable<Principal | Denied> {
    const found = attempt(() => store.findSigningKey(service, token.kid), timeout)
    return chain(found, (match) => {
      if (isDenied(match)) return match
      if (match !== undefined && !isSigningKeyMatch(match)) return broken('signing key')
      const verified = verifyToken(token, match, service, rules, now)
      if (isDenied(verified)) return verified
      const { key } = verified
      return chain(accountOf(verified), (account) => {
        if (isDenied(account)) return account
        if (account === null) return tokenInvalid('key')
        const { plan } = account
        return { via: 'token', account, key, plan, permissions: key.permissions, claims: token.claims }
      })
    })
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
    const account = id === undefined ? null : await accountById(id)
    if (isDenied(account)) return account
    if (account === null) return tokenInvalid('subject')
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

  function accountOf(match: { readonly key: KeyRecord; readonly account: Account | null }) {
    const id = match.key.accountId
    return accounts === undefined ? sound(match.account, id) : accountById(id)
  }

  function accountById(id: string): Awaitable<Account | Denied | null> {
    const found = attempt(() => (accounts === undefined ? store.findAccount?.(id) : accounts.find(id)), timeout)
    return chain(found, (account) => (isDenied(account) ? account : sound(account ?? null, id)))
  }

  function sound(account: Account | null | undefined, id: string): Account | Denied | null {
    return account === null || (isAccount(account) && account.id === id) ? account : broken('account')
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

function broken(what: string): Denied<'unavailable'> {
  return unavailable(new Error(`the store returned a broken ${what}`))
}

/** A claim may be anything, whatever a callback's type says of it: only a text names an account. */
function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function scopesOf({ scope }: Readonly<Record<string, unknown>>): readonly string[] {
  return typeof scope === 'string' ? scope.split(' ') : []
}
