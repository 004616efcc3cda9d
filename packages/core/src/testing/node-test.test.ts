/** The suite as others use it: on the build, with nothing but Node. */
import { spawnSync } from 'node:child_process'
import * as nodeTest from 'node:test'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { memoryStore } from '../memory-store.ts'
import { storeCases, type TestFramework } from './index.ts'

function runWithNode(store: string): { readonly status: number | null; readonly summary: readonly string[] } {
  const program = `
    import { describe, it } from 'node:test'
    import { memoryStore } from '@latchkey/core'
    import { testStore } from '@latchkey/core/testing'
    await testStore({ describe, it }, { open: () => (${store}) })
  `
  const args = ['--test-reporter=tap', '--input-type=module', '--eval', program]
  const cwd = fileURLToPath(new URL('.', import.meta.url))
  // Nothing of the test run's own environment: its NODE_OPTIONS are not the program's.
  const env = { PATH: process.env.PATH }
  const { status, stdout } = spawnSync(process.execPath, args, { cwd, env, encoding: 'utf8' })
  return { status, summary: stdout.split('\n').filter((line) => /^# (pass|fail) /.test(line)) }
}

it('passes a store with node:test', () => {
  const count = storeCases(memoryStore().capabilities).length
  expect(runWithNode('memoryStore()')).toEqual({ status: 0, summary: [`# pass ${count}`, '# fail 0'] })
})

it('fails a store with node:test', () => {
  const { status, summary } = runWithNode('{ ...memoryStore(), listSealed: () => [] }')
  expect(status).toBe(1)
  expect(summary).not.toContain('# fail 0')
})

it('takes the functions of node:test and of vitest', async () => {
  const { describe, it } = await import('vitest')
  const frameworks: readonly TestFramework[] = [nodeTest, { describe, it }]
  expect(frameworks.map(({ it }) => typeof it)).toEqual(['function', 'function'])
})
