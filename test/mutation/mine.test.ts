import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { applied, type Mutant } from './mutant.ts'
import { MUTANTS } from './mutants.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[]
  }[]
}

/** The names of the tests that fail on sources without the check. */
function failing(mutant: Mutant): Promise<string[]> {
  const words = ['vitest', 'run', '--config', 'test/mutation/mutant.config.ts', ...mutant.tests]
  const env = { ...process.env, LATCHKEY_MUTANT: JSON.stringify(mutant) }
  return new Promise((resolve, reject) => {
    execFile(
      'npx',
      words,
      { cwd: root, env, maxBuffer: 2 ** 27, timeout: 100_000, killSignal: 'SIGKILL' },
      (error, stdout) => {
        const start = stdout.indexOf('{"num')
        if (start < 0) return reject(new Error('the tests did not run', { cause: error }))
        const report: Report = JSON.parse(stdout.slice(start))
        const tests = report.testResults.flatMap((file) => file.assertionResults)
        resolve(tests.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName))
      },
    )
  })
}

describe.concurrent.each(MUTANTS.filter(({ file }) => file.startsWith('packages/store-sql') && new RegExp(process.env.ONLY ?? '.').test(file)).map((mutant) => [mutant.name, mutant] as const))('%s', (_name, mutant) => {
  it('is a check without which a named test fails', async () => {
    applied(mutant, readFileSync(`${root}/${mutant.file}`, 'utf8'))
    expect(await failing(mutant)).not.toEqual([])
  })
})
