import { describe, expect, it } from 'vitest'
import { type Change, type Run, type State, type ViolationKind, violationsIn } from './checker.ts'
import type { Outcome, Verify } from './programs/history.ts'

const LEASE = 400
const SETTLED = 10_000

/** A change that takes a lease, from 1000 to 1410. */
const change = (makes: State, more: Partial<Change> = {}): Change => {
  return { subject: 1, node: 'a', makes, begun: 1000, committed: 1010, holdsFrom: 1010 + LEASE, ...more }
}
const verify = (node: string, begin: number, outcome: Outcome, end = begin + 1): Verify => {
  return { node, subject: 1, begin, end, outcome, atOnce: true }
}
const kinds = (startsAs: State, changes: readonly Change[], verifies: readonly Verify[]): ViolationKind[] => {
  const run: Run = { startsAs: new Map([[1, startsAs]]), changes, verifies, settledAt: SETTLED }
  return violationsIn(run).map(({ kind }) => kind)
}

const revoked = change('dead')
const never = Infinity

describe('a history is found guilty', () => {
  it.each<[what: string, startsAs: State, changes: readonly Change[], verifies: readonly Verify[], ViolationKind[]]>([
    [
      'of a request that begins at the acknowledgement and is allowed',
      'live',
      [revoked],
      [verify('b', 1410, 'allowed')],
      ['allowed after the acknowledgement'],
    ],
    [
      'of one that is allowed long after that',
      'live',
      [revoked],
      [verify('b', 9000, 'allowed')],
      ['allowed after the acknowledgement'],
    ],
    [
      'of one that a node allows which had denied it',
      'live',
      [revoked],
      [verify('b', 1100, 'denied'), verify('b', 2000, 'allowed')],
      ['allowed again'],
    ],
    [
      'of one that a node allows which another had denied',
      'live',
      [revoked],
      [verify('a', 1100, 'denied'), verify('b', 2000, 'allowed')],
      ['allowed after the acknowledgement'],
    ],
    ['of a live key that is denied', 'live', [], [verify('b', 500, 'denied')], ['denied while live']],
    [
      'of a key that is denied before the change that denies it begins',
      'live',
      [revoked],
      [verify('b', 998, 'denied')],
      ['denied while live'],
    ],
    [
      'of a new key that is denied later than one lease after it was made',
      'dead',
      [change('live')],
      [verify('b', 1410, 'denied')],
      ['denied when it had become live'],
    ],
    [
      'of a text that was made live again and is denied',
      'live',
      [revoked, change('live', { begun: 2000, holdsFrom: 2400 })],
      [verify('b', 2400, 'denied')],
      ['denied when it had become live'],
    ],
    [
      'of a text that was made live again and denied again, and is allowed',
      'live',
      [revoked, change('live', { begun: 2000, holdsFrom: 2400 }), change('dead', { begun: 3000, holdsFrom: 3400 })],
      [verify('b', 3400, 'allowed')],
      ['allowed after the acknowledgement'],
    ],
    [
      'of nodes that do not agree whether a change was made that nobody acknowledged',
      'live',
      [change('dead', { committed: undefined, holdsFrom: never })],
      [verify('a', SETTLED, 'denied'), verify('b', SETTLED, 'allowed')],
      ['nodes disagree'],
    ],
  ])('%s', (_, startsAs, changes, verifies, expected) => {
    expect(kinds(startsAs, changes, verifies)).toEqual(expected)
  })
})

describe('a history is found good', () => {
  it.each<[what: string, startsAs: State, changes: readonly Change[], verifies: readonly Verify[]]>([
    [
      'where requests are allowed that begin before the acknowledgement, whenever they end',
      'live',
      [revoked],
      [verify('b', 1409, 'allowed', 5000), verify('b', 1200, 'denied'), verify('b', 1410, 'denied')],
    ],
    [
      'where a request is denied that was under way when the change began',
      'live',
      [revoked],
      [verify('b', 900, 'denied', 1000)],
    ],
    [
      'where a new key is denied, and allowed, within a lease',
      'dead',
      [change('live')],
      [verify('b', 1005, 'allowed'), verify('c', 1409, 'denied')],
    ],
    ['where requests are unavailable', 'live', [revoked], [verify('b', 2000, 'unavailable')]],
    [
      'where nodes agree, whether or not a change was made that nobody acknowledged',
      'live',
      [change('dead', { committed: undefined, holdsFrom: never })],
      [verify('a', 2000, 'allowed'), verify('a', SETTLED, 'denied'), verify('b', SETTLED, 'denied')],
    ],
    [
      'where a text is deleted and imported at once',
      'live',
      [change('dead', { holdsFrom: 1020 + LEASE }), change('live', { begun: 1020, holdsFrom: 1030 + LEASE })],
      [verify('b', 1425, 'denied'), verify('b', 1428, 'allowed'), verify('c', 1430, 'allowed')],
    ],
  ])('%s', (_, startsAs, changes, verifies) => {
    expect(kinds(startsAs, changes, verifies)).toEqual([])
  })

  it('only if it is of texts that are known', () => {
    const run: Run = { startsAs: new Map(), changes: [], verifies: [verify('a', 1, 'denied')], settledAt: SETTLED }
    expect(() => violationsIn(run)).toThrow('nobody knows of subject 1')
  })
})
