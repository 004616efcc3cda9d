/** Many texts that live and die at once, and what goes wrong meanwhile. */
import { setTimeout as pass } from 'node:timers/promises'
import { type Fleet, NODES, type NodeName, type Subject } from './fleet.ts'
import { type Action, isDenying } from './programs/orders.ts'

/** What happens to a text, in order. */
type Life = readonly Action[]

/** Each way in which a key stops to work, and those in which it works again. The last one must not be hurt by the others. */
const LIVES: readonly Life[] = [
  ['revoke'],
  ['delete'],
  ['rotate'],
  ['narrow', 'widen'],
  ['downgrade', 'upgrade', 'downgrade'],
  ['suspend', 'activate'],
  ['delete', 'import', 'delete'],
  [],
]

export interface Wave {
  readonly size: number
  /** Who makes the changes, in turn. Default: all nodes. */
  readonly by?: readonly NodeName[]
  /** Has not seen the keys before their first changes are under way. */
  readonly cold?: NodeName
  /** When all nodes know all keys, before any is changed. */
  readonly before?: () => unknown
  /** While the first change of each key is under way. */
  readonly during?: () => unknown
  /** When the first change of each key was acknowledged, or has failed. */
  readonly after?: (subjects: readonly Subject[]) => unknown
}

/** How long requests go on after a change, in milliseconds. */
export const LINGER = 100

export async function wave(fleet: Fleet, options: Wave): Promise<void> {
  const { size, by = NODES, cold, before, during, after } = options
  const born = await fleet.subjects(size)
  const unborn = await fleet.subjects(Math.ceil(size / LIVES.length), 'dead')
  const lives = [
    ...born.map((subject, i) => ({ subject, life: LIVES[i % LIVES.length] ?? [] })),
    ...unborn.map((subject) => ({ subject, life: ['import', 'revoke'] as const })),
  ]
  const subjects = lives.map(({ subject }) => subject)
  await fleet.watch(
    subjects,
    NODES.filter((node) => node !== cold),
  )
  await fleet.warm()
  await before?.()
  const firstChanges = lives.map(({ subject, life }, i) => live(fleet, subject, life.slice(0, 1), inTurn(by, i)))
  if (cold !== undefined) await fleet.watch(subjects, [cold])
  await during?.()
  const went = await Promise.all(firstChanges)
  await pass(LINGER)
  await after?.(subjects)
  const rest = lives.map(async ({ subject, life: [first, ...others] }, i) => {
    const by_ = inTurn(by, i + 1)
    // Whoever asks to deny something asks until it is acknowledged. Of the others nobody knows what they have done.
    if (went[i] || (isDenying(first) && (await live(fleet, subject, [first], by_)))) {
      await live(fleet, subject, others, by_)
    }
  })
  await Promise.all(rest)
  await pass(LINGER)
  await fleet.rest()
}

/** False: a change was not acknowledged. */
async function live(fleet: Fleet, subject: Subject, life: Life, by: NodeName): Promise<boolean> {
  for (const action of life) {
    if (!(await fleet.change(action, subject, { by }))) return false
  }
  return true
}

export function inTurn(by: readonly NodeName[], turn: number): NodeName {
  return by[turn % by.length] ?? 'a'
}
