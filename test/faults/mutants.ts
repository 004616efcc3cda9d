/** What the promise rests on, and how it is taken away. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { applied } from '../mutation/mutant.ts'
import type { Launch } from './nodes.ts'

export interface Protection {
  /** What no longer holds. */
  readonly name: string
  /** Of core's build: texts that stand there exactly once, and what stands in their place. */
  readonly file: string
  readonly edits: readonly (readonly [find: string, replace: string])[]
  /** The scenario in which it is needed, each time. */
  readonly scenario: string
}

export const PROTECTIONS: readonly Protection[] = [
  {
    name: 'what was read is not trusted without a heartbeat',
    file: 'lease.js',
    edits: [['if (age >= feed.lease)', 'if (age === Infinity)']],
    scenario: 'the bus of one node hangs, in both directions',
  },
  {
    name: 'nothing that was read before a subscription counts in it',
    file: 'lease.js',
    edits: [["epochs.advance({ kind: 'all' });", '']],
    scenario: 'a change is announced between two subscriptions, and nobody asks meanwhile',
  },
  {
    name: 'what was announced while it was read is read again',
    file: 'cache.js',
    edits: [['keep(id, answer, epoch)', 'keep(id, answer, epochs.now())']],
    scenario: 'a key is revoked while it is read',
  },
  {
    name: 'nobody joins a read from before a change',
    file: 'cache.js',
    edits: [
      [' && flight.term === lease.term()', ''],
      ['flight.began > asked', 'true'],
      ['isUnavailable(landed) || epochs.isCurrent(landed)', 'true'],
    ],
    scenario: 'a key is revoked while it is read, and more requests come',
  },
  {
    name: 'what a machine sleeps counts',
    file: 'lease.js',
    edits: [['Math.max(performance.now() - sentAt, Date.now() - sentAtWall)', 'performance.now() - sentAt']],
    scenario: 'one node is on a machine that sleeps',
  },
  {
    name: 'who makes a change waits for one lease',
    file: 'manage.js',
    edits: [['await leasePassed(store.capabilities.lease)', '']],
    scenario: 'announcements hang on their way to one node',
  },
]

const program = new URL('programs/dist/mutated.js', import.meta.url).href

/**
 * Nodes without a protection.
 *
 * @param directory where the source is put
 */
export function without({ name, file, edits }: Protection, directory: string): Launch {
  const url = new URL(`../../packages/core/dist/${file}`, import.meta.url)
  const mutated = edits.reduce(
    (source, [find, replace]) => applied({ name, file, find, replace }, source),
    readFileSync(url, 'utf8'),
  )
  const path = join(directory, file)
  writeFileSync(path, mutated)
  const env = { LATCHKEY_MUTATED: JSON.stringify([[url.href, path]]) }
  return { env, execArgv: ['--import', program] }
}
