import { defineConfig } from 'vitest/config'

/** Removes one security check after the other and expects a named test to fail: `npx pnpm test:mutation`. */
export default defineConfig({
  test: {
    include: ['test/mutation/mine.test.ts'],
    root: new URL('../..', import.meta.url).pathname,
    testTimeout: 120_000,
    maxConcurrency: 2,
    reporters: [new URL('reporter.ts', import.meta.url).pathname],
  },
})
