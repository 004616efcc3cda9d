import { Command } from 'commander'
import type { World } from './world.ts'

/** What every command takes. */
export interface CommonOptions {
  readonly store?: string | undefined
  readonly service?: string | undefined
  readonly contract?: string | undefined
  readonly by?: string | undefined
  /** False with `--no-wait`. */
  readonly wait?: boolean | undefined
  readonly json?: boolean | undefined
}

/** A command as it was called. */
export interface Call<Options = object> {
  readonly world: World
  readonly options: Options & CommonOptions
  /** Its arguments, in order. */
  readonly words: readonly (string | undefined)[]
}

/** Answers with an exit code, or with nothing for 0. */
type Handler<Options> = (call: Call<Options>) => Promise<number> | Promise<void>

/** Makes the function that commander calls. */
export type Handle = <Options>(handler: Handler<Options>) => (...given: readonly unknown[]) => Promise<void>

export function handling(world: World, finish: (exitCode: number) => void): Handle {
  return <Options>(handler: Handler<Options>) =>
    async (...given: readonly unknown[]) => {
      const command = given.at(-1)
      if (!(command instanceof Command)) throw new Error('commander gave no command')
      const options = command.optsWithGlobals<Options & CommonOptions>()
      const exitCode = await handler({ world, options, words: command.processedArgs as (string | undefined)[] })
      finish(typeof exitCode === 'number' ? exitCode : 0)
    }
}

/** The argument at a place where the parser has seen to it that there is one. */
export function wordAt({ words }: Call, index: number): string {
  return words[index] ?? ''
}

/** What an answer is for programs. */
export type Json = Readonly<Record<string, unknown>>

/** Prints one answer: one line of JSON for programs, or a text for people. */
export function print({ world, options }: Call, json: Json, text: string): void {
  world.stdout.write(options.json === true ? `${JSON.stringify(json)}\n` : text)
}

/** A remark beside the answer, for people. */
export function note({ world, options }: Call, text: string): void {
  if (options.json !== true) world.stderr.write(`${text}\n`)
}

/** A setting of the environment. An empty one counts as absent. */
export function settingOf({ world }: Call, name: string): string | undefined {
  return world.env[name] || undefined
}
