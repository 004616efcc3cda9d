/** The example as a program of its own, on its build: as it is started, asked and stopped, and as its README says. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { setTimeout as pass } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type RedisServer, startRedis } from '@latchkey/test-servers'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeWith } from '../requirements.ts'

const pathOf = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const main = pathOf('examples/koa-redis/dist/main.js')
const contract = pathOf('examples/koa-redis/dist/contract.js')
const cli = pathOf('packages/cli/dist/main.js')
/** How long the example goes on with what it has read, in milliseconds. */
const LEASE = 400
const LONG = 60_000
/** How soon all is well when the fault is over, in milliseconds. */
const HEALED = 2000

interface Program {
  readonly port: number
  /** What it has printed before it listened. */
  readonly printed: readonly string[]
  /** Sends SIGTERM and gives the exit code, and all that it has said of errors. */
  stop(): Promise<{ readonly code: number | null; readonly stderr: string }>
}

async function startProgram(url: string): Promise<Program> {
  const program = spawn(process.execPath, [main], { env: { PATH: process.env.PATH, REDIS_URL: url, PORT: '0' } })
  const exit = once(program, 'exit')
  const stderr = text(program.stderr)
  const printed: string[] = []
  for await (const line of createInterface(program.stdout)) {
    const port = /^Listening on .*port: (\d+)/.exec(line)?.[1]
    if (port === undefined) printed.push(line)
    else {
      const stop = async () => {
        program.kill('SIGTERM')
        const [code] = await exit
        return { code, stderr: await stderr }
      }
      return { port: Number(port), printed, stop }
    }
  }
  throw new Error(await stderr)
}

describeWith('redis', 'the example with Koa and Redis', (found) => {
  if (/^rediss?:/.test(found)) {
    it('is left out', ({ skip }) => skip('REDIS_URL names a server on which it would find others’ keys'))
    return
  }
  let server: RedisServer
  let first: Program
  let second: Program
  let id: string
  let key: string

  beforeAll(async () => {
    server = await startRedis(found, { settings: { requirepass: 'p@ss word' } })
    first = await startProgram(server.url)
    second = await startProgram(server.url)
    const shown = /^The key (\S+) of customer_1, shown this once: (acme_live_[0-9A-Za-z]{32})$/
    ;[, id = '', key = ''] = shown.exec(first.printed[0] ?? '') ?? []
  }, LONG)
  afterAll(async () => {
    await Promise.all([first, second].map((program) => program.stop()))
    await server.stop()
  })

  async function ask({ port }: Program, line: string, credential: string) {
    const [method = '', path = ''] = line.split(' ')
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers: { 'x-api-key': credential } })
    return { status: response.status, body: await response.json() }
  }

  const latchkey = async (...words: readonly string[]) => {
    const env = { PATH: process.env.PATH, LATCHKEY_STORE: server.url, LATCHKEY_CONTRACT: contract }
    const { stdout } = await promisify(execFile)(process.execPath, [cli, ...words, '--json'], { env })
    return JSON.parse(stdout)
  }

  const problem = (status: number, title: string, detail: string, code: string, more = {}) => ({
    status,
    body: { type: 'about:blank', title, status, detail, code, ...more },
  })
  const REVOKED = problem(401, 'Unauthorized', 'The credential has been revoked.', 'revoked_credential')
  const NOT_FOUND = problem(404, 'Not Found', 'There is no such resource.', 'not_found')
  const UNAVAILABLE = problem(503, 'Service Unavailable', 'The service is temporarily unavailable.', 'unavailable')
  const LACKS_WRITE = problem(403, 'Forbidden', 'The credential lacks a permission.', 'insufficient_permission', {
    required_permission: 'write',
  })

  it('prints a key once, however many start', () => {
    expect([first.printed.length, second.printed, key]).toEqual([1, [], expect.stringMatching(/^acme_live_/)])
  })

  it('answers the key that it has printed, wherever it is asked', async () => {
    const me = { account: 'customer_1', plan: 'pro', key: id, permissions: ['write'] }
    expect(await ask(second, 'GET /v1/me', key)).toEqual({ status: 200, body: me })
    expect(await ask(first, 'POST /v1/things', key)).toEqual({ status: 201, body: { made: true } })
    expect(await ask(first, 'GET /v1/nothing', key)).toEqual(NOT_FOUND)
  })

  it('asks for a permission, and holds to a revocation from the terminal', { timeout: LONG }, async () => {
    const words = ['--account', 'customer_1', '--name', 'CI', '--permission', 'read']
    const made = await latchkey('keys', 'create', ...words)
    expect((await ask(first, 'GET /v1/me', made.key)).status).toBe(200)
    expect(await ask(first, 'POST /v1/things', made.key)).toEqual(LACKS_WRITE)
    await latchkey('keys', 'revoke', made.id, '--reason', 'leaked')
    expect(await ask(first, 'GET /v1/me', made.key)).toEqual(REVOKED)
    expect(await ask(second, 'GET /v1/me', made.key)).toEqual(REVOKED)
  })

  it('is unavailable as long as its Redis is', { timeout: LONG }, async () => {
    server.pause()
    await pass(LEASE)
    const seen = await ask(first, 'GET /v1/me', key)
    server.resume()
    expect(seen).toEqual(UNAVAILABLE)
    await pass(HEALED)
    expect((await ask(first, 'GET /v1/me', key)).status).toBe(200)
  })

  it('stops when it is told to, and says nothing of it', { timeout: LONG }, async () => {
    const program = await startProgram(server.url)
    expect((await ask(program, 'GET /v1/me', key)).status).toBe(200)
    expect(await program.stop()).toEqual({ code: 0, stderr: '' })
  })
})
