/** A value that is there already, or a promise of it: a promise only where a store had to be read. */
export type Awaitable<T> = T | Promise<T>

/** Goes on with `step` at once when the value is there, so that what is answered from memory stays synchronous. */
export function chain<T, R>(value: Awaitable<T>, step: (value: T) => Awaitable<R>): Awaitable<R> {
  // `Promise.resolve` because another library's promise may have a `then` that returns nothing.
  return isPromise(value) ? Promise.resolve(value).then(step) : step(value)
}

export function isPromise<T>(value: Awaitable<T>): value is Promise<T> {
  return typeof (value as Promise<T> | undefined)?.then === 'function'
}
