import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { applied } from './mutant.ts'
import { MUTANTS } from './mutants.ts'

// The long form (`npx pnpm test:mutation`) runs the tests without each check; here the list is kept true to the code.
describe('the list of checks that can be taken away', () => {
  it.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))('has its text in the code: %s', (_name, mutant) => {
    const source = readFileSync(new URL(`../../${mutant.file}`, import.meta.url), 'utf8')
    expect(applied(mutant, source)).not.toBe(source)
  })
})
