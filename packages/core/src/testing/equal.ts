import type { Awaitable } from '../awaitable.ts'

/**
 * Compares whole values, as JSON would keep them: a property that is `undefined` is one that is not there.
 *
 * @throws Error that says where they differ, and how.
 */
export function equal(actual: unknown, expected: unknown): void {
  const differences = differencesOf(actual, expected, '')
  if (differences.length > 0) throw new Error(['not as expected', ...differences].join('\n  '))
}

/** @throws Error with the sentence that does not hold. */
export function holds(condition: boolean, sentence: string): void {
  if (!condition) throw new Error(`does not hold: ${sentence}`)
}

/** What a call throws or rejects with. Rejects when the call does not. */
export async function rejection(call: () => Awaitable<unknown>): Promise<unknown> {
  let answer: unknown
  try {
    answer = await call()
  } catch (reason) {
    return reason
  }
  throw new Error(`it did not reject, but answered ${print(answer)}`)
}

/** Whether an error, or one that caused it, says so in its message. */
export function mentions(error: unknown, text: string): boolean {
  if (typeof error !== 'object' || error === null) return false
  const { message, cause } = error as { readonly message?: unknown; readonly cause?: unknown }
  return (typeof message === 'string' && message.includes(text)) || mentions(cause, text)
}

function differencesOf(actual: unknown, expected: unknown, path: string): readonly string[] {
  if (actual === expected || Object.is(actual, expected)) return []
  if (!isObject(actual) || !isObject(expected) || shapeOf(actual) !== shapeOf(expected)) {
    return [`${path === '' ? 'it' : path} is ${print(actual)}, and must be ${print(expected)}`]
  }
  const names = new Set([...Object.keys(expected), ...Object.keys(actual)])
  if (Array.isArray(actual)) names.add('length')
  return [...names].flatMap((name) => differencesOf(own(actual, name), own(expected, name), `${path}.${name}`))
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** A date or a buffer is no plain object, whatever properties it has; an object without a prototype is one. */
function shapeOf(value: object): string {
  return Object.prototype.toString.call(value)
}

function own(value: object, name: string): unknown {
  return Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined
}

const MOST_CHARACTERS = 300

function print(value: unknown): string {
  const text = typeof value === 'bigint' ? `${value}n` : (JSON.stringify(value) ?? String(value))
  return text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text
}
