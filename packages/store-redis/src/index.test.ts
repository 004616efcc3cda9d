import { createClient } from 'redis'
import { expect, it } from 'vitest'
import * as index from './index.ts'

const { openRedis } = index

it('exports these names', () => {
  expect(Object.keys(index)).toEqual(['openRedis'])
})

/** As a program without types may call it. */
function untyped<T>(value: unknown): T {
  return value as T
}

const SOURCE = 'source must be a URL that begins with redis:// or rediss://'
const CLIENT = "source must be a URL, or a client of node-redis's"
const PREFIX = 'prefix must be of letters, digits and ._:-'
const LEASE = 'lease must be whole milliseconds, from 0 to 60000'
const TIMEOUT = 'timeout must be whole milliseconds, from 1 to 2147483647'

it.each([
  ['postgres://localhost/keys', {}, SOURCE],
  ['localhost', {}, SOURCE],
  ['', {}, SOURCE],
  ['redis://:hunter2@[', {}, SOURCE],
  ['redis://:hunter2@localhost:99999', {}, SOURCE],
  ['redis://:hunter2@localhost/keys', {}, SOURCE],
  ['redis://:100%sure@localhost', {}, SOURCE],
  [undefined, {}, CLIENT],
  [{}, {}, CLIENT],
  [createClient, {}, CLIENT],
  ['redis://localhost', { prefix: '' }, PREFIX],
  ['redis://localhost', { prefix: 'a{b}' }, PREFIX],
  ['redis://localhost', { prefix: 'a b' }, PREFIX],
  ['redis://localhost?prefix=a%20b', {}, PREFIX],
  ['redis://localhost', { perfix: 'a' }, 'options: unknown member "perfix"; it must be one of prefix, lease, timeout'],
  ['redis://localhost', { lease: -1 }, LEASE],
  ['redis://localhost', { lease: 0.5 }, LEASE],
  ['redis://localhost', { lease: 60_001 }, LEASE],
  ['redis://localhost', { lease: '400' }, LEASE],
  ['redis://localhost', { timeout: 0 }, TIMEOUT],
  ['redis://localhost', { timeout: 2 ** 31 }, TIMEOUT],
  ['redis://localhost', { timeout: Number.NaN }, TIMEOUT],
])('Redis is not opened at %j with %j', async (source, options, message) => {
  await expect(openRedis(untyped(source), untyped(options))).rejects.toEqual(new TypeError(message))
})

it('what a client is made with is not in what is thrown', async () => {
  const error = await openRedis('redis://user:hunter2@127.0.0.1:1').catch((cause: unknown) => cause)
  expect(error).toEqual(Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' }))
})
