import { type Awaitable, isPromise } from './awaitable.ts'
import { type Denied, isDenied, unavailable } from './outcome.ts'

/** Default for how long a store or limiter may take to answer, in milliseconds. */
export const DEFAULT_TIMEOUT = 2000

/**
 * Calls into the world. A call that throws, rejects or takes longer than `timeout` milliseconds is `unavailable`: closed,
 * and not the caller's fault. An answer that comes too late is dropped; one that looks like a denial is none of ours.
 */
export function attempt<T>(call: () => Awaitable<T>, timeout: number): Awaitable<T | Denied<'unavailable'>> {
  try {
    return answered(call(), timeout)
  } catch (cause) {
    return unavailable(cause)
  }
}

/** The same, of a call that did not throw: for those who have no function to make. */
export function answered<T>(result: Awaitable<T>, timeout: number): Awaitable<T | Denied<'unavailable'>> {
  return isPromise(result) ? withTimeout(result, timeout) : undenied(result)
}

function undenied<T>(answer: T): T | Denied<'unavailable'> {
  return isDenied(answer) ? unavailable(new Error('a denial is no answer')) : answer
}

function withTimeout<T>(result: Promise<T>, timeout: number): Promise<T | Denied<'unavailable'>> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(unavailable(new Error(`no answer within ${timeout} ms`))), timeout)
    const settle = (outcome: T | Denied<'unavailable'>) => {
      clearTimeout(timer)
      resolve(outcome)
    }
    // A query builder's `then` may throw, or resolve with another promise: this one does neither.
    Promise.resolve(result).then(
      (answer) => settle(undenied(answer)),
      (cause) => settle(unavailable(cause)),
    )
  })
}
