/** Many texts that live and die at once, and what goes wrong meanwhile. */
import { setTimeout as pass } from 'node:timers/promises'
import { type Fleet, NODES, type NodeName, type Subject } from './fleet.ts'
import type { Action } from './programs/orders.ts'

/** What may happen to a text, in order. */
export type Life = readonly Action[]

/** Each way in which a key stops to work, and those in which it works again. The last one must not be hurt by the others. */
export const LIVES: readonly Life[] = [
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
  /** Default: `LIVES`, in turn. */
  readonly lives?: readonly Life[]
  /** When all nodes know all keys, before any is changed. */
  readonly before?: () => unknown
  /** While the first change of each key is under way. */
  readonly during?: () => unknown
  /** When the first change of each key was acknowledged, or has failed. */
  readonly after?: () => unknown
}

/** How long requests go on after a change, in milliseconds. */
const LINGER = 100

export async function wave(fleet: Fleet, options: Wave): Promise<void> {
  const { size, by = NODES, lives = LIVES, before, during, after } = options
  const born = await fleet.subjects(size)
  const unborn = await fleet.subjects(Math.ceil(size / lives.length), 'dead')
  await fleet.watch([...born, ...unborn])
  await fleet.warm()
  await before?.()
  const subjects = [
    ...born.map((subject, i) => ({ subject, life: lives[i % lives.length] ?? [] })),
    ...unborn.map((subject) => ({ subject, life: ['import', 'revoke'] as const })),
  ]
  const firstChanges = subjects.map(({ subject, life }, i) => live(fleet, subject, life.slice(0, 1), writer(by, i)))
  await during?.()
  const went = await Promise.all(firstChanges)
  await pass(LINGER)
  await after?.()
  // Where nobody knows what a change has done, the next one makes no sense.
  const rest = subjects.filter((_, i) => went[i])
  await Promise.all(rest.map(({ subject, life }, i) => live(fleet, subject, life.slice(1), writer(by, i + 1))))
  await pass(LINGER)
  await fleet.rest()
}

/** False: a change was not acknowledged. */
export async function live(fleet: Fleet, subject: Subject, life: Life, by: NodeName): Promise<boolean> {
  for (const action of life) {
    if (!(await fleet.change(action, subject, { by }))) return false
  }
  return true
}

function writer(by: readonly NodeName[], turn: number): NodeName {
  return by[turn % by.length] ?? 'a'
}
