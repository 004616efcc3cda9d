import { type KeyStore, memoryStore } from '@latchkey/core'
import { describe, expect, it } from 'vitest'
import { terminal } from './fixtures/terminal.ts'

const LIST = ['keys', 'list', '--service', 'viralsync']

describe('help', () => {
  it.each([
    [[], ['keys', 'accounts', 'tokens', 'usage', 'verify', 'schema', 'help']],
    [
      ['keys'],
      ['create', 'import', 'list', 'show', 'change', 'rotate', 'revoke', 'delete', 'reveal', 'reseal', 'audit', 'help'],
    ],
    [['accounts'], ['create', 'show', 'list', 'set', 'audit', 'help']],
    [['tokens'], ['sign', 'verify', 'help']],
  ])('of %j lists all commands', async (words, commands) => {
    const { exitCode, stdout, stderr } = await terminal().run([...words, '--help'])
    expect([exitCode, stderr, commandsIn(stdout)]).toEqual([0, '', commands])
  })

  const LEAVES = [
    ...['create', 'import', 'list', 'show', 'change', 'rotate', 'revoke', 'delete', 'reveal', 'reseal', 'audit'].map(
      (name) => ['keys', name],
    ),
    ...['create', 'show', 'list', 'set', 'audit'].map((name) => ['accounts', name]),
    ['tokens', 'sign'],
    ['tokens', 'verify'],
    ['verify'],
    ['schema'],
  ]

  it.each(LEAVES)('of %s %s has examples that name options it knows', async (...words) => {
    const { exitCode, stdout } = await terminal().run([...words, '--help'])
    const [usage = '', examples = ''] = stdout.split(/\nExamples?:\n/)
    const lines = examples.split('\n').filter((line) => line.includes(`latchkey ${words.join(' ')}`))
    const used = lines.flatMap((line) => line.split(' | ')[0]?.match(/ --[a-z-]+/g) ?? [])
    expect([exitCode, lines.length > 0, used.filter((option) => !usage.includes(`${option} `))]).toEqual([0, true, []])
  })

  it('of the program names the environment and the exit codes', async () => {
    const { stdout } = await terminal().run(['--help'])
    expect(stdout.match(/LATCHKEY_[A-Z_]+(?= {2})/g)).toEqual([
      'LATCHKEY_STORE',
      'LATCHKEY_CONTRACT',
      'LATCHKEY_PEPPER',
      'LATCHKEY_MASTER_KEY',
    ])
    expect(stdout.match(/^ {2}\d {2}.*/gm)).toEqual([
      '  0  done, or allowed',
      '  1  denied, not there, there already, or refused',
      '  2  called wrongly',
      '  3  the store is unavailable',
    ])
  })
})

it('tells its version', async () => {
  expect(await terminal().run(['--version'])).toEqual({ exitCode: 0, stdout: '0.1.0\n', stderr: '' })
})

