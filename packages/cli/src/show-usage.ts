import type { KeyUsage, UsageCount } from '@latchkey/core'
import type { Json } from './call.ts'
import { table } from './table.ts'
import { isoOf } from './times.ts'

/** The days from one time on, and before another. */
export interface Days {
  readonly from: number
  readonly to: number
}

const DAY = 86_400_000

export function usageJson({ key, firstUsedAt, lastUsedAt, counts }: KeyUsage): Json {
  return {
    id: key.id,
    name: key.name,
    account: key.accountId,
    firstUsedAt: isoOf(firstUsedAt),
    lastUsedAt: isoOf(lastUsedAt),
    requests: sumOf(counts),
    counts: counts.map(({ day, route, status, count }) => ({ day: isoOf(day).slice(0, 10), route, status, count })),
  }
}

/** A line for each key. */
export function usageText(list: readonly KeyUsage[], days: Days): string {
  const rows = list.map(({ key, firstUsedAt, lastUsedAt, counts }) => [
    key.id,
    key.accountId,
    key.name,
    isoOf(firstUsedAt) ?? '',
    isoOf(lastUsedAt) ?? '',
    String(sumOf(counts)),
    String(sumOf(counts.filter(({ status }) => status >= 400 && status < 500))),
    String(sumOf(counts.filter(({ status }) => status >= 500))),
    sparkLine(counts, days),
  ])
  return table(['ID', 'ACCOUNT', 'NAME', 'FIRST USED', 'LAST USED', 'REQUESTS', 'DENIED', 'FAILED', 'BY DAY'], rows)
}

/** A line for each route and status of one key, the most used first. */
export function routesText({ counts }: KeyUsage, days: Days): string {
  const lines = new Map<string, UsageCount[]>()
  for (const count of counts) {
    const line = `${count.status} ${count.route}`
    lines.set(line, [...(lines.get(line) ?? []), count])
  }
  const rows = [...lines.values()]
    .toSorted((a, b) => sumOf(b) - sumOf(a))
    .map((line) => {
      const { route = '', status = 0 } = line[0] ?? {}
      return [route, status === 0 ? '' : String(status), String(sumOf(line)), sparkLine(line, days)]
    })
  return table(['ROUTE', 'STATUS', 'REQUESTS', 'BY DAY'], rows)
}

function sumOf(counts: readonly UsageCount[]): number {
  return counts.reduce((sum, { count }) => sum + count, 0)
}

const BARS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const

/** A bar for each day, the highest for the day with the most; a dot where there was nothing. */
export function sparkLine(counts: readonly UsageCount[], { from, to }: Days): string {
  const days = new Array<number>(Math.round((to - from) / DAY)).fill(0)
  for (const { day, count } of counts) {
    const index = Math.floor((day - from) / DAY)
    days[index] = (days[index] ?? 0) + count
  }
  const most = Math.max(...days)
  return days.map((count) => (count === 0 ? '·' : BARS[Math.ceil((count / most) * BARS.length) - 1])).join('')
}
