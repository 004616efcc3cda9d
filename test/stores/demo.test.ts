/** Demos on each framework that share a store, and what they answer while it fails. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { setTimeout as pass } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type PostgresServer, startPostgres } from '@latchkey/test-servers'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type Demo, type DemoInfo, startDemo } from '../../examples/demo/src/demo.ts'
import { StoreProblem } from '../../examples/demo/src/store.ts'
import { describeWith } from '../requirements.ts'
import { type Answer, type Asked, ask, MASTER_KEY, requestsWith, send, startDemos } from './demos.ts'

/** How soon all is well when the fault is over, in milliseconds. */
const HEALED = 2000
const LONG = 60_000
/** How long demos go on with what they have read, in milliseconds: so long nothing can have been revoked. */
const LEASE = 400

const main = fileURLToPath(new URL('../../examples/demo/dist/main.js', import.meta.url))

const strays: unknown[] = []
const stray = (error: unknown) => strays.push(error)
process.on('unhandledRejection', stray).on('uncaughtException', stray)
afterAll(() => process.off('unhandledRejection', stray).off('uncaughtException', stray))
afterEach(async () => {
  // One turn of the loop, in which a rejection that nobody handles is told.
  await pass(1)
  expect(strays.splice(0)).toEqual([])
})

describeWith('postgres', 'demos that share a Postgres', (found) => {
  let server: PostgresServer
  let store: string
  let demos: readonly Demo[]
  let requests: readonly Asked[]

  beforeAll(async () => {
    server = await startPostgres(found)
    store = await server.database()
    demos = await startDemos(store)
    requests = await requestsWith(demos)
  }, LONG)
  afterAll(async () => {
    await Promise.all(demos.map((demo) => demo.close()))
    await server.stop()
  })

  /** What every demo answers to every request, all asked at once. */
  function answers(): Promise<readonly (readonly Answer[])[]> {
    return Promise.all(demos.map((demo) => Promise.all(requests.map((request) => send(demo, request)))))
  }

  const all = (of: 'normally' | 'unavailable') => demos.map(() => requests.map((request) => request[of]))

  it('it is filled by one of those that start at once', () => {
    const names = demos.map(({ info }) =>
      Object.values(info.services).map(({ credentials }) => Object.keys(credentials).length),
    )
    expect(names).toEqual([
      [4, 6, 11, 5, 7],
      [0, 0, 0, 0, 0],
      [0, 0, 0, 0, 0],
    ])
  })

  it('gives each of them the keys, secrets and sessions that one has made', async () => {
    expect(await answers()).toEqual(all('normally'))
  })

  it('opens no secret and no session for a demo with another master key', async () => {
    const masterKey = 'a master key of somebody who has forgotten the first'
    const demo = await startDemo({ framework: 'hono', port: 0, store, masterKey, onPrem: false })
    onTestFinished(() => demo.close())
    const expected = requests.map(({ path, normally, unavailable }) => {
      if (path.endsWith('/api_credentials'))
        return { status: 401, retryAfter: null, body: '{"detail":"Not authenticated"}' }
      return path.includes('/dataset/') ? unavailable : normally
    })
    expect(await Promise.all(requests.map((request) => send(demo, request)))).toEqual(expected)
  })

  it('makes one key for first calls to all of them at once, and shows its secret once', async () => {
    const others = await startDemos(await server.database())
    onTestFinished(async () => void (await Promise.all(others.map((demo) => demo.close()))))
    const cookie = `SESSION=${others[0]?.info.services.visualLayer.credentials.session}`
    const calls = [...others, ...others, ...others, ...others].map(({ info }) =>
      ask(`${info.services.visualLayer.baseUrl}/api/v1/api_credentials`, { cookie }),
    )
    const shown = (await Promise.all(calls)).map(({ body }) => JSON.parse(body))
    expect(new Set(shown.map(({ api_key }) => api_key)).size).toBe(1)
    expect(shown.filter(({ api_secret }) => api_secret !== null)).toHaveLength(1)
  })

  /** A demo as a program of its own, and how it ends when it is told to. */
  async function startProgram(url: string) {
    const env = { PATH: process.env.PATH, LATCHKEY_MASTER_KEY: MASTER_KEY }
    const program = spawn(process.execPath, [main, '--json', '--port=0', `--store=${url}`], { env })
    onTestFinished(() => void program.kill('SIGKILL'))
    const stderr = text(program.stderr)
    const [line] = await once(createInterface(program.stdout), 'line')
    async function stop(...signals: NodeJS.Signals[]) {
      const exit = once(program, 'exit')
      for (const signal of signals) program.kill(signal)
      const [code] = await exit
      return { code, stderr: await stderr }
    }
    return { info: JSON.parse(line) as DemoInfo, stop }
  }

  it('lets one of them go when it is told, and told again', { timeout: LONG }, async () => {
    const program = await startProgram(store)
    expect(await program.stop('SIGTERM', 'SIGINT', 'SIGTERM')).toEqual({ code: 0, stderr: '' })
    expect(await answers()).toEqual(all('normally'))
  })

  // None of it can be done to a server that is not ours.
  describe.skipIf(/^postgres/.test(found))('that fails', () => {
    afterEach(() => server.resume())

    it('is named without its password', async () => {
      const url = Object.assign(new URL(store), { password: 'hunter2' }).href
      const demo = await startDemo({ framework: 'hono', port: 0, store: url, masterKey: MASTER_KEY, onPrem: false })
      onTestFinished(() => demo.close())
      expect(demo.info.store).toBe(store)
    })

    it('is answered as documented while it hangs, and normally when it goes on', { timeout: LONG }, async () => {
      server.pause()
      await pass(LEASE)
      expect(await answers()).toEqual(all('unavailable'))
      // More at once than there are connections.
      await Promise.all(Array.from({ length: 8 }, answers))
      server.resume()
      await pass(HEALED)
      expect(await answers()).toEqual(all('normally'))
    })

    it('is answered as documented by a page that reads it for a key that is still kept', {
      timeout: LONG,
    }, async () => {
      const [credits] = requests
      if (credits === undefined) throw new Error('there is no request')
      expect(await Promise.all(demos.map((demo) => send(demo, credits)))).toEqual(demos.map(() => credits.normally))
      server.pause()
      expect(await Promise.all(demos.map((demo) => send(demo, credits)))).toEqual(demos.map(() => credits.unavailable))
    })

    it('is answered as documented while it is down, and normally when it is back', { timeout: LONG }, async () => {
      let isDown = true
      const back = server.crash().then(() => {
        isDown = false
      })
      const seen: (readonly (readonly Answer[])[])[] = []
      while (isDown) {
        seen.push(await answers())
        await pass(50)
      }
      await back
      await pass(HEALED)
      expect(await answers()).toEqual(all('normally'))
      expect(seen).toContainEqual(all('unavailable'))
      // In between nothing else: no other status, no stack trace.
      const documented = requests.map(({ normally, unavailable }) => [normally, unavailable])
      for (const one of seen.flat()) one.forEach((answer, i) => void expect(documented[i]).toContainEqual(answer))
    })

    it('lets a demo go while it hangs', { timeout: LONG }, async () => {
      const { info, stop } = await startProgram(store)
      const [request] = requests
      if (request === undefined) throw new Error('there is no request')
      // It has something to write then: when the key was used.
      expect(await send({ info }, request)).toEqual(request.normally)
      server.pause()
      expect((await stop('SIGTERM')).code).toBe(0)
    })

    it('keeps a demo from starting while it hangs', { timeout: LONG }, async () => {
      server.pause()
      const starting = startDemo({ framework: 'hono', port: 0, store, masterKey: MASTER_KEY, onPrem: false })
      await expect(starting).rejects.toBeInstanceOf(StoreProblem)
    })
  })
})
