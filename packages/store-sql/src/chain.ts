import type { Awaitable } from '@latchkey/core'

/** Goes on at once where the value is there: what SQLite answers without a promise stays without one. */
export function chain<T, R>(value: Awaitable<T>, step: (value: T) => Awaitable<R>): Awaitable<R> {
  return value instanceof Promise ? value.then(step) : step(value)
}
