import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { REQUIREMENTS, required } from './requirements.ts'

const fixture = fileURLToPath(new URL('fixtures/left-out/', import.meta.url))
const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs')

it('LATCHKEY_REQUIRE names nothing that no suite needs', () => {
  expect(required.filter((name) => !Object.hasOwn(REQUIREMENTS, name))).toEqual([])
})

it.each([
  [
    'leaves a suite out by name',
    {},
    0,
    'left out: Outer > Vectors (LATCHKEY_VECTORS does not name a directory)\n1 passed, 0 failed, 2 skipped\n',
  ],
  ['fails where the suite is required', { LATCHKEY_REQUIRE: 'php,vectors' }, 1, '1 passed, 1 failed, 1 skipped\n'],
  [
    'runs it where what it needs is there',
    { LATCHKEY_VECTORS: fixture.slice(0, -1) },
    0,
    '2 passed, 0 failed, 1 skipped\n',
  ],
  [
    'counts a broken suite as failed',
    { LATCHKEY_VECTORS: fixture.slice(0, -1), BROKEN: '1' },
    1,
    '2 passed, 1 failed, 1 skipped\n',
  ],
])('the closing lines: %s', { timeout: 60_000 }, (_, given, status, stdout) => {
  const env = { PATH: process.env.PATH, ...given }
  const run = spawnSync(process.execPath, [vitest, 'run'], { cwd: fixture, env, encoding: 'utf8' })
  expect([run.status, run.stdout]).toEqual([status, stdout])
})
