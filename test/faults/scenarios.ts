/** What goes wrong, on which stores. */
import { setTimeout as pass } from 'node:timers/promises'
import type { RequirementName } from '../requirements.ts'
import type { Fault, Which } from '../stores/tcp-proxy.ts'
import { settableClock } from './clock.ts'
import { type Fleet, NODES, type NodeName } from './fleet.ts'
import { recreated, revokedBetweenSubscriptions, revokedWhileOthersWait, revokedWhileRead } from './interleavings.ts'
import type { Launch } from './nodes.ts'
import type { StoreName } from './sites.ts'
import { LINGER, type Wave, wave } from './wave.ts'

/** How much is done. */
export interface Extent {
  /** How often a fault is repeated. */
  readonly waves: number
  /** Keys that are changed at once. */
  readonly size: number
  /** How long a node is stopped, in milliseconds. */
  readonly stop: number
  /** Of the stores that are reached by a network, in milliseconds. Default: theirs. */
  readonly lease?: number
}

export const IN_FULL: Extent = { waves: 3, size: 96, stop: 10_000 }
export const IN_SHORT: Extent = { waves: 1, size: 32, stop: 1200, lease: 200 }

export interface Scenario {
  readonly name: string
  readonly stores: readonly StoreName[]
  /** What it works with beside the store. */
  readonly needs?: RequirementName
  /** The server must be one that can be killed. */
  readonly restarts?: true
  /** @param found what it needs */
  readonly play: (fleet: Fleet, extent: Extent, found: string) => Promise<void>
}

const ALL: readonly StoreName[] = ['sqlite', 'postgres', 'redis']
const SERVERS: readonly StoreName[] = ['postgres', 'redis']

/** Those whom nothing happens to where it is `c` that something happens to. */
const OTHERS: readonly NodeName[] = ['a', 'b']
/** How long an auth waits for its store, and a store for its server, in milliseconds. */
const TIMEOUT = 2000
const HANGS: Fault = { kind: 'hang' }
const RESETS: Fault = { kind: 'reset' }

