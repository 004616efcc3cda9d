import { attempt } from './attempt.ts'
import type { Awaitable } from './awaitable.ts'
import { isUnavailable } from './outcome.ts'
import { isText } from './record.ts'
import type { KeyStore, PageQuery } from './store.ts'

export interface ManageOptions {
  readonly store: KeyStore
  /** Who makes the changes, for the audit record: a user, a program. Not checked. */
  readonly by: string
  /** How long the store may take for each call, in milliseconds. Default 2000. */
  readonly timeout?: number | undefined
  /** The time in milliseconds since the epoch. Default `Date.now`. */
  readonly now?: (() => number) | undefined
}

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
