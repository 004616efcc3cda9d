import { describe, expect, it } from 'vitest'
import { terminal } from '../fixtures/terminal.ts'

const ACME = { id: 'acme', plan: 'pro', status: 'active', email: 'ops@acme.example', metadata: { seats: 3 } }
const CREATE = [
  'accounts',
  'create',
  'acme',
  '--plan',
  'pro',
  '--email',
  'ops@acme.example',
  '--metadata',
  '{"seats":3}',
]

describe('accounts create', () => {
  it('adds an account', async () => {
    const { run, store } = terminal()
    expect(await run(CREATE)).toEqual({
      exitCode: 0,
      stderr: '',
      stdout: `id        acme
plan      pro
status    active
e-mail    ops@acme.example
metadata  {"seats":3}
`,
    })
    expect(store.findAccount('acme')).toEqual(ACME)
  })

  it('prints JSON', async () => {
    expect(await terminal().json(CREATE)).toEqual(ACME)
  })

  it('takes the id as an option, or makes one', async () => {
    const { json } = terminal()
    const account = { plan: 'free', status: 'suspended', email: null, metadata: {} }
    const words = ['accounts', 'create', '--plan', 'free', '--status', 'suspended']
    expect(await json([...words, '--id', 'acme'])).toEqual({ id: 'acme', ...account })
    expect(await json(words)).toEqual({ id: expect.stringMatching(/^account_[0-9a-f-]{36}$/), ...account })
  })

  it('needs no plan for a service without plans', async () => {
    const { json } = terminal()
    expect(await json(['accounts', 'create', 'acme', '--service', 'viesus'])).toEqual({
      id: 'acme',
      plan: 'none',
      status: 'active',
      email: null,
      metadata: {},
    })
  })

  it('changes nothing where there is one', async () => {
    const { run, store } = terminal()
    await run(CREATE)
    expect(await run(['accounts', 'create', 'acme', '--plan', 'free'])).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: 'latchkey: there is such an account already: nothing was changed\n',
    })
    expect(store.findAccount('acme')).toEqual(ACME)
  })

  it.each([
    [[], '--plan must be given'],
    [['--service', 'viralsync'], '--plan must be given: one of free, pro, business, enterprise'],
    [['--plan', ''], '--plan must be a text of 1 to 255 characters without control characters'],
    [
      ['--service', 'viralsync', '--plan', 'gold'],
      '--plan: unknown plan "gold"; it must be one of free, pro, business, enterprise',
    ],
    [['--plan', 'pro', '--id', 'again'], 'the id was given twice'],
    [['--plan', 'pro', '--metadata', '7'], `--metadata must be a JSON object such as '{"team":7}'`],
    [
      ['--plan', 'pro', '--status', 'gone'],
      "option '--status <status>' argument 'gone' is invalid. Allowed choices are active, suspended; --help tells more",
    ],
  ])('refuses %j', async (options, message) => {
    const { run, store } = terminal()
    expect(await run(['accounts', 'create', 'acme', ...options])).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: `latchkey: ${message}\n`,
    })
    expect(store.records().accounts).toEqual([])
  })
})

describe('accounts show', () => {
  it('shows an account', async () => {
    const { run, json } = terminal()
    await run(['accounts', 'create', 'acme', '--plan', 'pro'])
    expect(await run(['accounts', 'show', 'acme'])).toEqual({
      exitCode: 0,
      stderr: '',
      stdout: 'id      acme\nplan    pro\nstatus  active\ne-mail  -\n',
    })
    expect(await json(['accounts', 'show', 'acme'])).toEqual({ ...ACME, email: null, metadata: {} })
  })

  it.each([[['show', 'nobody']], [['set', 'nobody', '--plan', 'pro']]])(
    'says that there is no such account: %j',
    async (words) => {
      expect(await terminal().run(['accounts', ...words])).toEqual({
        exitCode: 1,
        stdout: '',
        stderr: 'latchkey: there is no such account\n',
      })
    },
  )
})

describe('accounts list', () => {
  it('lists accounts, oldest first', async () => {
    const { run, json } = terminal()
    expect(await run(['accounts', 'list'])).toEqual({ exitCode: 0, stdout: '', stderr: 'No accounts.\n' })
    await run(CREATE)
    await run(['accounts', 'create', 'abel', '--plan', 'free', '--status', 'suspended'])
    expect(await run(['accounts', 'list'])).toEqual({
      exitCode: 0,
      stderr: '',
      stdout: `ID    PLAN  STATUS     E-MAIL
acme  pro   active     ops@acme.example
abel  free  suspended  -
`,
    })
    const first = await json(['accounts', 'list', '--limit', '1'])
    const second = await json(['accounts', 'list', '--limit', '1', '--after', String(first.next)])
    expect([first.accounts, second]).toEqual([
      [ACME],
      { accounts: [{ id: 'abel', plan: 'free', status: 'suspended', email: null, metadata: {} }], next: null },
    ])
  })
})

describe('accounts set', () => {
  it('changes what is given and leaves the rest', async () => {
    const { run, json } = terminal()
    await run(CREATE)
    expect(await json(['accounts', 'set', 'acme', '--status', 'suspended'])).toEqual({ ...ACME, status: 'suspended' })
    expect(await run(['accounts', 'set', 'acme', '--plan', 'business', '--no-email', '--metadata', '{}'])).toEqual({
      exitCode: 0,
      stderr: '',
      stdout: 'id      acme\nplan    business\nstatus  suspended\ne-mail  -\n',
    })
  })

  it.each([
    [[], 'nothing to change was given; --help lists what can be'],
    [
      ['--plan', 'gold', '--service', 'viralsync'],
      '--plan: unknown plan "gold"; it must be one of free, pro, business, enterprise',
    ],
  ])('refuses %j and changes nothing', async (options, message) => {
    const { run, store } = terminal()
    await run(CREATE)
    expect(await run(['accounts', 'set', 'acme', ...options])).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: `latchkey: ${message}\n`,
    })
    expect(store.findAccount('acme')).toEqual(ACME)
  })
})

it('does not ask which contract is meant where a module has several', async () => {
  const path = new URL('../fixtures/contracts.mjs', import.meta.url).pathname
  const { json } = terminal({ env: { LATCHKEY_CONTRACT: path } })
  await json(['accounts', 'create', 'acme', '--plan', 'gold'])
  expect((await json(['accounts', 'show', 'acme'])).plan).toBe('gold')
})

it('accounts audit prints what was done to an account and its keys, newest first', async () => {
  const { run, json, wait } = terminal()
  await run(CREATE)
  wait(1000)
  const create = ['keys', 'create', '--service', 'viesus', '--account', 'acme', '--name', 'a']
  const { id } = await json(create)
  wait(1000)
  await run(['accounts', 'set', 'acme', '--status', 'suspended', '--by', 'billing'])
  expect(await run(['accounts', 'audit', 'acme'])).toEqual({
    exitCode: 0,
    stderr: '',
    stdout: `AT                        BY          ACTION           KEY                                       ACCOUNT  DETAILS
2026-09-21T14:13:22.000Z  billing     account.changed  -                                         acme     {"status":"suspended"}
2026-09-21T14:13:21.000Z  cli:tester  key.created      ${id}  acme     {"name":"a","environment":null,"permissions":[],"expiresAt":null}
2026-09-21T14:13:20.000Z  cli:tester  account.created  -                                         acme     {"plan":"pro","status":"active"}
`,
  })
})
