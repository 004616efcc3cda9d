import type { Awaitable } from './awaitable.ts'
import type { Gate, Lookup } from './cache.ts'
import type { AnyContract } from './contract.ts'
import { type Fields, type Presented, presented } from './credential.ts'
import { type KeyCodec, keyCodec } from './key-format.ts'
import { type AccountLookupOptions, accountLookup } from './lookups.ts'
import { type Denied, MISSING } from './outcome.ts'
import type { Principal } from './principal.ts'
import { keyProver } from './prove-key.ts'
import { tokenProver } from './prove-token.ts'
import { type Refusals, refusals } from './refusal.ts'
import type { MasterKey } from './seal.ts'
import type { Account } from './store.ts'

export interface ProverOptions extends AccountLookupOptions {
  readonly contract: AnyContract
  readonly pepper: string | undefined
  readonly masterKey: MasterKey | undefined
}

/** What the provers of keys and of tokens share. */
export interface ProverParts extends ProverOptions {
  /** `undefined`: the contract has no keys. */
  readonly codec: KeyCodec | undefined
  readonly refusals: Refusals
  readonly accountsById: Lookup<Account>
}

/** Proves a credential that was taken from a request. */
export type Prove = (found: Presented, now: number, gate?: Gate) => Awaitable<Principal | Denied>

/** Makes the function that turns header fields into a principal: carrier → key or token → account. */
export function prover(
  options: ProverOptions,
): (fields: Fields, now: number, gate?: Gate) => Awaitable<Principal | Denied> {
  const { contract, pepper } = options
  const codec = contract.key && keyCodec(contract.key)
  const parts: ProverParts = {
    ...options,
    codec,
    refusals: refusals(contract, codec, pepper),
    accountsById: accountLookup(options),
  }
  const proveKey = keyProver(parts)
  const proveToken = tokenProver(parts)

  return (fields, now, gate) => {
    const found = presented(contract.carriers, fields)
    if (found === undefined) return MISSING
    // No key format has a dot where tokens are accepted, and every token has two.
    const isToken = proveToken !== undefined && (codec === undefined || found.text.includes('.'))
    return isToken ? proveToken(found, now, gate) : proveKey(found, now, gate)
  }
}
