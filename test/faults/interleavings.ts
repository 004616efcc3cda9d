/** What happens in one order, and no other. */
import { setTimeout as pass } from 'node:timers/promises'
import { digestKey } from '@latchkey/core'
import { type Fleet, NODES, type Subject } from './fleet.ts'
import { inTurn, LINGER } from './wave.ts'

/** Texts that are deleted by one node and imported by the next, without a pause, and deleted for good in the end. */
export async function recreated(fleet: Fleet, size: number): Promise<void> {
  const subjects = await fleet.subjects(size)
  await fleet.watch(subjects)
  await fleet.warm()
  await Promise.all(subjects.map((subject, i) => recreate(fleet, subject, i)))
  await pass(LINGER)
  await fleet.rest()
}

async function recreate(fleet: Fleet, subject: Subject, turn: number): Promise<void> {
  const actions = ['delete', 'import', 'delete', 'import', 'delete', 'import', 'revoke', 'delete'] as const
  for (const [i, action] of actions.entries()) {
    const options = { by: inTurn(NODES, turn + i), wait: action !== 'delete' || i === actions.length - 1 }
    // Of an import that has failed nobody knows the key, and what is done to the earlier one says nothing of the text.
    if (!(await fleet.change(action, subject, options))) return
  }
}

/** A node keeps keys. Its subscription ends, the keys are revoked, and a request for another one renews the subscription. */
export async function revokedBetweenSubscriptions(fleet: Fleet, size: number): Promise<void> {
  const { site } = fleet
  const c = fleet.node('c')
  const subjects = await fleet.subjects(size)
  await fleet.know(subjects)
  // The first time they are read, the second time they are kept.
  for (let times = 0; times < 2; times++) await c.ask('review', null)
  const way = site.proxyOf('c')
  way.break({ kind: 'reset' }, 'listening')
  way.heal()
  await Promise.all(subjects.map((subject) => fleet.change('revoke', subject, { wait: false })))
  await pass(site.lease + LINGER)
  const known = await knownToAll(fleet)
  await c.ask('whileHeld', { known, subjects: subjects.map(({ id }) => id) })
  await fleet.rest()
}

/** A node reads a key, and the answer hangs. The key is revoked, then comes the answer, and then another request. */
export async function revokedWhileRead(fleet: Fleet): Promise<void> {
  const { known, subject, answer } = await readThatHangs(fleet)
  await fleet.change('revoke', subject, { wait: false })
  await pass(fleet.site.lease + LINGER)
  await answer()
  await fleet.node('c').ask('whileHeld', { known, subjects: [subject.id] })
  await fleet.rest()
}

/** As before, but the other request comes before the answer. */
export async function revokedWhileOthersWait(fleet: Fleet): Promise<void> {
  const { known, subject, answer } = await readThatHangs(fleet)
  await fleet.change('revoke', subject, { wait: false })
  await pass(fleet.site.lease + LINGER)
  await Promise.race([fleet.node('c').ask('whileHeld', { known, subjects: [subject.id] }), pass(MOST)])
  await answer()
  await fleet.rest()
}

/** Where all that a node asks has one way, it holds nothing while that hangs, in milliseconds. */
const MOST = 500

interface Read {
  /** A key that is kept. */
  readonly known: number
  readonly subject: Subject
  /** Lets the answer through; until it is there. */
  readonly answer: () => Promise<unknown>
}

async function readThatHangs(fleet: Fleet): Promise<Read> {
  const known = await knownToAll(fleet)
  const [subject] = await fleet.subjects(1)
  if (subject === undefined) throw new Error('there is no subject')
  await fleet.know([subject])
  const way = fleet.site.proxyOf('c')
  way.break({ kind: 'hang', way: 'to the client' }, { asking: digestKey(subject.text) })
  const decided = fleet.node('c').ask('follow', subject.id)
  while (way.hanging() === 0) await pass(1)
  return {
    known,
    subject,
    answer: () => {
      way.heal()
      return decided
    },
  }
}

/** A key that every node keeps and has requests for, so that it has a lease. */
async function knownToAll(fleet: Fleet): Promise<number> {
  const [subject] = await fleet.subjects(1)
  if (subject === undefined) throw new Error('there is no subject')
  await fleet.watch([subject])
  await fleet.warm()
  return subject.id
}
