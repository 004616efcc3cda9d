import { createHash, createHmac } from 'node:crypto'
import { digestKey } from '@latchkey/core'
import { describe, expect, it } from 'vitest'
import { NOW, type Terminal, terminal } from '../fixtures/terminal.ts'

const CREATE = ['keys', 'create', '--account', 'acme', '--name', 'Backend', '--service']
const IMPORT = ['keys', 'import', '--account', 'acme', '--name', 'Old', '--service']
const PEPPER = 'pepper-pepper-pepper-pepper-32-b'

async function withAccount(env?: Readonly<Record<string, string>>): Promise<Terminal> {
  const it = terminal(env && { env })
  await it.run(['accounts', 'create', 'acme', '--plan', 'pro'])
  return it
}

describe('keys create', () => {
  it('prints the key and its record once, and says on standard error that it does', async () => {
    const { run, store } = await withAccount()
    const options = ['--environment', 'live', '--expires', '30d', '--metadata', '{"team":7}']
    const { exitCode, stdout, stderr } = await run([...CREATE, 'viralsync', ...options])
    const [, id = '', key = ''] = /^id {11}(key_[0-9a-f-]{36})\n.*\n(vs_prod_[0-9a-z]{32})\n$/s.exec(stdout) ?? []
    expect([exitCode, stderr]).toEqual([0, 'The key is shown only once: keep it now.\n'])
    expect(stdout).toBe(`id           ${id}
name         Backend
service      viralsync
account      acme
status       active
permissions  -
environment  live
created      2026-09-21T14:13:20.000Z
expires      2026-10-21T14:13:20.000Z
metadata     {"team":7}

${key}
`)
    expect(store.findByDigest('viralsync', digestKey(key))?.key).toEqual({
      id,
      service: 'viralsync',
      accountId: 'acme',
      name: 'Backend',
      environment: 'live',
      permissions: [],
      createdAt: NOW,
      expiresAt: NOW + 2_592_000_000,
      revokedAt: null,
      revokedReason: null,
      metadata: { team: 7 },
    })
  })

  it('prints one line of JSON, and nothing on standard error', async () => {
    const { run, store } = await withAccount()
    const options = ['--permission', 'read', '--permission', 'write,webhook', '--permissions', 'read, admin']
    const { exitCode, stdout, stderr } = await run([...CREATE, 'ai-api', ...options, '--json'])
    const created = JSON.parse(stdout) as { readonly id: string; readonly key: string }
    expect([exitCode, stderr, stdout]).toEqual([0, '', `${JSON.stringify(created)}\n`])
    expect(created).toEqual({
      id: expect.stringMatching(/^key_\d{10}$/),
      key: expect.stringMatching(/^ak_\d{10}_[0-9A-Za-z]{32}$/),
      name: 'Backend',
      service: 'ai-api',
      account: 'acme',
      status: 'active',
      permissions: ['read', 'write', 'webhook', 'admin'],
      environment: null,
      createdAt: '2026-09-21T14:13:20.000Z',
      expiresAt: null,
      revokedAt: null,
      revokedReason: null,
      metadata: {},
    })
    expect(store.findByDigest('ai-api', digestKey(created.key))?.key.id).toBe(created.id)
  })

  it('calls it a secret where it signs tokens', async () => {
    const { run, json } = await withAccount()
    expect(await json([...CREATE, 'visual-layer'])).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      secret: expect.stringMatching(/^[\w-]{43}$/),
      name: 'Backend',
      service: 'visual-layer',
      account: 'acme',
      status: 'active',
      permissions: [],
      environment: null,
      createdAt: '2026-09-21T14:13:20.000Z',
      expiresAt: null,
      revokedAt: null,
      revokedReason: null,
      metadata: {},
    })
    const { stdout, stderr } = await run([...CREATE, 'visual-layer'])
    expect([stdout.trimEnd().split('\n').at(-1), stderr]).toEqual([
      expect.stringMatching(/^[\w-]{43}$/),
      'The signing secret is shown only once: keep it now.\n',
    ])
  })

  it('makes one key for one idempotency key, and shows its text the first time alone', async () => {
    const { run, json } = await withAccount()
    const words = [...CREATE, 'viralsync', '--idempotency-key', 'order 7']
    const first = await json(words)
    expect(await json(words)).toEqual({ ...first, key: null })
    const { stdout, stderr } = await run(words)
    expect([stdout.split('\n')[0], stdout.includes(String(first.key)), stderr]).toEqual([
      `id           ${first.id}`,
      false,
      'It was made before with this idempotency key; its text is not shown again.\n',
    ])
    const secret = [...CREATE, 'visual-layer', '--idempotency-key', 'order 7']
    const signing = await json(secret)
    expect(await json(secret)).toEqual({ ...signing, secret: null })
  })

  it('mixes in the pepper of the environment', async () => {
    const { json, store } = await withAccount({ LATCHKEY_PEPPER: PEPPER })
    const { key } = await json([...CREATE, 'viralsync'])
    expect(store.findByDigest('viralsync', digestKey(String(key)))).toBeUndefined()
    expect(store.findByDigest('viralsync', digestKey(String(key), PEPPER))?.key.name).toBe('Backend')
  })

  it('records who did it: the user, or the name that is given', async () => {
    const { run, json } = await withAccount()
    await run([...CREATE, 'viralsync'])
    await run([...CREATE, 'viralsync', '--by', 'deploy script'])
    const { records } = await json(['keys', 'audit', '--service', 'viralsync'])
    expect((records as { by: string }[]).map(({ by }) => by)).toEqual(['deploy script', 'cli:tester'])
  })

  it.each([
    [['viralsync', '--account', 'nobody'], {}, 1, 'there is no such account; latchkey accounts create makes one'],
    [
      ['ai-api', '--permission', 'fly'],
      {},
      2,
      '--permission: unknown permission "fly"; it must be one of read, write, admin, webhook',
    ],
    [
      ['ai-api', '--permission', 'vs_prod_dqawk3yj9u4m1x'],
      {},
      2,
      '--permission: unknown permission; it must be one of read, write, admin, webhook',
    ],
    [['viralsync', '--name', ''], {}, 2, '--name must be a text of 1 to 255 characters without control characters'],
    [['viralsync', '--metadata', '[1]'], {}, 2, `--metadata must be a JSON object such as '{"team":7}'`],
    [['viralsync', '--metadata', '{'], {}, 2, `--metadata must be a JSON object such as '{"team":7}'`],
    [['viralsync', '--kind', 'signing'], {}, 2, '--kind: contract viralsync has no token rules'],
    [['viralsync'], { LATCHKEY_PEPPER: 'short' }, 2, 'LATCHKEY_PEPPER must be a text of at least 32 bytes'],
    [
      ['visual-layer'],
      { LATCHKEY_MASTER_KEY: '' },
      2,
      'LATCHKEY_MASTER_KEY must be set: signing secrets are sealed with it',
    ],
    [
      ['visual-layer'],
      { LATCHKEY_MASTER_KEY: 'short' },
      2,
      'LATCHKEY_MASTER_KEY must be a text of at least 32 bytes, or several with commas between',
    ],
  ])('refuses %j with %j and makes none', async (words, env, exitCode, message) => {
    const { run, store } = await withAccount(env)
    expect(await run([...CREATE, ...words])).toEqual({ exitCode, stdout: '', stderr: `latchkey: ${message}\n` })
    expect(store.records().keys).toEqual([])
  })

  it('needs no master key for keys that are not sealed', async () => {
    const { run } = await withAccount({ LATCHKEY_MASTER_KEY: 'short' })
    expect((await run([...CREATE, 'viralsync'])).exitCode).toBe(0)
  })
})

