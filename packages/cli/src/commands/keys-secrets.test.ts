import { describe, expect, it } from 'vitest'
import { MASTER_KEY, type Terminal, terminal } from '../fixtures/terminal.ts'

const SERVICE = ['--service', 'visual-layer']
const NEW_MASTER_KEY = 'another master key for tests of 32 bytes or more'

async function withKey(): Promise<Terminal & { readonly id: string; readonly secret: string }> {
  const it = terminal()
  await it.run(['accounts', 'create', 'acme', '--plan', 'pro'])
  const { id, secret } = await it.json(['keys', 'create', ...SERVICE, '--account', 'acme', '--name', 'sdk'])
  it.wait(1000)
  return { ...it, id: String(id), secret: String(secret) }
}

describe('keys reveal', () => {
  it('prints the secret and records who saw it', async () => {
    const { run, json, id, secret } = await withKey()
    expect(await run(['keys', 'reveal', id, ...SERVICE, '--by', 'support'])).toEqual({
      exitCode: 0,
      stdout: `${secret}\n`,
      stderr: 'It is on record that this was shown.\n',
    })
    const { records } = await json(['keys', 'audit', id, ...SERVICE, '--limit', '1'])
    expect(records).toEqual([
      {
        at: '2026-09-21T14:13:21.000Z',
        by: 'support',
        action: 'secret.revealed',
        service: 'visual-layer',
        keyId: id,
        account: 'acme',
        details: {},
      },
    ])
  })

  it('prints those that an overlap keeps alive too, the newest first', async () => {
    const { run, json, id, secret, wait } = await withKey()
    const rotated = await json(['keys', 'rotate', id, ...SERVICE, '--overlap', '1m'])
    expect((await run(['keys', 'reveal', id, ...SERVICE])).stdout).toBe(`${rotated.secret}\n${secret}\n`)
    expect(await json(['keys', 'reveal', id, ...SERVICE])).toEqual({
      id,
      service: 'visual-layer',
      secret: rotated.secret,
      previousSecrets: [secret],
    })
    wait(60_000)
    expect((await run(['keys', 'reveal', id, ...SERVICE])).stdout).toBe(`${rotated.secret}\n`)
  })

  it('shows no API key: nobody has it', async () => {
    const { run, json } = await withKey()
    const { id } = await json(['keys', 'create', '--service', 'viesus', '--account', 'acme', '--name', 'a'])
    expect(await run(['keys', 'reveal', String(id), '--service', 'viesus'])).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: 'latchkey: only digests of API keys are kept: nobody can show them\n',
    })
  })

  it('says that there is no such key', async () => {
    const { run } = await withKey()
    expect(await run(['keys', 'reveal', 'kid-0', ...SERVICE])).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: 'latchkey: visual-layer has no such key; to look a key up by its text, use verify\n',
    })
  })

  it('does not open with another master key', async () => {
    const { id, store } = await withKey()
    const other = terminal({ store, env: { LATCHKEY_MASTER_KEY: NEW_MASTER_KEY } })
    const { exitCode, stdout, stderr } = await other.run(['keys', 'reveal', id, ...SERVICE])
    expect([exitCode, stdout]).toEqual([3, ''])
    expect(stderr).toMatch(
      new RegExp(
        `^latchkey: the store sqlite:keys.db is unavailable: key ${id}: sealed with master key [0-9a-f]{16}, which is not there\n$`,
      ),
    )
  })
})

describe('keys reseal', () => {
  it('seals with the first master key what another one sealed', async () => {
    const { id, secret, store } = await withKey()
    const both = terminal({ store, env: { LATCHKEY_MASTER_KEY: `${NEW_MASTER_KEY},${MASTER_KEY}` } })
    expect(await both.run(['keys', 'reseal', ...SERVICE])).toEqual({
      exitCode: 0,
      stdout: '1 sealed anew\n',
      stderr: '',
    })
    expect(await both.run(['keys', 'reseal', ...SERVICE, '--json'])).toEqual({
      exitCode: 0,
      stdout: '{"service":"visual-layer","resealed":0}\n',
      stderr: '',
    })
    const fresh = terminal({ store, env: { LATCHKEY_MASTER_KEY: NEW_MASTER_KEY } })
    expect((await fresh.run(['keys', 'reveal', id, ...SERVICE])).stdout).toBe(`${secret}\n`)
  })

  it('needs a master key', async () => {
    const { run } = terminal({ env: { LATCHKEY_MASTER_KEY: '' } })
    expect(await run(['keys', 'reseal', ...SERVICE])).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: 'latchkey: LATCHKEY_MASTER_KEY must be set: signing secrets are sealed with it\n',
    })
  })
})
