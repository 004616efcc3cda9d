/** What the program `node` is told and what it answers. */

/** Given as its first argument, as JSON. */
export interface Start {
  readonly url: string
  /** The file that its decisions are written to. */
  readonly history: string
}

/** A text that requests come with. Numbers, so that a history is small. */
export interface Subject {
  readonly id: number
  readonly text: string
}

/** A subject's key, on an account of its own. */
export interface Placed extends Subject {
  readonly keyId: string
  readonly accountId: string
}

const DENYING = ['revoke', 'delete', 'rotate', 'narrow', 'downgrade', 'suspend'] as const

export type DenyingAction = (typeof DENYING)[number]
export type Action = DenyingAction | 'import' | 'widen' | 'upgrade' | 'activate'

export function isDenying(action: Action | undefined): action is DenyingAction {
  return (DENYING as readonly (Action | undefined)[]).includes(action)
}

export interface Made {
  /** Milliseconds of `clock`: when the call began, when the store had made the change, when the call returned. */
  readonly begun: number
  readonly committed: number
  readonly acknowledged: number
  /** Of the key that was imported. */
  readonly keyId?: string
  /** The new one, of a key that was rotated. */
  readonly text?: string
}

/** What came of a change; an error leaves open whether it was made. */
export type Changed = Made | { readonly error: string }

export interface Orders {
  /** From now on a request with each of these texts begins every few milliseconds. */
  readonly watch: { readonly order: readonly Subject[]; readonly answer: null }
  /** With these texts requests are made when somebody asks for it. */
  readonly know: { readonly order: readonly Subject[]; readonly answer: null }
  /** Answers when each of those that are watched has been decided so many times, by a store that answered. */
  readonly warm: { readonly order: number; readonly answer: null }
  /** A request with this text, now. Answers when it is decided. */
  readonly follow: { readonly order: number; readonly answer: null }
  /** The ports of the other nodes' peers. */
  readonly peers: { readonly order: readonly number[]; readonly answer: null }
  /** In a moment in which a request with one text is answered at once, requests with others. Answers when they have begun. */
  readonly whileHeld: {
    readonly order: { readonly known: number; readonly subjects: readonly number[] }
    readonly answer: null
  }
  /** What is watched is asked for more rarely. */
  readonly rest: { readonly order: null; readonly answer: null }
  /** A request with each of the texts that are known. How many of them were unavailable. */
  readonly review: { readonly order: null; readonly answer: number }
  /** Live keys with these texts, all of them in one transaction. */
  readonly insert: { readonly order: readonly Placed[]; readonly answer: null }
  /** So many accounts that nobody uses, all of them in one transaction. False: it could not be written. */
  readonly fill: { readonly order: number; readonly answer: boolean }
  /** The other nodes have a request with its text at once, when it is acknowledged and was waited for. */
  readonly change: {
    readonly order: { readonly action: Action; readonly of: Placed; readonly wait: boolean }
    readonly answer: Changed
  }
  /** Writes down what it has decided up to now. */
  readonly flush: { readonly order: null; readonly answer: null }
  /** Forgets all texts. Decisions are written to this file from now on, and all earlier ones are in the one before. */
  readonly history: { readonly order: string; readonly answer: null }
}

export interface Told<K extends keyof Orders = keyof Orders> {
  readonly number: number
  readonly kind: K
  readonly order: Orders[K]['order']
}

export interface Answered<K extends keyof Orders = keyof Orders> {
  readonly number: number
  readonly answer: Orders[K]['answer']
}

/** Sent once, when the node can be told something. */
export interface Ready {
  /** Of its peers. */
  readonly port: number
}
