/** One line for each scenario, in columns. */
import { type Measures, percentile } from './measures.ts'

export interface Row {
  readonly scenario: string
  readonly measures: Measures
  readonly violations: number
}

const COLUMNS: readonly (readonly [head: string, cell: (row: Row) => string])[] = [
  ['scenario', ({ scenario }) => scenario],
  ['verifies', ({ measures }) => String(measures.verifies)],
  ['at once', ({ measures }) => `${Math.floor((100 * measures.atOnce) / Math.max(1, measures.verifies))} %`],
  ['revocations', ({ measures }) => String(measures.denials)],
  ['failed', ({ measures }) => String(measures.failed)],
  ['followed ≤ 5 ms', ({ measures }) => String(measures.followed)],
  ['violations', ({ violations }) => String(violations)],
  ['p50', ({ measures }) => milliseconds(percentile(measures.propagation, 0.5))],
  ['p99', ({ measures }) => milliseconds(percentile(measures.propagation, 0.99))],
  ['max', ({ measures }) => milliseconds(measures.propagation.at(-1))],
  ['unavailable', ({ measures }) => String(measures.unavailable)],
]

export function tableOf(store: string, lease: number, rows: readonly Row[]): string {
  const cells = [
    COLUMNS.map(([head]) => head),
    ...[...rows, totalOf(rows)].map((row) => COLUMNS.map(([, cell]) => cell(row))),
  ]
  const widths = COLUMNS.map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0)))
  const lines = cells.map((line) =>
    line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  '),
  )
  return [`${store}, a lease of ${lease} ms`, ...lines].join('\n')
}

function totalOf(rows: readonly Row[]): Row {
  const sum = (numberOf: (measures: Measures) => number) =>
    rows.reduce((total, { measures }) => total + numberOf(measures), 0)
  return {
    scenario: 'in all',
    violations: rows.reduce((total, { violations }) => total + violations, 0),
    measures: {
      verifies: sum(({ verifies }) => verifies),
      atOnce: sum(({ atOnce }) => atOnce),
      denials: sum(({ denials }) => denials),
      failed: sum(({ failed }) => failed),
      followed: sum(({ followed }) => followed),
      unavailable: sum(({ unavailable }) => unavailable),
      propagation: rows.flatMap(({ measures }) => measures.propagation).sort((a, b) => a - b),
    },
  }
}

function milliseconds(time: number | undefined): string {
  return time === undefined ? '–' : time.toFixed(1)
}
