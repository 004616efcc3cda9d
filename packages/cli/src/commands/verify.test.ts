import { createHash } from 'node:crypto'
import { type DenialCode, digestKey, type MemoryStore, memoryStore } from '@latchkey/core'
import { describe, expect, it, vi } from 'vitest'
import { NOW, type Terminal, terminal } from '../fixtures/terminal.ts'

interface World extends Terminal {
  readonly id: string
  readonly key: string
}

/** An account, and its key of the AI API, which may read. */
async function withKey(): Promise<World> {
  const it = terminal()
  await it.run(['accounts', 'create', 'acme', '--plan', 'pro'])
  const create = ['keys', 'create', '--service', 'ai-api', '--account', 'acme', '--name', 'CI', '--permission', 'read']
  const { id, key } = await it.json(create)
  return { ...it, id: String(id), key: String(key) }
}

const AI_API = ['verify', '--service', 'ai-api']

describe('verify', () => {
  it('prints that a key is allowed, and the header fields that the answer starts with', async () => {
    const { run, json, id, key } = await withKey()
    expect(await run([...AI_API, '--plan', 'pro', '--permission', 'read'], `${key}\n`)).toEqual({
      exitCode: 0,
      stderr: '',
      stdout: `allowed

service      ai-api
key          ${id} (CI)
account      acme
plan         pro
permissions  read

Cache-Control: private
Vary: Authorization
X-RateLimit-Limit: 300
X-RateLimit-Remaining: 299
X-RateLimit-Reset: 1790000060
`,
    })
    expect(await json(AI_API, key)).toEqual({
      allowed: true,
      code: null,
      service: 'ai-api',
      via: 'key',
      keyId: id,
      account: 'acme',
      plan: 'pro',
      permissions: ['read'],
      facts: {},
      response: {
        status: null,
        headers: {
          'Cache-Control': 'private',
          Vary: 'Authorization',
          'X-RateLimit-Limit': '300',
          'X-RateLimit-Remaining': '299',
          'X-RateLimit-Reset': '1790000060',
        },
        body: null,
      },
    })
  })

  it("prints a denial, and the contract's answer to it", async () => {
    const { run, id, key } = await withKey()
    expect(await run([...AI_API, '--permission', 'write'], key)).toEqual({
      exitCode: 1,
      stderr: '',
      stdout: `denied: forbidden

service      ai-api
key          ${id} (CI)
account      acme
plan         pro
permissions  read
permission   write

HTTP 403
Content-Type: application/json
Content-Length: 159
WWW-Authenticate: Bearer realm="api", error="insufficient_scope", scope="write"
Cache-Control: no-store

{"success":false,"error":{"code":"INSUFFICIENT_PERMISSIONS","message":"Insufficient permissions for this operation","details":{"required_permission":"write"}}}
`,
    })
  })

  it('lists the checks in order with --explain', async () => {
    const { run, id, key } = await withKey()
    const { stdout } = await run([...AI_API, '--permission', 'write', '--explain'], key)
    expect(stdout).toContain(`account      acme
plan         pro
permissions  read
permission   write

CHECK       RESULT        NOTE
carrier     passed        -
format      passed        -
lookup      passed        -
revoked     passed        -
expired     passed        -
account     passed        -
plan        not asked     no --plan, no --feature
rate        not asked     counted by the servers, not by this command
permission  decided here  the key does not cover write
resource    not reached   -
quota       not reached   -

HTTP 403
`)
    expect(stdout).toContain(id)
  })

  it('takes the text as an argument, from a pipe, at a terminal, or in a header field', async () => {
    const { run, key } = await withKey()
    const answers = [
      await run([...AI_API, key]),
      await run(AI_API, `${key}\n`),
      await run(AI_API, `  ${key}\r\n`),
      await run([...AI_API, '--header', `Authorization: Bearer ${key}`]),
      await run([...AI_API, '--header', `authorization:bearer ${key}`], 'not read'),
    ]
    expect(answers.map(({ exitCode, stderr }) => [exitCode, stderr])).toEqual(answers.map(() => [0, '']))
    const typed = await run(AI_API, `${key}\n`, true)
    expect([typed.exitCode, typed.stderr]).toEqual([0, 'key or token: '])
  })

  it('takes blanks around a text for none of its own, as a server does', async () => {
    const { run, json } = await withKey()
    const { key } = await json(['keys', 'create', '--service', 'viesus', '--account', 'acme', '--name', 'a'])
    expect((await run(['verify', '--service', 'viesus'], ` ${key} \n`)).exitCode).toBe(0)
  })

  it('shows the contract the header fields that stand beside the text', async () => {
    const { json } = terminal()
    const path = new URL('../fixtures/contracts.mjs', import.meta.url).pathname
    const words = [
      'verify',
      '--contract',
      path,
      '--service',
      'viesus',
      '--header',
      'Accept: application/graphql-response+json',
    ]
    const { response } = await json(words, 'nonsense')
    expect(response).toMatchObject({ status: 401, headers: { 'Content-Type': 'application/graphql-response+json' } })
  })

  it('refuses two field lines of a carrier, as a server does', async () => {
    const { json, key } = await withKey()
    const line = `Authorization: Bearer ${key}`
    expect((await json([...AI_API, '--header', line, '--header', line])).code).toBe('malformed')
  })

  it('notes no use of the key', async () => {
    const { run, key, id, store } = await withKey()
    // A server writes uses down a second later.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    await run(AI_API, key)
    await vi.advanceTimersByTimeAsync(5000)
    vi.useRealTimers()
    expect(store.findKey({ service: 'ai-api', id })?.lastUsedAt).toBe(null)
  })

  it.each([
    [['--plan', 'gold'], '--plan: unknown plan "gold"; it must be one of free, pro, enterprise'],
    [['--feature', 'x'], '--feature: unknown feature "x"; it must be left out: the contract has none'],
    [['--permission', 'x'], '--permission: unknown permission "x"; it must be one of read, write, admin, webhook'],
    [['--cost', '-1'], '--cost must be a whole number, 0 or more'],
    [['--header', 'Accept'], "--header must be written 'Name: value'"],
    [['--header', 'Accept: a\nHost: b'], "--header must be written 'Name: value'"],
  ])('refuses %j', async (options, message) => {
    expect(await terminal().run([...AI_API, ...options], 'a')).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: `latchkey: ${message}\n`,
    })
  })

  it("prints the contract's 503 and the reason when the store is unavailable", async () => {
    const findByDigest = () => Promise.reject(new Error('login of app:hunter2 failed'))
    const { run } = terminal({ openStore: async () => ({ ...memoryStore(), findByDigest }) })
    const { key } = await withKey()
    const words = [...AI_API, '--explain', '--store', 'postgres://app:hunter2@db/keys']
    const { exitCode, stdout, stderr } = await run(words, key)
    expect([exitCode, stderr]).toEqual([
      3,
      'latchkey: the store postgres://app@db/keys is unavailable: login of app:… failed\n',
    ])
    expect(stdout).toBe(`denied: unavailable

service      ai-api
key          -
account      -
plan         -
permissions  -

CHECK       RESULT        NOTE
carrier     passed        -
format      passed        -
lookup      decided here  the store could not tell
revoked     not reached   -
expired     not reached   -
account     not reached   -
plan        not reached   -
rate        not reached   -
permission  not reached   -
resource    not reached   -
quota       not reached   -

HTTP 503
Content-Type: application/json
Content-Length: 103
Retry-After: 5
Cache-Control: no-store

{"success":false,"error":{"code":"SERVICE_UNAVAILABLE","message":"Service is temporarily unavailable"}}
`)
  })
})

