import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig, mergeConfig } from 'vitest/config'
import base from '../../vitest.config.ts'
import { applied, type Mutant } from './mutant.ts'

const mutant: Mutant = JSON.parse(process.env.LATCHKEY_MUTANT ?? 'null')
const path = fileURLToPath(new URL(`../../${mutant.file}`, import.meta.url))

/** The tests, on sources of which one has lost a check. No file is written. */
export default mergeConfig(
  base,
  defineConfig({
    plugins: [
      {
        name: 'mutant',
        enforce: 'pre',
        load: (id) => (id.split('?')[0] === path ? applied(mutant, readFileSync(path, 'utf8')) : undefined),
      },
    ],
    test: { bail: 1, reporters: ['json'], watch: false },
  }),
)
