/** Programs that change keys, started ahead of time, and killed when they are in the middle of it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as pass } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Line, Order } from './programs/changes.ts'

const program = fileURLToPath(new URL('programs/dist/change-keys.js', import.meta.url))

export interface Killable {
  /** Lets it begin, and kills it so many milliseconds after that, or after its first change. All that it has said. */
  kill(order: Order, delay: number, from: 'start' | 'first change'): Promise<readonly Line[]>
}

/** Each call gives a program that is loaded already, while the next one is being loaded. */
export function killables(): { next(): Promise<Killable>; stop(): void } {
  let ahead = start()
  return {
    async next() {
      const program = ahead
      ahead = start()
      await program.line()
      return { kill: (...words) => kill(program, ...words) }
    },
    stop: () => void ahead.child.kill('SIGKILL'),
  }
}

function start() {
  // Nothing of the test run's own environment: its NODE_OPTIONS are not the program's.
  const env = { PATH: process.env.PATH }
  const child = spawn(process.execPath, [program], { env, stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'close') as Promise<[code: number | null, signal: string | null]>
  const lines: string[] = []
  const reader = createInterface(child.stdout).on('line', (line) => lines.push(line))
  const line = async () => lines.length > 0 || (await Promise.race([once(reader, 'line'), ended]))
  return { child, ended, lines, line }
}

async function kill(
  { child, ended, lines, line }: ReturnType<typeof start>,
  ...[order, delay, from]: Parameters<Killable['kill']>
): Promise<readonly Line[]> {
  // What it said when it was loaded.
  lines.splice(0)
  child.stdin.write(`${JSON.stringify(order)}\n`)
  if (from === 'first change') await line()
  await pass(delay)
  child.kill('SIGKILL')
  const [code, signal] = await ended
  if (signal !== 'SIGKILL') throw new Error(`the program ended by itself, with ${code}`)
  return lines.map((line) => JSON.parse(line) as Line)
}
