/** Runs the documents' snippets as programs of their own against the demo, on each framework. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Demo, type ServiceInfo, startDemo } from '../../examples/demo/src/demo.ts'
import { FRAMEWORKS } from '../../examples/demo/src/options.ts'
import type { ServiceName } from '../../examples/demo/src/service.ts'

export type Environment = Readonly<Record<string, string>>

export interface Printed {
  readonly exit: number | null
  readonly stdout: string
  readonly stderr: string
}

/** One run of a snippet, and all that it prints. */
export interface Run {
  readonly snippet: string
  readonly service: ServiceName
  /** `@name` stands for the demo's credential of that name. What is not there is not set. */
  readonly given: Environment
  readonly stdout: string
  /** Default: nothing. */
  readonly stderr?: string
  /** Default: 0. */
  readonly exit?: number
}

/** Which program runs a snippet. */
export type Command = (snippet: string) => readonly string[]

export const snippets: string = fileURLToPath(new URL('snippets/', import.meta.url))

/** Where curl reads how it prints. */
const CURL_HOME = fileURLToPath(new URL('curl/', import.meta.url))
const TIMEOUT = 30_000

/** A demo on each framework for the tests of `body`, which asks it where a service is. */
export function onEachFramework(body: (service: (name: ServiceName) => ServiceInfo) => void): void {
  describe.each(FRAMEWORKS)('on %s', { timeout: TIMEOUT }, (framework) => {
    let demo: Demo
    beforeAll(async () => {
      demo = await startDemo({ framework, port: 0, store: 'memory:', onPrem: false })
    })
    afterAll(() => demo.close())
    body((name) => demo.info.services[name])
  })
}

export function printsOnEachFramework(command: Command, runs: readonly Run[]): void {
  onEachFramework((service) => {
    it.each(runs.map((run) => [sentence(run), run] as const))('%s', async (_, run) => {
      const { snippet, given, exit = 0, stdout, stderr = '' } = run
      expect(masked(await client(command(snippet), service(run.service), given))).toEqual({ exit, stdout, stderr })
    })
  })
}

function sentence({ snippet, given }: Run): string {
  const words = Object.entries(given).map(([name, value]) => `${name}=${value}`)
  return `${snippet} with ${words.join(' ') || 'no key'} prints what its client shows`
}

/** Runs a client. Its environment is the base URL and what it is given; nothing of ours but where programs are. */
export async function client(
  [program = '', ...words]: readonly string[],
  { baseUrl, credentials }: ServiceInfo,
  given: Environment,
): Promise<Printed> {
  const env: NodeJS.ProcessEnv = { PATH: process.env.PATH, CURL_HOME, BASE_URL: baseUrl }
  for (const [name, value] of Object.entries(given)) {
    env[name] = value.startsWith('@') ? credentials[value.slice(1)] : value
  }
  const child = spawn(program, words, { cwd: snippets, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const [[exit], stdout, stderr] = await Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)])
  return { exit, stdout, stderr }
}

/** What is another in every answer, by a name that stays. */
export function masked({ exit, stdout, stderr }: Printed): Printed {
  const mask = (printed: string) =>
    printed
      .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g, 'UUID')
      .replaceAll(/\bkey_\d{10}\b/g, 'key_ID')
      .replaceAll(/"created":\d{10}\b/g, '"created":NOW')
      .replaceAll(/"\d{4}-\d{2}-01T00:00:00\.000Z"/g, '"MONTH"')
  return { exit, stdout: mask(stdout), stderr: mask(stderr) }
}
