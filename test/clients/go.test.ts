import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { describeWith } from '../requirements.ts'
import { NO_RESULTS, RESULTS, VIDDYSCRIBE_UNAUTHORIZED } from './answers.ts'
import { printsOnEachFramework, type Run, snippets } from './clients.ts'

describeWith('go', 'Go net/http', (go) => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'latchkey-go-'))
    execFileSync(go, ['build', '-o', folder, 'viddyscribe.go'], { cwd: snippets })
  }, 120_000)
  afterAll(() => rmSync(folder, { recursive: true }))

  const prints = (given: Run['given'], stdout: string): Run => {
    return { snippet: 'viddyscribe.go', service: 'viddyscribe', given, stdout: `${stdout}\n` }
  }

  printsOnEachFramework(
    () => [join(folder, 'viddyscribe')],
    [
      prints({ VIDDYSCRIBE_API_KEY: '@live' }, `200 ${RESULTS}`),
      prints({ VIDDYSCRIBE_API_KEY: '@starter' }, `404 ${NO_RESULTS}`),
      prints({ VIDDYSCRIBE_API_KEY: '@rotated' }, `401 ${VIDDYSCRIBE_UNAUTHORIZED}`),
      prints({ VIDDYSCRIBE_API_KEY: 'vsk_your_api_key_here' }, `401 ${VIDDYSCRIBE_UNAUTHORIZED}`),
      prints({}, `401 ${VIDDYSCRIBE_UNAUTHORIZED}`),
    ],
  )
})
