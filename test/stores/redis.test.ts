import { openRedis } from '@latchkey/store-redis'
import { type RedisServer, startRedis } from '@latchkey/test-servers'
import { createClient } from 'redis'
import { afterAll, beforeAll, describe } from 'vitest'
import { describeWith } from '../requirements.ts'
import { passesTheSuite } from './redis-proven.ts'

/** Of stores whose test is not about it, in milliseconds: a busy machine is slow. */
const TIMEOUT = 30_000

describeWith('redis', 'Redis', (found) => {
  let server: RedisServer
  let prefix: string
  beforeAll(async () => {
    server = await startRedis(found)
    prefix = server.prefix()
  }, 60_000)
  afterAll(() => server?.stop())

  const command = (...words: readonly string[]) => server.command(...words)

  describe('a store by its URL', () => {
    passesTheSuite({ prefix: () => prefix, open: () => openRedis(server.url, { prefix, timeout: TIMEOUT }), command })
  })
})
