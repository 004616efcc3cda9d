import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it, onTestFinished, vi } from 'vitest'
import { describeWith } from '../../../test/requirements.ts'
import type { DemoInfo } from './demo.ts'

// Each test starts programs, some of them several.
vi.setConfig({ testTimeout: 60_000 })

const run = promisify(execFile)
const main = fileURLToPath(new URL('../dist/main.js', import.meta.url))
const cli = fileURLToPath(new URL('../../../packages/cli/dist/main.js', import.meta.url))
const masterKey = 'the master key of the demos that share a store'

/** The environment of a program: nothing of ours but where programs are. */
const environment = (given: NodeJS.ProcessEnv = {}) => ({ PATH: process.env.PATH, ...given })

/** Starts the program and gives its lines until it has printed what `isLast` waits for. */
async function start(words: string[], isLast: (line: string) => boolean, given: NodeJS.ProcessEnv = {}) {
  const program = spawn(process.execPath, [main, ...words], { env: environment(given) })
  onTestFinished(() => void program.kill('SIGKILL'))
  const lines: string[] = []
  const warnings = text(program.stderr)
  for await (const line of createInterface(program.stdout)) {
    lines.push(line)
    if (isLast(line)) break
  }
  /** Its exit code and all that it has said beside its answer. */
  async function stop(...signals: NodeJS.Signals[]) {
    const exit = once(program, 'exit')
    for (const signal of signals) program.kill(signal)
    const [code, signal] = await exit
    return { code: code ?? signal, stderr: await warnings }
  }
  return { lines, stop }
}

async function startJson(words: string[], given: NodeJS.ProcessEnv = {}) {
  const { lines, stop } = await start(['--json', '--port=0', ...words], () => true, given)
  return { info: JSON.parse(lines[0] ?? '') as DemoInfo, stop }
}

/** A SQLite file that is not there yet, gone with the test. */
function newStore(): string {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-demo-test-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  return `sqlite:${join(directory, 'keys.db')}`
}

const names = ({ services }: DemoInfo) =>
  Object.values(services).map(({ credentials }) => Object.keys(credentials).length)

async function ask(url: string, key = ''): Promise<string> {
  const response = await fetch(url, { headers: { 'x-api-key': key } })
  return `${response.status} ${await response.text()}`
}

const me = ({ services }: DemoInfo, key: string | undefined) => ask(`${services.viralsync.baseUrl}/v1/me`, key)

const LIVE = '200 {"userId":"user_abc123","plan":"pro","email":"you@example.com"}'
const REVOKED = '401 {"error":"This API key has been revoked.","code":"API_KEY_REVOKED"}'

async function ended(
  words: string[],
  given: NodeJS.ProcessEnv = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return run(process.execPath, [main, ...words], { timeout: 10_000, env: environment(given) }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
  )
}

it.each(['SIGINT', 'SIGTERM'] as const)('prints one line of JSON and stops cleanly on %s', async (signal) => {
  const { info, stop } = await startJson(['--framework=koa'])
  expect(Object.keys(info)).toEqual(['url', 'framework', 'store', 'services'])
  expect((await fetch(`${info.url}/viralsync/v1/me`)).status).toBe(401)
  expect(await stop(signal)).toEqual({ code: 0, stderr: '' })
})

it('stops cleanly when it is told so again and again', async () => {
  const { stop } = await startJson([])
  expect(await stop('SIGINT', 'SIGINT', 'SIGTERM', 'SIGTERM')).toEqual({ code: 0, stderr: '' })
})

it('keeps its keys in a new SQLite file, which it takes away', async () => {
  const { info, stop } = await startJson([])
  const path = info.store.slice('sqlite:'.length)
  expect(existsSync(path)).toBe(true)
  await stop('SIGINT')
  expect(existsSync(dirname(path))).toBe(false)
})

it('fills a store once, and keeps in it what it knows', async () => {
  const words = [`--store=${newStore()}`]
  const first = await startJson(words)
  const { live } = first.info.services.viralsync.credentials
  expect(names(first.info)).toEqual([4, 6, 11, 5, 7])
  await first.stop('SIGTERM')

  const second = await startJson(words)
  expect(names(second.info)).toEqual([0, 0, 0, 0, 0])
  expect(await me(second.info, live)).toBe(LIVE)
  await second.stop('SIGTERM')
})

it('fills a store once when several start at once', async () => {
  const words = [`--store=${newStore()}`]
  const demos = await Promise.all(['hono', 'express', 'koa'].map((it) => startJson([...words, `--framework=${it}`])))
  const filled = demos.filter(({ info }) => names(info)[0] !== 0)
  expect(filled).toHaveLength(1)
  const live = filled[0]?.info.services.viralsync.credentials.live
  for (const { info } of demos) expect(await me(info, live)).toBe(LIVE)
  const stopped = await Promise.all(demos.map(({ stop }) => stop('SIGTERM')))
  expect(stopped.map(({ code }) => code)).toEqual([0, 0, 0])
})

it('says that no other process opens its signing secrets, where the store outlives it and has no master key', async () => {
  const words = [`--store=${newStore()}`]
  const stderr =
    'demo: LATCHKEY_MASTER_KEY is not set: the signing secrets that this process makes for Visual Layer can be opened by it alone, and it opens no others\n'
  expect(await (await startJson(words)).stop('SIGTERM')).toEqual({ code: 0, stderr })
  // Empty counts as not set.
  expect(await (await startJson(words, { LATCHKEY_MASTER_KEY: '' })).stop('SIGTERM')).toEqual({ code: 0, stderr })
  const given = { LATCHKEY_MASTER_KEY: masterKey }
  expect(await (await startJson(words, given)).stop('SIGTERM')).toEqual({ code: 0, stderr: '' })
  expect(await (await startJson(['--store=memory:'])).stop('SIGTERM')).toEqual({ code: 0, stderr: '' })
})

