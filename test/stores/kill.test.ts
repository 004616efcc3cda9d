/** What a process has acknowledged holds, and what it was doing is done or not, when it is killed at any moment. */
import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { type AnyAuth, createAuth, type Secret } from '@latchkey/core'
import { type PostgresServer, startPostgres } from '@latchkey/test-servers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sign } from '../conformance/tokens.ts'
import { describeWith } from '../requirements.ts'
import { type Database, openDatabase } from './database.ts'
import { after, afterUnheard, type Kept, NOTHING, readKept } from './kept-keys.ts'
import { killables } from './killable.ts'
import { contract, type Line, MASTER_KEY } from './programs/changes.ts'
import { openStore } from './programs/open-store.ts'
import { randomNumbers } from './programs/random.ts'

const SEED = Number(process.env.LATCHKEY_SEED ?? randomInt(2 ** 31))
const DATABASES = 10
/** One after the other, on the same database. */
const KILLS = 10
const LONGEST = 80
const TIMEOUT = 300_000

/** A text that was heard of, and which of a key's secrets it is. */
interface Text {
  readonly id: string
  readonly kind: Secret['kind']
  readonly text: string
  readonly version: number
}

describe('SQLite', () => {
  let directory: string
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'latchkey-kill-'))
  })
  afterAll(() => rmSync(directory, { recursive: true }))

  let made = 0
  holdsWhatWasAcknowledged({
    create: async () => `sqlite:${join(directory, `${++made}.db`)}`,
    settle: async () => {},
    check: async (database) =>
      expect(await database.rows('pragma integrity_check')).toEqual([{ integrity_check: 'ok' }]),
  })
})

describeWith('postgres', 'Postgres', (found) => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres(found)
  })
  afterAll(() => server.stop())

  holdsWhatWasAcknowledged({
    create: async () => `${await server.database()}?application_name=killed`,
    // The server finds out by itself that its client is gone, and finishes what it was told before.
    settle: async (database) => {
      const clients = `select pid from pg_stat_activity where application_name = 'killed' and pid <> pg_backend_pid()`
      while ((await database.rows(clients)).length > 0);
    },
    check: async () => {},
  })
})

interface Engine {
  /** Makes an empty database. */
  readonly create: () => Promise<string>
  /** Waits until nothing of a process that was killed goes on. */
  readonly settle: (database: Database) => Promise<void>
  readonly check: (database: Database) => Promise<void>
}

function holdsWhatWasAcknowledged({ create, settle, check }: Engine): void {
  it(`holds every acknowledged change, and the one under way wholly or not at all, after each of ${DATABASES * KILLS} kills`, {
    timeout: TIMEOUT,
  }, async () => {
    const random = randomNumbers(SEED)
    const programs = killables()
    const heard = { acknowledged: 0, underWay: 0 }
    for (let number = 0; number < DATABASES; number++) {
      const url = await create()
      let kept = NOTHING
      const texts: Text[] = []
      for (let round = 1; round <= KILLS; round++) {
        const program = await programs.next()
        const order = { url, seed: Math.floor(random() * 2 ** 31), round }
        // The first one may die while it makes the tables.
        const lines = await program.kill(order, random() * LONGEST, round === 1 ? 'start' : 'first change')
        // Read with the package's own eyes first: where it was killed before there were tables, they are made now.
        await (await openStore(url)).close()
        const database = await openDatabase(url)
        await settle(database)
        const found = await readKept(database, Date.now())
        const underWay = lines.at(-1)?.result === undefined ? lines.at(-1)?.change : undefined
        for (const line of lines) kept = heardOf(kept, line, texts)
        if (underWay !== undefined) {
          const made = afterUnheard(kept, underWay, found)
          if (isDeepStrictEqual(found, made)) kept = made
        }
        expect({ seed: SEED, number, round, underWay, found }).toEqual({
          seed: SEED,
          number,
          round,
          underWay,
          found: kept,
        })
        await check(database)
        await database.close()
        expect({ seed: SEED, number, round, decided: await decisions(url, texts) }).toEqual({
          seed: SEED,
          number,
          round,
          decided: texts.map((text) => expected(kept, text)),
        })
        heard.acknowledged += lines.filter(({ result }) => result !== undefined).length
        heard.underWay += underWay === undefined ? 0 : 1
      }
    }
    programs.stop()
    // Else nothing was killed in the middle of anything.
    expect(heard.acknowledged).toBeGreaterThan(DATABASES)
    expect(heard.underWay).toBeGreaterThan(DATABASES)
  })
}

/** What there is when this line was said, and the texts that are known by then. */
function heardOf(kept: Kept, { change, result }: Line, texts: Text[]): Kept {
  if (result === undefined) return kept
  const next = after(kept, change, result)
  const key = result && next.keys[result.id]
  if (result !== null && key && typeof result.secret === 'string') {
    texts.push({ id: result.id, kind: key.kind, text: result.secret, version: key.secrets.length - 1 })
  }
  return next
}

/** What must be decided of a text. */
function expected({ keys }: Kept, { id, kind, version }: Text): string {
  const key = keys[id]
  const unknown = kind === 'key' ? 'unknown' : `token_invalid ${key === undefined ? 'key' : 'signature'}`
  if (key === undefined || key.secrets[version]?.state === 'ended') return unknown
  return key.revoked ? 'revoked' : `allowed ${id}`
}

async function decisions(url: string, texts: readonly Text[]): Promise<readonly string[]> {
  const store = await openStore(url)
  const auth = createAuth({ contract, store, masterKey: MASTER_KEY })
  const decided: string[] = []
  for (const text of texts) decided.push(await decide(auth, text))
  await auth.close()
  await store.close()
  return decided
}

function tokenOf(kid: string, secret: string): string {
  const iat = Math.floor(Date.now() / 1000)
  return sign({ header: { kid }, claims: { sub: kid, iat, exp: iat + 60, iss: contract.token?.issuer }, secret })
}

async function decide(auth: AnyAuth, { id, kind, text }: Text): Promise<string> {
  const fields = new Headers({ 'x-api-key': kind === 'key' ? text : tokenOf(id, text) })
  const outcome = await auth.authenticator()({}, fields)
  if (outcome.kind === 'allowed') return `allowed ${outcome.principal.key.id}`
  if (outcome.kind === 'anonymous') return 'anonymous'
  return outcome.code === 'token_invalid' ? `${outcome.code} ${outcome.reason}` : outcome.code
}
