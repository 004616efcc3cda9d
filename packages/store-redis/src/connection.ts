import { plainError } from './failure.ts'
import { type Line, openLine, type RedisConnection } from './line.ts'
import type { Script } from './scripts/script.ts'
import { within } from './timeout.ts'

/** What scripts are given: texts and lists of them. */
export interface Input {
  readonly [name: string]: string | boolean | undefined | Input | readonly (string | Input | readonly string[])[]
}

/** Runs scripts, on one connection at a time. One that breaks is replaced by the next call, and by nothing else. */
export interface Connection {
  /**
   * What the script returns.
   *
   * @param work how many records there are, where it is many: for each thousand there is another timeout
   */
  run(script: Script, keys: readonly string[], input?: Input, work?: number): Promise<unknown>
  close(): Promise<void>
}

/** What a server says of one question alone. After all else nobody knows what the connection is in. */
const REFUSAL = /^(ERR|WRONGTYPE|NOPERM|OOM|MISCONF|NOREPLICAS|BUSY|LOADING|SCHEMA) /

const THOUSAND = 1000

interface Clocked extends Line {
  /** How far the server's clock is ahead of this process's, at least, in milliseconds. */
  readonly ahead: Promise<number>
}

export function connectionBy(create: () => RedisConnection, timeout: number): Connection {
  let current: Clocked | undefined
  let isOpen = true
  let count = 0
  const running = new Set<Promise<unknown>>()

  function line(): Clocked {
    if (current !== undefined && current.cause() === undefined) return current
    const opened = openLine(create())
    const ahead = opened.connected.then(async () => aheadOf(await opened.client.sendCommand(['TIME'])))
    ahead.catch(opened.cut)
    current = { ...opened, ahead }
    return current
  }

  async function ask(
    { client, ahead }: Clocked,
    script: Script,
    keys: readonly string[],
    input: string,
    until: number,
  ) {
    const mark = String(++count)
    const deadline = String(Math.floor(until + (await ahead)))
    const given = [String(keys.length), ...keys, mark, deadline, input]
    const reply = await client.sendCommand(['EVALSHA', script.sha, ...given]).catch((error: unknown) => {
      if (!/^NOSCRIPT /.test(plainError(error).message)) throw error
      return client.sendCommand(['EVAL', script.lua, ...given])
    })
    const [marked, result] = Array.isArray(reply) ? reply : []
    // A client that has read an answer too many gives each question the answer to another one.
    if (marked !== mark) throw new Error('the answer is to another question')
    return result as unknown
  }

  async function run(script: Script, keys: readonly string[], input: string, patience: number): Promise<unknown> {
    const used = line()
    try {
      return await within(ask(used, script, keys, input, performance.now() + patience), patience)
    } catch (error) {
      const failure = used.cause() ?? plainError(error)
      if (!REFUSAL.test(failure.message)) used.cut(failure)
      throw failure
    }
  }

  return {
    async run(script, keys, input = {}, work = 1) {
      for (const key of keys) asText('', key)
      const given = JSON.stringify(input, asText)
      if (!isOpen) throw new Error('the store is closed')
      const answer = run(script, keys, given, timeout * Math.ceil(work / THOUSAND))
      running.add(answer)
      return answer.finally(() => running.delete(answer))
    },
    async close() {
      isOpen = false
      await Promise.allSettled(running)
      current?.cut(new Error('the store is closed'))
    },
  }
}

function aheadOf(reply: unknown): number {
  const [seconds, microseconds] = Array.isArray(reply) ? reply : []
  const ahead = Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000) - performance.now()
  if (!Number.isFinite(ahead)) throw new Error('the server does not tell the time')
  return ahead
}

/** Half a character cannot be written as UTF-8: Redis would keep another text. NUL is refused, as by every other store. */
function asText(_name: string, value: unknown): unknown {
  if (typeof value === 'string' && /[\0\ud800-\udfff]/u.test(value)) {
    throw new TypeError('every text must be well-formed Unicode without NUL')
  }
  return value
}
