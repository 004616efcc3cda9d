/** The same app on each framework, behind a middleware that does nothing, behind ours and behind others'. */
import { type ChildProcess, fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { type Load, openLoad } from './load.ts'
import { number, type Report, table } from './markdown.ts'
import type { Listening } from './server.ts'
import { differenceOf, medianOf, ratioOf, type Target } from './statistics.ts'

/** Requests to each before it counts, and in each round. */
interface Effort {
  readonly warmUp: number
  readonly rounds: number
  readonly count: number
}

type Credential = 'key' | 'token'

interface Variant {
  readonly name: string
  /** What it is sent: it is compared with the app that does nothing with the same. */
  readonly credential: Credential
  /** As the server knows it. */
  readonly guard: string
  readonly sends: 'good' | 'missing' | 'bad'
  /** Requests in a second, and microseconds of the server's processor for one, by round. */
  readonly rates: number[]
  readonly costs: number[]
}

interface Peer {
  readonly name: string
  readonly credential: Credential
}

const FRAMEWORKS: readonly { readonly name: string; readonly peers: readonly Peer[] }[] = [
  {
    name: 'Hono',
    peers: [
      { name: 'hono bearerAuth', credential: 'key' },
      { name: 'hono/jwt', credential: 'token' },
      { name: 'jose', credential: 'token' },
      { name: 'Better Auth', credential: 'key' },
    ],
  },
  { name: 'Koa', peers: [{ name: 'koa-jwt', credential: 'token' }] },
  {
    name: 'Express',
    peers: [
      { name: 'express-jwt', credential: 'token' },
      { name: 'passport-headerapikey', credential: 'key' },
    ],
  },
]

const BARE = { key: 'no-op, key', token: 'no-op, token' } as const
const FLOOR = 'F: crypto.hash and a Map'
const OURS = { key: 'Latchkey, key', token: 'Latchkey, token' } as const

/** What a refusal may cost more than the bare 200, in microseconds, and where that is asked. */
const REFUSAL = 8
const REFUSING = ['Hono', 'Koa']

export async function benchHttp(quick: boolean): Promise<Report> {
  const effort = quick ? { warmUp: 4000, rounds: 5, count: 600 } : { warmUp: 10_000, rounds: 21, count: 4000 }
  const isPinned = pin(process.pid, '1')
  const markdown: string[] = []
  const targets: Target[] = []
  for (const { name, peers } of FRAMEWORKS) {
    const variants = [
      ...variantsOf(BARE.key, 'key', BARE.key, ['good']),
      ...(quick ? [] : variantsOf(FLOOR, 'key', 'floor', ['good'])),
      ...variantsOf(OURS.key, 'key', 'key', ['good', 'missing', 'bad']),
      ...variantsOf(BARE.token, 'token', BARE.token, ['good']),
      ...variantsOf(OURS.token, 'token', 'token', quick ? ['good'] : ['good', 'bad']),
      ...(quick ? [] : peers.flatMap(({ name, credential }) => variantsOf(name, credential, name, ALL))),
    ]
    await measure(name.toLowerCase(), variants, effort)
    markdown.push(`### ${name}`, tableOf(variants))
    targets.push(...targetsOf(name, variants))
  }
  if (isPinned) pin(process.pid, `0-${availableParallelism() - 1}`)
  return {
    markdown: [
      '## End to end',
      `An app with one route that answers 200 and a small JSON, behind a middleware; ${effort.rounds} interleaved rounds of
${effort.count} requests each, 16 connections, ${isPinned ? 'server and client on a processor each' : 'server and client share the processors'}. Requests in a second, and their ratio to
the app whose middleware does nothing and is sent the same; µs of the server's processor for a request, and how many more than that app's.${quick ? '' : ' F hashes the field and looks it up, no more.'}`,
      ...markdown,
    ].join('\n\n'),
    targets,
  }
}

const ALL = ['good', 'missing', 'bad'] as const

function variantsOf(
  name: string,
  credential: Credential,
  guard: string,
  kinds: readonly Variant['sends'][],
): readonly Variant[] {
  return kinds.map((sends) => ({
    name: sends === 'good' ? name : `${name}, ${sends === 'bad' ? 'invalid' : 'missing'}`,
    credential,
    guard,
    sends,
    rates: [],
    costs: [],
  }))
}

interface Server {
  readonly child: ChildProcess
  readonly listening: Listening
}

async function measure(
  framework: string,
  variants: readonly Variant[],
  { warmUp, rounds, count }: Effort,
): Promise<void> {
  const servers = new Map<string, Server>()
  const loads: Load[] = []
  try {
    for (const { guard } of variants) if (!servers.has(guard)) servers.set(guard, await startServer(framework, guard))
    const runs: (readonly [Variant, ChildProcess, Load])[] = []
    for (const variant of variants) {
      const { child, listening } = servers.get(variant.guard) as Server
      const fields = { good: listening.good, missing: [''], bad: [listening.bad] }[variant.sends]
      const load = await openLoad(listening.port, fields, variant.sends === 'good' ? 200 : 401)
      loads.push(load)
      runs.push([variant, child, load])
      await load.run(warmUp)
    }
    for (let round = 0; round < rounds; round++) {
      for (const [{ rates, costs }, child, load] of runs) {
        const before = await cpuOf(child)
        rates.push(await load.run(count))
        costs.push(((await cpuOf(child)) - before) / count)
      }
    }
  } finally {
    for (const load of loads) load.close()
    for (const { child } of servers.values()) child.kill()
  }
}

async function startServer(framework: string, guard: string): Promise<Server> {
  const child = fork(fileURLToPath(new URL('./server.js', import.meta.url)), [framework, guard], {
    env: { ...process.env, NODE_ENV: 'production' },
  })
  if (child.pid !== undefined) pin(child.pid, '0')
  const [listening] = await once(child, 'message')
  return { child, listening }
}

async function cpuOf(child: ChildProcess): Promise<number> {
  const answer = once(child, 'message')
  child.send('cpu')
  const [microseconds] = await answer
  return microseconds
}

/** Keeps a process to some processors. False: it cannot be said here. */
function pin(pid: number, processors: string): boolean {
  if (availableParallelism() < 2) return false
  return spawnSync('taskset', ['--all-tasks', '--cpu-list', '--pid', processors, String(pid)]).status === 0
}

function named(variants: readonly Variant[], name: string): Variant {
  return variants.find((variant) => variant.name === name) as Variant
}

function tableOf(variants: readonly Variant[]): string {
  return table(
    ['', 'requests/s', '× no-op', 'bounds', 'CPU µs', 'more'],
    variants.map(({ name, credential, rates, costs }) => {
      const bare = named(variants, BARE[credential])
      const { median, low, high } = ratioOf(rates, bare.rates)
      const more = differenceOf(costs, bare.costs).median
      const bounds = `${number(low)} to ${number(high)}`
      return [name, number(medianOf(rates)), number(median), bounds, number(medianOf(costs)), number(more)]
    }),
  )
}

function targetsOf(framework: string, variants: readonly Variant[]): readonly Target[] {
  const requests = (credential: Credential, limit: number): Target => ({
    what: `requests on ${framework}, ${OURS[credential]}`,
    measured: ratioOf(named(variants, OURS[credential]).rates, named(variants, BARE[credential]).rates),
    limit,
    direction: 'at least',
    unit: 'of no-op',
  })
  const refusal = (name: string): Target => ({
    what: `refusal on ${framework}, ${name}`,
    measured: differenceOf(named(variants, name).costs, named(variants, BARE.key).costs),
    limit: REFUSAL,
    direction: 'at most',
    unit: 'µs more',
  })
  return [
    requests('key', 0.97),
    requests('token', 0.95),
    ...(REFUSING.includes(framework) ? [refusal(`${OURS.key}, missing`), refusal(`${OURS.key}, invalid`)] : []),
  ]
}
