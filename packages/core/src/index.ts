export {
  type AnyAuth,
  type Auth,
  createAuth,
  type PrincipalOf,
  principalOf,
} from './auth.ts'
export type { Access, PlanRequirement, Requirement } from './authorize.ts'
export { type Awaitable, isPromise } from './awaitable.ts'
export type { BrakeOptions } from './brake.ts'
export type { CacheOptions } from './cache.ts'
export type {
  Answer,
  AnyContract,
  ConcurrencyLimit,
  Contract,
  DenialRow,
  DenialTable,
  Numbers,
  Quota,
  RateLimit,
  Refund,
  SharedBy,
} from './contract.ts'
export { bearer, type Carrier, type Fields, header } from './credential.ts'
export { defineContract } from './define-contract.ts'
export { digestKey, equalDigests } from './digest.ts'
export type { AccountEvents, AuthEvents, KeyEvents, Listeners } from './events.ts'
export { type Guarded, guard } from './guard.ts'
export type { IdentityProvider, PublicKeyAlgorithm } from './identity.ts'
export { type KeyCodec, type KeyFormat, keyCodec, type MintedKey } from './key-format.ts'
export {
  type CreatedKey,
  type ImportedKey,
  type IssuedKey,
  type KeyAuditOptions,
  type Keys,
  type KeyUsage,
  type ListOptions,
  type NewKey,
  statusOf,
  type UsageOptions,
} from './keys.ts'
export { type Allowance, type BalanceChange, balanceOf, type Charged, type Ledger, type Standing } from './ledger.ts'
export type { Charge, Limiter, LimitState, Slots, Taken, Window } from './limiter.ts'
export type { ManageOptions } from './manage.ts'
export {
  type Accounts,
  type ManageAccountsOptions,
  manageAccounts,
  type NewAccount,
} from './manage-accounts.ts'
export { type Balance, type Balances, type ManageBalancesOptions, manageBalances } from './manage-balances.ts'
export { type ManageKeysOptions, manageKeys } from './manage-keys.ts'
export { type MemoryLedger, memoryLedger } from './memory-ledger.ts'
export { type MemoryLimiter, memoryLimiter } from './memory-limiter.ts'
export { type MemoryStore, memoryStore } from './memory-store.ts'
export type { AuthenticateOptions, AuthOptions, AuthorizeOptions, Host } from './options.ts'
export type { Allowed, Anonymous, DenialCode, DenialFacts, Denied, Outcome, TokenFault } from './outcome.ts'
export type { Period } from './period.ts'
export type {
  Everyone,
  IdentityPrincipal,
  KeyedPrincipal,
  KeyPrincipal,
  Principal,
  TokenPrincipal,
} from './principal.ts'
export type { Rendered } from './render.ts'
export type { Reservation } from './reservation.ts'
export type { MasterKey } from './seal.ts'
export type {
  Account,
  AccountChange,
  AccountReader,
  AuditAction,
  AuditEntry,
  AuditQuery,
  AuditRecord,
  Change,
  ChangeFeed,
  ChangeListener,
  ChangeSubscription,
  Inserted,
  InsertOptions,
  KeyChange,
  KeyDetails,
  KeyMatch,
  KeyQuery,
  KeyReader,
  KeyRecord,
  KeyRef,
  KeySecret,
  KeyStore,
  KeyUse,
  Page,
  PageQuery,
  Records,
  Secret,
  SecretInfo,
  SigningKeyMatch,
  SigningSecret,
  StoreCapabilities,
  UsageCount,
  UsageQuery,
} from './store.ts'
export type { Ending } from './take.ts'
export type { Answered } from './uses.ts'
export type { TokenRules } from './verify-token.ts'
