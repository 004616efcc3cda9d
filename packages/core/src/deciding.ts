import { type Asked, countsByAddress } from './charge.ts'
import { clientIp } from './client-ip.ts'
import type { AnyContract } from './contract.ts'
import type { Counting } from './count.ts'
import type { Fields } from './credential.ts'
import type { Host } from './options.ts'
import { isDenied } from './outcome.ts'
import type { Everyone, Principal } from './principal.ts'
import type { Teller } from './tell.ts'

/** What the decisions of one auth share. */
export interface Deciding {
  readonly contract: AnyContract
  readonly counting: Counting
  readonly tell: Teller
  /** How many proxies of one's own are in front of the server. */
  readonly trustedHops: number
  /** Whether authentication is switched off. */
  readonly insecureAllowEveryone: boolean
}

/** Hands an outcome on, and tells of it if it is a denial. */
export function reporter({ tell }: Deciding): <T>(outcome: T, principal: Principal | Everyone | undefined) => T {
  return (outcome, principal) => {
    if (isDenied(outcome)) tell.denied(outcome, principal)
    return outcome
  }
}

/** Finds a client's address, where something is counted by it: it costs a look at the header fields. */
export function addressFinder<Request extends object>(
  { trustedHops }: Deciding,
  { peerOf }: Host<Request>,
  asked: Asked,
): (request: Request, fields: Fields) => string | undefined {
  if (!countsByAddress(asked)) return () => undefined
  return (request, fields) => clientIp(fields, peerOf?.(request), trustedHops)
}
