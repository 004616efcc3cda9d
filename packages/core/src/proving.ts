import type { Awaitable } from './awaitable.ts'
import type { Gate, Lookup, Reader } from './cache.ts'
import type { AnyContract } from './contract.ts'
import type { Presented } from './credential.ts'
import type { KeyCodec } from './key-format.ts'
import type { Denied } from './outcome.ts'
import type { Principal } from './principal.ts'
import type { MasterKey } from './seal.ts'
import type { Account, AccountReader, KeyReader } from './store.ts'
import type { TextDenials } from './text-denials.ts'

export interface ProverOptions {
  readonly contract: AnyContract
  readonly store: KeyReader
  /** Reads the store, and what it says of a key or an account it may keep. */
  readonly reader: Reader
  /** `undefined`: accounts are in the store. */
  readonly accounts: AccountReader | undefined
  readonly pepper: string | undefined
  readonly masterKey: MasterKey | undefined
  /** Milliseconds. */
  readonly timeout: number
}

/** What the provers of one auth share. */
export interface Proving extends ProverOptions {
  /** `undefined`: the contract has no keys. */
  readonly codec: KeyCodec | undefined
  readonly denials: TextDenials
  readonly accountsById: Lookup<Account>
}

/** Proves a credential that was taken from a request. */
export type Prove = (found: Presented, now: number, gate?: Gate) => Awaitable<Principal | Denied>