it('prints the line that revokes a key, and refuses the key then', async () => {
  const { lines, stop } = await start(['--port=0'], (line) => line.includes('Ctrl+C'))
  const line = (part: string) => lines.find((it) => it.includes(part))?.trim() ?? ''
  const [, key = '', url = ''] = /'x-api-key: (\S+)' (\S+\/v1\/me)$/.exec(line('/v1/me')) ?? []
  expect(await ask(url, key)).toBe(LIVE)
  const command = line('latchkey keys revoke').replace(/^npx pnpm latchkey /, `"${process.execPath}" "${cli}" `)
  await run('sh', ['-c', command])
  expect(await ask(url, key)).toBe(REVOKED)
  await stop('SIGINT')
})

it('prints no key of a store that was filled before', async () => {
  const store = newStore()
  await (await startJson([`--store=${store}`])).stop('SIGTERM')
  const { lines, stop } = await start(['--port=0', `--store=${store}`], (line) => line.includes('Ctrl+C'))
  expect(lines.filter((line) => /undefined|vs_prod_|ak_|vsk_/.test(line))).toEqual([])
  expect(lines.slice(-5).map((line) => line.trim())).toEqual([
    'Manage the keys from another terminal: what is changed there holds here from the next request.',
    `npx pnpm latchkey keys list --store ${store} --service viralsync`,
    `npx pnpm latchkey keys create --store ${store} --service viralsync --account user_abc123 --name Mine`,
    '',
    'Paste a curl line; change a character of its key to see the documented refusal. Stop with Ctrl+C.',
  ])
  await stop('SIGTERM')
})

describeWith('curl', 'the page for people', () => {
  it.each(['--framework=express', '--on-prem'])('prints curl lines that work as they stand with %s', async (word) => {
    const { lines, stop } = await start(['--port=0', word], (line) => line.includes('Ctrl+C'))
    const curls = lines.map((line) => line.trim()).filter((line) => line.startsWith('curl '))
    expect(curls).toHaveLength(word === '--on-prem' ? 5 : 6)
    for (const curl of curls) {
      const { stdout } = await run('sh', ['-c', `${curl} -s -o /dev/null -w '%{http_code}'`])
      expect([curl, stdout]).toEqual([curl, '200'])
    }
    expect(await stop('SIGINT')).toEqual({ code: 0, stderr: '' })
  })
})

it('says in one line that the port is taken', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  expect(await ended([`--port=${port}`])).toEqual({
    code: 1,
    stdout: '',
    stderr: `demo: port ${port} is taken; choose another with --port=N, or --port=0\n`,
  })
  server.close()
})

it('makes no keys where the port is taken', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const store = newStore()
  expect((await ended([`--port=${port}`, `--store=${store}`])).code).toBe(1)
  server.close()
  const { info, stop } = await startJson([`--store=${store}`])
  expect(names(info)).toEqual([4, 6, 11, 5, 7])
  await stop('SIGTERM')
})

it('says in one line that there is no place for a new SQLite file', async () => {
  expect(await ended(['--port=0'], { TMPDIR: '/nowhere' })).toEqual({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(
      /^demo: no new SQLite file can be made; choose a store with --store=URL: ENOENT: .*\n$/,
    ),
  })
})

it.each([
  [['--framework=fastify'], '--framework must be one of hono, express, koa, not "fastify"'],
  [['--port=http'], '--port must be a number from 0 to 65535, not "http"'],
  [['--port=70000'], '--port must be a number from 0 to 65535, not "70000"'],
  [
    ['--store=mysql://me:hunter2@db/keys'],
    "--store: a store's URL must be sqlite:PATH, postgres://…, redis://… or memory:",
  ],
  [['--store='], "--store: a store's URL must be sqlite:PATH, postgres://…, redis://… or memory:"],
  [
    ['--store=postgres://me:hunter2@127.0.0.1:1/keys'],
    'the store postgres://me@127.0.0.1:1/keys cannot be opened: connect ECONNREFUSED 127.0.0.1:1',
  ],
  [
    ['--store=sqlite:/nowhere/keys.db'],
    "the store sqlite:/nowhere/keys.db cannot be opened: ENOENT: no such file or directory, open '/nowhere/keys.db'",
  ],
  [['--colour'], "Unknown option '--colour'; --help lists the options"],
  [['serve'], "Unexpected argument 'serve'; --help lists the options"],
])('says in one line what is wrong with %s', async (words, message) => {
  expect(await ended(words)).toEqual({ code: 1, stdout: '', stderr: `demo: ${message}\n` })
})

it('says in one line that the master key is too short', async () => {
  expect(await ended(['--port=0', '--store=memory:'], { LATCHKEY_MASTER_KEY: 'short' })).toEqual({
    code: 1,
    stdout: '',
    stderr: 'demo: LATCHKEY_MASTER_KEY must be a text of at least 32 bytes, or several with commas between\n',
  })
})

it('explains its options', async () => {
  const { code, stdout } = await ended(['--help'])
  expect(code).toBe(0)
  expect(stdout).toContain('--framework=hono|express|koa')
})
