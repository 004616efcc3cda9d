/** The median of several measurements, and between which bounds the true one lies. */
export interface Estimate {
  readonly median: number
  readonly low: number
  readonly high: number
}

/** How sure one is of one bound, or less where there are too few measurements to say. */
const CONFIDENCE = 0.95

export function medianOf(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}

/** How many times as large one is as the other. */
export function ratioOf(numbers: readonly number[], others: readonly number[]): Estimate {
  return compared(numbers, others, (value, other) => value / other)
}

/** How much larger one is than the other. */
export function differenceOf(numbers: readonly number[], others: readonly number[]): Estimate {
  return compared(numbers, others, (value, other) => value - other)
}

/**
 * Pair by pair: what was measured in the same round had the same machine. The bounds are those of the sign test, which asks
 * nothing of how the measurements are distributed.
 */
function compared(
  numbers: readonly number[],
  others: readonly number[],
  compare: (value: number, other: number) => number,
): Estimate {
  const results = numbers.map((value, i) => compare(value, others[i] as number)).sort((a, b) => a - b)
  const skipped = skippedBy(results.length)
  return { median: medianOf(results), low: results[skipped] ?? 0, high: results[results.length - 1 - skipped] ?? 0 }
}

/** How many of the smallest numbers may be left out so that the next one is still no larger than the true median. */
function skippedBy(count: number): number {
  let chance = 0
  let term = 0.5 ** count
  for (let skipped = 0; ; skipped++) {
    chance += term
    if (chance > 1 - CONFIDENCE) return Math.max(0, skipped - 1)
    term = (term * (count - skipped)) / (skipped + 1)
  }
}

/** What is to be reached. */
export interface Target {
  readonly what: string
  readonly measured: Estimate
  readonly limit: number
  readonly direction: 'at most' | 'at least'
  readonly unit: string
}

/** A number that was measured once. */
export function exactly(value: number): Estimate {
  return { median: value, low: value, high: value }
}

/** Whether the median reaches it. Whether the machine's noise could have brought that about, the bounds tell. */
export function verdictOf({ measured, limit, direction }: Target): 'pass' | 'short' {
  return (direction === 'at most' ? measured.median <= limit : measured.median >= limit) ? 'pass' : 'short'
}
