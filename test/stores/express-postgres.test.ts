/** The example as a program of its own, on its build: as it is started, asked and stopped. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { setTimeout as pass } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { problemDetails } from '@latchkey/contracts'
import { manageKeys } from '@latchkey/core'
import { openPostgres } from '@latchkey/store-sql'
import { type PostgresServer, startPostgres } from '@latchkey/test-servers'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeWith } from '../requirements.ts'

const main = fileURLToPath(new URL('../../examples/express-postgres/dist/main.js', import.meta.url))
/** As the example's. */
const contract = problemDetails({
  name: 'acme',
  key: { prefix: 'acme_live_', length: 32, alphabet: 'base62', checksum: true },
  permissions: { read: [], write: [], admin: ['*'] },
})
/** How long the example goes on with what it has read, in milliseconds. */
const LEASE = 400
const LONG = 60_000
/** How soon all is well when the fault is over, in milliseconds. */
const HEALED = 2000

interface Program {
  readonly port: number
  /** What it has printed before it listened. */
  readonly printed: readonly string[]
  /** Sends SIGTERM and gives the exit code, and all that it has said of errors. */
  stop(): Promise<{ readonly code: number | null; readonly stderr: string }>
}

async function startProgram(database: string): Promise<Program> {
  const env = { PATH: process.env.PATH, DATABASE_URL: database, PORT: '0' }
  const program = spawn(process.execPath, [main], { env })
  const exit = once(program, 'exit')
  const stderr = text(program.stderr)
  const printed: string[] = []
  for await (const line of createInterface(program.stdout)) {
    const port = /^Listening on .*port: (\d+)/.exec(line)?.[1]
    if (port === undefined) printed.push(line)
    else {
      const stop = async () => {
        program.kill('SIGTERM')
        const [code] = await exit
        return { code, stderr: await stderr }
      }
      return { port: Number(port), printed, stop }
    }
  }
  throw new Error(await stderr)
}

