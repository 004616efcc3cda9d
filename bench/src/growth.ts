/** How a decision grows with the number of keys. */
import { inChild } from './child.ts'
import { number, type Report, table } from './markdown.ts'
import { type Timed, timedOf } from './rounds.ts'
import { ratioOf, type Target } from './statistics.ts'

/** Of the memory store's keys some 1 kB each, twice. */
const HEAP = '--max-old-space-size=6144'

export async function benchGrowth(quick: boolean): Promise<Report> {
  const sizes = quick ? [100, 20_000] : [100, 10_000, 1_000_000]
  const measured: (readonly Timed[])[] = []
  for (const size of sizes) {
    measured.push(await inChild('./growth-rounds.js', [String(size), quick ? '9' : '51'], [HEAP]))
  }
  const [smallest = [], largest = []] = [measured[0], measured.at(-1)]
  const [floor, warm, first] = smallest.map(({ name }) => name) as [string, string, string]
  const target = (name: string): Target => ({
    what: `growth to ${sizes.at(-1)?.toLocaleString('en')} keys, ${name}`,
    measured: ratioOf(inFloors(largest, name, floor), inFloors(smallest, name, floor)),
    limit: 1.2,
    direction: 'at most',
    unit: "of the floor's",
  })
  return {
    markdown: [
      '## Growth',
      `The same with more keys, none beside the one before it; the cache has room for all. Microseconds of the
processor, and in brackets the ratio to the floor, which grows too: a processor's own caches hold fewer of the keys. Peers
over a \`Map\` grow as it does.`,
      table(
        ['', ...sizes.map((size) => `${size.toLocaleString('en')} keys`)],
        [floor, warm, first].map((name) => [
          name,
          ...measured.map((timed) => {
            const { median, rounds } = timedOf(timed, name)
            return `${number(median)} (${number(ratioOf(rounds, timedOf(timed, floor).rounds).median)})`
          }),
        ]),
      ),
    ].join('\n\n'),
    targets: [target(warm), target(first)],
  }
}

/** How many floors it takes, by round. */
function inFloors(timed: readonly Timed[], name: string, floor: string): readonly number[] {
  const floors = timedOf(timed, floor).rounds
  return timedOf(timed, name).rounds.map((value, i) => value / (floors[i] as number))
}
