import type { Account, KeyRecord } from './store.ts'

interface Proven<Plan extends string, Permission extends string> {
  readonly account: Account<Plan>
  readonly key: KeyRecord<Permission>
  /** The account's plan at the time of this request. */
  readonly plan: Plan
  /** As granted to the key. Ask `auth.check` whether they cover another one: `admin` may cover what is not listed. */
  readonly permissions: readonly Permission[]
}

/** Proven by an API key. */
export interface KeyPrincipal<Plan extends string = string, Permission extends string = string>
  extends Proven<Plan, Permission> {
  readonly via: 'key'
}

/** Proven by a token that the key's secret signed. */
export interface TokenPrincipal<Plan extends string = string, Permission extends string = string>
  extends Proven<Plan, Permission> {
  readonly via: 'token'
  /** The verified claims. Those that the contract does not name are signed, but not checked. */
  readonly claims: Readonly<Record<string, unknown>>
}

/** Proven by a token of an identity provider: there is an account, but no key of ours. */
export interface IdentityPrincipal<Plan extends string = string, Permission extends string = string>
  extends Omit<Proven<Plan, Permission>, 'key'> {
  readonly via: 'identity'
  readonly issuer: string
  /** Whom the provider means; unique for the issuer. */
  readonly subject: string
  /** The verified claims. Those that the provider's rules do not name are signed, but not checked. */
  readonly claims: Readonly<Record<string, unknown>>
}

/** Who a request belongs to where a contract has no identity providers: there is always a key. */
export type KeyedPrincipal<Plan extends string = string, Permission extends string = string> =
  | KeyPrincipal<Plan, Permission>
  | TokenPrincipal<Plan, Permission>

/** Who a request belongs to, as proven. `via` tells how. */
export type Principal<Plan extends string = string, Permission extends string = string> =
  | KeyedPrincipal<Plan, Permission>
  | IdentityPrincipal<Plan, Permission>

/** Everyone, where the server's configuration switched authentication off (`insecureAllowEveryone`). */
export interface Everyone {
  readonly via: 'none'
}

export const EVERYONE: Everyone = Object.freeze({ via: 'none' })