/** What decides, in which situation, and what is named: every denial that a single request can meet. */
interface Case {
  readonly code: DenialCode
  readonly check: string
  readonly note: string
  readonly facts: Readonly<Record<string, unknown>>
  readonly knows: 'nobody' | 'key' | 'principal'
  readonly arrange?: (world: World) => Promise<unknown> | undefined
  readonly text?: string
  readonly options?: readonly string[]
}

const CASES: readonly Case[] = [
  {
    code: 'missing',
    check: 'carrier',
    note: 'no carrier of the contract holds anything',
    facts: {},
    knows: 'nobody',
    text: '',
  },
  {
    code: 'malformed',
    check: 'format',
    note: 'not written like a key of this service',
    facts: {},
    knows: 'nobody',
    text: 'ak_nonsense',
  },
  {
    code: 'unknown',
    check: 'lookup',
    note: 'not in the store: never made, deleted, replaced by a rotation, or its account is gone',
    facts: {},
    knows: 'nobody',
    arrange: ({ run, id }) => run(['keys', 'delete', id, '--yes', '--service', 'ai-api']),
  },
  {
    code: 'revoked',
    check: 'revoked',
    note: 'at 2026-09-21T14:13:20.000Z: leaked',
    facts: { revokedAt: '2026-09-21T14:13:20.000Z' },
    knows: 'key',
    arrange: ({ run, id }) => run(['keys', 'revoke', id, '--reason', 'leaked', '--service', 'ai-api']),
  },
  {
    code: 'expired',
    check: 'expired',
    note: 'the key, at 2024-01-01T00:00:00.000Z',
    facts: { expiredAt: '2024-01-01T00:00:00.000Z' },
    knows: 'key',
    arrange: ({ run, id }) => run(['keys', 'change', id, '--expires', '2024-01-01', '--service', 'ai-api']),
  },
  {
    code: 'suspended',
    check: 'account',
    note: 'suspended',
    facts: {},
    knows: 'principal',
    arrange: ({ run }) => run(['accounts', 'set', 'acme', '--status', 'suspended']),
  },
  {
    code: 'plan',
    check: 'plan',
    note: 'pro does not reach enterprise',
    facts: { plan: 'pro', needs: 'enterprise', feature: null },
    knows: 'principal',
    options: ['--plan', 'enterprise'],
  },
  {
    code: 'forbidden',
    check: 'permission',
    note: 'the key does not cover admin',
    facts: { permission: 'admin' },
    knows: 'principal',
    options: ['--permission', 'admin'],
  },
]

