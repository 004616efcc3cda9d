import { MAX_CREDENTIAL_LENGTH } from './credential.ts'
import { parseToken } from './parse-token.ts'
import { identityProver } from './prove-identity.ts'
import { signedProver } from './prove-signed.ts'
import type { Prove, Proving } from './proving.ts'
import { seenTokens } from './seen-tokens.ts'

/** Makes the function that proves a token, by who has signed it. `undefined`: the contract takes no tokens. */
export function tokenProver(proving: Proving): Prove | undefined {
  const { contract, reader, accounts, denials } = proving
  const { token: rules, identity: providers = [] } = contract
  const algorithms = [...(rules === undefined ? [] : ['HS256']), ...providers.flatMap(({ algorithms }) => algorithms)]
  if (algorithms.length === 0) return undefined
  // Where accounts live elsewhere, whom a token belongs to is asked each time.
  const keepsSigned = reader.keeps && accounts === undefined
  const seen = keepsSigned || providers.length > 0 ? seenTokens() : undefined
  const proveSigned = rules && signedProver(proving, rules, keepsSigned ? seen : undefined)
  const proveIdentity = identityProver(proving, seen)

  return (found, now, gate) => {
    const { text } = found
    // How it is written the parser says, more strictly than a carrier; of one that was good it has said so before.
    if (found.isBroken || text.length > MAX_CREDENTIAL_LENGTH) return denials.malformed(text)
    const proven = seen?.find(text)?.(now)
    if (proven !== undefined) return proven
    const token = parseToken(text, algorithms)
    if (token === undefined) return denials.malformed(text)
    return token.alg === 'HS256' && proveSigned !== undefined
      ? proveSigned(token, text, now, gate)
      : proveIdentity(token, text, now)
  }
}
