import { CommanderError } from 'commander'
import { failureOf } from './failure.ts'
import { printable } from './printable.ts'
import { makeProgram } from './program.ts'
import type { World } from './world.ts'

/**
 * Runs one command, as the words after the program's name say it, and answers with the exit code. Rejects for what is
 * nobody's mistake but this program's.
 */
export async function run(words: readonly string[], world: World): Promise<number> {
  let exitCode = 0
  try {
    await makeProgram(world, (code) => {
      exitCode = code
    }).parseAsync([...words], { from: 'user' })
    return exitCode
  } catch (error) {
    // Help and version, printed by now.
    if (error instanceof CommanderError && error.exitCode === 0) return 0
    const failure = failureOf(error)
    if (failure === undefined) throw error
    const { code, message } = failure
    const line = words.includes('--json')
      ? JSON.stringify({ error: { code, message } })
      : `latchkey: ${printable(message)}`
    world.stderr.write(`${line}\n`)
    return failure.exitCode
  }
}
