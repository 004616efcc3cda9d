/** The packages as they are published, used from a program outside of the workspace. */
import { execFileSync, spawnSync } from 'node:child_process'
import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installPacked } from '@latchkey/test-servers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const PACKAGES = ['core', 'contracts', 'hono', 'express', 'koa', 'store-sql', 'store-redis', 'cli']

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** One minute: eight are bundled, packed and unpacked. */
const LONG = 60_000

/** The declarations of the packages are compiled as strictly as the program that uses them. */
const COMPILER_OPTIONS = {
  target: 'es2023',
  module: 'nodenext',
  types: ['node'],
  strict: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: false,
}

let directory: string

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'latchkey-packed-'))
  installPacked(directory, PACKAGES)
  const types = 'node_modules/@types/node'
  symlinkSync(realpathSync(new URL(`../../${types}`, import.meta.url)), join(directory, types))
  copyFileSync(new URL('program.ts', import.meta.url), join(directory, 'program.ts'))
  writeFileSync(join(directory, 'package.json'), JSON.stringify({ type: 'module' }))
  writeFileSync(
    join(directory, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: COMPILER_OPTIONS, files: ['program.ts'] }),
  )
}, LONG)
afterAll(() => rmSync(directory, { recursive: true, force: true }))

function run(file: string, ...args: readonly string[]): string {
  return execFileSync(process.execPath, [join(directory, file), ...args], { cwd: directory, encoding: 'utf8' })
}

describe('what is published', () => {
  test(
    'is compiled into a program that serves a provider on each framework, over a store',
    () => {
      const compiler = spawnSync('npx', ['tsc', '-p', directory], { cwd: ROOT, encoding: 'utf8' })
      expect(compiler).toMatchObject({ status: 0, stdout: '' })
      const letIn = [
        [401, ''],
        [200, 'ada'],
      ]
      expect(JSON.parse(run('program.js', 'keys.db'))).toEqual({
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
