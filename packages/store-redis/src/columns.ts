/** A hash in Redis, as it lies there. */
export type Fields = Readonly<Record<string, string>>

/** How a value is written as a text, and read again. `undefined`: there is no such field. */
export interface Column<T> {
  /** Throws where the text is none of its kind. */
  read(text: string | undefined): T
  write(value: T): string | undefined
}

export type Columns<T> = { readonly [Name in keyof T]-?: Column<T[Name]> }

export const text: Column<string> = {
  read: (found) => held(found, found !== undefined),
  write: (value) => value,
}

/** What a `Date` can hold. */
const LAST_TIME = 8.64e15

export const time: Column<number> = {
  read: (found) => Number(held(found, /^-?\d{1,16}$/.test(found ?? '') && Math.abs(Number(found)) <= LAST_TIME)),
  write: String,
}

/** 0 or more, and no more than is exact as a number. */
export const whole: Column<number> = {
  read: (found) => Number(held(found, /^\d{1,16}$/.test(found ?? '') && Number.isSafeInteger(Number(found)))),
  write: String,
}

export const digest: Column<string> = {
  read: (found) => held(found, /^[0-9a-f]{64}$/.test(found ?? '')),
  write: (value) => value,
}

export const texts: Column<readonly string[]> = json(
  (value) => Array.isArray(value) && value.every((item) => typeof item === 'string'),
)

export const object: Column<Readonly<Record<string, unknown>>> = json(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
)

export function oneOf<const T extends string>(...known: readonly T[]): Column<T> {
  return {
    read: (found) => held(found, known.includes(found as T)),
    write: (value) => value,
  }
}

export function orNull<T>(column: Column<T>): Column<T | null> {
  return {
    read: (found) => (found === undefined ? null : column.read(found)),
    write: (value) => (value === null ? undefined : column.write(value)),
  }
}

function json<T>(isWhole: (value: unknown) => boolean): Column<T> {
  return {
    read(found) {
      const value: unknown = JSON.parse(found ?? '')
      return held(value, isWhole(value))
    },
    write: (value) => JSON.stringify(value),
  }
}

/** The value, as it is as it must be. */
function held<T>(value: unknown, isSound: boolean): T {
  if (!isSound) throw new Error('it is damaged')
  return value as T
}

/**
 * A record out of its fields.
 *
 * @param what it is: named in the error, which has nothing of the value
 */
export function readAll<T>(columns: Columns<T>, fields: Fields, what: string): T {
  const read = ([name, column]: [string, unknown]) => {
    try {
      return [name, (column as Column<unknown>).read(fields[name])]
    } catch {
      throw new Error(`${what}: its ${name} is damaged`)
    }
  }
  return Object.fromEntries(Object.entries(columns).map(read)) as T
}

/** What is to be set in a hash, names and values by turns, and what is to be taken away. */
export interface Written {
  readonly set: readonly string[]
  readonly unset: readonly string[]
}

/**
 * The fields of a record; or of a part of it, where the others stay as they are.
 *
 * @throws TypeError for a value that could not be read again.
 */
export function writeAll<T>(columns: Columns<T>, values: Partial<T>): Written {
  const set: string[] = []
  const unset: string[] = []
  for (const [name, column] of Object.entries(columns) as [keyof T & string, Column<unknown>][]) {
    const value = values[name]
    if (value === undefined) continue
    const text = column.write(value)
    if (text === undefined) unset.push(name)
    else if (isReadable(column, text)) set.push(name, text)
    else throw new TypeError(`${name} is not as it must be`)
  }
  return { set, unset }
}

function isReadable(column: Column<unknown>, text: string): boolean {
  try {
    column.read(text)
    return true
  } catch {
    return false
  }
}
