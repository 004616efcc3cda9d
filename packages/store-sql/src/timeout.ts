/** So many statements share one timeout. The changes of one key have fewer. */
const BATCH = 10

/** How long a list of statements may take, in milliseconds. */
export function patienceFor(statements: readonly unknown[], timeout: number): number {
  return Math.max(1, Math.ceil(statements.length / BATCH)) * timeout
}

/** @throws TypeError when it is none. */
export function checkTimeout(timeout: number): void {
  // Timers hold 31 bits; a longer timeout would be over at once.
  if (!(Number.isInteger(timeout) && timeout > 0 && timeout < 2 ** 31)) {
    throw new TypeError('timeout must be whole milliseconds, from 1 to 2147483647')
  }
}

export function noAnswerWithin(timeout: number): Error {
  return new Error(`no answer within ${timeout} ms`)
}

/** @param left of the timeout, in milliseconds */
export function within<T>(answer: Promise<T>, timeout: number, left: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(noAnswerWithin(timeout)), left)
    answer.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
