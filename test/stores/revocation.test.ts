/** What is changed from another process holds from the very next request, on every demo that shares the store. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { aiApi, viralsync, visualLayer } from '@latchkey/contracts'
import { type AnyContract, type KeyStore, manageAccounts, manageKeys } from '@latchkey/core'
import { type PostgresServer, type RedisServer, startPostgres, startRedis } from '@latchkey/test-servers'
import { openStore } from 'latchkey'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Demo } from '../../examples/demo/src/demo.ts'
import type { ServiceName } from '../../examples/demo/src/service.ts'
import { describeWith } from '../requirements.ts'
import { type Answer, ask, MASTER_KEY, startDemos, tokenFor } from './demos.ts'
import { type Latchkey, latchkeyOn } from './latchkey.ts'

const LONG = 180_000

interface Key {
  readonly id: string
  readonly account: string
  /** An API key's text, or a signing secret. */
  readonly text: string
}

type Kind = 'viralsync' | 'ai-api' | 'visual-layer'

interface Asked {
  readonly contract: AnyContract
  readonly name: ServiceName
  readonly path: string
  readonly permissions: readonly string[]
  readonly allowed: (key: Key) => Answer
}

/** What is asked with a service's keys, and answered. */
const SERVICES: Readonly<Record<Kind, Asked>> = {
  viralsync: {
    contract: viralsync(),
    name: 'viralsync',
    path: '/v1/me',
    permissions: [],
    allowed: ({ account }) => answer(200, { userId: account, plan: 'pro', email: null }),
  },
  'ai-api': {
    contract: aiApi(),
    name: 'aiApi',
    path: '/v1/resources',
    permissions: ['read', 'write'],
    allowed: () => answer(200, { success: true, data: [] }),
  },
  'visual-layer': {
    contract: visualLayer(),
    name: 'visualLayer',
    path: '/api/v1/dataset/abc-123-def-456',
    permissions: [],
    // A dataset of somebody else: it is the token that was accepted.
    allowed: () => answer(404, { detail: 'Dataset not found' }),
  },
}

function answer(status: number, body: unknown): Answer {
  return { status, body: JSON.stringify(body), retryAfter: null }
}

const UNKNOWN = answer(401, { error: 'Missing or invalid API key.', code: 'UNAUTHORIZED' })
const INVALID_TOKEN = answer(401, { detail: 'JWT token is invalid or expired' })

interface Change {
  readonly what: string
  readonly service: Kind
  /** What is typed. */
  readonly command: (key: Key) => readonly string[]
  readonly times: number
  /** What the key is answered from then on. */
  readonly refused: Answer
}

const CHANGES: readonly Change[] = [
  {
    what: 'a revocation',
    service: 'viralsync',
    command: ({ id }) => ['keys', 'revoke', id],
    times: 20,
    refused: answer(401, { error: 'This API key has been revoked.', code: 'API_KEY_REVOKED' }),
  },
  {
    what: 'a revocation of a signing key',
    service: 'visual-layer',
    command: ({ id }) => ['keys', 'revoke', id],
    times: 3,
    refused: INVALID_TOKEN,
  },
  {
    what: 'a deletion',
    service: 'viralsync',
    command: ({ id }) => ['keys', 'delete', id, '--yes'],
    times: 3,
    refused: UNKNOWN,
  },
  {
    what: 'a rotation without overlap',
    service: 'viralsync',
    command: ({ id }) => ['keys', 'rotate', id, '--overlap', '0'],
    times: 3,
    refused: UNKNOWN,
  },
  {
    what: 'a rotation of a signing secret without overlap',
    service: 'visual-layer',
    command: ({ id }) => ['keys', 'rotate', id, '--overlap', '0'],
    times: 3,
    refused: INVALID_TOKEN,
  },
  {
    what: 'an account that is suspended',
    service: 'ai-api',
    command: ({ account }) => ['accounts', 'set', account, '--status', 'suspended'],
    times: 3,
    refused: answer(403, {
      success: false,
      error: { code: 'ACCOUNT_SUSPENDED', message: 'Account has been suspended' },
    }),
  },
  {
    what: 'a plan that is taken back',
    service: 'viralsync',
    command: ({ account }) => ['accounts', 'set', account, '--plan', 'free'],
    times: 3,
    refused: answer(403, {
      error: 'API access is not available on the Free plan. Upgrade to Pro.',
      code: 'FORBIDDEN',
    }),
  },
  {
    what: 'a permission that is taken away',
    service: 'ai-api',
    command: ({ id }) => ['keys', 'change', id, '--permission', 'write'],
    times: 3,
    refused: answer(403, {
      success: false,
      error: {
        code: 'INSUFFICIENT_PERMISSIONS',
        message: 'Insufficient permissions for this operation',
        details: { required_permission: 'read' },
      },
    }),
  },
  {
    what: 'an end that has come',
    service: 'ai-api',
    command: ({ id }) => ['keys', 'change', id, '--expires', '2025-01-31T12:00:00Z'],
    times: 3,
    refused: answer(401, {
      success: false,
      error: {
        code: 'EXPIRED_API_KEY',
        message: 'The API key has expired',
        details: { expired_at: '2025-01-31T12:00:00Z' },
      },
    }),
  },
]

