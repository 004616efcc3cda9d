/** What goes wrong. */
import { setTimeout as pass } from 'node:timers/promises'
import type { Which, Way } from '../stores/tcp-proxy.ts'
import type { Fleet, NodeName } from './fleet.ts'
import type { StoreName } from './sites.ts'
import { wave } from './wave.ts'

/** How much is done. */
export interface Extent {
  /** How often a fault is repeated. */
  readonly waves: number
  /** Keys that are changed at once. */
  readonly size: number
  /** How long a node is stopped, in milliseconds. */
  readonly stop: number
}

export interface Scenario {
  readonly name: string
  readonly stores: readonly StoreName[]
  readonly play: (fleet: Fleet, extent: Extent) => Promise<void>
}

const ALL: readonly StoreName[] = ['sqlite', 'postgres']
const SERVERS: readonly StoreName[] = ['postgres']

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'all is well',
    stores: ALL,
    play: repeated((fleet, { size }) => wave(fleet, { size })),
  },
]

type Play = Scenario['play']

function repeated(play: Play): Play {
  return async (fleet, extent) => {
    for (let i = 0; i < extent.waves; i++) await play(fleet, extent)
  }
}
