import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type Terminal, terminal } from '../fixtures/terminal.ts'

const SERVICE = ['--service', 'visual-layer']

interface World extends Terminal {
  readonly id: string
  readonly secret: string
  /** What `tokens verify --explain --json` says of a token signed with these options. */
  verdictOn(options: readonly string[]): Promise<Record<string, unknown>>
}

async function withKey(): Promise<World> {
  const it = terminal()
  await it.run(['accounts', 'create', 'acme', '--plan', 'pro'])
  const { id, secret } = await it.json(['keys', 'create', ...SERVICE, '--account', 'acme', '--name', 'sdk'])
  const sign = ['tokens', 'sign', ...SERVICE, '--key', String(id), '--secret-stdin']
  return {
    ...it,
    id: String(id),
    secret: String(secret),
    async verdictOn(options: readonly string[]) {
      const { stdout } = await it.run([...sign, ...options], String(secret))
      return it.json(['tokens', 'verify', ...SERVICE, '--explain'], stdout)
    },
  }
}

function partsOf(token: string): unknown[] {
  return token.split('.').map((part, index) => {
    return index < 2 ? JSON.parse(Buffer.from(part, 'base64url').toString()) : part
  })
}

function decidedIn({ checks }: Record<string, unknown>): unknown[] {
  return (checks as { readonly result: string }[]).filter(({ result }) => result === 'decided')
}

describe('tokens sign', () => {
  it("signs with the key's secret what the contract asks for, and records that it was revealed", async () => {
    const { run, json, id, secret } = await withKey()
    const { exitCode, stdout, stderr } = await run(['tokens', 'sign', ...SERVICE, id])
    const [header, claims, signature] = partsOf(stdout.trimEnd())
    expect([exitCode, stderr, header, claims]).toEqual([
      0,
      '',
      { alg: 'HS256', typ: 'JWT', kid: id },
      { iss: 'sdk', sub: id, iat: 1_790_000_000, exp: 1_790_000_600 },
    ])
    const signed = stdout.slice(0, stdout.lastIndexOf('.'))
    expect(signature).toBe(createHmac('sha256', secret).update(signed).digest('base64url'))
    const { records } = await json(['keys', 'audit', id, ...SERVICE, '--limit', '1'])
    expect(records).toMatchObject([{ action: 'secret.revealed', by: 'cli:tester' }])
  })

  it('prints JSON', async () => {
    const { json, id } = await withKey()
    const options = [
      '--expires-in',
      '1h',
      '--claim',
      'role="viewer"',
      '--claim',
      'sub="else"',
      '--claim',
      'n=[1,{"a":null}]',
    ]
    const claims = {
      iss: 'sdk',
      sub: 'else',
      iat: 1_790_000_000,
      exp: 1_790_003_600,
      role: 'viewer',
      n: [1, { a: null }],
    }
    const signed = await json(['tokens', 'sign', ...SERVICE, '--key', id, ...options])
    expect(signed).toEqual({ token: expect.any(String), keyId: id, service: 'visual-layer', claims })
    expect(partsOf(String(signed.token))[1]).toEqual(claims)
  })

  it('needs no store and no master key where the secret comes from standard input', async () => {
    const { run } = terminal({ env: { LATCHKEY_STORE: '', LATCHKEY_MASTER_KEY: '' } })
    const secret = 's'.repeat(32)
    const { exitCode, stdout } = await run(
      ['tokens', 'sign', ...SERVICE, '--key', 'kid-1', '--secret-stdin'],
      `${secret}\n`,
    )
    const signed = stdout.slice(0, stdout.lastIndexOf('.'))
    expect([exitCode, stdout]).toEqual([
      0,
      `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}\n`,
    ])
  })

  it('asks for the audience of the contract', async () => {
    const { json } = terminal()
    const path = new URL('../fixtures/contracts.mjs', import.meta.url).pathname
    const words = ['tokens', 'sign', '--contract', path, '--service', 'signed', '--key', 'kid-1', '--secret-stdin']
    expect((await json(words, 's'.repeat(32))).claims).toEqual({
      iss: 'clients',
      sub: 'kid-1',
      aud: 'https://api.example',
      iat: 1_790_000_000,
      exp: 1_790_000_600,
    })
  })

  it('signs with the newest secret', async () => {
    const { run, json, id } = await withKey()
    const { secret } = await json(['keys', 'rotate', id, ...SERVICE, '--overlap', '1h'])
    const { stdout } = await run(['tokens', 'sign', ...SERVICE, '--key', id])
    const signed = stdout.slice(0, stdout.lastIndexOf('.'))
    expect(stdout).toBe(`${signed}.${createHmac('sha256', String(secret)).update(signed).digest('base64url')}\n`)
  })

  it.each([
    [['--key', 'kid-0'], 1, 'visual-layer has no such key; to look a key up by its text, use verify'],
    [['--key', 'a', '--expires-in', '600'], 2, '--expires-in must be a duration such as 90s, 15m, 12h or 30d'],
    [
      ['--key', 'a', '--claim', 'role=viewer'],
      2,
      `--claim must be written name=JSON, a text in quotes: role='"viewer"'`,
    ],
    [['--key', 'a', '--claim', 'role'], 2, `--claim must be written name=JSON, a text in quotes: role='"viewer"'`],
    [['--key', 'a', '--secret-stdin'], 2, 'a signing secret must have at least 32 bytes'],
    [['--key', 'a', '--service', 'viesus'], 2, 'viesus has no tokens; its keys are looked at by verify'],
  ])('refuses %j', async (options, exitCode, message) => {
    const { run } = terminal()
    expect(await run(['tokens', 'sign', ...SERVICE, ...options], 'short')).toEqual({
      exitCode,
      stdout: '',
      stderr: `latchkey: ${message}\n`,
    })
  })
})

