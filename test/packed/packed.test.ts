/** The packages as they are published, used from a program outside of the workspace. */
import { execFileSync, spawnSync } from 'node:child_process'
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installPacked } from '@latchkey/test-servers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { samplesOf } from './samples.ts'

const PACKAGES = ['core', 'contracts', 'hono', 'express', 'koa', 'store-sql', 'store-redis', 'cli']

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Those whose samples stand for themselves, or nearly: see `samplesOf`. */
const DOCUMENTS = [
  'README.md',
  'packages/contracts/README.md',
  'packages/store-sql/README.md',
  'packages/store-redis/README.md',
  'packages/cli/README.md',
]

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
  link(join(ROOT, 'node_modules/@types/node'))
  link(join(ROOT, 'test/node_modules/@hono/node-server'))
  copyFileSync(join(ROOT, 'test/packed/program.ts'), join(directory, 'program.ts'))
  writeFileSync(join(directory, 'package.json'), JSON.stringify({ type: 'module' }))
}, LONG)
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** What a program needs beside the packages. */
function link(installed: string): void {
  const place = join(directory, installed.slice(installed.indexOf('node_modules')))
  mkdirSync(dirname(place), { recursive: true })
  symlinkSync(realpathSync(installed), place)
}

function compile(...files: readonly string[]): { readonly status: number | null; readonly stdout: string } {
  const project = join(directory, 'tsconfig.json')
  writeFileSync(project, JSON.stringify({ compilerOptions: COMPILER_OPTIONS, files }))
  return spawnSync('npx', ['tsc', '-p', project], { cwd: ROOT, encoding: 'utf8' })
}

function run(file: string, ...args: readonly string[]): string {
  return execFileSync(process.execPath, [join(directory, file), ...args], { cwd: directory, encoding: 'utf8' })
}

describe('what is published', () => {
  test(
    'is compiled into a program that serves a provider on each framework, over a store',
    () => {
      expect(compile('program.ts')).toMatchObject({ status: 0, stdout: '' })
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

  test.each(DOCUMENTS)(
    'is used as it is in the samples of %s',
    (document) => {
      const text = readFileSync(join(ROOT, document), 'utf8')
      const samples = samplesOf(text)
      expect(samples.length).toBeGreaterThan(0)
      expect(samples).toHaveLength(text.match(/```(ts|typescript|js|javascript)\b/g)?.length ?? 0)
      const files = samples.map((sample, i) => {
        const file = `${document.replaceAll('/', '-')}-${i}.ts`
        writeFileSync(join(directory, file), sample)
        return file
      })
      expect(compile(...files)).toMatchObject({ status: 0, stdout: '' })
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
