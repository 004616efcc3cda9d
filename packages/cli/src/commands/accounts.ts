import { randomUUID } from 'node:crypto'
import type { Account } from '@latchkey/core'
import { type Command, Option } from 'commander'
import { type Call, type Handle, note, print, wordAt } from '../call.ts'
import { Failure } from '../failure.ts'
import { type PageOptions, readPages, withPages } from '../pages.ts'
import { withAccounts } from '../session.ts'
import { fields, table } from '../table.ts'
import { parseObject } from '../values.ts'
import { noteNext, printAudit } from './keys-list.ts'

interface AccountOptions {
  readonly plan?: string
  readonly status?: Account['status']
  /** False: none. */
  readonly email?: string | false
  readonly metadata?: string
}

export function addAccounts(program: Command, handle: Handle): void {
  const accounts = program.command('accounts').description('who owns keys: users, teams, customers')

  withAccountOptions(accounts.command('create'))
    .argument('[id]', 'default: a new one')
    .description('add an account')
    .option('--id <id>', 'the same as the argument')
    .addHelpText(
      'after',
      `
Examples:
  $ latchkey accounts create acme --plan pro --email ops@acme.example --service viralsync
  $ latchkey accounts create --plan free --json

With --service or --contract the plan must be one of that contract's. A service without plans needs none.`,
    )
    .action(handle<AccountOptions & { readonly id?: string }>(createAccount))

  accounts
    .command('show')
    .argument('<id>', "the account's id")
    .description('show an account')
    .addHelpText('after', '\nExample:\n  $ latchkey accounts show acme')
    .action(handle(showAccount))

  withPages(accounts.command('list'))
    .description('list accounts, oldest first')
    .addHelpText(
      'after',
      `
Example:
  $ latchkey accounts list --limit 20

With --json: {"accounts": […], "next": …}; "next" is what --after takes, null at the end.`,
    )
    .action(handle<PageOptions>(listAccounts))

  withAccountOptions(accounts.command('set'))
    .argument('<id>', "the account's id")
    .description('change what is given, and leave the rest; holds from the next request')
    .option('--no-email', 'without one')
    .addHelpText(
      'after',
      `
Examples:
  $ latchkey accounts set acme --plan enterprise --service viralsync
  $ latchkey accounts set acme --status suspended

A suspended account's keys are refused until it is active again.`,
    )
    .action(handle<AccountOptions>(setAccount))

  withPages(accounts.command('audit'))
    .argument('<id>', "the account's id")
    .description('what was done to an account and its keys, by whom, newest first')
    .addHelpText('after', '\nExample:\n  $ latchkey accounts audit acme')
    .action(handle<PageOptions>(auditAccount))
}

function withAccountOptions(command: Command): Command {
  return command
    .option('--plan <name>', 'what the account has paid for')
    .addOption(new Option('--status <status>').choices(['active', 'suspended']))
    .option('--email <address>', 'for people to find it by; not checked')
    .option('--metadata <json>', 'a JSON object that is kept with the account')
}

async function createAccount(call: Call<AccountOptions & { readonly id?: string }>): Promise<void> {
  const { options, words } = call
  const [word] = words
  if (word !== undefined && options.id !== undefined) throw new Failure('usage', 'the id was given twice')
  const id = word ?? options.id ?? `account_${randomUUID()}`
  const { email, ...rest } = changeOf(options)
  await withAccounts(call, async (accounts, contract) => {
    const plan = options.plan ?? (contract !== undefined && !contract.plans?.length ? NO_PLAN : undefined)
    if (plan === undefined) throw new Failure('usage', `--plan must be given${oneOf(contract?.plans)}`)
    const account = await accounts.create({ id, ...rest, plan, email })
    if (account === undefined) throw new Failure('exists', 'there is such an account already: nothing was changed')
    printAccount(call, account)
  })
}

/** The plan of an account that belongs to a service without plans. */
const NO_PLAN = 'none'

function oneOf(plans: readonly string[] = []): string {
  return plans.length === 0 ? '' : `: one of ${plans.join(', ')}`
}

async function showAccount(call: Call): Promise<void> {
  await withAccounts(call, async (accounts) => {
    const account = await accounts.find(wordAt(call, 0))
    if (account === undefined) throw noSuchAccount()
    printAccount(call, account)
  })
}

async function listAccounts(call: Call<PageOptions>): Promise<void> {
  await withAccounts(call, async (accounts) => {
    const { items, next } = await readPages(call.options, (page) => accounts.list(page))
    const rows = items.map(({ id, plan, status, email }) => [id, plan, status, email ?? ''])
    const text = items.length === 0 ? '' : table(['ID', 'PLAN', 'STATUS', 'E-MAIL'], rows)
    print(call, { accounts: items.map(accountJson), next }, text)
    if (items.length === 0) note(call, 'No accounts.')
    noteNext(call, next)
  })
}

async function setAccount(call: Call<AccountOptions>): Promise<void> {
  const change = changeOf(call.options)
  const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined))
  if (Object.keys(given).length === 0)
    throw new Failure('usage', 'nothing to change was given; --help lists what can be')
  await withAccounts(call, async (accounts) => {
    const account = await accounts.change(wordAt(call, 0), given)
    if (account === undefined) throw noSuchAccount()
    printAccount(call, account)
  })
}

async function auditAccount(call: Call<PageOptions>): Promise<void> {
  await withAccounts(call, async (accounts) => {
    printAudit(call, await readPages(call.options, (page) => accounts.audit(wordAt(call, 0), page)))
  })
}

function changeOf({ plan, status, email, metadata }: AccountOptions) {
  return { plan, status, email: email === false ? null : email, metadata: parseObject('--metadata', metadata) }
}

function accountJson({ id, plan, status, email, metadata }: Account) {
  return { id, plan, status, email, metadata }
}

function printAccount(call: Call, account: Account): void {
  const { id, plan, status, email, metadata } = account
  const about = Object.keys(metadata).length > 0 ? { metadata: JSON.stringify(metadata) } : {}
  print(call, accountJson(account), fields({ id, plan, status, 'e-mail': email ?? '', ...about }))
}

function noSuchAccount(): Failure {
  return new Failure('not_found', 'there is no such account')
}
