/** Nothing that lies anywhere when keys have lived their lives lets anybody use one: no file, no log, no error, no event. */
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { manageAccounts } from '@latchkey/core'
import { type PostgresServer, type RedisServer, startPostgres, startRedis } from '@latchkey/test-servers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeWith } from '../requirements.ts'
import { openDatabase } from './database.ts'
import { leakSearch, type Secret } from './leaks.ts'
import { command, live } from './lived.ts'
import { openStore } from './programs/open-store.ts'

const LONG = 120_000
// Random, so that no nine characters of them are anywhere by chance.
const random = () => randomBytes(32).toString('base64url')
const PASSWORD = random()
const life = { masterKey: random(), nextMasterKey: random(), pepper: random() }
/** Named so where the database keeps them, and nobody else may. */
const DIGEST = 'a digest of '

interface File {
  /** Within the database's directory. */
  readonly name: string
  readonly path: string
}

interface Place {
  /** What `openStore` and the CLI take. */
  readonly url: string
  /** Every file in which the database leaves anything, its log included. */
  files(): Promise<readonly File[]>
  /** In which of them an insert is found: … stands for what has no name of its own. */
  readonly kinds: readonly string[]
}

describe('SQLite', () => {
  let directory: string
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'latchkey-rest-'))
  })
  afterAll(() => rmSync(directory, { recursive: true }))

  leavesNothing(() => ({
    url: `sqlite:${join(directory, 'keys.db')}`,
    files: async () => filesIn(directory),
    kinds: ['keys.db-wal'],
  }))
})

describeWith('postgres', 'Postgres that logs every statement and its parameters', (found) => {
  if (/^postgres/.test(found)) {
    it('is left out', ({ skip }) => skip('DATABASE_URL names a server whose files and settings are not ours'))
    return
  }
  let server: PostgresServer
  let url: string
  beforeAll(async () => {
    server = await startPostgres(found, {
      settings: {
        log_statement: 'all',
        log_min_duration_statement: '0',
        log_parameter_max_length_on_error: '-1',
        log_error_verbosity: 'verbose',
      },
    })
    url = Object.assign(new URL(await server.database()), { password: PASSWORD }).href
  }, LONG)
  afterAll(() => server.stop())

  async function files(): Promise<readonly File[]> {
    const database = await openDatabase(url)
    // What is in the server's memory alone, it writes.
    await database.rows('checkpoint')
    await database.close()
    return filesIn(server.directory ?? '')
  }

  leavesNothing(() => ({ url, files, kinds: ['log', 'data/base/…', 'data/pg_wal/…'] }))

  it('has the digests and the sealed secrets in its log, as parameters', async () => {
    const log = readFileSync(join(server.directory ?? '', 'log'), 'utf8')
    const database = await openDatabase(url)
    const digests = await database.rows('select digest from latchkey_key_secrets')
    const sealed = await database.rows('select sealed from latchkey_signing_secrets')
    await database.close()
    expect([digests.length > 0, sealed.length > 0]).toEqual([true, true])
    for (const { digest } of digests) expect(log).toContain(`'${digest}'`)
    for (const { sealed: text } of sealed) expect(log).toContain(`'${text}'`)
  })
})

describeWith('redis', 'Redis that writes down every change', (found) => {
  if (/^rediss?:/.test(found)) {
    it('is left out', ({ skip }) => skip('REDIS_URL names a server whose files are not ours'))
    return
  }
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedis(found, {
      settings: { requirepass: PASSWORD, appendonly: 'yes', loglevel: 'debug' },
    })
  }, LONG)
  afterAll(() => server.stop())

  async function files(): Promise<readonly File[]> {
    await server.command('SAVE')
    return filesIn(server.directory ?? '')
  }

  leavesNothing(() => ({
    url: `${server.url}/0`,
    files,
    kinds: ['appendonlydir/appendonly.aof.1.incr.aof', 'dump.rdb'],
  }))
})

function leavesNothing(placeOf: () => Place): void {
  it('has nothing of a secret in a file, a log, an error, a record or an event', { timeout: LONG }, async () => {
    const { url, files } = placeOf()
    let whileOpen: readonly string[] = []
    const lived = await live({ url, ...life }, async (secrets) => {
      whileOpen = leaksIn(await files(), [...secrets, ...given()].filter(isSecretAtRest))
    })
    const commanded = await command({ url, ...life })
    const secrets = [...lived.secrets, ...commanded.secrets, ...given()]
    expect(new Set(secrets.map(({ what }) => what.split(' of ')[0]))).toEqual(new Set(KINDS))
    expect(whileOpen).toEqual([])
    expect(leaksIn(await files(), secrets.filter(isSecretAtRest))).toEqual([])
    // Where people read, not even a digest.
    expect(leakSearch(secrets)(lived.printed)).toEqual([])
    expect(leakSearch(secrets)(commanded.printed)).toEqual([])
  })

  it('has what is planted found wherever it lies', { timeout: LONG }, async () => {
    const { url, files, kinds } = placeOf()
    const planted = { what: 'what was planted', text: `planted_${crypto.randomUUID()}`, shown: 'planted_' }
    const store = await openStore(url)
    await manageAccounts({ store, by: 'test' }).create({ id: planted.text, plan: 'pro' })
    const found = leaksIn(await files(), [planted])
    await store.close()
    expect(new Set(found.map((leak) => leak.replace(/(\d+\/)*(\d+|[0-9A-F]{24}):/, '…:')))).toEqual(
      new Set(kinds.map((kind) => `${kind}: what was planted, as it is`)),
    )
  })
}

const KINDS = [
  'a key',
  'a rotated key',
  'a key imported by its digest',
  'an imported key',
  'a refused text',
  'a wrong credential',
  'the plain digest',
  'a digest',
  'a signing secret',
  'a rotated signing secret',
  'an imported signing secret',
  'a refused secret',
  'a token',
  'what a command showed or was given',
  'a master key',
  'the bytes',
  'the pepper',
  "the database's password",
]

function isSecretAtRest({ what }: Secret): boolean {
  return !what.startsWith(DIGEST)
}

function leaksIn(files: readonly File[], secrets: readonly Secret[]): readonly string[] {
  const search = leakSearch(secrets)
  return files.flatMap(({ name, path }) => search(readFileSync(path)).map((leak) => `${name}: ${leak}`))
}

function filesIn(directory: string): readonly File[] {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' })
  const all = names.map((name) => ({ name, path: join(directory, name) }))
  return all.filter(({ path }) => statSync(path).isFile())
}

/** What is not told, because it was given. */
function given(): readonly Secret[] {
  const sealing = [life.masterKey, life.nextMasterKey].flatMap((text) => [
    { what: 'a master key', text },
    // What it seals with.
    { what: 'the bytes of a master key', text: createHash('sha256').update(text).digest() },
  ])
  return [...sealing, { what: 'the pepper', text: life.pepper }, { what: "the database's password", text: PASSWORD }]
}
