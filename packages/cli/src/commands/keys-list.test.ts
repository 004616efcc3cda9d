import { describe, expect, it } from 'vitest'
import { type Terminal, terminal } from '../fixtures/terminal.ts'

const SERVICE = ['--service', 'ai-api']

interface Made {
  readonly id: string
  readonly key: string
}

/** Two accounts; the first has two keys, a second apart. */
async function withKeys(): Promise<Terminal & { readonly made: readonly Made[] }> {
  const it = terminal()
  const made: Made[] = []
  for (const account of ['acme', 'umbrella']) await it.run(['accounts', 'create', account, '--plan', 'pro'])
  for (const [account, name] of [
    ['acme', 'one'],
    ['acme', 'two'],
    ['umbrella', 'three'],
  ] as const) {
    const options = ['--account', account, '--name', name, '--permission', 'read,write', '--expires', '2030-01-01']
    made.push((await it.json(['keys', 'create', ...SERVICE, ...options])) as unknown as Made)
    it.wait(1000)
  }
  return { ...it, made }
}

describe('keys list', () => {
  it('prints a table of keys, oldest first, by their last four characters', async () => {
    const { run, made, store } = await withKeys()
    const [one, two, three] = made as [Made, Made, Made]
    await run(['keys', 'revoke', two.id, ...SERVICE])
    const counted = { keyId: one.id, route: 'GET /', status: 200, day: 0, count: 1 }
    store.recordUses([{ service: 'ai-api', ...counted, firstAt: 1_790_000_001_000, lastAt: 1_790_000_002_000 }])
    expect(await run(['keys', 'list', ...SERVICE])).toEqual({
      exitCode: 0,
      stderr: '',
      stdout: `ID              ACCOUNT   NAME   KEY       STATUS   PERMISSIONS  CREATED                   EXPIRES                   LAST USED
${one.id}  acme      one    ak_…${one.key.slice(-4)}  active   read,write   2026-09-21T14:13:20.000Z  2030-01-01T00:00:00.000Z  2026-09-21T14:13:22.000Z
${two.id}  acme      two    ak_…${two.key.slice(-4)}  revoked  read,write   2026-09-21T14:13:21.000Z  2030-01-01T00:00:00.000Z  -
${three.id}  umbrella  three  ak_…${three.key.slice(-4)}  active   read,write   2026-09-21T14:13:22.000Z  2030-01-01T00:00:00.000Z  -
`,
    })
  })

  it('prints JSON, of one account', async () => {
    const { json, made } = await withKeys()
    const three = made[2] as Made
    expect(await json(['keys', 'list', ...SERVICE, '--account', 'umbrella'])).toEqual({
      keys: [
        {
          id: three.id,
          name: 'three',
          service: 'ai-api',
          account: 'umbrella',
          status: 'active',
          permissions: ['read', 'write'],
          environment: null,
          createdAt: '2026-09-21T14:13:22.000Z',
          expiresAt: '2030-01-01T00:00:00.000Z',
          revokedAt: null,
          revokedReason: null,
          metadata: {},
          kind: 'key',
          display: `ak_…${three.key.slice(-4)}`,
          firstUsedAt: null,
          lastUsedAt: null,
          versions: [{ display: `ak_…${three.key.slice(-4)}`, createdAt: '2026-09-21T14:13:22.000Z', expiresAt: null }],
        },
      ],
      next: null,
    })
  })

  it('goes on after a page, or takes all of them', async () => {
    const { run, json, made } = await withKeys()
    const list = ['keys', 'list', ...SERVICE, '--limit', '2']
    const ids = ({ keys }: Record<string, unknown>) => (keys as Made[]).map(({ id }) => id)
    const first = await json(list)
    const next = String(first.next)
    const second = await json([...list, '--after', next])
    const all = await json([...list, '--all'])
    const [one, two, three] = made.map(({ id }) => id)
    expect([ids(first), ids(second), second.next, ids(all), all.next]).toEqual([
      [one, two],
      [three],
      null,
      [one, two, three],
      null,
    ])
    expect((await run(list)).stderr).toBe(`There are more: --after '${next}', or --all.\n`)
  })

  it('says that there are none', async () => {
    const { run, json } = await withKeys()
    expect(await run(['keys', 'list', '--service', 'viesus'])).toEqual({
      exitCode: 0,
      stdout: '',
      stderr: 'No keys of viesus.\n',
    })
    expect(await json(['keys', 'list', '--service', 'viesus'])).toEqual({ keys: [], next: null })
  })
})