describe('tokens verify', () => {
  it('explains what a token passes', async () => {
    const { verdictOn, id } = await withKey()
    expect(await verdictOn([])).toEqual({
      allowed: true,
      code: null,
      service: 'visual-layer',
      via: 'token',
      keyId: id,
      account: 'acme',
      plan: 'pro',
      permissions: [],
      facts: {},
      response: { status: null, headers: { 'Cache-Control': 'private', Vary: 'Authorization' }, body: null },
      checks: [
        { check: 'carrier', result: 'passed', note: null },
        { check: 'format', result: 'passed', note: null },
        { check: 'lookup', result: 'passed', note: null },
        { check: 'signature', result: 'passed', note: null },
        { check: 'revoked', result: 'passed', note: null },
        { check: 'expired', result: 'passed', note: null },
        { check: 'claims', result: 'passed', note: null },
        { check: 'account', result: 'passed', note: null },
        { check: 'plan', result: 'not_asked', note: 'no --plan, no --feature' },
        { check: 'rate', result: 'not_asked', note: 'the contract has no limits' },
        { check: 'permission', result: 'not_asked', note: 'no --permission' },
        { check: 'resource', result: 'not_asked', note: "the API's own rule" },
        { check: 'quota', result: 'not_asked', note: 'no --cost' },
      ],
    })
  })

  it.each([
    [['--claim', 'iss="else"'], 'token_invalid', 'iss: not one that the contract names'],
    [
      ['--claim', 'sub="else"'],
      'token_invalid',
      'sub: not the one that the contract asks for, or nobody that it knows',
    ],
    [['--claim', 'exp="soon"'], 'token_invalid', 'exp: missing, or no whole number of seconds'],
    [['--claim', 'iat=1790000031'], 'token_invalid', 'iat: missing, no whole number of seconds, or in the future'],
    [['--claim', 'nbf=1790000031'], 'token_invalid', 'nbf: in the future, or no whole number of seconds'],
    [['--expires-in', '0'], 'expired', 'exp: the token ended at 2026-09-21T14:13:20.000Z'],
  ])('says that the claims decide on %j', async (options, code, note) => {
    const { verdictOn, id } = await withKey()
    const verdict = await verdictOn(options)
    expect([verdict.code, verdict.keyId, verdict.account]).toEqual([code, id, 'acme'])
    expect(decidedIn(verdict)).toEqual([{ check: 'claims', result: 'decided', note }])
  })

  it("tells the key's end from the token's own", async () => {
    const { verdictOn, run, id } = await withKey()
    await run(['keys', 'change', id, ...SERVICE, '--expires', '2024-01-01'])
    const verdict = await verdictOn(['--expires-in', '0'])
    expect([verdict.code, verdict.facts]).toEqual(['expired', { expiredAt: '2024-01-01T00:00:00.000Z' }])
    expect(decidedIn(verdict)).toEqual([
      { check: 'expired', result: 'decided', note: 'the key, at 2024-01-01T00:00:00.000Z' },
    ])
  })

  it('names the key of a token that it did not sign, and no key for an unknown kid', async () => {
    const { run, json, id } = await withKey()
    const signedBy = async (kid: string) => {
      const { stdout } = await run(['tokens', 'sign', ...SERVICE, '--key', kid, '--secret-stdin'], 'x'.repeat(32))
      const verdict = await json(['tokens', 'verify', ...SERVICE, '--explain'], stdout)
      return [verdict.code, verdict.facts, verdict.keyId, ...decidedIn(verdict)]
    }
    expect(await signedBy(id)).toEqual([
      'token_invalid',
      { reason: 'signature' },
      id,
      { check: 'signature', result: 'decided', note: 'not signed by a secret of this key that still works' },
    ])
    expect(await signedBy('kid-0')).toEqual([
      'token_invalid',
      { reason: 'key' },
      null,
      { check: 'lookup', result: 'decided', note: 'the store has no key with this kid, or its account is gone' },
    ])
  })

  it('says that what is no token decides by its format', async () => {
    const { run } = await withKey()
    const { exitCode, stdout } = await run(['tokens', 'verify', ...SERVICE, '--explain', 'a.b.c'])
    expect([exitCode, /^format .*/m.exec(stdout)?.[0]]).toEqual([
      1,
      'format      decided here  not written like a token of this service',
    ])
  })

  it('says that a revocation decides', async () => {
    const { verdictOn, run, id } = await withKey()
    await run(['keys', 'revoke', id, ...SERVICE])
    expect(decidedIn(await verdictOn([]))).toEqual([
      { check: 'revoked', result: 'decided', note: 'at 2026-09-21T14:13:20.000Z' },
    ])
  })

  it('needs the master key that sealed', async () => {
    const { run, id, store } = await withKey()
    const { stdout: token } = await run(['tokens', 'sign', ...SERVICE, '--key', id])
    const without = terminal({ store, env: { LATCHKEY_MASTER_KEY: '' } })
    expect(await without.run(['tokens', 'verify', ...SERVICE], token)).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: 'latchkey: LATCHKEY_MASTER_KEY must be set: signing secrets are sealed with it\n',
    })
    const other = terminal({ store, env: { LATCHKEY_MASTER_KEY: 'another master key for tests of 32 bytes' } })
    const { exitCode, stdout, stderr } = await other.run(['tokens', 'verify', ...SERVICE], token)
    expect([exitCode, stdout.split('\n')[0]]).toEqual([3, 'denied: unavailable'])
    expect(stderr).toMatch(
      /^latchkey: the store sqlite:keys.db is unavailable: key \S+: sealed with master key \S+, which is not there\n$/,
    )
  })

  it('is for services that have tokens', async () => {
    expect(await terminal().run(['tokens', 'verify', '--service', 'viesus', 'a.b.c'])).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: 'latchkey: viesus has no tokens; its keys are looked at by verify\n',
    })
  })
})
