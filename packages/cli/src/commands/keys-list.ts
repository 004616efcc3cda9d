import type { AuditRecord, Page } from '@latchkey/core'
import type { Command } from 'commander'
import { type Call, type Handle, note, print, wordAt } from '../call.ts'
import { type PageOptions, readPages, withPages } from '../pages.ts'
import { noSuchKey, withKeys } from '../session.ts'
import { auditJson, auditText } from '../show-audit.ts'
import { detailsJson, detailsText, listText } from '../show-key.ts'

interface ListOptions extends PageOptions {
  readonly account?: string
}

export function addListKeys(keys: Command, handle: Handle): void {
  withPages(keys.command('list'))
    .description('list keys, oldest first, revoked and expired ones included')
    .option('--account <id>', "only this account's")
    .addHelpText(
      'after',
      `
Examples:
  $ latchkey keys list --service viralsync
  $ latchkey keys list --service viralsync --account acme --all --json

With --json: {"keys": […], "next": …}; "next" is what --after takes, null at the end.`,
    )
    .action(handle<ListOptions>(listKeys))
}

async function listKeys(call: Call<ListOptions>): Promise<void> {
  const { options, world } = call
  await withKeys(call, async (keys, { name }) => {
    const { items, next } = await readPages(options, (page) => keys.list({ ...page, accountId: options.account }))
    const now = world.now()
    print(
      call,
      { keys: items.map((item) => detailsJson(item, now)), next },
      items.length === 0 ? '' : listText(items, now),
    )
    if (items.length === 0) note(call, `No keys of ${name}.`)
    noteNext(call, next)
  })
}

export function noteNext(call: Call, next: string | null): void {
  if (next !== null) note(call, `There are more: --after '${next}', or --all.`)
}

export function addShowKey(keys: Command, handle: Handle): void {
  keys
    .command('show')
    .argument('<id>', "the key's id")
    .description('show a key with all its versions; never its text')
    .addHelpText(
      'after',
      `
Example:
  $ latchkey keys show key_0123456789 --service ai-api`,
    )
    .action(handle(showKey))
}

async function showKey(call: Call): Promise<void> {
  await withKeys(call, async (keys, contract) => {
    const found = await keys.find(wordAt(call, 0))
    if (found === undefined) throw noSuchKey(contract)
    const now = call.world.now()
    print(call, detailsJson(found, now), detailsText(found, now))
  })
}

export function addAuditKeys(keys: Command, handle: Handle): void {
  withPages(keys.command('audit'))
    .argument('[id]', 'only this key; also one that was deleted')
    .description('what was done to keys, by whom, newest first')
    .option('--account <id>', "only this account's")
    .addHelpText(
      'after',
      `
Examples:
  $ latchkey keys audit --service viralsync --limit 20
  $ latchkey keys audit key_0123456789 --service ai-api --json`,
    )
    .action(handle<ListOptions>(auditKeys))
}

async function auditKeys(call: Call<ListOptions>): Promise<void> {
  const { options, words } = call
  await withKeys(call, async (keys) => {
    const [keyId] = words
    const page = await readPages(options, (it) => keys.audit({ ...it, accountId: options.account, keyId }))
    printAudit(call, page)
  })
}

export function printAudit(call: Call, page: Page<AuditRecord>): void {
  const { items, next } = page
  print(call, { records: items.map(auditJson), next }, items.length === 0 ? '' : auditText(items))
  if (items.length === 0) note(call, 'Nothing is on record.')
  noteNext(call, next)
}