describe('a wrong call', () => {
  it.each([
    [['nope'], "unknown command 'nope'; --help tells more"],
    [['keys', 'lst'], "unknown command 'lst' (Did you mean list?); --help tells more"],
    [['keys', 'list', '--foo'], "unknown option '--foo'; --help tells more"],
    [['keys', 'list', 'a', 'b'], "too many arguments for 'list'. Expected 0 arguments but got 2; --help tells more"],
    [['keys', 'show'], "missing required argument 'id'; --help tells more"],
    [['keys', 'create', '--name', 'x'], "required option '--account <id>' not specified; --help tells more"],
    [['keys', 'list', '--limit'], "option '--limit <n>' argument missing; --help tells more"],
    [
      ['keys', 'create', '--kind', 'jwt'],
      "option '--kind <kind>' argument 'jwt' is invalid. Allowed choices are key, signing; --help tells more",
    ],
    [[...LIST, '--limit', 'ten'], '--limit must be a whole number, 0 or more'],
    [[...LIST, '--limit', '0'], '--limit must be 1 to 1000'],
    [[...LIST, '--after', 'here'], '--after must be the `next` of a page'],
    [[...LIST, '--by', ''], '--by must be a text of 1 to 255 characters without control characters'],
    [['keys', 'list'], /^no service: give --service with one of viesus, /],
  ])('%j is one line on standard error', async (words, message) => {
    const { exitCode, stdout, stderr } = await terminal().run(words)
    expect([exitCode, stdout]).toEqual([2, ''])
    const line = /^latchkey: ([^\n]*)\n$/.exec(stderr)?.[1]
    if (typeof message === 'string') expect(line).toBe(message)
    else expect(line).toMatch(message)
  })

  it('is JSON on standard error with --json', async () => {
    const { exitCode, stdout, stderr } = await terminal().run(['keys', 'list', '--foo', '--json'])
    const error = { code: 'usage', message: "unknown option '--foo'; --help tells more" }
    expect([exitCode, stdout, stderr]).toEqual([2, '', `${JSON.stringify({ error })}\n`])
  })

  it('without a command lists them', async () => {
    const { exitCode, stdout, stderr } = await terminal().run(['keys'])
    expect([exitCode, stdout, commandsIn(stderr)[0]]).toEqual([2, '', 'create'])
    expect(stderr.split('\n').at(-2)).toBe('latchkey: a command is missing; --help lists them')
  })

  const KEY = 'vs_prod_0123456789abcdefghijklmnopqrstuv'

  it.each([
    [['keys', KEY]],
    [[KEY]],
    [['tokens', 'verify', `-${KEY}`]],
    [['verify', `--${KEY}`, '--service', 'viralsync']],
    [['verify', KEY, KEY]],
    [['keys', 'show', KEY, '--service', 'viralsync']],
    [['keys', 'create', '--kind', KEY]],
    [['verify', '--header', KEY, '--service', 'viralsync']],
    [['keys', 'create', '--metadata', KEY, '--account', 'a', '--name', 'b', '--service', 'viralsync']],
    [['tokens', 'sign', '--key', 'a', '--service', 'visual-layer', '--claim', KEY]],
    [['keys', 'list', '--store', KEY, '--service', 'viralsync']],
  ])('does not repeat a key that was typed in the wrong place: %j', async (words) => {
    const openStore = words.includes('--store') ? (await import('./open-store.ts')).openStore : undefined
    const { exitCode, stdout, stderr } = await terminal(openStore && { openStore }).run(words)
    expect([exitCode > 0, stdout.includes(KEY), stderr.includes(KEY)]).toEqual([true, false, false])
    expect(stderr).toMatch(/^latchkey: [^\n]*\n$/)
  })
})

describe('the contract', () => {
  const path = new URL('./fixtures/contracts.mjs', import.meta.url).pathname
  const env = { LATCHKEY_CONTRACT: path }

  it('is one of the module that the environment names, or the option', async () => {
    const list = ['keys', 'list', '--service', 'signed']
    const none = { exitCode: 0, stdout: '', stderr: 'No keys of signed.\n' }
    expect(await terminal({ env }).run(list)).toEqual(none)
    expect(await terminal().run([...list, '--contract', path])).toEqual(none)
    expect(await terminal({ env: { LATCHKEY_CONTRACT: '/nowhere.mjs' } }).run([...list, '--contract', path])).toEqual(
      none,
    )
  })

  it('has the permissions and plans that a key and an account may have', async () => {
    const { run } = terminal({ env })
    expect((await run(['accounts', 'create', 'acme', '--plan', 'pro', '--service', 'viesus'])).exitCode).toBe(0)
    const create = ['keys', 'create', '--service', 'signed', '--account', 'acme', '--name', 'a', '--permission', 'x']
    expect((await run(create)).stderr).toBe(
      'latchkey: --permission: unknown permission "x"; it must be left out: the contract has none\n',
    )
  })
})

