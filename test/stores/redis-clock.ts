import type { Limiter } from '@latchkey/core'
import type { RedisClient } from '@latchkey/store-redis'
import { createClient } from 'redis'

/**
 * A client whose server has the time that it is given: it is put into each script in place of the question. No deadline is
 * over by it.
 */
export function clientAt(url: string, now: () => number): RedisClient {
  return {
    options: {},
    duplicate(settings) {
      const client = createClient({ ...settings, url })
      const send = client.sendCommand.bind(client)
      return Object.assign(client, {
        sendCommand(words: string[]): Promise<unknown> {
          const [command, script = ''] = words
          if (command === 'EVALSHA') return Promise.reject(new Error('NOSCRIPT it has another time each time'))
          if (command !== 'EVAL') return send(words)
          const time = `{'${Math.floor(now() / 1000)}', '${(now() % 1000) * 1000}'}`
          return send([
            command,
            script.replace("redis.call('TIME')", time),
            ...words.slice(2, -2),
            '1e300',
            ...words.slice(-1),
          ])
        },
      })
    },
  }
}

/** A limiter that goes by the time that it is given. */
export function limiterBy(limiter: Limiter, set: (now: number) => void): Limiter {
  const at =
    <A extends readonly unknown[], R>(call: (...args: [...A, now: number]) => R) =>
    (...args: [...A, now: number]): R => {
      set(args.at(-1) as number)
      return call(...args)
    }
  return { take: at(limiter.take), undo: at(limiter.undo), leave: at(limiter.leave) }
}
