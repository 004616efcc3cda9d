export {
  type AnyAuth,
  type Auth,
  createAuth,
  type PrincipalOf,
  principalOf,
} from './auth.ts'
export type { Access, PlanRequirement, Requirement } from './authorize.ts'
export { type Awaitable, isPromise } from './awaitable.ts'
export type {
  Answer,
  AnyContract,
  Contract,
  DenialRow,
  DenialTable,
  RateLimit,
} from './contract.ts'
export { bearer, type Carrier, type Fields, header } from './credential.ts'
export { defineContract } from './define-contract.ts'
export { digestKey, equalDigests } from './digest.ts'
export { type Guarded, guard } from './guard.ts'
export type { IdentityProvider, PublicKeyAlgorithm } from './identity.ts'
export {
  type IssuedKey,
  type IssuedSigningKey,
  type IssueOptions,
  issueKey,
  issueSigningKey,
  type NewKey,
  rotateKey,
} from './issue.ts'
export { type KeyCodec, type KeyFormat, keyCodec, type MintedKey } from './key-format.ts'
export {
  type Balance,
  balanceOf,
  type Limiter,
  type LimitState,
  type Spent,
  type Taken,
  type Window,
} from './limiter.ts'
export { type MemoryLimiter, memoryLimiter } from './memory-limiter.ts'
export { type MemoryStore, memoryStore } from './memory-store.ts'
export type { AuthenticateOptions, AuthOptions, AuthorizeOptions, DenialContext } from './options.ts'
export type { Allowed, Anonymous, DenialCode, DenialFacts, Denied, Outcome, TokenFault } from './outcome.ts'
export type {
  Everyone,
  IdentityPrincipal,
  KeyedPrincipal,
  KeyPrincipal,
  Principal,
  TokenPrincipal,
} from './principal.ts'
export type { Rendered } from './render.ts'
export type {
  Account,
  AccountChange,
  AccountReader,
  Inserted,
  KeyChange,
  KeyMatch,
  KeyReader,
  KeyRecord,
  KeySecret,
  KeyStore,
  SigningKeyMatch,
  SigningSecret,
} from './store.ts'
export type { TokenRules } from './verify-token.ts'