describe('the store', () => {
  it('must be given', async () => {
    const { run } = terminal({ env: { LATCHKEY_STORE: '' } })
    expect(await run(LIST)).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: 'latchkey: no store: give --store sqlite:PATH, postgres://… or redis://…, or set LATCHKEY_STORE\n',
    })
  })

  it.each(['memory:', 'MEMORY:', 'sqlite::memory:', 'sqlite://:memory:'])('cannot be %s', async (url) => {
    expect(await terminal().run([...LIST, '--store', url])).toEqual({
      exitCode: 2,
      stdout: '',
      stderr:
        'latchkey: a store in memory is gone when this command ends: give --store sqlite:PATH, postgres://… or redis://…\n',
    })
  })

  it('is the one of --store rather than of the environment, before or after the command', async () => {
    const opened: string[] = []
    const { run } = terminal({
      openStore: async (url) => {
        opened.push(url)
        return memoryStore()
      },
    })
    await run(LIST)
    await run([...LIST, '--store', 'sqlite:other.db'])
    await run(['--store', 'sqlite:third.db', ...LIST])
    expect(opened).toEqual(['sqlite:keys.db', 'sqlite:other.db', 'sqlite:third.db'])
  })

  it.each([
    ['an answer', {}, 0],
    ['a failure', { listKeys: () => Promise.reject(new Error('disk I/O error')) }, 3],
  ])('is closed after %s', async (_, broken, exitCode) => {
    let closed = 0
    const close = () => {
      closed++
    }
    const { run } = terminal({ openStore: async () => ({ ...memoryStore(), ...broken, close }) })
    expect([(await run(LIST)).exitCode, closed]).toEqual([exitCode, 1])
  })

  it('that does not close takes nothing back', async () => {
    const close = () => {
      throw new Error('it broke')
    }
    const { run } = terminal({ openStore: async () => ({ ...memoryStore(), close }) })
    expect(await run(LIST)).toEqual({ exitCode: 0, stdout: '', stderr: 'No keys of viralsync.\n' })
  })

  const URL = 'postgres://app:hun%2Fter2@db.example/keys'

  it.each([
    [
      new Error('login of app:hun/ter2 failed'),
      'the store postgres://app@db.example/keys is unavailable: login of app:… failed',
    ],
    [
      new Error(`no route to ${URL}\n  at somewhere`),
      'the store postgres://app@db.example/keys is unavailable: no route to postgres://app@db.example/keys',
    ],
    [
      new AggregateError([new Error('connect ECONNREFUSED ::1')]),
      'the store postgres://app@db.example/keys is unavailable: connect ECONNREFUSED ::1',
    ],
    [Object.assign(new Error(), { code: 'ENOENT' }), 'the store postgres://app@db.example/keys is unavailable: ENOENT'],
  ])('that fails is one line without its password: %s', async (error, message) => {
    const opening = terminal({ openStore: () => Promise.reject(error) })
    const asking = terminal({ openStore: async () => brokenStore(error) })
    for (const { run } of [opening, asking]) {
      expect(await run([...LIST, '--store', URL])).toEqual({
        exitCode: 3,
        stdout: '',
        stderr: `latchkey: ${message}\n`,
      })
      const json = JSON.stringify({ error: { code: 'unavailable', message } })
      expect((await run([...LIST, '--store', URL, '--json'])).stderr).toBe(`${json}\n`)
    }
  })

  it.each([
    ['opened', { openStore: () => Promise.reject('out of order') }, 'it does not say why'],
    ['asked', { openStore: async () => brokenStore('out of order') }, 'the store failed'],
  ])('that fails without an error when it is %s is one line too', async (_when, world, why) => {
    const stderr = `latchkey: the store postgres://app@db.example/keys is unavailable: ${why}\n`
    expect(await terminal(world).run([...LIST, '--store', URL])).toEqual({ exitCode: 3, stdout: '', stderr })
  })

  it('that fails cannot move the cursor', async () => {
    const { run } = terminal({ openStore: () => Promise.reject(new Error('gone\u001b[2J')) })
    expect((await run(LIST)).stderr).toBe('latchkey: the store sqlite:keys.db is unavailable: gone\\u{1b}[2J\n')
  })

  it('that refuses its URL does not show the password', async () => {
    const refusing = terminal({ openStore: () => Promise.reject(new TypeError(`Invalid URL: ${URL}`)) })
    expect(await refusing.run([...LIST, '--store', URL])).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: 'latchkey: Invalid URL: postgres://app@db.example/keys\n',
    })
  })
})

function brokenStore(error: unknown): KeyStore {
  return { ...memoryStore(), listKeys: () => Promise.reject(error) }
}

function commandsIn(help: string): string[] {
  const [, listed = ''] = /\nCommands:\n((?: {2}.*\n)*)/.exec(help) ?? []
  return [...listed.matchAll(/^ {2}([a-z]+)/gm)].map(([, name = '']) => name)
}
