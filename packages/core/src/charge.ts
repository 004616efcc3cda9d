import { type AnyContract, type ConcurrencyLimit, numberFor, type RateLimit, type SharedBy } from './contract.ts'
import { type KeyMemo, memoOf } from './key-memo.ts'
import type { Charge, Slots, Window } from './limiter.ts'
import type { Principal } from './principal.ts'

/** What a mount or a route counts. */
export interface Asked {
  readonly limits?: readonly RateLimit[]
  readonly concurrency?: ConcurrencyLimit
}

/** Finds what a request is charged; `undefined`: nothing. Without a principal that is only what is counted by address. */
export type ChargeFinder = (principal: Principal | undefined, ip: string | undefined) => Charge | undefined

const DEFAULT_SLOT_SECONDS = 300

/** So many charges of a key lie with it. More are found by their mount, and go with it. */
const CHARGES = 8

/** What a key is charged on one of the mounts and routes that it was charged on. */
export interface KeyCharge {
  readonly by: ChargeFinder
  plan: string
  charge: Charge | undefined
  readonly next: KeyCharge | undefined
}

/** Makes the charges of a mount or a route. What depends on a key and its plan alone is made once for each. */
export function chargeFinder(contract: AnyContract, asked: Asked): ChargeFinder {
  const { limits = [], concurrency } = asked
  if (limits.length === 0 && concurrency === undefined) return () => undefined
  const isByAddress = countsByAddress(asked)
  const others = new WeakMap<KeyMemo, KeyCharge>()

  function chargeOf(principal: Principal | undefined, ip: string | undefined): Charge | undefined {
    if (isByAddress || principal === undefined || principal.via === 'identity') {
      return chargeFor(contract, asked, principal, ip)
    }
    const memo = memoOf(principal)
    if (memo === undefined) return chargeFor(contract, asked, principal)
    const { plan } = principal
    let known = memo.charges
    let room = CHARGES
    while (known !== undefined && known.by !== chargeOf) {
      known = known.next
      room--
    }
    known ??= others.get(memo)
    if (known?.plan === plan) return known.charge
    const charge = chargeFor(contract, asked, principal)
    if (known !== undefined) Object.assign(known, { plan, charge })
    else if (room > 0) memo.charges = { by: chargeOf, plan, charge, next: memo.charges }
    else others.set(memo, { by: chargeOf, plan, charge, next: undefined })
    return charge
  }
  return chargeOf
}

/** What a request is charged, made anew; `undefined`: nothing. */
export function chargeFor(
  contract: AnyContract,
  { limits = [], concurrency }: Asked,
  principal: Principal | undefined,
  ip = '',
): Charge | undefined {
  const windows = limits.map((limit) => windowFor(limit)).filter((window) => window !== undefined)
  const slots = concurrency && slotsFor(concurrency)
  // Not frozen itself: a limiter may remember by a private field where it is counted.
  return windows.length === 0 && slots === undefined ? undefined : { windows: Object.freeze(windows), slots }

  function windowFor(limit: RateLimit): Window | undefined {
    const { name, seconds, cost = 1 } = limit
    const number = numberOf(limit)
    if (number === undefined) return undefined
    return Object.freeze({ name, seconds, cost, limit: number, bucket: bucketOf(limit.per) })
  }

  function slotsFor(limit: ConcurrencyLimit): Slots | undefined {
    const { name, seconds = DEFAULT_SLOT_SECONDS } = limit
    const number = numberOf(limit)
    if (number === undefined) return undefined
    return Object.freeze({ name, seconds, limit: number, bucket: bucketOf(limit.per) })
  }

  // Without a principal that is only what is counted by address.
  function numberOf(limit: RateLimit | ConcurrencyLimit): number | undefined {
    if (principal === undefined && !isPerAddress(limit)) return undefined
    return numberFor(principal?.plan ?? '', limit.limit, contract.plans)
  }

  function bucketOf(per: SharedBy): string {
    return `${contract.name}:${per}:${per === 'ip' ? ip : sharerOf(per, principal)}`
  }
}

function isPerAddress({ per }: RateLimit | ConcurrencyLimit): boolean {
  return per === 'ip'
}

function sharerOf(per: 'key' | 'account', principal: Principal | undefined): string {
  if (principal === undefined) return ''
  if (per === 'account') return principal.account.id
  // Without a key of ours the subject stands for one: it is what the caller holds.
  return principal.via === 'identity' ? `${principal.issuer} ${principal.subject}` : principal.key.id
}

/** Whether a client's address has to be known for it. */
export function countsByAddress({ limits = [], concurrency }: Asked): boolean {
  return limits.some(isPerAddress) || (concurrency !== undefined && isPerAddress(concurrency))
}