describe('keys import', () => {
  // Made elsewhere, in the service's own format.
  async function foreignKey(): Promise<string> {
    const elsewhere = await withAccount()
    return String((await elsewhere.json([...CREATE, 'viralsync'])).key)
  }

  it('takes a text from standard input, and does not print it', async () => {
    const { run, store } = await withAccount()
    const key = await foreignKey()
    const { exitCode, stdout, stderr } = await run([...IMPORT, 'viralsync', '--text-stdin'], `${key}\n`)
    const id = store.findByDigest('viralsync', digestKey(key))?.key.id
    expect({ exitCode, stdout, stderr }).toEqual({
      exitCode: 0,
      stdout: `id           ${id}
name         Old
service      viralsync
account      acme
status       active
permissions  -
environment  -
created      2026-09-21T14:13:20.000Z
expires      never
`,
      stderr: '',
    })
  })

  it('takes a text, or the digest of one, from the options', async () => {
    const { json, store } = await withAccount({ LATCHKEY_PEPPER: PEPPER })
    const [one, other] = [await foreignKey(), await foreignKey()]
    const sha256 = createHash('sha256').update(other).digest()
    const imported = [
      await json([...IMPORT, 'viralsync', '--text', one]),
      await json([...IMPORT, 'viralsync', '--digest', sha256.toString('hex')]),
    ]
    const digests = [digestKey(one, PEPPER), createHmac('sha256', PEPPER).update(sha256).digest('hex')]
    expect(digests.map((digest) => store.findByDigest('viralsync', digest)?.key.id)).toEqual(
      imported.map(({ id }) => id),
    )
    expect(imported[0]).toEqual({
      id: expect.stringMatching(/^key_[0-9a-f-]{36}$/),
      name: 'Old',
      service: 'viralsync',
      account: 'acme',
      status: 'active',
      permissions: [],
      environment: null,
      createdAt: '2026-09-21T14:13:20.000Z',
      expiresAt: null,
      revokedAt: null,
      revokedReason: null,
      metadata: {},
    })
  })

  it('takes a signing secret with the id that clients have', async () => {
    const { run, json } = await withAccount()
    const secret = 'k9Jw2mXo7Qe4Rt6Yu1Io3Pa5Sd8Fg0HjLzXcVbNm'
    await run([...IMPORT, 'visual-layer', '--id', 'kid-1', '--text-stdin'], secret)
    expect(await json(['keys', 'reveal', 'kid-1', '--service', 'visual-layer'])).toEqual({
      id: 'kid-1',
      service: 'visual-layer',
      secret,
      previousSecrets: [],
    })
  })

  it('asks for the text at a terminal', async () => {
    const { run, store } = await withAccount()
    const key = await foreignKey()
    const { exitCode, stderr } = await run([...IMPORT, 'viralsync', '--text-stdin'], `${key}\n`, true)
    expect([exitCode, stderr, store.records().keys.length]).toEqual([0, 'key: ', 1])
  })

  it('takes a text that can be guessed only when it is told to', async () => {
    const { run } = await withAccount()
    const words = [...IMPORT, 'visual-layer', '--text', 'a'.repeat(40)]
    expect(await run(words)).toEqual({
      exitCode: 2,
      stdout: '',
      stderr:
        'latchkey: the text is estimated to have fewer than 128 random bits; --dangerously-allow-guessable-text takes it all the same\n',
    })
    expect((await run([...words, '--dangerously-allow-guessable-text'])).exitCode).toBe(0)
  })

  it('does not import what is there', async () => {
    const { run, json } = await withAccount()
    const { key } = await json([...CREATE, 'viralsync'])
    expect(await run([...IMPORT, 'viralsync', '--text', String(key)])).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: 'latchkey: there is such a key already: nothing was imported\n',
    })
  })

  it.each([
    [['viralsync'], 2, 'one of --text-stdin, --digest and --text must be given'],
    [['viralsync', '--text', 'a', '--digest', 'b'], 2, 'one of --text-stdin, --digest and --text must be given'],
    [['viralsync', '--digest', 'b'], 2, '--digest must be 64 hexadecimal digits'],
    [
      ['viralsync', '--text', 'c'.repeat(32)],
      2,
      "the text is no key of viralsync's own format, and its contract is not `imported`",
    ],
    [['viralsync', '--text-stdin'], 2, 'the text must be 1 to 256 printable ASCII characters without blank or comma'],
    [
      ['viralsync', '--text', 'c', '--account', 'nobody'],
      1,
      'there is no such account; latchkey accounts create makes one',
    ],
  ])('refuses %j', async (words, exitCode, message) => {
    const { run, store } = await withAccount()
    expect(await run([...IMPORT, ...words])).toEqual({ exitCode, stdout: '', stderr: `latchkey: ${message}\n` })
    expect(store.records().keys).toEqual([])
  })
})
