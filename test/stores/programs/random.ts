/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). For test cases, never for keys. */
export function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let number = Math.imul(state ^ (state >>> 15), state | 1)
    number ^= number + Math.imul(number ^ (number >>> 7), number | 61)
    return ((number ^ (number >>> 14)) >>> 0) / 2 ** 32
  }
}
