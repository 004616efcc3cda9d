import type { Mutant } from './mutant.ts'

/** The checks of one file: what no longer holds, the text that makes it hold, and what stands in its place. */
export function of(
  file: string,
  tests: readonly string[],
  rows: readonly (readonly [string, string, string])[],
): Mutant[] {
  return rows.map(([name, find, replace]) => ({ name, file, find, replace, tests }))
}

export const core = (file: string) => `packages/core/src/${file}.ts`
export const tested = (...files: string[]) => files.map((file) => `packages/core/src/${file}.test.ts`)

export const sql = (file: string) => `packages/store-sql/src/${file}.ts`
export const redis = (file: string) => `packages/store-redis/src/${file}.ts`
export const stores = (...files: string[]) => files.map((file) => `test/stores/${file}.test.ts`)
