import type { KeyUsage, Page } from '@latchkey/core'
import type { Command } from 'commander'
import { type Call, type Handle, note, print } from '../call.ts'
import { Failure } from '../failure.ts'
import { type PageOptions, readPages, withPages } from '../pages.ts'
import { noSuchKey, withKeys } from '../session.ts'
import { type Days, routesText, usageJson, usageText } from '../show-usage.ts'
import { isoOf } from '../times.ts'
import { parseWhole } from '../values.ts'
import { noteNext } from './keys-list.ts'

interface UsageOptions extends PageOptions {
  readonly account?: string
  readonly days?: string
}

const DAY = 86_400_000

export function addUsage(program: Command, handle: Handle): void {
  withPages(program.command('usage'))
    .argument('[id]', 'only this key, by route and status')
    .description('how often keys were used, by day (UTC); denied requests of a key that is known count too')
    .option('--account <id>', "only this account's")
    .option('--days <n>', 'of so many days until today, 1 to 366 (default: 30)')
    .addHelpText(
      'after',
      `
Examples:
  $ latchkey usage --service viralsync
  $ latchkey usage key_0123456789 --service ai-api --days 7
  $ latchkey usage --service viralsync --account acme --all --json

DENIED are answers from 400 to 499, FAILED those from 500 on. A server writes what it has counted once a second.
With --json: {"from": …, "to": …, "keys": [{…, "counts": [{"day", "route", "status", "count"}]}], "next": …}.`,
    )
    .action(handle<UsageOptions>(showUsage))
}

async function showUsage(call: Call<UsageOptions>): Promise<void> {
  const { options, words } = call
  const [keyId] = words
  const days = daysOf(call)
  await withKeys(call, async (keys, contract) => {
    const page = await readPages(options, (it) => keys.usage({ ...it, ...days, accountId: options.account, keyId }))
    if (keyId !== undefined && page.items.length === 0) throw noSuchKey(contract)
    printUsage(call, page, days, keyId !== undefined)
    if (page.items.length === 0) note(call, `No keys of ${contract.name}.`)
    noteNext(call, page.next)
  })
}

function printUsage(call: Call, { items, next }: Page<KeyUsage>, days: Days, byRoute: boolean): void {
  const json = { from: isoOf(days.from), to: isoOf(days.to), keys: items.map(usageJson), next }
  const routes = byRoute ? items.map((item) => routesText(item, days)) : []
  print(call, json, items.length === 0 ? '' : [usageText(items, days), ...routes].join('\n'))
}

function daysOf({ options, world }: Call<UsageOptions>): Days {
  const days = parseWhole('--days', options.days) ?? 30
  if (days < 1 || days > 366) throw new Failure('usage', '--days must be 1 to 366')
  const to = (Math.floor(world.now() / DAY) + 1) * DAY
  return { from: to - days * DAY, to }
}
