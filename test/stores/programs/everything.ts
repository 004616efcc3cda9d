import { inspect } from 'node:util'

/** All that a value holds, as a text: of an error its message, stack, causes and every property. */
export function everythingOf(value: unknown): string {
  return inspect(value, { depth: Number.POSITIVE_INFINITY, showHidden: true, getters: true, maxStringLength: null })
}
