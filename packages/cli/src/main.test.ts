import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'latchkey-cli-'))
afterAll(() => rmSync(folder, { recursive: true }))

const file = join(folder, 'keys.db')
const env = { ...process.env, LATCHKEY_STORE: `sqlite:${file}`, LATCHKEY_MASTER_KEY: 'm'.repeat(32) }

/** Runs the built program, as somebody who has installed it would. */
async function latchkey(words: readonly string[], typed = '') {
  const program = spawn(process.execPath, [main, ...words], { env })
  const ended = new Promise<number | null>((resolve) => program.once('close', resolve))
  program.stdin.end(typed)
  const [stdout, stderr, exitCode] = await Promise.all([text(program.stdout), text(program.stderr), ended])
  return { exitCode, stdout, stderr }
}

// A dozen processes, on machines that are busy.
describe('the built program', { timeout: 60_000 }, () => {
  it('leads a key through its life in a SQLite file', async () => {
    const account = await latchkey(['accounts', 'create', 'acme', '--plan', 'pro'])
    expect([account.exitCode, account.stderr, statSync(file).mode & 0o777]).toEqual([0, '', 0o600])

    const create = ['keys', 'create', '--service', 'viralsync', '--account', 'acme', '--name', 'a', '--json']
    const created = await latchkey(create)
    const { id, key } = JSON.parse(created.stdout) as { readonly id: string; readonly key: string }
    expect([created.exitCode, created.stderr]).toEqual([0, ''])

    const verify = ['verify', '--service', 'viralsync', '--plan', 'pro', '--json']
    const allowed = await latchkey(verify, key)
    expect([allowed.exitCode, JSON.parse(allowed.stdout)]).toMatchObject([0, { allowed: true, keyId: id }])

    expect((await latchkey(['keys', 'revoke', id, '--service', 'viralsync'])).exitCode).toBe(0)
    const denied = await latchkey(verify, key)
    expect([denied.exitCode, JSON.parse(denied.stdout)]).toMatchObject([1, { allowed: false, code: 'revoked' }])

    const refused = await latchkey(['keys', 'delete', id, '--service', 'viralsync'], 'y\n')
    expect([refused.exitCode, refused.stdout]).toEqual([2, ''])
    const deleted = await latchkey(['keys', 'delete', id, '--service', 'viralsync', '--yes'])
    expect(deleted).toEqual({ exitCode: 0, stdout: `${id} is deleted\n`, stderr: '' })
  })

  it('signs tokens that it verifies', async () => {
    const service = ['--service', 'visual-layer']
    await latchkey(['accounts', 'create', 'signer', ...service])
    const created = await latchkey(['keys', 'create', ...service, '--account', 'signer', '--name', 'sdk', '--json'])
    const { id, secret } = JSON.parse(created.stdout) as { readonly id: string; readonly secret: string }
    const fromStore = await latchkey(['tokens', 'sign', ...service, '--key', id])
    const fromPipe = await latchkey(['tokens', 'sign', ...service, '--key', id, '--secret-stdin'], secret)
    for (const { stdout } of [fromStore, fromPipe]) {
      expect((await latchkey(['tokens', 'verify', ...service], stdout)).exitCode).toBe(0)
    }
  })

  it('makes one key, however many processes ask for it at once with one idempotency key', async () => {
    await latchkey(['accounts', 'create', 'twin', '--plan', 'pro'])
    const create = ['keys', 'create', '--service', 'viesus', '--account', 'twin', '--name', 'a', '--json']
    const all = await Promise.all(Array.from({ length: 4 }, () => latchkey([...create, '--idempotency-key', 'once'])))
    const made = all.map(({ stdout }) => JSON.parse(stdout) as { readonly id: string; readonly key: string | null })
    expect(all.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 0])
    expect([new Set(made.map(({ id }) => id)).size, made.filter(({ key }) => key !== null).length]).toEqual([1, 1])
  })

  it('says in one line that the store cannot be opened', async () => {
    const path = join(folder, 'no', 'keys.db')
    const reason = `ENOENT: no such file or directory, open '${path}'`
    expect(await latchkey(['accounts', 'list', '--store', `sqlite:${path}`])).toEqual({
      exitCode: 3,
      stdout: '',
      stderr: `latchkey: the store sqlite:${path} is unavailable: ${reason}\n`,
    })
  })

  it('ends quietly when nobody reads on', async () => {
    const program = spawn(process.execPath, [main, '--help'], { env })
    program.stdout.destroy()
    const ended = new Promise<number | null>((resolve) => program.once('close', resolve))
    expect([await text(program.stderr), await ended]).toEqual(['', 141])
  })
})
