/** Without each of the things that the promise rests on, the checker finds what the scenario is there to show. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeWith } from '../requirements.ts'
import { violationsIn } from './checker.ts'
import { NODES, startFleet } from './fleet.ts'
import { PROTECTIONS, without } from './mutants.ts'
import { IN_SHORT, SCENARIOS } from './scenarios.ts'
import { postgresSite, type Site } from './sites.ts'

describeWith('postgres', 'A promise that is broken is found out: on Postgres', (found) => {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-mutants-'))
  let site: Site
  beforeAll(async () => {
    site = await postgresSite(found, NODES)
  }, 60_000)
  afterAll(async () => {
    await site?.stop()
    rmSync(directory, { recursive: true })
  })

  it.each(PROTECTIONS.map((protection) => [protection.name, protection] as const))(
    '%s',
    { timeout: 60_000 },
    async (_, protection) => {
      const fleet = await startFleet(site, without(protection, directory))
      const scenario = SCENARIOS.find(({ name }) => name === protection.scenario)
      await scenario?.play(fleet, { ...IN_SHORT, size: 16 }, '')
      const kinds = violationsIn(await fleet.settle()).map(({ kind }) => kind)
      await fleet.stop()
      expect(kinds).toContainEqual(expect.stringMatching(/^allowed/))
    },
  )
})
