/** A security check, and how it is taken away. */
export interface Mutant {
  /** What no longer holds. */
  readonly name: string
  /** Below the root of the project. */
  readonly file: string
  /** Stands in the file exactly once. */
  readonly find: string
  readonly replace: string
  /** Where the test is that must fail: files, below the root. */
  readonly tests: readonly string[]
}

/** The file without the check. */
export function applied({ name, file, find, replace }: Omit<Mutant, 'tests'>, source: string): string {
  const parts = source.split(find)
  if (parts.length !== 2) throw new Error(`mutant "${name}": its text is ${parts.length - 1} times in ${file}`)
  return parts.join(replace)
}
