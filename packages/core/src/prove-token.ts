import { MAX_CREDENTIAL_LENGTH } from './credential.ts'
import { parseToken } from './parse-token.ts'
import type { Prove, ProverParts } from './prove.ts'
import { identityProver } from './prove-identity.ts'
import { signedProver } from './prove-signed.ts'
import { seenTokens } from './seen-tokens.ts'

/** Makes the function that proves a token, by who has signed it. `undefined`: the contract takes no tokens. */
export function tokenProver(parts: ProverParts): Prove | undefined {
  const { contract, reader, accounts, refusals } = parts
  const { token: rules, identity: providers = [] } = contract
  const algorithms = [...(rules === undefined ? [] : ['HS256']), ...providers.flatMap(({ algorithms }) => algorithms)]
  if (algorithms.length === 0) return undefined
  // Whom it belongs to is asked each time where accounts live elsewhere.
  const keepsSigned = reader.keeps && accounts === undefined
  const seen = keepsSigned || providers.length > 0 ? seenTokens() : undefined
  const proveSigned = rules && signedProver(parts, rules, keepsSigned ? seen : undefined)
  const proveIdentity = identityProver(parts, seen)

  return (found, now, gate) => {
    const { text } = found
    // How it is written the parser says, more strictly than a carrier; of one that was good it has said so before.
    if (found.isBroken || text.length > MAX_CREDENTIAL_LENGTH) return refusals.malformed(text)
    const proven = seen?.find(text)?.(now)
    if (proven !== undefined) return proven
    const token = parseToken(text, algorithms)
    if (token === undefined) return refusals.malformed(text)
    return token.alg === 'HS256' && proveSigned !== undefined
      ? proveSigned(token, text, now, gate)
      : proveIdentity(token, text, now)
  }
}
