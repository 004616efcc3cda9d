/** What a run's history says in numbers. */
import { bySubject } from './by-subject.ts'
import type { Change, Run } from './checker.ts'

export interface Measures {
  readonly verifies: number
  /** Those that were decided without a promise. */
  readonly atOnce: number
  /** Denying changes that were acknowledged. */
  readonly denials: number
  /** Changes that were not acknowledged. */
  readonly failed: number
  /** Those of them after which, on every other node, a request began within 5 ms of the acknowledgement. */
  readonly followed: number
  /** Decisions that a store was not there for. */
  readonly unavailable: number
  /** Of a denying change and another node: from the commit to the last request that was allowed, sorted, in milliseconds. */
  readonly propagation: readonly number[]
}

const SOON = 5

interface Followed {
  readonly change: Change
  /** When the text may be live again. */
  readonly until: number
  /** By node, when the last request began that was allowed. */
  readonly lastAllowed: Map<string, number>
  readonly soon: Set<string>
}

export function measure({ changes, verifies }: Run, nodes: readonly string[]): Measures {
  const denials = changes.filter(({ makes, holdsFrom }) => makes === 'dead' && holdsFrom < Infinity)
  const followed = bySubject(
    denials.map((change): Followed => {
      const later = changes.filter(({ subject, begun }) => subject === change.subject && begun > change.begun)
      const until = Math.min(...later.map(({ begun }) => begun), Infinity)
      return { change, until, lastAllowed: new Map(), soon: new Set() }
    }),
    ({ change }) => change.subject,
  )
  let [count, atOnce, unavailable] = [0, 0, 0]
  for (const verify of verifies) {
    count++
    if (verify.atOnce) atOnce++
    if (verify.outcome === 'unavailable') unavailable++
    const { node, begin, end } = verify
    for (const { change, until, lastAllowed, soon } of followed.get(verify.subject) ?? []) {
      const late = begin - change.holdsFrom
      if (late >= 0 && late <= SOON) soon.add(node)
      if (verify.outcome === 'allowed' && end < until) lastAllowed.set(node, begin)
    }
  }
  const all = [...followed.values()].flat()
  return {
    verifies: count,
    atOnce,
    denials: denials.length,
    failed: changes.filter(({ committed }) => committed === undefined).length,
    followed: all.filter(({ change, soon }) => nodes.every((node) => node === change.node || soon.has(node))).length,
    unavailable,
    propagation: all.flatMap(propagationOf).sort((a, b) => a - b),
  }
}

function propagationOf({ change, lastAllowed }: Followed): number[] {
  const { committed } = change
  if (committed === undefined) return []
  const others = [...lastAllowed].filter(([node]) => node !== change.node)
  return others.map(([, begin]) => Math.max(0, begin - committed))
}

/** @param share from 0 to 1 */
export function percentile(sorted: readonly number[], share: number): number | undefined {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
}
