/** Programs that open stores, all of them at the same moment. They run on the packages as they are built. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface, type Interface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('programs/dist/open-stores.js', import.meta.url))

interface Opener {
  readonly child: ChildProcess
  readonly lines: Interface
}

/** What became of each URL in each of so many processes. */
export function openAtOnce(count: number, urls: readonly string[]): Promise<readonly (readonly string[])[]> {
  return openWith(
    Array.from({ length: count }, () => []),
    urls,
  )
}

/** What became of each URL in each of the processes, which ask for a lease each. */
export function openWithLeases(
  leases: readonly number[],
  urls: readonly string[],
): Promise<readonly (readonly string[])[]> {
  return openWith(
    leases.map((lease) => [String(lease)]),
    urls,
  )
}

async function openWith(
  words: readonly (readonly string[])[],
  urls: readonly string[],
): Promise<readonly (readonly string[])[]> {
  const openers = await Promise.all(words.map(start))
  try {
    const answers = openers.map(nextLine)
    for (const { child } of openers) child.stdin?.write(`${JSON.stringify(urls)}\n`)
    return (await Promise.all(answers)).map((line) => JSON.parse(line) as string[])
  } finally {
    for (const { child } of openers) child.kill()
  }
}

async function start(words: readonly string[]): Promise<Opener> {
  // Nothing of the test run's own environment: its NODE_OPTIONS are not the program's.
  const env = { PATH: process.env.PATH }
  const child = spawn(process.execPath, [program, ...words], { env, stdio: ['pipe', 'pipe', 'inherit'] })
  const opener = { child, lines: createInterface(child.stdout) }
  await nextLine(opener)
  return opener
}

async function nextLine({ child, lines }: Opener): Promise<string> {
  const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`the program ended with ${code}`)))
  ended.catch(() => {})
  const [line] = (await Promise.race([once(lines, 'line'), ended])) as [line: string]
  return line
}