describe('keys show', () => {
  it('shows all versions of a key, and no text', async () => {
    const { run, json, made, wait } = await withKeys()
    const [one] = made as [Made]
    const rotated = await json(['keys', 'rotate', one.id, ...SERVICE, '--overlap', '1h'])
    wait(1000)
    await run(['keys', 'revoke', one.id, ...SERVICE, '--reason', 'leaked'])
    const [old, current] = [`ak_…${one.key.slice(-4)}`, `ak_…${String(rotated.key).slice(-4)}`]
    expect(await run(['keys', 'show', one.id, ...SERVICE])).toEqual({
      exitCode: 0,
      stderr: '',
      stdout: `id           ${one.id}
name         one
service      ai-api
account      acme
status       revoked
permissions  read, write
environment  -
created      2026-09-21T14:13:20.000Z
expires      2030-01-01T00:00:00.000Z
revoked      2026-09-21T14:13:24.000Z (leaked)
kind         key
first used   -
last used    -

VERSION   CREATED                   ENDS
${old}  2026-09-21T14:13:20.000Z  2026-09-21T15:13:23.000Z
${current}  2026-09-21T14:13:23.000Z  -
`,
    })
    expect(await json(['keys', 'show', one.id, ...SERVICE])).toEqual({
      id: one.id,
      name: 'one',
      service: 'ai-api',
      account: 'acme',
      status: 'revoked',
      permissions: ['read', 'write'],
      environment: null,
      createdAt: '2026-09-21T14:13:20.000Z',
      expiresAt: '2030-01-01T00:00:00.000Z',
      revokedAt: '2026-09-21T14:13:24.000Z',
      revokedReason: 'leaked',
      metadata: {},
      kind: 'key',
      display: current,
      firstUsedAt: null,
      lastUsedAt: null,
      versions: [
        { display: old, createdAt: '2026-09-21T14:13:20.000Z', expiresAt: '2026-09-21T15:13:23.000Z' },
        { display: current, createdAt: '2026-09-21T14:13:23.000Z', expiresAt: null },
      ],
    })
  })

  it('shows nothing of a signing secret', async () => {
    const { run, json } = await withKeys()
    const create = ['keys', 'create', '--service', 'visual-layer', '--account', 'acme', '--name', 'sdk']
    const { id } = await json(create)
    const { stdout } = await run(['keys', 'show', String(id), '--service', 'visual-layer'])
    expect(stdout.split('\n').slice(-6)).toEqual([
      'first used   -',
      'last used    -',
      '',
      'VERSION      CREATED                   ENDS',
      '(not shown)  2026-09-21T14:13:23.000Z  -',
      '',
    ])
  })

  it('says that there is no such key', async () => {
    const { run, made } = await withKeys()
    const message = 'viralsync has no such key; to look a key up by its text, use verify'
    const words = ['keys', 'show', made[0]?.id ?? '', '--service', 'viralsync']
    expect(await run(words)).toEqual({ exitCode: 1, stdout: '', stderr: `latchkey: ${message}\n` })
    const error = { code: 'not_found', message }
    expect(await run([...words, '--json'])).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `${JSON.stringify({ error })}\n`,
    })
  })
})

describe('keys audit', () => {
  it('prints what was done to a key, newest first, also when it is gone', async () => {
    const { run, json, made, wait } = await withKeys()
    const [one] = made as [Made]
    await run(['keys', 'change', one.id, ...SERVICE, '--expires', 'never', '--name', 'uno'])
    wait(1000)
    await run(['keys', 'delete', one.id, ...SERVICE, '--yes', '--by', 'support'])
    expect(await run(['keys', 'audit', one.id, ...SERVICE])).toEqual({
      exitCode: 0,
      stderr: '',
      stdout: `AT                        BY          ACTION       KEY             ACCOUNT  DETAILS
2026-09-21T14:13:24.000Z  support     key.deleted  ${one.id}  acme     -
2026-09-21T14:13:23.000Z  cli:tester  key.changed  ${one.id}  acme     {"name":"uno","expiresAt":null}
2026-09-21T14:13:20.000Z  cli:tester  key.created  ${one.id}  acme     {"name":"one","environment":null,"permissions":["read","write"],"expiresAt":"2030-01-01T00:00:00.000Z"}
`,
    })
    expect(await json(['keys', 'audit', one.id, ...SERVICE, '--limit', '1'])).toEqual({
      records: [
        {
          at: '2026-09-21T14:13:24.000Z',
          by: 'support',
          action: 'key.deleted',
          service: 'ai-api',
          keyId: one.id,
          account: 'acme',
          details: {},
        },
      ],
      next: expect.any(String),
    })
  })

  it('can be limited to an account', async () => {
    const { json, made } = await withKeys()
    const { records } = await json(['keys', 'audit', ...SERVICE, '--account', 'umbrella'])
    expect((records as { keyId: string }[]).map(({ keyId }) => keyId)).toEqual([made[2]?.id])
  })

  it('says that nothing is on record', async () => {
    expect(await terminal().run(['keys', 'audit', ...SERVICE])).toEqual({
      exitCode: 0,
      stdout: '',
      stderr: 'Nothing is on record.\n',
    })
  })
})
