import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

// Tests run on the sources; only what a test starts as a program of its own runs on the build.
const conditions = ['@latchkey/source', 'node']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    // One waits for servers and processes while another computes; Vitest would take one worker on a machine with two cores.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // Loaded by one loader: with two, graphql would be there twice and refuse its own schema.
    server: { deps: { inline: ['graphql', 'graphql-http'] } },
    reporters: ['default', './test/left-out.ts'],
    exclude: ['**/node_modules/**', 'test/mutation/mutation.test.ts'],
    include: ['packages/*/src/**/*.test.ts', 'examples/*/src/**/*.test.ts', 'test/**/*.test.ts'],
  },
})
