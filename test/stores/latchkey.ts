/** Runs the CLI as a program of its own, on its build, as somebody in another terminal does. */
import { execFile, execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../..', import.meta.url))
const main = fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url))

export type Latchkey = (...words: readonly string[]) => Promise<Readonly<Record<string, string>>>

/** The CLI with this store; it answers with what it prints as JSON. Rejects when it fails. */
export function latchkeyOn(store: string, masterKey: string): Latchkey {
  // `npx pnpm test` builds it before.
  if (!existsSync(main)) execFileSync('npx', ['tsc', '-b', 'packages/cli'], { cwd: root })
  const env = { PATH: process.env.PATH, LATCHKEY_STORE: store, LATCHKEY_MASTER_KEY: masterKey }
  return async (...words) => {
    const { stdout } = await promisify(execFile)(process.execPath, [main, ...words, '--json'], { env })
    return JSON.parse(stdout)
  }
}
