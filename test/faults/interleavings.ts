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
  await Promise.all(
    subjects.map(async (subject, i) => {
      for (let round = 0; round < 3; round++) {
        await fleet.change('delete', subject, { by: inTurn(NODES, i + round), wait: false })
        await fleet.change('import', subject, { by: inTurn(NODES, i + round + 1) })
      }
      await fleet.change('revoke', subject, { by: inTurn(NODES, i + 3) })
      await fleet.change('delete', subject, { by: inTurn(NODES, i + 4) })
    }),
  )
  await pass(LINGER)
  await fleet.rest()
}

/** A node keeps a key. Its subscription ends, the key is revoked, and the next request renews the subscription. */
export async function revokedBetweenSubscriptions(fleet: Fleet, size: number): Promise<void> {
  const subjects = await fleet.subjects(size)
  await fleet.know(subjects)
  const c = fleet.node('c')
  // The first time it is read, the second time it is kept.
  for (let times = 0; times < 2; times++) await c.ask('review', null)
  const way = fleet.site.proxyOf('c')
  way.break({ kind: 'reset' }, 'listening')
  way.heal()
  await pass(LINGER)
  await Promise.all(subjects.map((subject) => fleet.change('revoke', subject)))
  await pass(LINGER)
}

/** A node reads a key, and the answer hangs. The key is revoked, then comes the answer, and then another request. */
export async function revokedWhileRead(fleet: Fleet): Promise<void> {
  const { subject, goOn } = await readThatHangs(fleet)
  await revokedForAll(fleet, subject)
  goOn()
  await pass(LINGER)
  await fleet.node('c').ask('follow', subject.id)
  await pass(LINGER)
}

/** As before, but the other request comes before the answer. */
export async function revokedWhileOthersWait(fleet: Fleet): Promise<void> {
  const { subject, goOn } = await readThatHangs(fleet)
  await revokedForAll(fleet, subject)
  await fleet.node('c').ask('follow', subject.id)
  await pass(LINGER)
  goOn()
  await pass(LINGER)
}

/** Not by waiting for the call: the node would have a request when that returns. */
async function revokedForAll(fleet: Fleet, subject: Subject): Promise<void> {
  await fleet.change('revoke', subject, { wait: false })
  await pass(fleet.site.lease + LINGER)
}

async function readThatHangs(fleet: Fleet): Promise<{ readonly subject: Subject; readonly goOn: () => void }> {
  const kept = await fleet.subjects(1)
  // So that it has a lease.
  await fleet.watch(kept)
  await fleet.warm()
  const [subject] = await fleet.subjects(1)
  if (subject === undefined) throw new Error('there is no subject')
  await fleet.know([subject])
  const way = fleet.site.proxyOf('c')
  way.break({ kind: 'hang', way: 'to the client' }, { asking: digestKey(subject.text) })
  await fleet.node('c').ask('follow', subject.id)
  while (way.hanging() === 0) await pass(1)
  return { subject, goOn: way.heal }
}
