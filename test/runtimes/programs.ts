/** Runs `serve.ts` as a program of its own, on the packages as they are built. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { Serving } from './serve.ts'
import type { Runtime } from './suite.ts'

const folder = fileURLToPath(new URL('.', import.meta.url))

/** @param words the command's words before the name of the file */
export async function startProgram(command: string, words: readonly string[] = []): Promise<Runtime> {
  // Nothing of the test run's own environment: its NODE_OPTIONS are not the program's.
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, NO_COLOR: '1' }
  const child = spawn(command, [...words, 'serve.ts'], { cwd: folder, env })
  const ended = once(child, 'close')
  const errors = text(child.stderr)
  const first = once(createInterface(child.stdout), 'line') as Promise<[line: string]>
  const line = await Promise.race([first, ended.then(async () => Promise.reject(new Error(await errors)))])
  const { port, core } = JSON.parse(line[0] as string) as Serving
  const stop = async () => {
    child.stdin.end()
    await ended
  }
  if (!core.endsWith('/core/dist/index.js')) {
    await stop()
    throw new Error(`@latchkey/core is ${core}, not its build`)
  }
  return { port, stop }
}
