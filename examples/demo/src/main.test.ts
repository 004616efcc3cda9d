import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { describeWith } from '../../../test/requirements.ts'

const run = promisify(execFile)
const main = fileURLToPath(new URL('../dist/main.js', import.meta.url))

/** Starts the program and gives its lines until it has printed what `isLast` waits for. */
async function start(words: string[], isLast: (line: string) => boolean) {
  const program = spawn(process.execPath, [main, ...words], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines: string[] = []
  for await (const line of createInterface(program.stdout)) {
    lines.push(line)
    if (isLast(line)) break
  }
  return { program, lines }
}

async function ended(words: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return run(process.execPath, [main, ...words], { timeout: 10_000 }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
  )
}

it.each(['SIGINT', 'SIGTERM'] as const)('prints one line of JSON and stops cleanly on %s', async (signal) => {
  const { program, lines } = await start(['--json', '--port=0', '--framework=koa'], () => true)
  const info = JSON.parse(lines[0] ?? '')
  expect(Object.keys(info)).toEqual(['url', 'framework', 'store', 'services'])
  expect((await fetch(`${info.url}/viralsync/v1/me`)).status).toBe(401)
  program.kill(signal)
  expect(await once(program, 'exit')).toEqual([0, null])
})

describeWith('curl', 'the page for people', () => {
  it.each(['--framework=express', '--on-prem'])('prints curl lines that work as they stand with %s', async (word) => {
    const { program, lines } = await start(['--port=0', word], (line) => line.includes('Ctrl+C'))
    const curls = lines.map((line) => line.trim()).filter((line) => line.startsWith('curl '))
    expect(curls).toHaveLength(word === '--on-prem' ? 5 : 6)
    for (const curl of curls) {
      const { stdout } = await run('sh', ['-c', `${curl} -s -o /dev/null -w '%{http_code}'`])
      expect([curl, stdout]).toEqual([curl, '200'])
    }
    program.kill('SIGINT')
    expect(await once(program, 'exit')).toEqual([0, null])
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

it.each([
  [['--framework=fastify'], '--framework must be one of hono, express, koa, not "fastify"'],
  [['--port=http'], '--port must be a number from 0 to 65535, not "http"'],
  [['--port=70000'], '--port must be a number from 0 to 65535, not "70000"'],
  [['--store=mysql:'], '--store must be memory:'],
  [['--colour'], "Unknown option '--colour'; --help lists the options"],
  [['serve'], "Unexpected argument 'serve'; --help lists the options"],
])('says in one line what is wrong with %s', async (words, message) => {
  expect(await ended(words)).toEqual({ code: 1, stdout: '', stderr: `demo: ${message}\n` })
})

it('explains its options', async () => {
  const { code, stdout } = await ended(['--help'])
  expect(code).toBe(0)
  expect(stdout).toContain('--framework=hono|express|koa')
})
