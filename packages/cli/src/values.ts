import { Failure } from './failure.ts'

/** For an option that may be given several times. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value]
}

/** A JSON object that was typed. Is not repeated in the failure. */
export function parseObject(option: string, text: string | undefined): Readonly<Record<string, unknown>> | undefined {
  if (text === undefined) return undefined
  const value = parseJson(text)
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new Failure('usage', `${option} must be a JSON object such as '{"team":7}'`)
}

/** `undefined` where it is no JSON: no JSON text means that. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export function parseWhole(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^\d{1,15}$/.test(text)) throw new Failure('usage', `${option} must be a whole number, 0 or more`)
  return Number(text)
}