/** The tests of a store that this makes, and takes away. */
function holdsAtOnce(makeStore: () => Promise<string>): void {
  let store: KeyStore
  let demos: readonly Demo[]
  let latchkey: Latchkey

  beforeAll(async () => {
    const url = await makeStore()
    demos = await startDemos(url)
    store = await openStore(url)
    latchkey = latchkeyOn(url, MASTER_KEY)
  }, LONG)
  afterAll(async () => {
    await Promise.all(demos.map((demo) => demo.close()))
    await store.close()
  })

  async function newAccount(): Promise<string> {
    const id = `account_${crypto.randomUUID()}`
    await manageAccounts({ store, by: 'test' }).create({ id, plan: 'pro' })
    return id
  }

  async function newKey(kind: Kind): Promise<Key> {
    const { contract, permissions } = SERVICES[kind]
    const account = await newAccount()
    const keys = manageKeys({ contract, store, masterKey: MASTER_KEY, by: 'test' })
    const { key, secret } = await keys.create({ accountId: account, name: 'Test', permissions })
    return { id: key.id, account, text: secret ?? '' }
  }

  /** What every demo answers to it, all asked at once. */
  async function answersTo(kind: Kind, { id, text }: Key): Promise<readonly Answer[]> {
    const { name, path } = SERVICES[kind]
    const credential = kind === 'visual-layer' ? await tokenFor(id, text) : text
    const headers = { authorization: `Bearer ${credential}` }
    return Promise.all(demos.map(({ info }) => ask(info.services[name].baseUrl + path, headers)))
  }

  const onEach = (expected: Answer) => demos.map(() => expected)

  it.each(CHANGES.map((change) => [change.what, change] as const))(
    '%s holds from the next request',
    { timeout: LONG },
    async (_, { service, command, times, refused }) => {
      await inLanes(times, async () => {
        const key = await newKey(service)
        expect(await answersTo(service, key)).toEqual(onEach(SERVICES[service].allowed(key)))
        await latchkey(...command(key), '--service', service)
        expect(await answersTo(service, key)).toEqual(onEach(refused))
      })
    },
  )

  it.each(['viralsync', 'visual-layer'] as const)(
    'a key of %s that was made there works at once, and so does its new text',
    { timeout: LONG },
    async (kind) => {
      const account = await newAccount()
      const words = ['--service', kind]
      const made = await latchkey('keys', 'create', '--account', account, '--name', 'Test', ...words)
      const key = { id: made.id ?? '', account, text: textOf(made) }
      const { allowed } = SERVICES[kind]
      expect(await answersTo(kind, key)).toEqual(onEach(allowed(key)))
      const rotated = await latchkey('keys', 'rotate', key.id, ...words)
      expect(await answersTo(kind, { ...key, text: textOf(rotated) })).toEqual(onEach(allowed(key)))
    },
  )
}

/** What the CLI shows once: an API key's text, or a signing secret. */
function textOf({ key, secret }: Readonly<Record<string, string>>): string {
  return key ?? secret ?? ''
}

/** Does it so many times, two at once. */
async function inLanes(times: number, once: () => Promise<void>): Promise<void> {
  let left = times
  async function lane(): Promise<void> {
    while (left-- > 0) await once()
  }
  await Promise.all([lane(), lane()])
}

describe('on SQLite', () => {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-revocation-'))
  afterAll(() => rmSync(directory, { recursive: true }))
  holdsAtOnce(async () => `sqlite:${join(directory, 'keys.db')}`)
})

describeWith('postgres', 'on Postgres', (found) => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres(found)
  }, LONG)
  afterAll(() => server.stop())
  holdsAtOnce(() => server.database())
})

describeWith('redis', 'on Redis', (found) => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedis(found)
  }, LONG)
  afterAll(() => server.stop())
  // A URL names no prefix: a server that others use is left alone.
  if (!/^rediss?:/.test(found)) holdsAtOnce(async () => server.url)
})
