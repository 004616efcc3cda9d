import { migrations } from '@latchkey/store-sql'
import { expect, it } from 'vitest'
import { terminal } from '../fixtures/terminal.ts'

it.each(['postgres', 'sqlite'] as const)('prints the SQL of all versions for %s', async (engine) => {
  const { exitCode, stdout, stderr } = await terminal().run(['schema', '--print', engine])
  const all = migrations(engine).map(({ version, sql }) => `-- version ${version}\n${sql.trimEnd()}\n`)
  expect([exitCode, stderr, stdout]).toEqual([0, '', all.join('\n')])
  expect(await terminal().json(['schema', '--print', engine])).toEqual({ engine, migrations: migrations(engine) })
})

it.each([
  ['sqlite:keys.db', 'sqlite'],
  ['postgres://db/keys', 'postgres'],
  ['postgresql://db/keys', 'postgres'],
])('is about the store %s, where none is named', async (store, engine) => {
  const { json } = terminal({ env: { LATCHKEY_STORE: '' } })
  expect((await json(['schema', '--store', store])).engine).toBe(engine)
})

it.each(['', 'redis://cache'])('refuses other stores: %j', async (store) => {
  const { run } = terminal({ env: { LATCHKEY_STORE: store } })
  expect(await run(['schema'])).toEqual({
    exitCode: 2,
    stdout: '',
    stderr: 'latchkey: --print must be one of postgres, sqlite\n',
  })
})
