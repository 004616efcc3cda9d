/** Many requests at once with one key, and reads that hang: what the store is asked then. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { problemDetails } from '@latchkey/contracts'
import { createAuth, isPromise, type KeyReader, type KeyStore, manageAccounts, manageKeys } from '@latchkey/core'
import { openPostgres, openSqlite } from '@latchkey/store-sql'
import { type PostgresServer, startPostgres } from '@latchkey/test-servers'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { describeWith } from '../requirements.ts'
import type { Flooded } from './programs/flood.ts'

const HERD = 10_000
/** Longer than a herd takes on a busy machine, in milliseconds. */
const LEASE = 5000
/** For a busy machine, in milliseconds. */
const TIMEOUT = 120_000

const contract = problemDetails({ name: 'herd', key: { prefix: 'herd_', length: 32, alphabet: 'base62' } })

/** The store, and how often a key was looked up in it. */
function counted(store: KeyStore) {
  const counts = { reads: 0 }
  const reader: KeyReader = {
    findByDigest(service, digest) {
      counts.reads++
      return store.findByDigest(service, digest)
    },
    findSigningKey: store.findSigningKey,
    changes: store.changes,
  }
  return { counts, reader }
}

/** An auth over a store with one key that it has not read yet. */
async function world(store: KeyStore) {
  onTestFinished(async () => store.close())
  await manageAccounts({ store, by: 'test' }).create({ id: crypto.randomUUID(), plan: 'free' })
  const [account] = (await manageAccounts({ store, by: 'test' }).list()).items
  const keys = manageKeys({ contract, store, by: 'test' })
  const issue = async () => {
    const { key, secret } = await keys.create({ accountId: account?.id, name: 'ci' })
    return { id: key.id, fields: new Headers({ 'x-api-key': secret }) }
  }
  const { counts, reader } = counted(store)
  const auth = createAuth({ contract, store: reader, timeout: 30_000 })
  const authenticate = auth.authenticator()
  const decide = (fields: Headers) => authenticate({}, fields)
  /** Until the lease is held: then what is kept is answered at once. */
  const settle = async () => {
    const { fields } = await issue()
    for (;;) {
      const outcome = decide(fields)
      if (!isPromise(outcome)) break
      await outcome
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    counts.reads = 0
  }
  return { keys, issue, settle, counts, decide }
}

function isReadOnceByAHerd(open: () => Promise<KeyStore>): void {
  it(`is read once by ${HERD.toLocaleString('en')} requests at once, also after a change, and by those that come later not at all`, {
    timeout: TIMEOUT,
  }, async () => {
    const { issue, keys, settle, counts, decide } = await world(await open())
    const { id, fields } = await issue()
    await settle()
    const herd = async () => {
      const outcomes = await Promise.all(Array.from({ length: HERD }, () => decide(fields)))
      return new Set(outcomes.map((outcome) => (outcome.kind === 'denied' ? outcome.code : outcome.kind)))
    }
    expect([await herd(), counts.reads]).toEqual([new Set(['allowed']), 1])
    expect([await herd(), counts.reads]).toEqual([new Set(['allowed']), 1])
    await keys.revoke(id)
    expect([await herd(), counts.reads]).toEqual([new Set(['revoked']), 2])
  })
}

describe('a key in SQLite', () => {
  isReadOnceByAHerd(async () => {
    const directory = mkdtempSync(join(tmpdir(), 'latchkey-herd-'))
    onTestFinished(() => rmSync(directory, { recursive: true }))
    return openSqlite(join(directory, 'keys.db'), { lease: LEASE })
  })
})

describeWith('postgres', 'a key in Postgres', (found) => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres(found, { settings: { fsync: 'off' } })
  }, 60_000)
  afterAll(() => server?.stop())

  isReadOnceByAHerd(async () => openPostgres(await server.database(), { timeout: 30_000, lease: LEASE }))

  it('whose read hangs holds up nobody who asks for another one, nor those who ask for it later', {
    timeout: TIMEOUT,
  }, async () => {
    const url = await server.database()
    const { issue, settle, counts, decide } = await world(await openPostgres(url, { timeout: 30_000 }))
    const [warm, cold] = [await issue(), await issue()]
    await settle()
    expect(await decide(warm.fields)).toMatchObject({ kind: 'allowed' })
    const blocker = new pg.Client({ connectionString: url })
    await blocker.connect()
    onTestFinished(() => blocker.end())
    await blocker.query('begin; lock table latchkey_key_secrets in access exclusive mode')

    const hanging = decide(cold.fields)
    let answered = false
    const first = Promise.resolve(hanging).then((outcome) => {
      answered = true
      return outcome
    })
    // A key that is kept is answered at once, as long as heartbeats come back.
    for (let until = performance.now() + 1000; performance.now() < until; ) {
      expect(await decide(warm.fields)).toMatchObject({ kind: 'allowed' })
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    expect([answered, counts.reads]).toEqual([false, 2])
    // The lease has been renewed meanwhile: this one reads by itself.
    const later = decide(cold.fields)
    expect(counts.reads).toBe(3)
    await blocker.query('rollback')
    expect(await first).toMatchObject({ kind: 'allowed' })
    expect(await later).toMatchObject({ kind: 'allowed' })
  })
})

describe('a flood of keys that nobody has, and of texts that are none', () => {
  // A million of each in the long form.
  const count = Number(process.env.LATCHKEY_FLOOD ?? 100_000)

  it('drives out no key that is used, is held in no memory, and reaches the store only where a text may be a key', {
    timeout: 1_200_000,
  }, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'latchkey-flood-'))
    onTestFinished(() => rmSync(directory, { recursive: true }))
    const program = fileURLToPath(new URL('programs/dist/flood.js', import.meta.url))
    const words = ['--expose-gc', program, `sqlite:${join(directory, 'keys.db')}`, String(count)]
    const { stdout } = await promisify(execFile)(process.execPath, words, { env: { PATH: process.env.PATH } })
    const { goodRequests, goodReads, grown, ...flooded } = JSON.parse(stdout) as Flooded
    expect(flooded).toEqual({
      answers: { allowed: 1000 + goodRequests, unknown: 20_000 + count, malformed: count },
      unknownReads: count,
      malformedReads: 0,
    })
    expect(goodRequests).toBeGreaterThanOrEqual(count / 100)
    expect(goodReads).toBeLessThanOrEqual(goodRequests / 100)
    expect(grown).toBeLessThan(64 * 2 ** 20)
  })
})
