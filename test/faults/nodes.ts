/** Starts nodes as processes of their own, tells them what to do, and takes them away. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Answered, Orders, Ready, Start, Told } from './programs/orders.ts'

const program = fileURLToPath(new URL('programs/dist/node.js', import.meta.url))

export interface Node {
  readonly name: string
  /** Where it hears what others have changed. */
  readonly port: number
  /** Rejects when the process ends before it has answered. */
  ask<K extends keyof Orders>(kind: K, order: Orders[K]['order']): Promise<Orders[K]['answer']>
  signal(name: 'SIGSTOP' | 'SIGCONT'): void
  /** With SIGKILL; when it is gone. */
  kill(): Promise<void>
  /** Whether the process is there. */
  lives(): boolean
}

export interface Launch {
  /** What the process finds in its environment. */
  readonly env?: Readonly<Record<string, string>>
  /** Words for Node itself. */
  readonly execArgv?: readonly string[]
}

interface Waiting {
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: Error) => void
}

export async function startNode(name: string, start: Start, { env = {}, execArgv = [] }: Launch = {}): Promise<Node> {
  // Nothing of the test run's own environment: its NODE_OPTIONS are not the program's.
  const child = fork(program, [JSON.stringify(start)], {
    env: { PATH: process.env.PATH, ...env },
    execArgv: [...execArgv],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const waiting = new Map<number, Waiting>()
  let number = 0
  const gone = once(child, 'exit').then(() => {
    for (const { reject } of waiting.values()) reject(new Error(`node ${name} has ended`))
    waiting.clear()
  })
  const { port } = await ready(child, name)
  child.on('message', ({ number, answer }: Answered) => {
    waiting.get(number)?.resolve(answer)
    waiting.delete(number)
  })

  return {
    name,
    port,
    ask: (kind, order) =>
      new Promise((resolve, reject) => {
        const told: Told = { number: ++number, kind, order }
        waiting.set(told.number, { resolve: resolve as Waiting['resolve'], reject })
        if (!lives()) return reject(new Error(`node ${name} has ended`))
        child.send(told, (error) => error !== null && reject(error))
      }),
    signal: (name) => void child.kill(name),
    async kill() {
      child.kill('SIGKILL')
      await gone
    },
    lives,
  }

  function lives(): boolean {
    return child.exitCode === null && child.signalCode === null
  }
}

async function ready(child: ChildProcess, name: string): Promise<Ready> {
  const [message] = await Promise.race([once(child, 'message'), once(child, 'exit')])
  if (message?.port === undefined) throw new Error(`node ${name} did not start`)
  return message
}