describeWith('postgres', 'the example with Express and Postgres', (found) => {
  let server: PostgresServer
  let database: string
  let first: Program
  let second: Program
  let adminKey: string

  beforeAll(async () => {
    server = await startPostgres(found)
    database = await server.database()
    first = await startProgram(database)
    second = await startProgram(database)
    adminKey = first.printed[0]?.replace('The admin key of customer_1, shown this once: ', '') ?? ''
  }, LONG)
  afterAll(async () => {
    await Promise.all([first, second].map((program) => program.stop()))
    await server.stop()
  })

  async function ask({ port }: Program, line: string, key: string, body?: string) {
    const [method = '', path = ''] = line.split(' ')
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: { 'x-api-key': key, 'content-type': 'application/json' },
      ...(body !== undefined && { body }),
    })
    return { status: response.status, body: await response.json() }
  }

  const problem = (status: number, title: string, detail: string, code: string, more = {}) => ({
    status,
    body: { type: 'about:blank', title, status, detail, code, ...more },
  })
  const REVOKED = problem(401, 'Unauthorized', 'The credential has been revoked.', 'revoked_credential')
  const NOT_FOUND = problem(404, 'Not Found', 'There is no such resource.', 'not_found')
  const UNAVAILABLE = problem(503, 'Service Unavailable', 'The service is temporarily unavailable.', 'unavailable')
  const lacks = (required_permission: string) =>
    problem(403, 'Forbidden', 'The credential lacks a permission.', 'insufficient_permission', { required_permission })

  it('prints an admin key once, however many start', () => {
    expect([first.printed, second.printed]).toEqual([
      [expect.stringMatching(/^The admin key of customer_1, shown this once: acme_live_[0-9A-Za-z]{32}$/)],
      [],
    ])
  })

  /** As somebody makes one who is no key. */
  async function makeKey(name: string, permissions: readonly ('read' | 'write')[]) {
    const store = await openPostgres(database)
    const { key, secret } = await manageKeys({ contract, store, by: 'terminal' }).create({
      accountId: 'customer_1',
      name,
      permissions,
    })
    await store.close()
    return { id: key.id, key: secret }
  }

  it('lets a customer list and revoke keys, wherever they are asked', async () => {
    const { id, key } = await makeKey('CI', ['read'])
    expect(await ask(second, 'GET /v1/me', key)).toEqual({
      status: 200,
      body: { account: 'customer_1', plan: 'pro', key: id, permissions: ['read'] },
    })
    expect(await ask(second, 'POST /v1/things', key)).toEqual(lacks('write'))
    expect(await ask(second, 'POST /v1/things', adminKey)).toEqual({ status: 201, body: { made: true } })
    const { body } = await ask(second, 'GET /v1/keys', adminKey)
    expect(body.items.map((item: { key: { name: string } }) => item.key.name)).toEqual(['Admin', 'CI'])

    const revoked = await ask(second, `DELETE /v1/keys/${id}`, adminKey)
    expect(revoked).toEqual({ status: 200, body: { id, revokedAt: expect.any(Number) } })
    expect(await ask(first, 'GET /v1/me', key)).toEqual(REVOKED)
  })

  it('lets no key without the permission see or revoke keys, and none make them', async () => {
    const { id, key } = await makeKey('Writer', ['read', 'write'])
    for (const line of ['GET /v1/keys', `DELETE /v1/keys/${id}`]) {
      expect(await ask(first, line, key)).toEqual(lacks('admin'))
    }
    expect(await ask(first, 'POST /v1/keys', adminKey, '{"name":"Another"}')).toEqual(NOT_FOUND)
  })

  it('calls a cursor that is none a bad request', async () => {
    expect(await ask(first, 'GET /v1/keys?after=nothing', adminKey)).toEqual(
      problem(400, 'Bad Request', 'The request is not valid.', 'bad_request'),
    )
  })

  it('answers what there is not as its other errors', async () => {
    expect(await ask(first, 'DELETE /v1/keys/key_nobody', adminKey)).toEqual(NOT_FOUND)
    expect(await ask(first, 'GET /v1/nothing', adminKey)).toEqual(NOT_FOUND)
  })

  // What is not ours is not paused.
  it.skipIf(/^postgres/.test(found))('is unavailable as long as its database is', { timeout: LONG }, async () => {
    const lines = ['GET /v1/me', 'GET /v1/keys']
    server.pause()
    await pass(LEASE)
    const seen = await Promise.all(lines.map((line) => ask(first, line, adminKey)))
    server.resume()
    expect(seen).toEqual([UNAVAILABLE, UNAVAILABLE])
    await pass(HEALED)
    const healed = await Promise.all(lines.map((line) => ask(first, line, adminKey)))
    expect(healed.map(({ status }) => status)).toEqual([200, 200])
  })

  it.skipIf(/^postgres/.test(found))('answers what it was asked before it stops', { timeout: LONG }, async () => {
    const program = await startProgram(database)
    await ask(program, 'GET /v1/me', adminKey)
    server.pause()
    await pass(LEASE)
    const socket = connect(program.port, '127.0.0.1')
    // It says that it goes on when it has read the request.
    const fields = ['Host: localhost', `x-api-key: ${adminKey}`, 'Expect: 100-continue', 'Connection: close']
    socket.write(`GET /v1/me HTTP/1.1\r\n${fields.join('\r\n')}\r\n\r\n`)
    const [continued] = await once(socket, 'data')
    const stopped = program.stop()
    await untilRefused(program.port)
    server.resume()
    expect(`${continued}`).toMatch(/^HTTP\/1\.1 100 /)
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 /)
    expect(await stopped).toEqual({ code: 0, stderr: '' })
  })
})

/** Waits until nobody listens there. */
async function untilRefused(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    const connected = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    })
    socket.destroy()
    if (!connected) return
    await pass(10)
  }
}
