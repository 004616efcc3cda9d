/** What is kept in memory: of each key, and of a flood of keys that are none. */
import { inChild } from './child.ts'
import { number, type Report, table } from './markdown.ts'
import type { Measured } from './memory-rounds.ts'
import { exactly } from './statistics.ts'

export async function benchMemory(quick: boolean): Promise<Report> {
  const [keys, unknown] = quick ? [20_000, 50_000] : [100_000, 1_000_000]
  const args = [String(keys), String(unknown)]
  const measured = await inChild<Measured>('./memory-rounds.js', args, ['--expose-gc'])
  const { bytesPerKey, bytesPerRecord, floodBytes, askedAfterFlood } = measured
  return {
    markdown: [
      '## Memory',
      `Over a store that keeps nothing: what is in memory afterwards, is in the cache. One account has all the keys. A
\`Map\` of the same records by digest, for comparison; what the cache holds beside them is the difference.`,
      table(
        ['', ''],
        [
          [`bytes for a key, ${keys.toLocaleString('en')} cached`, number(bytesPerKey)],
          ['bytes for its record in a `Map`', number(bytesPerRecord)],
          [`MB more after ${unknown.toLocaleString('en')} unknown keys`, number(floodBytes / 1e6)],
          ['known keys, of 1,000, that the store was asked for again after them', String(askedAfterFlood)],
        ],
      ),
    ].join('\n\n'),
    targets: [
      {
        what: 'memory of a cached key',
        measured: exactly(bytesPerKey),
        limit: 260,
        direction: 'at most',
        unit: 'bytes',
      },
    ],
  }
}