export const SCENARIOS: readonly Scenario[] = [
  { name: 'all is well, and two nodes write', stores: ['sqlite'], play: waves(() => ({ by: OTHERS })) },
  { name: 'all is well, and every node writes', stores: ALL, play: waves(() => ({})) },
  {
    name: 'keys are deleted and imported again at once',
    stores: ALL,
    play: (fleet, { size }) => recreated(fleet, size),
  },
  {
    name: 'announcements hang on their way to one node',
    stores: SERVERS,
    play: waves((fleet) => broken(fleet, 'c', { kind: 'hang', way: 'to the client' }, 'listening')),
  },
  {
    name: 'what one node says to the bus hangs',
    stores: SERVERS,
    play: waves((fleet) => broken(fleet, 'c', { kind: 'hang', way: 'to the server' }, 'listening')),
  },
  {
    name: 'the bus of one node hangs, in both directions',
    stores: SERVERS,
    play: waves((fleet) => broken(fleet, 'c', HANGS, 'listening')),
  },
  {
    name: 'what one node asks the store hangs, its bus does not',
    stores: SERVERS,
    play: waves((fleet) => ({ ...broken(fleet, 'c', { kind: 'hang', way: 'to the server' }, 'others'), by: OTHERS })),
  },
  {
    name: 'what the store answers one node hangs, its bus does not',
    stores: SERVERS,
    play: waves((fleet) => ({ ...broken(fleet, 'c', { kind: 'hang', way: 'to the client' }, 'others'), by: OTHERS })),
  },
  {
    name: 'one node reaches nothing, for longer than anybody waits',
    stores: SERVERS,
    play: waves((fleet) => {
      const { before, after } = broken(fleet, 'c', HANGS)
      return { by: OTHERS, before, after: () => pass(TIMEOUT).then(after) }
    }),
  },
  {
    name: 'a change is announced between two subscriptions of a node',
    stores: SERVERS,
    play: waves((fleet) => {
      const { before, after } = broken(fleet, 'c', HANGS, 'listening')
      const cutAndHang = () => {
        fleet.site.proxyOf('c').break(RESETS, 'listening')
        before()
      }
      return { before: cutAndHang, after }
    }),
  },
  {
    name: 'subscriptions are reset again and again',
    stores: SERVERS,
    play: waves(({ site }) => ({
      during: () =>
        again(async () => {
          for (const { break: breakNow } of NODES.map(site.proxyOf)) breakNow(RESETS, 'listening')
          await pass(5)
          for (const { heal } of NODES.map(site.proxyOf)) heal()
        }),
    })),
  },
  {
    name: 'the server cuts who listens again and again',
    stores: SERVERS,
    play: waves(({ site }) => ({ during: () => again(site.cutListeners) })),
  },
  {
    name: 'announcements come twice, in another order, and with garbage',
    stores: SERVERS,
    play: waves(({ site }) => ({
      during: () =>
        again(async () => {
          for (const message of [...site.heard().slice(-20).reverse(), ...GARBAGE]) await site.publish(message)
        }),
    })),
  },
  {
    name: 'a change is announced between two subscriptions, and nobody asks meanwhile',
    stores: SERVERS,
    play: repeated((fleet, { size }) => revokedBetweenSubscriptions(fleet, size)),
  },
  { name: 'a key is revoked while it is read', stores: SERVERS, play: repeated(revokedWhileRead) },
  {
    name: 'a key is revoked while it is read, and more requests come',
    stores: SERVERS,
    play: repeated(revokedWhileOthersWait),
  },
  {
    name: 'what one node reads is slow, and it reads keys for the first time',
    stores: SERVERS,
    play: waves((fleet) => ({ ...broken(fleet, 'c', { kind: 'delay', milliseconds: 50 }, 'others'), cold: 'c' })),
  },
  {
    name: 'one node reads keys for the first time',
    stores: ALL,
    play: waves(() => ({ cold: 'c', by: OTHERS })),
  },
  {
    name: 'who writes is cut off',
    stores: SERVERS,
    play: waves((fleet, i) => {
      const { before, after } = broken(fleet, 'a', RESETS)
      return { by: ['a'], during: () => pass(moment(fleet, i)).then(before), after }
    }),
  },
  {
    name: 'nobody reaches the store',
    stores: SERVERS,
    play: waves((fleet, i) => {
      const all = NODES.map((node) => broken(fleet, node, HANGS))
      const breakAll = () =>
        all.forEach(({ before }) => {
          before()
        })
      const healAll = () =>
        all.forEach(({ after }) => {
          after()
        })
      return { during: () => pass(moment(fleet, i)).then(breakAll), after: healAll }
    }),
  },
  {
    name: 'the server is killed and starts anew',
    stores: SERVERS,
    restarts: true,
    play: waves((fleet, i) => ({ during: () => pass(moment(fleet, i)).then(fleet.site.restart) })),
  },
  {
    name: 'one node is stopped while others write',
    stores: ALL,
    play: (fleet, { size, stop }) => wave(fleet, { size, by: OTHERS, ...stopped(fleet, stop) }),
  },
  {
    name: 'one node is stopped in the middle of a change',
    stores: ALL,
    play: waves((fleet, i, { stop }) => {
      const { before, after } = stopped(fleet, Math.min(stop, 2000))
      return { by: OTHERS, during: () => pass(moment(fleet, i)).then(before), after }
    }),
  },
  {
    name: 'one node is stopped while more is changed than a log holds',
    stores: ['sqlite'],
    play: waves((fleet) => {
      const { before, after } = stopped(fleet, 0)
      const stopAndFill = async () => {
        before()
        // It may have been stopped in the middle of a write: then nobody else can write until it goes on.
        while (!(await fleet.node('a').ask('fill', 12_000))) {
          await after()
          await pass(1)
          before()
        }
      }
      return { by: OTHERS, before: stopAndFill, after }
    }),
  },
  {
    name: 'one node is on a machine that sleeps',
    stores: ALL,
    async play(fleet, extent, found) {
      await fleet.restart('c', SLEEPER)
      const sleep = waves((fleet) => {
        const { before, after } = stopped(fleet, extent.stop / 4)
        if (fleet.site.store === 'sqlite') return { by: OTHERS, before, after }
        // What it is told when it wakes comes after its first requests.
        const bus = broken(fleet, 'c', HANGS, 'listening')
        const fallAsleep = () => {
          bus.before()
          before()
        }
        return {
          by: OTHERS,
          before: fallAsleep,
          after: () =>
            after()
              .then(() => pass(LINGER))
              .then(bus.after),
        }
      })
      await sleep(fleet, extent, found)
      await fleet.restart('c')
    },
  },
  {
    name: 'clocks are set, an hour forward and two back',
    stores: ALL,
    needs: 'faketime',
    async play(fleet, extent, found) {
      const clocks = { b: settableClock(found), c: settableClock(found) }
      await Promise.all([fleet.restart('b', clocks.b.launch), fleet.restart('c', clocks.c.launch)])
      const set = (hours: number) =>
        Object.values(clocks).forEach((clock) => {
          clock.set(hours)
        })
      const during = async () => {
        set(1)
        await pass(fleet.site.lease / 4)
        set(-1)
      }
      await waves(() => ({ before: () => set(0), during }))(fleet, extent, found)
      await Promise.all([fleet.restart('b'), fleet.restart('c')])
      for (const clock of Object.values(clocks)) clock.remove()
    },
  },
  {
    name: 'who writes is killed',
    stores: ALL,
    play(fleet, extent, found) {
      const kills = waves((fleet, i) => ({
        by: ['a'],
        during: () => pass(moment(fleet, i)).then(fleet.node('a').kill),
        async after(subjects) {
          await fleet.restart('a')
          await fleet.watch(subjects, ['a'])
        },
      }))
      return kills(fleet, { ...extent, waves: 2 * extent.waves, size: extent.size / 2 }, found)
    },
  },
]

