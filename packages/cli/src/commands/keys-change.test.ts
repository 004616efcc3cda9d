import { digestKey, type KeyStore } from '@latchkey/core'
import { describe, expect, it } from 'vitest'
import { type Terminal, terminal } from '../fixtures/terminal.ts'

const SERVICE = ['--service', 'ai-api']
const NO_SUCH_KEY = {
  exitCode: 1,
  stdout: '',
  stderr: 'latchkey: ai-api has no such key; to look a key up by its text, use verify\n',
}

async function withKey(): Promise<Terminal & { readonly id: string; readonly key: string }> {
  const it = terminal()
  await it.run(['accounts', 'create', 'acme', '--plan', 'pro'])
  const options = ['--account', 'acme', '--name', 'CI', '--permission', 'read', '--environment', 'test']
  const { id, key } = await it.json(['keys', 'create', ...SERVICE, ...options])
  it.wait(1000)
  return { ...it, id: String(id), key: String(key) }
}

describe('a change', () => {
  /** A terminal whose store has servers that go on for a minute with what they have read, or for so long. */
  async function leasing(lease: number) {
    const { store, id } = await withKey()
    const leased: KeyStore = { ...store, capabilities: { ...store.capabilities, lease } }
    return { ...terminal({ openStore: async () => leased }), id }
  }

  it('ends when every server acts on it', async () => {
    const { run, id } = await leasing(50)
    const began = performance.now()
    expect((await run(['keys', 'revoke', id, ...SERVICE])).exitCode).toBe(0)
    expect(performance.now() - began).toBeGreaterThanOrEqual(50)
  })

  it('ends when it is made, with --no-wait', async () => {
    const { run, id } = await leasing(60_000)
    expect((await run(['keys', 'revoke', id, ...SERVICE, '--no-wait'])).exitCode).toBe(0)
    expect((await run(['accounts', 'set', 'acme', '--plan', 'free', '--no-wait'])).exitCode).toBe(0)
  })
})

describe('keys change', () => {
  it('changes what is given and leaves the rest', async () => {
    const { run, id } = await withKey()
    const options = ['--name', 'Deploy', '--permission', 'write,admin', '--expires', '1d', '--metadata', '{"a":1}']
    expect(await run(['keys', 'change', id, ...SERVICE, ...options])).toEqual({
      exitCode: 0,
      stderr: '',
      stdout: `id           ${id}
name         Deploy
service      ai-api
account      acme
status       active
permissions  write, admin
environment  test
created      2026-09-21T14:13:20.000Z
expires      2026-09-22T14:13:21.000Z
metadata     {"a":1}
`,
    })
  })

  it('takes away what a key has', async () => {
    const { run, json, id } = await withKey()
    await run(['keys', 'change', id, ...SERVICE, '--expires', '1d'])
    const changed = await json([
      'keys',
      'change',
      id,
      ...SERVICE,
      '--no-permission',
      '--no-environment',
      '--expires',
      'never',
    ])
    expect(changed).toEqual({
      id,
      name: 'CI',
      service: 'ai-api',
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

  it.each([
    [[], 'nothing to change was given; --help lists what can be'],
    [['--permission', 'fly'], '--permission: unknown permission "fly"; it must be one of read, write, admin, webhook'],
    [
      ['--expires', 'soon'],
      '--expires must be a duration such as 30d, a date such as 2030-01-31 or 2030-01-31T12:00:00Z, or epoch milliseconds',
    ],
  ])('refuses %j and changes nothing', async (options, message) => {
    const { run, id, store } = await withKey()
    const before = store.records()
    expect(await run(['keys', 'change', id, ...SERVICE, ...options])).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: `latchkey: ${message}\n`,
    })
    expect(store.records()).toEqual(before)
  })

  it('says that there is no such key', async () => {
    const { run } = await withKey()
    expect(await run(['keys', 'change', 'key_0', ...SERVICE, '--name', 'x'])).toEqual(NO_SUCH_KEY)
  })
})

describe('keys rotate', () => {
  it('prints the new key once; the old one is dead', async () => {
    const { run, json, id, key } = await withKey()
    const { exitCode, stdout, stderr } = await run(['keys', 'rotate', id, ...SERVICE])
    const next = stdout.trimEnd().split('\n').at(-1) ?? ''
    expect({ exitCode, stdout, stderr }).toEqual({
      exitCode: 0,
      stdout: `id           ${id}
name         CI
service      ai-api
account      acme
status       active
permissions  read
environment  test
created      2026-09-21T14:13:20.000Z
expires      never

${next}
`,
      stderr: 'The key is shown only once: keep it now.\nThe old one is dead.\n',
    })
    const codes = [key, next].map(async (text) => (await json(['verify', ...SERVICE], text)).code)
    expect(await Promise.all(codes)).toEqual(['unknown', null])
    const shown = await run(['keys', 'show', id, ...SERVICE])
    expect(shown.stdout.split('\n').slice(-4)).toEqual([
      'VERSION   CREATED                   ENDS',
      `ak_…${key.slice(-4)}  2026-09-21T14:13:20.000Z  at once`,
      `ak_…${next.slice(-4)}  2026-09-21T14:13:21.000Z  -`,
      '',
    ])
  })

  it('leaves the old one alive for the overlap', async () => {
    const { run, id, key, store } = await withKey()
    const { stderr } = await run(['keys', 'rotate', id, ...SERVICE, '--overlap', '24h'])
    expect(stderr).toBe('The key is shown only once: keep it now.\nThe old one works for another 24h.\n')
    expect(store.findByDigest('ai-api', digestKey(key))?.secret.expiresAt).toBe(1_790_000_001_000 + 86_400_000)
  })

  it('calls it a secret where it signs tokens', async () => {
    const { json } = await withKey()
    const SIGNING = ['--service', 'visual-layer']
    const created = await json(['keys', 'create', ...SIGNING, '--account', 'acme', '--name', 'sdk'])
    const rotated = await json(['keys', 'rotate', String(created.id), ...SIGNING])
    expect(rotated).toEqual({ ...created, secret: expect.stringMatching(/^[\w-]{43}$/) })
    expect(rotated.secret).not.toBe(created.secret)
  })

  it('gives a revoked key nothing', async () => {
    const { run, id } = await withKey()
    await run(['keys', 'revoke', id, ...SERVICE])
    expect(await run(['keys', 'rotate', id, ...SERVICE])).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: 'latchkey: the key is revoked: it gets no new text\n',
    })
  })

  it('wants a unit, and a key that is there', async () => {
    const { run, id } = await withKey()
    expect(await run(['keys', 'rotate', id, ...SERVICE, '--overlap', '60'])).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: 'latchkey: --overlap must be a duration such as 90s, 15m, 12h or 30d\n',
    })
    expect(await run(['keys', 'rotate', 'key_0', ...SERVICE])).toEqual(NO_SUCH_KEY)
  })
})

