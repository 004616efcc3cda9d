import { printable } from './printable.ts'

/** Columns under their headings. Empty cells are `-`. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [headings, ...rows].map((cells) => cells.map((cell) => printable(cell) || '-'))
  return columns(lines)
}

/** Names and values, one a line. Empty values are `-`. */
export function fields(values: Readonly<Record<string, string>>): string {
  return columns(Object.entries(values).map(([name, value]) => [name, printable(value) || '-']))
}

function columns(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((cells) => (cells[column] ?? '').length)))
  return lines
    .map((cells) => cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
    .map((line) => `${line.trimEnd()}\n`)
    .join('')
}
