/** What `change-keys.ts` does and says, for itself and for the test that kills it. */
import { problemDetails } from '@latchkey/contracts'
import type { Contract, Secret } from '@latchkey/core'

export const ACCOUNT = 'customer'
export const MASTER_KEY = 'a master key that only these programs know'

/** API keys and tokens, made here or elsewhere. */
export const contract: Contract<never, never, never> = problemDetails({
  name: 'killed',
  key: { prefix: 'key_', length: 32, alphabet: 'base62', checksum: true },
  token: { issuer: 'killed', subjectIsKeyId: true },
  imported: true,
})

/** What the program is told, in one line, when it is to begin. */
export interface Order {
  readonly url: string
  readonly seed: number
  /** Names begin with it: they tell which call made a key. */
  readonly round: number
}

export type Change =
  | { readonly kind: 'create'; readonly name: string; readonly of: Secret['kind']; readonly idempotencyKey?: string }
  | {
      readonly kind: 'import'
      readonly name: string
      readonly of: 'key'
      readonly text: string
      readonly by: 'text' | 'digest'
    }
  | {
      readonly kind: 'import'
      readonly name: string
      readonly of: 'signing'
      readonly text: string
      readonly id: string
    }
  | { readonly kind: 'rotate'; readonly id: string; readonly overlap: number }
  | { readonly kind: 'revoke'; readonly id: string }
  | { readonly kind: 'change'; readonly id: string; readonly name: string }
  | { readonly kind: 'delete'; readonly id: string }

/** What came of a change: the key's id, and its new text where there is one. */
export interface Result {
  readonly id: string
  readonly secret?: string | null
}

/** Printed before a change, and again with its result when it was acknowledged. */
export interface Line {
  readonly change: Change
  /** `null`: there was no such key, or it was revoked. */
  readonly result?: Result | null
}
