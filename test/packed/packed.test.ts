/** The packages as they are published, used from a program outside of the workspace. */
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installPacked } from '@latchkey/test-servers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const PACKAGES = ['core', 'contracts', 'hono', 'express', 'koa', 'store-sql', 'store-redis', 'cli']

/** One minute: eight are bundled, packed and unpacked. */
const LONG = 60_000

let directory: string

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'latchkey-packed-'))
  installPacked(directory, PACKAGES)
}, LONG)
afterAll(() => rmSync(directory, { recursive: true, force: true }))

function run(file: string, ...args: readonly string[]): string {
  return execFileSync(process.execPath, [join(directory, file), ...args], { cwd: directory, encoding: 'utf8' })
}

describe('what is published', () => {
  test(
    'serves a provider on each framework, over a store',
    () => {
      copyFileSync(fileURLToPath(new URL('program.mjs', import.meta.url)), join(directory, 'program.mjs'))
      const letIn = [
        [401, ''],
        [200, 'ada'],
      ]
      expect(JSON.parse(run('program.mjs', 'keys.db'))).toEqual({
        hono: letIn,
        koa: letIn,
        express: letIn,
        redis: 'function',
        suite: 'function',
      })
    },
    LONG,
  )

  test('has a command that runs', () => {
    const manifest = JSON.parse(readFileSync(join(directory, 'node_modules/latchkey/package.json'), 'utf8'))
    expect(run(join('node_modules/latchkey', manifest.bin.latchkey), '--version')).toMatch(/^[0-9]+\.[0-9]+\.[0-9]+\n$/)
  })

  test('loads as one file for each door, and one for what they share', () => {
    for (const name of ['@latchkey/core', '@latchkey/store-sql', '@latchkey/hono', 'latchkey']) {
      const files = readdirSync(join(directory, 'node_modules', name, 'bundle')).filter((file) => file.endsWith('.js'))
      expect(files.length, name).toBeLessThanOrEqual(3)
    }
  })
})