const GARBAGE = [
  '',
  '[]',
  '{',
  '["key"]',
  '["key", "faults", null]',
  '["all", null, null]',
  'null',
  '\u{1f511}'.repeat(500),
]

/** A process whose monotonic clock leaves out that it was stopped, as that of a machine leaves out its sleep. */
const SLEEPER: Launch = { execArgv: ['--import', new URL('programs/dist/sleeper.js', import.meta.url).href] }

type Play = Scenario['play']

function repeated(play: Play): Play {
  return async (...words) => {
    for (let i = 0; i < words[1].waves; i++) await play(...words)
  }
}

/** One wave after the other, with a fault in each. */
function waves(faultOf: (fleet: Fleet, number: number, extent: Extent) => Partial<Wave>): Play {
  return async (fleet, extent) => {
    for (let i = 0; i < extent.waves; i++) await wave(fleet, { size: extent.size, ...faultOf(fleet, i, extent) })
  }
}

function broken({ site }: Fleet, node: NodeName, fault: Fault, which?: Which) {
  return { before: () => site.proxyOf(node).break(fault, which), after: () => site.proxyOf(node).heal() }
}

function stopped(fleet: Fleet, milliseconds: number) {
  return {
    before: () => fleet.node('c').signal('SIGSTOP'),
    async after() {
      await pass(milliseconds)
      fleet.node('c').signal('SIGCONT')
    },
  }
}

/** In milliseconds, another one in each wave: while changes are made, while they are acknowledged, before any. */
function moment({ site }: Fleet, wave: number): number {
  return [60, site.lease + 60, 0, 150, site.lease + 150, 20][wave % 6] ?? 0
}

async function again(work: () => Promise<void>): Promise<void> {
  for (let i = 0; i < 8; i++) {
    await work()
    await pass(50)
  }
}
