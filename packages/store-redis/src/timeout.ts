/** @throws TypeError when it is none. */
export function checkTimeout(timeout: number): void {
  // Timers hold 31 bits; a longer timeout would be over at once.
  if (!(Number.isInteger(timeout) && timeout > 0 && timeout < 2 ** 31)) {
    throw new TypeError('timeout must be whole milliseconds, from 1 to 2147483647')
  }
}

/** Rejects when there is no answer in so many milliseconds. */
export function within<T>(answer: Promise<T>, timeout: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer within ${timeout} ms`)), timeout)
    answer.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
