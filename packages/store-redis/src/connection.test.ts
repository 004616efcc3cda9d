import { describe, expect, it } from 'vitest'
import { connectionBy } from './connection.ts'
import type { RedisConnection } from './line.ts'
import { reading } from './scripts/script.ts'

const SCRIPT = reading('return 1')
const TIMEOUT = 10_000

/** A client that answers each script by the mark that it was given, as `answer` says. */
function clients(answer: (mark: string, client: number) => unknown) {
  const made: { destroyed: boolean }[] = []
  const create = (): RedisConnection => {
    const own = { destroyed: false }
    const number = made.push(own)
    return {
      connect: async () => {},
      destroy: () => {
        own.destroyed = true
      },
      sendCommand: async ([name, , , , mark = '']) => (name === 'TIME' ? ['1', '0'] : answer(mark, number)),
      sSubscribe: async () => {},
      on: () => {},
    }
  }
  return { made, connection: connectionBy(create, TIMEOUT) }
}

describe('a connection', () => {
  it('gives the answer that carries the mark of the question', async () => {
    const { made, connection } = clients((mark) => [mark, `answer ${mark}`])
    const asked = [1, 2, 3].map(() => connection.run(SCRIPT, ['{x}:meta']))
    expect(await Promise.all(asked)).toEqual(['answer 1', 'answer 2', 'answer 3'])
    expect(made).toEqual([{ destroyed: false }])
  })

  it('takes no answer to another question, and is then replaced', async () => {
    const { made, connection } = clients((mark, client) => [client === 1 ? `${Number(mark) - 1}` : mark, 'an answer'])
    const asking = connection.run(SCRIPT, ['{x}:meta'])
    await expect(asking).rejects.toThrow('the answer is to another question')
    expect(await connection.run(SCRIPT, ['{x}:meta'])).toBe('an answer')
    expect(made).toEqual([{ destroyed: true }, { destroyed: false }])
  })

  it('stays as it is where the server refuses a question', async () => {
    const { made, connection } = clients(() => Promise.reject(new Error('OOM command not allowed')))
    for (const _ of [1, 2]) await expect(connection.run(SCRIPT, ['{x}:meta'])).rejects.toThrow('OOM')
    expect(made).toEqual([{ destroyed: false }])
  })

  it('is asked nothing more when it is closed, and answers what it was asked before', async () => {
    const { made, connection } = clients((mark) => [mark, 'an answer'])
    const asking = connection.run(SCRIPT, ['{x}:meta'])
    await connection.close()
    expect(await asking).toBe('an answer')
    await expect(connection.run(SCRIPT, ['{x}:meta'])).rejects.toThrow('the store is closed')
    expect(made).toEqual([{ destroyed: true }])
  })
})
