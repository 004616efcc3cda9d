/** The functions of a test framework, such as vitest's, jest's or those of `node:test`. */
export interface TestFramework {
  describe(name: string, body: () => void): unknown
  it(name: string, body: () => Promise<void>): unknown
}

/** Registers cases, each with what it needs. */
export function register<W>(
  { describe, it }: TestFramework,
  groups: Readonly<Record<string, Cases<W>>>,
  within: (run: (world: W) => Promise<void>) => Promise<void>,
): void {
  for (const [name, cases] of Object.entries(groups)) {
    describe(name, () => {
      for (const [sentence, run] of Object.entries(cases)) it(sentence, () => within(run))
    })
  }
}

/** Cases about one thing, by a sentence. */
export type Cases<W> = Readonly<Record<string, (world: W) => Promise<void>>>
