import { attempt } from './attempt.ts'
import type { Awaitable } from './awaitable.ts'
import { membersOf } from './known.ts'
import { isUnavailable } from './outcome.ts'
import { isText } from './record.ts'
import type { KeyStore, PageQuery } from './store.ts'

export interface ManageOptions {
  readonly store: KeyStore
  /** Who makes the changes, for the audit record: a user, a program. Not checked. */
  readonly by: string
  /** How long the store may take for each call, in milliseconds. Default 2000. */
  readonly timeout?: number | undefined
  /**
   * A change of a key or an account that is there returns when every process acts on it: the store's lease after it was
   * made. With false it returns when it is made, for bulk work; the change then holds a lease later. Default true.
   */
  readonly wait?: boolean | undefined
  /** The time in milliseconds since the epoch. Default `Date.now`. */
  readonly now?: (() => number) | undefined
}

export const MANAGE_OPTIONS: readonly string[] = membersOf<ManageOptions>({
  store: true,
  by: true,
  timeout: true,
  wait: true,
  now: true,
})

export interface PageOptions {
  /** The `next` of the page before. Default: from the start. */
  readonly after?: string | undefined
  /** From 1 to 1000. Default 100. */
  readonly limit?: number | undefined
}

/** @throws TypeError when the limit is none. */
export function pageQuery({ after, limit = 100 }: PageOptions): PageQuery {
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= 1000)) throw new TypeError('limit must be 1 to 1000')
  return { after, limit }
}

/** Asks the store, but not for longer than `timeout` milliseconds. Rejects with what the store threw or rejected with. */
export async function settled<T>(call: () => Awaitable<T>, timeout: number): Promise<T> {
  const answer = await attempt(call, timeout)
  if (!isUnavailable(answer)) return answer
  throw answer.cause instanceof Error ? answer.cause : new Error('the store failed', { cause: answer.cause })
}

/**
 * Makes the function that makes a change and answers when every process acts on it. It waits whatever the change has found:
 * a key that is gone may have been deleted a moment ago, by a call whose answer was lost.
 */
export function changer(options: ManageOptions, timeout: number): <T>(call: () => Awaitable<T>) => Promise<T> {
  const { store, wait = true } = options
  if (typeof wait !== 'boolean') throw new TypeError('wait must be true or false')
  return async (call) => {
    const answer = await settled(call, timeout)
    if (wait) await leasePassed(store.capabilities.lease)
    return answer
  }
}

/** Clocks of two machines may differ by so much in how fast they run. */
const DRIFT = 1.01

/** Waits until nobody trusts any more what he has kept from before, by a lease of so many milliseconds. */
export async function leasePassed(lease: number): Promise<void> {
  const end = performance.now() + lease * DRIFT
  // A timer may be early by a millisecond.
  for (let left = lease * DRIFT; left > 0; left = end - performance.now()) {
    await new Promise((resolve) => setTimeout(resolve, Math.ceil(left)))
  }
}

/** @throws TypeError when the store is none, or nobody is said to make the changes. */
export function checkBy({ store, by }: ManageOptions): void {
  if (typeof store?.insertKey !== 'function') throw new TypeError('store must be a store, such as memoryStore()')
  checkText('by', by)
}

/** @throws TypeError naming the option, when it is no text that every store can hold. */
export function checkText(option: string, text: unknown): string {
  if (isText(text)) return text
  throw new TypeError(`${option} must be a text of 1 to 255 characters without control characters`)
}

/** @throws TypeError naming the option, when it is no time that a `Date` can hold. */
export function checkTime(option: string, time: number): void {
  if (!(Number.isInteger(time) && Math.abs(time) <= 8.64e15)) {
    throw new TypeError(`${option} must be whole milliseconds since the epoch`)
  }
}

/** @throws TypeError when it is no object, or JSON cannot hold it. */
export function checkMetadata(metadata: Readonly<Record<string, unknown>>): void {
  let json: string | undefined
  try {
    json = JSON.stringify(metadata)
  } catch (cause) {
    throw new TypeError('metadata must be what JSON can hold', { cause })
  }
  // A `Date`, say, is an object, and a text in JSON.
  if (json?.startsWith('{') !== true) throw new TypeError('metadata must be an object')
}
