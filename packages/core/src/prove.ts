import { attempt } from './attempt.ts'
import { type Awaitable, chain } from './awaitable.ts'
import type { Contract } from './contract.ts'
import { extract, type Fields } from './credential.ts'
import { digestKey, digitsOf } from './digest.ts'
import { keyCodec, MAX_KEY_LENGTH } from './key-format.ts'
import { type Denied, isDenied, MISSING, tokenInvalid, UNKNOWN, unavailable } from './outcome.ts'
import { parseToken } from './parse-token.ts'
import type { Principal } from './principal.ts'
import { isAccount, isKeyMatch, isSigningKeyMatch } from './record.ts'
import type { Account, AccountReader, KeyReader, KeyRecord } from './store.ts'
import { verifyKey } from './verify-key.ts'
import { type TokenRules, verifyToken } from './verify-token.ts'

export interface ProverOptions {
  readonly contract: Contract
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

  function prove(fields: Fields, now: number): Awaitable<Principal | Denied> {
    const extraction = extract(contract.carriers, fields)
    if (extraction.kind === 'missing') return MISSING
    if (extraction.kind === 'malformed') return malformed(extraction.text)
    const { text } = extraction
    // No key format has a dot, and every token has two.
    const isToken = rules !== undefined && (codec === undefined || text.includes('.'))
    return isToken ? proveToken(text, rules, now) : proveKey(text, now)
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

  function proveToken(text: string, rules: TokenRules, now: number): Awaitable<Principal | Denied> {
    const token = parseToken(text)
    if (token === undefined) return malformed(text)
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

  function accountOf(match: { readonly key: KeyRecord; readonly account: Account | null }) {
    const id = match.key.accountId
    const found = accounts === undefined ? match.account : attempt(() => accounts.find(id), timeout)
    return chain(found, (account): Account | Denied | null => {
      if (account === null || account === undefined || isDenied(account)) return account ?? null
      return isAccount(account) && account.id === id ? account : broken('account')
    })
  }

  function malformed(text: string): Denied<'malformed'> {
    return contract.key?.id === undefined
      ? { kind: 'denied', code: 'malformed' }
      : { kind: 'denied', code: 'malformed', keyId: keyIdOf(text, digestKey(text, pepper)) }
  }

  function unknown(text: string, digest: string): Denied<'unknown'> {
    return contract.key?.id === undefined ? UNKNOWN : { ...UNKNOWN, keyId: keyIdOf(text, digest) }
  }

  // The same shape whether or not such a key exists, and the same on every node for the same text.
  function keyIdOf(text: string, digest: string): string {
    return codec?.idIn(text) ?? `${contract.key?.id?.prefix}${digitsOf(digest)}`
  }

  return prove
}

function broken(what: string): Denied<'unavailable'> {
  return unavailable(new Error(`the store returned a broken ${what}`))
}
