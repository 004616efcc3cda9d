import type { Timed } from './rounds.ts'
import { ratioOf, type Target, verdictOf } from './statistics.ts'

/** What a bench has found. */
export interface Report {
  readonly markdown: string
  readonly targets: readonly Target[]
}

/** A table of Markdown, its columns as wide as what is in them. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, i) => Math.max(title.length, 3, ...rows.map((row) => (row[i] ?? '').length)))
  const line = (cells: readonly string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}

/** Three digits that count. */
export function number(value: number): string {
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3)
}

/** `floor`, and its name: what the rows are compared with. `ours`: with what besides. */
export function timedTable(timed: readonly Timed[], [floorName, floor]: readonly [string, Timed], ours: Timed): string {
  return table(
    ['', 'µs', `× ${floorName}`, 'bounds', '× ours'],
    timed.map(({ name, median, rounds }) => {
      const { median: ratio, low, high } = ratioOf(rounds, floor.rounds)
      const bounds = `${number(low)} to ${number(high)}`
      return [name, number(median), number(ratio), bounds, number(ratioOf(rounds, ours.rounds).median)]
    }),
  )
}

export function targetTable(targets: readonly Target[]): string {
  return table(
    ['target', 'wanted', 'measured', 'bounds', ''],
    targets.map((target) => {
      const { what, measured, limit, direction, unit } = target
      const bounds = measured.low === measured.high ? '' : `${number(measured.low)} to ${number(measured.high)}`
      return [
        what,
        `${direction} ${Number(limit.toPrecision(3))} ${unit}`,
        number(measured.median),
        bounds,
        verdictOf(target),
      ]
    }),
  )
}
