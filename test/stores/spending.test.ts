/** What there is, is spent to the last unit and no further, by processes of which one is killed in the middle of it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pass } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Charge } from '@latchkey/core'
import { type PostgresServer, startPostgres } from '@latchkey/test-servers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeWith } from '../requirements.ts'
import { ledgerOf, limiterOf } from './counting.ts'
import { openDatabase } from './database.ts'
import { openStore } from './programs/open-store.ts'
import type { Spending, Spent } from './programs/spend.ts'

const program = fileURLToPath(new URL('programs/dist/spend.js', import.meta.url))
/** For a busy machine, in milliseconds. */
const TIMEOUT = 300_000
/** Of each of three processes: together a thousand. */
const REQUESTS = 334
const ROUNDS = 3
/** Less than those ask for that are not killed. */
const WINDOW = 600
const BALANCE = 500

type Line = Spent | 'ready' | 'done'

/** Its lines so far, and the next ones. */
function start(url: string) {
  // Nothing of the test run's own environment: its NODE_OPTIONS are not the program's.
  const env = { PATH: process.env.PATH }
  const child = spawn(process.execPath, [program, url], { env, stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'close')
  const lines: Line[] = []
  const reader = createInterface(child.stdout).on('line', (line) => lines.push(JSON.parse(line)))
  const said = async (is: (line: Line) => boolean) => {
    while (!lines.some(is)) await Promise.race([once(reader, 'line'), ended.then(() => Promise.reject('it ended'))])
  }
  return { child, ended, lines, said }
}

const isSpent = (line: Line) => typeof line === 'object'

function spentOf(lines: readonly Line[]): readonly Spent[] {
  return lines.filter((line) => typeof line === 'object')
}

interface Engine {
  create(): Promise<string>
  /** Waits until nothing of a process that was killed goes on. */
  settle(url: string): Promise<void>
}

function spendsExactly({ create, settle }: Engine): void {
  it(`is spent to the last unit, and counted to the last one, in each of ${ROUNDS} rounds`, {
    timeout: TIMEOUT,
  }, async () => {
    const url = await create()
    let killedWithin = 0
    for (let round = 1; round <= ROUNDS; round++) {
      const bucket = `acme:${crypto.randomUUID()}`
      const windows = ['minute', 'hour'].map((name) => ({ name, bucket, seconds: 3600, limit: WINDOW, cost: 1 }))
      const slots = { name: 'requests', bucket, seconds: 3600, limit: WINDOW + 1 }
      const order: Spending = {
        requests: REQUESTS,
        charge: { windows, slots },
        balance: { id: bucket, limit: BALANCE },
      }
      const programs = [start(url), start(url), start(url)] as const
      const [victim, ...others] = programs
      for (const { said } of programs) await said((line) => line === 'ready')
      for (const { child } of programs) child.stdin.write(`${JSON.stringify(order)}\n`)
      await victim.said(isSpent)
      victim.child.kill('SIGKILL')
      expect(await victim.ended).toEqual([null, 'SIGKILL'])
      for (const { said, child } of others) {
        await said((line) => line === 'done')
        child.kill()
      }
      await settle(url)

      const spent = programs.flatMap(({ lines }) => spentOf(lines))
      const unheard = REQUESTS - spentOf(victim.lines).length
      const counted = spent.filter((one) => one.counted).length
      const charged = spent.filter((one) => one.charged).length
      // All is spent, of both windows and of the slots alike: what nobody has heard of was the victim's.
      expect(await kept(url, order)).toEqual({ remaining: [0, 0], freeSlots: [true, false], used: BALANCE })
      expect(counted).toBeLessThanOrEqual(WINDOW)
      expect(counted).toBeGreaterThanOrEqual(WINDOW - unheard)
      expect(charged).toBeLessThanOrEqual(BALANCE)
      expect(charged).toBeGreaterThanOrEqual(BALANCE - unheard)
      killedWithin += unheard > 0 ? 1 : 0
    }
    // Else nobody was killed in the middle of anything.
    expect(killedWithin).toBeGreaterThan(0)
  })
}

/** How it stands in the database. Of the slots there is one more than of the windows. */
async function kept(url: string, { charge: { windows, slots }, balance: { id, limit } }: Spending) {
  const store = await openStore(url)
  const take = async (charge: Charge) => limiterOf(store).take(charge, Date.now())
  const { states } = await take({ windows, slots: undefined })
  const ofSlots = { windows: [], slots }
  const freeSlots = [(await take(ofSlots)).taken, (await take(ofSlots)).taken]
  const allowance = { balanceId: id, limit, start: 0, end: Number.POSITIVE_INFINITY }
  const balance = await ledgerOf(store).read(allowance)
  await store.close()
  return { remaining: states.map(({ remaining }) => remaining), freeSlots, used: balance?.used }
}

describe('what there is in SQLite', () => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-spending-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  spendsExactly({ create: async () => `sqlite:${join(folder, 'keys.db')}`, settle: async () => {} })
})

describeWith('postgres', 'what there is in Postgres', (found) => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres(found)
  }, 60_000)
  afterAll(() => server?.stop())

  spendsExactly({
    create: async () => `${await server.database()}?application_name=spender`,
    // The server finds out by itself that its client is gone, and finishes what it was told before.
    async settle(url) {
      const database = await openDatabase(url)
      const clients = "select pid from pg_stat_activity where application_name = 'spender' and pid <> pg_backend_pid()"
      while ((await database.rows(clients)).length > 0) await pass(10)
      await database.close()
    },
  })
})
