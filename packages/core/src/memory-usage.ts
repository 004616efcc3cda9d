import type { KeyUse, UsageCount } from './store.ts'

/** How the keys of one service are used, in this process's memory. */
export interface MemoryUsage {
  add(use: KeyUse): void
  /** When a key was used first and last. `undefined`: it was not. */
  timesOf(keyId: string): Times | undefined
  countsOf(keyId: string): readonly UsageCount[]
  delete(keyId: string): void
}

interface Times {
  readonly firstAt: number
  readonly lastAt: number
}

interface Usage extends Times {
  firstAt: number
  lastAt: number
  /** By day, route and status. */
  readonly counts: Map<string, Counted>
  /** The one that was added to last: most are like the one before. */
  latest: Counted | undefined
}

interface Counted extends UsageCount {
  count: number
}

export function memoryUsage(): MemoryUsage {
  const byKey = new Map<string, Usage>()
  return {
    add(use) {
      const { keyId, route, status, day, count, firstAt, lastAt } = use
      let usage = byKey.get(keyId)
      if (usage === undefined) {
        usage = { firstAt, lastAt, counts: new Map(), latest: undefined }
        byKey.set(keyId, usage)
      }
      usage.firstAt = Math.min(usage.firstAt, firstAt)
      usage.lastAt = Math.max(usage.lastAt, lastAt)
      const { latest } = usage
      if (latest?.day === day && latest.status === status && latest.route === route) latest.count += count
      else countElsewhere(usage, use)
    },
    timesOf: (keyId) => byKey.get(keyId),
    countsOf: (keyId) => [...(byKey.get(keyId)?.counts.values() ?? [])].map((counted) => ({ ...counted })),
    delete: (keyId) => void byKey.delete(keyId),
  }
}

function countElsewhere(usage: Usage, { keyId, route, status, day, count }: UsageCount): void {
  const place = `${day} ${status} ${route}`
  const known = usage.counts.get(place)
  const counted = known ?? { keyId, route, status, day, count: 0 }
  counted.count += count
  if (known === undefined) usage.counts.set(place, counted)
  usage.latest = counted
}
