/**
 * Once the call that makes a denying change has returned, no request that begins afterwards is allowed, on any node: three
 * processes on one store, in health and in faults. In short here, at length by `npx pnpm test:faults`.
 */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeWith } from '../requirements.ts'
import { violationsIn } from './checker.ts'
import { type Fleet, NODES, startFleet } from './fleet.ts'
import { measure } from './measures.ts'
import { IN_FULL, IN_SHORT, SCENARIOS, type Scenario } from './scenarios.ts'
import type { Site, SiteOptions, StoreName } from './sites.ts'
import type { Row } from './table.ts'

declare module 'vitest' {
  interface TaskMeta {
    /** For the table. */
    row?: Row & { readonly store: StoreName; readonly lease: number }
  }
}

const extent = process.env.LATCHKEY_FAULTS === 'full' ? IN_FULL : IN_SHORT

/** In all scenarios: else the run means nothing. How soon requests follow is the machine's matter, where others use it too. */
const LEAST = extent === IN_FULL ? { denials: 1000, followed: 1000 } : { denials: 200, followed: 0 }

/** @param open with a lease of so many milliseconds, or the store's own */
export function holds(store: StoreName, open: (options: SiteOptions) => Promise<Site>): void {
  let site: Site
  let fleet: Fleet
  const all = { denials: 0, followed: 0 }
  beforeAll(async () => {
    site = await open(extent)
    fleet = await startFleet(site)
  }, 60_000)
  afterAll(async () => {
    await fleet?.stop()
    await site?.stop()
  })

  for (const scenario of SCENARIOS) {
    if (!scenario.stores.includes(store)) continue
    if (scenario.needs === undefined) allowsNothingDenied(scenario)
    else describeWith(scenario.needs, `with ${scenario.needs}`, (found) => allowsNothingDenied(scenario, found))
  }

  it('was asked often enough, and on every other node at once after changes', () => {
    expect(all.denials).toBeGreaterThanOrEqual(LEAST.denials)
    expect(all.followed).toBeGreaterThanOrEqual(LEAST.followed)
  })

  function allowsNothingDenied({ name, play, restarts }: Scenario, found = ''): void {
    it(`allows nothing that was denied: ${name}`, { timeout: 300_000 }, async ({ task, skip }) => {
      if (restarts && site.restart === undefined) skip('the server is not ours to kill')
      try {
        await play(fleet, extent, found)
      } finally {
        await fleet.mend()
      }
      const run = await fleet.settle()
      const violations = violationsIn(run)
      const measures = measure(run, NODES)
      task.meta.row = { store, lease: site.lease, scenario: name, measures, violations: violations.length }
      expect(violations).toEqual([])
      expect(measures.denials).toBeGreaterThan(0)
      all.denials += measures.denials
      all.followed += measures.followed
    })
  }
}