describe('keys revoke', () => {
  it('ends a key and keeps it on record; a second one changes nothing', async () => {
    const { run, json, id, wait } = await withKey()
    const revoked = {
      exitCode: 0,
      stderr: '',
      stdout: `id           ${id}
name         CI
service      ai-api
account      acme
status       revoked
permissions  read
environment  test
created      2026-09-21T14:13:20.000Z
expires      never
revoked      2026-09-21T14:13:21.000Z (leaked)
`,
    }
    expect(await run(['keys', 'revoke', id, ...SERVICE, '--reason', 'leaked'])).toEqual(revoked)
    wait(1000)
    expect(await run(['keys', 'revoke', id, ...SERVICE, '--reason', 'again'])).toEqual(revoked)
    expect(await json(['keys', 'revoke', id, ...SERVICE])).toEqual({
      id,
      name: 'CI',
      service: 'ai-api',
      account: 'acme',
      status: 'revoked',
      permissions: ['read'],
      environment: 'test',
      createdAt: '2026-09-21T14:13:20.000Z',
      expiresAt: null,
      revokedAt: '2026-09-21T14:13:21.000Z',
      revokedReason: 'leaked',
      metadata: {},
    })
  })

  it('needs no master key where secrets are sealed', async () => {
    const { json, store } = await withKey()
    const SIGNING = ['--service', 'visual-layer']
    const { id } = await json(['keys', 'create', ...SIGNING, '--account', 'acme', '--name', 'sdk'])
    const without = terminal({ store, env: { LATCHKEY_MASTER_KEY: '' } })
    expect((await without.run(['keys', 'revoke', String(id), ...SIGNING])).exitCode).toBe(0)
  })

  it('says that there is no such key', async () => {
    const { run } = await withKey()
    expect(await run(['keys', 'revoke', 'key_0', ...SERVICE])).toEqual(NO_SUCH_KEY)
  })
})

describe('keys delete', () => {
  it.each(['y\n', 'yes\n', ' YES \n', 'Y'])('deletes when somebody answers %j', async (answer) => {
    const { run, id, store } = await withKey()
    expect(await run(['keys', 'delete', id, ...SERVICE], answer, true)).toEqual({
      exitCode: 0,
      stdout: `${id} is deleted\n`,
      stderr: `Delete ${id} (CI, of account acme)? It cannot be undone. [y/N] `,
    })
    expect(store.records().keys).toEqual([])
  })

  it.each([
    ['n\n', ''],
    ['\n', ''],
    ['yesterday\n', ''],
    ['', '\n'],
  ])('deletes nothing when somebody answers %j', async (answer, end) => {
    const { run, id, store } = await withKey()
    expect(await run(['keys', 'delete', id, ...SERVICE], answer, true)).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `Delete ${id} (CI, of account acme)? It cannot be undone. [y/N] ${end}latchkey: nothing was deleted\n`,
    })
    expect(store.records().keys.length).toBe(1)
  })

  it('deletes nothing without a terminal, whatever a pipe says', async () => {
    const { run, id, store } = await withKey()
    expect(await run(['keys', 'delete', id, ...SERVICE], 'yes\n')).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: 'latchkey: a deletion is not undone, and there is no terminal to ask at: give --yes, or revoke the key\n',
    })
    expect(store.records().keys.length).toBe(1)
  })

  it('asks so that no name can turn the question round', async () => {
    const { run, id } = await withKey()
    await run(['keys', 'change', id, ...SERVICE, '--name', 'a\u202eb'])
    const { stderr } = await run(['keys', 'delete', id, ...SERVICE], 'n\n', true)
    expect(stderr.split(' [y/N] ')[0]).toBe(`Delete ${id} (a\\u{202e}b, of account acme)? It cannot be undone.`)
  })

  it('does not ask with --yes', async () => {
    const { run, id, store } = await withKey()
    expect(await run(['keys', 'delete', id, ...SERVICE, '--yes', '--json'])).toEqual({
      exitCode: 0,
      stdout: `{"id":"${id}","service":"ai-api","deleted":true}\n`,
      stderr: '',
    })
    expect(store.records().keys).toEqual([])
  })

  it('says that there is no such key, and does not ask', async () => {
    const { run, id } = await withKey()
    expect(await run(['keys', 'delete', 'key_0', ...SERVICE], 'y\n', true)).toEqual(NO_SUCH_KEY)
    await run(['keys', 'delete', id, ...SERVICE, '--yes'])
    expect(await run(['keys', 'delete', id, ...SERVICE, '--yes'])).toEqual(NO_SUCH_KEY)
  })
})
