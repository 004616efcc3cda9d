import fc from 'fast-check'
import { it } from 'vitest'

/** How often each property is tried; `FC_RUNS` for more. */
const RUNS = Number(process.env.FC_RUNS ?? 500)

/** A property that has to hold for as many inputs as `FC_RUNS` says. */
export function holds(name: string, property: fc.IRawProperty<unknown>): void {
  it(name, async () => fc.assert(property, { numRuns: RUNS }), 10_000 + RUNS * 5)
}
