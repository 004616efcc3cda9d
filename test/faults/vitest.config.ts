import { defineConfig, mergeConfig } from 'vitest/config'
import base from '../../vitest.config.ts'

/** The faults at length, and their tables: `npx pnpm test:faults`. */
export default mergeConfig(
  base,
  defineConfig({
    test: {
      root: new URL('../..', import.meta.url).pathname,
      // Each store has the machine for itself: what is printed are times.
      fileParallelism: false,
      env: { LATCHKEY_FAULTS: 'full' },
      reporters: [new URL('tables.ts', import.meta.url).pathname],
    },
  }),
)