const ORDER = [
  'carrier',
  'format',
  'lookup',
  'revoked',
  'expired',
  'account',
  'plan',
  'rate',
  'permission',
  'resource',
  'quota',
]

describe('verify --explain', () => {
  it.each(CASES)('says that $check decides on $code', async ({ code, check, note, facts, knows, ...situation }) => {
    const world = await withKey()
    await situation.arrange?.(world)
    const words = [...AI_API, '--explain', ...(situation.options ?? [])]
    const verdict = await world.json(words, situation.text ?? world.key)
    const { response, checks, ...about } = verdict
    expect(about).toEqual({
      allowed: false,
      code,
      service: 'ai-api',
      via: knows === 'principal' ? 'key' : null,
      keyId: knows === 'nobody' ? null : world.id,
      account: knows === 'nobody' ? null : 'acme',
      plan: knows === 'principal' ? 'pro' : null,
      permissions: knows === 'principal' ? ['read'] : null,
      facts,
    })
    const made = checks as { readonly check: string; readonly result: string; readonly note: string | null }[]
    const at = ORDER.indexOf(check)
    expect(made.map((it) => it.check)).toEqual(ORDER)
    expect(made[at]).toEqual({ check, result: 'decided', note })
    expect(made.slice(0, at).every(({ result }) => result === 'passed' || result === 'not_asked')).toBe(true)
    expect(made.slice(at + 1)).toEqual(
      ORDER.slice(at + 1).map((it) => ({ check: it, result: 'not_reached', note: null })),
    )
    expect(response).toMatchObject({ status: expect.any(Number), body: { success: false } })
  })

  it('names a feature that the plan does not have', async () => {
    const { run, json } = terminal()
    await run(['accounts', 'create', 'acme', '--plan', 'starter'])
    const create = ['keys', 'create', '--service', 'viddyscribe', '--account', 'acme', '--name', 'a']
    const { key } = await json(create)
    const words = ['verify', '--service', 'viddyscribe', '--feature', 'allow_api_ad_video_generation', '--explain']
    const { facts, checks } = await json(words, String(key))
    expect(facts).toEqual({ plan: 'starter', needs: null, feature: 'allow_api_ad_video_generation' })
    expect(checks).toContainEqual({
      check: 'plan',
      result: 'decided',
      note: 'starter does not have allow_api_ad_video_generation',
    })
  })

  it('says what was not asked, and what is not seen from here', async () => {
    const { json, key } = await withKey()
    const { checks } = await json([...AI_API, '--explain', '--cost', '5'], key)
    const idle = (checks as { result: string }[]).filter(({ result }) => result === 'not_asked')
    expect(idle).toEqual([
      { check: 'plan', result: 'not_asked', note: 'no --plan, no --feature' },
      { check: 'rate', result: 'not_asked', note: 'counted by the servers, not by this command' },
      { check: 'permission', result: 'not_asked', note: 'no --permission' },
      { check: 'resource', result: 'not_asked', note: "the API's own rule" },
      { check: 'quota', result: 'not_asked', note: 'balances are kept by the servers, not by this command' },
    ])
  })
})

