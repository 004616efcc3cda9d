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

/** A node reads a key, and the answer hangs. The key is revoked, the node hears of it, and then comes the answer. */
export async function revokedWhileRead(fleet: Fleet): Promise<void> {
  const subject = await readThatHangs(fleet)
  await fleet.change('revoke', subject, { wait: false })
  await pass(fleet.site.lease / 2)
  // It is read; what a node does with it is seen when the change holds.
  fleet.site.proxyOf('c').heal()
  await pass(fleet.site.lease + LINGER)
}

/** As before, but the answer comes when the change holds, and another request is waiting for an answer too. */
export async function revokedWhileOthersWait(fleet: Fleet): Promise<void> {
  const subject = await readThatHangs(fleet)
  await fleet.change('revoke', subject, { wait: false })
  await pass(fleet.site.lease + LINGER)
  fleet.site.proxyOf('c').heal()
  await pass(LINGER)
}

async function readThatHangs(fleet: Fleet): Promise<Subject> {
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
  return subject
}
