import type { Page } from '@latchkey/core'
import type { Command } from 'commander'
import { parseWhole } from './values.ts'

export interface PageOptions {
  readonly limit?: string | undefined
  readonly after?: string | undefined
  readonly all?: boolean | undefined
}

export function withPages(command: Command): Command {
  return command
    .option('--limit <n>', 'at most so many, 1 to 1000 (default: 100)')
    .option('--after <cursor>', 'what follows the page before: its "next"')
    .option('--all', 'all pages')
}

/** One page, or with `--all` all that follow too. */
export async function readPages<T>(
  options: PageOptions,
  read: (page: { readonly limit?: number | undefined; readonly after?: string | undefined }) => Promise<Page<T>>,
): Promise<Page<T>> {
  const limit = parseWhole('--limit', options.limit)
  const first = await read({ limit, after: options.after })
  if (options.all !== true) return first
  const items = [...first.items]
  let { next } = first
  while (next !== null) {
    const page = await read({ limit, after: next })
    items.push(...page.items)
    next = page.next
  }
  return { items, next }
}