describe('secrets', () => {
  it('are on standard output once, when they are made, and nowhere else', async () => {
    const { run, json, id, key, store } = await withKey()
    const created = await run(['keys', 'create', '--service', 'ai-api', '--account', 'acme', '--name', 'b'])
    const text = created.stdout.trimEnd().split('\n').at(-1) ?? ''
    expect([occurrences(created.stdout, text), occurrences(created.stderr, text)]).toEqual([1, 0])

    const SIGNING = ['--service', 'visual-layer']
    const signing = await json(['keys', 'create', ...SIGNING, '--account', 'acme', '--name', 'sdk'])
    const signed = await run(['tokens', 'sign', ...SIGNING, '--key', String(signing.id)])
    const token = signed.stdout.trimEnd()
    expect([signed.stdout, signed.stderr]).toEqual([`${token}\n`, ''])

    const commands: [words: string[], typed?: string][] = [
      [['keys', 'list', '--service', 'ai-api']],
      [['keys', 'show', id, '--service', 'ai-api']],
      [['keys', 'audit', '--service', 'ai-api']],
      [['keys', 'change', id, '--service', 'ai-api', '--name', 'c']],
      [['accounts', 'list']],
      [['accounts', 'audit', 'acme']],
      [['keys', 'show', String(signing.id), ...SIGNING]],
      [['keys', 'list', ...SIGNING]],
      [['keys', 'audit', ...SIGNING]],
      [['keys', 'reseal', ...SIGNING]],
      [['tokens', 'verify', '--explain', ...SIGNING], token],
      [['tokens', 'verify', '--explain', ...SIGNING], `${token.slice(0, -5)}AAAAA`],
      [['verify', '--explain', '--service', 'ai-api'], key],
      [['verify', '--explain', '--service', 'ai-api', '--permission', 'admin'], key],
      [['verify', '--explain', '--service', 'viralsync'], key],
      [['keys', 'revoke', id, '--service', 'ai-api']],
      [['verify', '--explain', '--service', 'ai-api'], key],
      [['keys', 'delete', id, '--service', 'ai-api', '--yes']],
      [['verify', '--explain', '--service', 'ai-api'], key],
      [['keys', 'import', '--service', 'ai-api', '--account', 'acme', '--name', 'd', '--text-stdin'], key],
    ]
    const secrets = [key, text, String(signing.secret), token, digestKey(key), sha256(token), ...sealedIn(store)]
    for (const [words, typed] of commands) {
      for (const form of [words, [...words, '--json']]) {
        const { stdout, stderr } = await run(form, typed)
        const shown = secrets.filter((secret) => (stdout + stderr).includes(secret))
        expect([form, shown]).toEqual([form, []])
      }
    }
  })
})

function sealedIn(store: MemoryStore): string[] {
  const secrets = store.records().keys.flatMap(({ secrets }) => secrets)
  return secrets.flatMap((secret) => (secret.kind === 'signing' ? [secret.sealed] : [secret.digest]))
}

function occurrences(text: string, part: string): number {
  return text.split(part).length - 1
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

it('decides by its own clock', async () => {
  const { json, run, id, key, wait } = await withKey()
  await run(['keys', 'change', id, '--service', 'ai-api', '--expires', String(NOW + 1000)])
  expect((await json(AI_API, key)).code).toBe(null)
  wait(1000)
  expect((await json(AI_API, key)).code).toBe('expired')
})
