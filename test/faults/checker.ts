/** Reads what nodes have decided while keys were changed, and finds each decision that no order of events allows. */
import { bySubject } from './by-subject.ts'
import type { Verify } from './programs/history.ts'

/** What requests with a text are: allowed, or denied. */
export type State = 'live' | 'dead'

/** What a change does to one text. Of a text they come one after the other, in the order of their commits. */
export interface Change {
  readonly subject: number
  readonly node: string
  readonly makes: State
  /** Milliseconds of the nodes' clock. From here on it may be seen. */
  readonly begun: number
  /** Not known of a call that has failed. */
  readonly committed: number | undefined
  /** A request that begins now, or later, must see it, on every node. Infinity: it may not have been made. */
  readonly holdsFrom: number
}

export interface Run {
  /** By subject, before the first change. */
  readonly startsAs: ReadonlyMap<number, State>
  readonly changes: readonly Change[]
  /** Those of a node in the order in which they were decided. */
  readonly verifies: Iterable<Verify>
  /** From here on all is well again, and no change is under way. */
  readonly settledAt: number
}

export type ViolationKind =
  /** Allowed, though a change that denies it had been acknowledged before the request began. */
  | 'allowed after the acknowledgement'
  /** The same, by a node that had denied it before. */
  | 'allowed again'
  /** Denied, though it was live all the time. Unavailable would have been the answer to a fault. */
  | 'denied while live'
  /** Denied longer than one lease after it was made live. */
  | 'denied when it had become live'
  /** Allowed by one node and denied by another, or by the same one, when nothing changed any more. */
  | 'nodes disagree'

export interface Violation {
  readonly kind: ViolationKind
  readonly node: string
  readonly subject: number
  /** When the request began. */
  readonly begin: number
}

export function violationsIn(run: Run): Violation[] {
  const changesOf = bySubject(run.changes, ({ subject }) => subject)
  const deniedAt = new Map<string, number>()
  const settledAs = new Map<number, Verify['outcome']>()
  const violations: Violation[] = []

  for (const verify of run.verifies) {
    const { node, subject, begin, outcome } = verify
    const isSettled = begin >= run.settledAt
    const found = (kind: ViolationKind) => violations.push({ kind, node, subject, begin })
    // What a fault may do: it lets nobody in.
    if (outcome === 'unavailable') continue
    const place = `${node} ${subject}`
    const { states, since } = possibleStates(run.startsAs.get(subject), changesOf.get(subject) ?? [], verify)
    if (outcome === 'allowed' && !states.has('live')) {
      const hadDenied = (deniedAt.get(place) ?? -Infinity) >= since
      found(hadDenied ? 'allowed again' : 'allowed after the acknowledgement')
    }
    if (outcome === 'denied') {
      if (!states.has('dead')) found(since === -Infinity ? 'denied while live' : 'denied when it had become live')
      deniedAt.set(place, begin)
    }
    if (!isSettled) continue
    if ((settledAs.get(subject) ?? outcome) !== outcome) found('nodes disagree')
    settledAs.set(subject, outcome)
  }
  return violations
}

/** What a text may be for a request: what the last change that holds by then has made it, or any that is under way. */
function possibleStates(
  start: State | undefined,
  changes: readonly Change[],
  { subject, begin, end }: Verify,
): { readonly states: ReadonlySet<State>; readonly since: number } {
  if (start === undefined) throw new Error(`nobody knows of subject ${subject}`)
  let states = new Set([start])
  let since = -Infinity
  for (const { makes, begun, holdsFrom } of changes) {
    if (holdsFrom <= begin) {
      states = new Set([makes])
      since = begun
    } else if (begun <= end) states.add(makes)
  }
  return { states, since }
}
