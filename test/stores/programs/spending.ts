import type { Allowance, Window } from '@latchkey/core'

export interface Order {
  readonly url: string
  /** How many, at once. */
  readonly requests: number
  readonly window: Window
  readonly allowance: Allowance
}

/** What became of a request. */
export interface Spent {
  readonly taken: boolean
  readonly charged: boolean
}
