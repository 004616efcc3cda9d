/** A value that is there already, or a promise of it: a promise only where a store had to be read. */
export type Awaitable<T> = T | Promise<T>

/**
 * Goes on with `step` at once when the value is there, so that what is answered from memory stays synchronous. What the
 * step needs beside the value, three things at most, is handed to it: on the way of a request no function has to be made.
 */
export function chain<T, R, Others extends readonly [a?: unknown, b?: unknown, c?: unknown]>(
  value: Awaitable<T>,
  step: (value: T, ...others: Others) => Awaitable<R>,
  ...others: Others
): Awaitable<R>
// Not as a list, which would be made for each call.
export function chain<T, R>(
  value: Awaitable<T>,
  step: (value: T, a?: unknown, b?: unknown, c?: unknown) => Awaitable<R>,
  a?: unknown,
  b?: unknown,
  c?: unknown,
): Awaitable<R> {
  return isPromise(value) ? later(value, step, a, b, c) : step(value, a, b, c)
}

function later<T, R>(
  value: Promise<T>,
  step: (value: T, a: unknown, b: unknown, c: unknown) => Awaitable<R>,
  a: unknown,
  b: unknown,
  c: unknown,
): Promise<R> {
  // `Promise.resolve` because another library's promise may have a `then` that returns nothing.
  return Promise.resolve(value).then((value) => step(value, a, b, c))
}

export function isPromise<T>(value: Awaitable<T>): value is Promise<T> {
  return typeof (value as Promise<T> | undefined)?.then === 'function'
}
