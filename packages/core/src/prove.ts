import type { Awaitable } from './awaitable.ts'
import type { Gate } from './cache.ts'
import { type Fields, presented } from './credential.ts'
import { keyCodec } from './key-format.ts'
import { accountLookup } from './lookups.ts'
import { type Denied, MISSING } from './outcome.ts'
import type { Principal } from './principal.ts'
import { keyProver } from './prove-key.ts'
import { tokenProver } from './prove-token.ts'
import type { ProverOptions, Proving } from './proving.ts'
import { textDenials } from './text-denials.ts'

/** Makes the function that turns header fields into a principal: carrier → key or token → account. */
export function prover(
  options: ProverOptions,
): (fields: Fields, now: number, gate?: Gate) => Awaitable<Principal | Denied> {
  const { contract, pepper } = options
  const codec = contract.key && keyCodec(contract.key)
  const denials = textDenials(contract, codec, pepper)
  const proving: Proving = { ...options, codec, denials, accountsById: accountLookup(options) }
  const proveKey = keyProver(proving)
  const proveToken = tokenProver(proving)

  return (fields, now, gate) => {
    const found = presented(contract.carriers, fields)
    if (found === undefined) return MISSING
    // No key format has a dot where tokens are accepted, and every token has two.
    const isToken = proveToken !== undefined && (codec === undefined || found.text.includes('.'))
    return isToken ? proveToken(found, now, gate) : proveKey(found, now, gate)
  }
}
