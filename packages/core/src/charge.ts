import { type AnyContract, type ConcurrencyLimit, numberFor, type RateLimit, type SharedBy } from './contract.ts'
import type { Charge, Slots, Window } from './limiter.ts'
import type { Principal } from './principal.ts'
import type { KeyRecord } from './store.ts'

/** What a mount or a route counts. */
export interface Asked {
  readonly limits?: readonly RateLimit[]
  readonly concurrency?: ConcurrencyLimit
}

/** Finds what a request is charged; `undefined`: nothing. Without a principal that is only what is counted by address. */
export type ChargeFinder = (principal: Principal | undefined, ip: string | undefined) => Charge | undefined

const DEFAULT_SLOT_SECONDS = 300

/** What a key is charged on a plan. */
interface KeyCharge {
  readonly plan: string
  readonly charge: Charge
}

/** Makes the charges of a mount or a route. What depends on a key and its plan alone is made once for each. */
export function chargeFinder(contract: AnyContract, asked: Asked): ChargeFinder {
  const { limits = [], concurrency } = asked
  if (limits.length === 0 && concurrency === undefined) return () => undefined
  const byKey = new WeakMap<KeyRecord, KeyCharge>()
  const isByAddress = countsByAddress(asked)

  function chargeFor(principal: Principal | undefined, ip = ''): Charge {
    const counted = principal === undefined ? limits.filter(isPerAddress) : limits
    const windows = counted.map((limit) => windowFor(limit, principal, ip))
    return Object.freeze({
      windows: Object.freeze(windows.filter((window) => window !== undefined)),
      slots: concurrency && slotsFor(concurrency, principal, ip),
    })
  }

  function windowFor(limit: RateLimit, principal: Principal | undefined, ip: string): Window | undefined {
    const { name, seconds, cost = 1 } = limit
    const number = numberOf(limit, principal)
    if (number === undefined) return undefined
    return Object.freeze({ name, seconds, cost, limit: number, bucket: bucketOf(limit.per, principal, ip) })
  }

  function slotsFor(limit: ConcurrencyLimit, principal: Principal | undefined, ip: string): Slots | undefined {
    const { name, seconds = DEFAULT_SLOT_SECONDS } = limit
    const number = principal === undefined && !isPerAddress(limit) ? undefined : numberOf(limit, principal)
    if (number === undefined) return undefined
    return Object.freeze({ name, seconds, limit: number, bucket: bucketOf(limit.per, principal, ip) })
  }

  function numberOf({ limit }: RateLimit | ConcurrencyLimit, principal: Principal | undefined): number | undefined {
    return numberFor(principal?.plan ?? '', limit, contract.plans)
  }

  function bucketOf(per: SharedBy, principal: Principal | undefined, ip: string): string {
    return `${contract.name}:${per}:${per === 'ip' ? ip : sharerOf(per, principal)}`
  }

  return (principal, ip) => {
    if (!isByAddress && principal === undefined) return undefined
    if (isByAddress || principal === undefined || principal.via === 'identity')
      return something(chargeFor(principal, ip))
    const { key, plan } = principal
    const known = byKey.get(key)
    if (known?.plan === plan) return something(known.charge)
    const charge = chargeFor(principal)
    byKey.set(key, { plan, charge })
    return something(charge)
  }
}

function something(charge: Charge): Charge | undefined {
  return charge.windows.length === 0 && charge.slots === undefined ? undefined : charge
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
