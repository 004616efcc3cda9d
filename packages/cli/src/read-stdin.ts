import { createInterface } from 'node:readline'
import type { World } from './world.ts'

/** A text from standard input: what a pipe holds, without the end of its last line, or a line typed at the prompt. */
export async function readText(world: World, prompt: string): Promise<string> {
  if (world.stdin.isTTY === true) return (await askLine(world, `${prompt}: `)) ?? ''
  const chunks: Buffer[] = []
  for await (const chunk of world.stdin) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '')
}

/** Whether somebody at the terminal says yes. The end of input is a no. */
export async function askYes(world: World, question: string): Promise<boolean> {
  return /^y(es)?$/i.test((await askLine(world, `${question} [y/N] `))?.trim() ?? '')
}

function askLine({ stdin, stderr }: World, prompt: string): Promise<string | undefined> {
  stderr.write(prompt)
  return new Promise((resolve) => {
    const lines = createInterface({ input: stdin })
    lines.once('line', (line) => {
      resolve(line)
      lines.removeAllListeners('close').close()
    })
    lines.once('close', () => {
      // Nobody typed the end of a line.
      stderr.write('\n')
      resolve(undefined)
    })
  })
}
