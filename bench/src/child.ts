import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Runs a module in a process of its own, and answers with what it sends. */
export function inChild<T>(module: string, args: readonly string[], execArgv: readonly string[] = []): Promise<T> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL(module, import.meta.url)), args, { execArgv: [...execArgv] })
    let answer: { readonly value: T } | undefined
    child.once('message', (value) => {
      answer = { value: value as T }
    })
    child.once('error', reject)
    child.once('exit', (code) => {
      if (answer === undefined) reject(new Error(`${module} ended with ${code} and no answer`))
      else resolve(answer.value)
    })
  })
}

/** What a module that runs so says to who began it. Then it ends. */
export function answer(value: unknown): void {
  process.send?.(value, undefined, {}, () => process.disconnect())
}
