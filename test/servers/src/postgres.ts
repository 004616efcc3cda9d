/** A Postgres server of a test's own: on a free port, in a directory of its own, gone when the test is. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, closeSync, existsSync, mkdtempSync, openSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import pg from 'pg'
import { answers } from './answers.ts'
import { freePort } from './free-port.ts'

export interface PostgresOptions {
  /** As in `postgresql.conf`. Not for a server that is there already. Default: none. */
  readonly settings?: Readonly<Record<string, string>>
}

export interface PostgresServer {
  /** Holds all that the server writes: its data, and what it logs in `log`. `undefined`: the server is not ours. */
  readonly directory: string | undefined
  /** Makes an empty database, and gives its URL. */
  database(): Promise<string>
  /** Its processes stop where they are (SIGSTOP): connections stay, and nothing is answered. */
  pause(): void
  resume(): void
  /** Every process is killed at once (SIGKILL), and the server is started anew on the same port and data. */
  crash(): Promise<void>
  stop(): Promise<void>
}

/**
 * The server that `DATABASE_URL` names, or the folder of Postgres' programs: Debian puts them where no PATH finds them.
 * `undefined`: there is none.
 */
export function findPostgres(): string | undefined {
  if (process.env.DATABASE_URL) return process.env.DATABASE_URL
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : []
  const folders = [
    ...versions.map((version) => join(debian, version, 'bin')),
    ...(process.env.PATH ?? '').split(delimiter),
  ]
  return folders.find((folder) => existsSync(join(folder, 'initdb')))
}

/** `programs`: the folder of `initdb`, or the URL of a server that is there (which cannot be paused or crashed). */
export async function startPostgres(programs: string, options: PostgresOptions = {}): Promise<PostgresServer> {
  return /^postgres(ql)?:/.test(programs) ? serverAt(programs) : serverOf(programs, options)
}

function serverAt(url: string): PostgresServer {
  const made: string[] = []
  const notOurs = () => {
    throw new Error('the server of DATABASE_URL is not ours to stop')
  }
  return {
    directory: undefined,
    database: async () => {
      const name = await createDatabase(url)
      made.push(name)
      return Object.assign(new URL(url), { pathname: `/${name}` }).href
    },
    pause: notOurs,
    resume: notOurs,
    crash: notOurs,
    async stop() {
      for (const name of made) await run(url, `drop database "${name}" with (force)`)
    },
  }
}

async function serverOf(programs: string, { settings = {} }: PostgresOptions): Promise<PostgresServer> {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-postgres-'))
  const user = otherUser()
  if (user.uid !== undefined && user.gid !== undefined) chownSync(directory, user.uid, user.gid)
  const words = ['--pgdata', join(directory, 'data'), '--username', 'latchkey', '--auth', 'trust', '--no-sync']
  const { status, stderr } = spawnSync(join(programs, 'initdb'), words, { ...user, encoding: 'utf8' })
  if (status !== 0) throw new Error(`initdb failed: ${stderr}`)
  const port = await freePort()
  const url = `postgres://latchkey@127.0.0.1:${port}/postgres`
  const set = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const options = ['-D', join(directory, 'data'), '-p', String(port), '-h', '127.0.0.1', '-k', directory, ...set]
  const log = openSync(join(directory, 'log'), 'a')

  async function start(): Promise<ChildProcess> {
    // In a group of its own, so that its backends get the signals too.
    const child = spawn(join(programs, 'postgres'), options, { ...user, stdio: ['ignore', log, log], detached: true })
    if (await answers(() => run(url, 'select 1'))) return child
    throw new Error('postgres does not answer')
  }

  let server = await start()
  // Backends are sessions of their own on some systems: all of them are children of the server.
  const signal = (name: NodeJS.Signals) => {
    const { stdout } = spawnSync('ps', ['-o', 'pid=', '--ppid', String(server.pid)], { encoding: 'utf8' })
    for (const pid of [server.pid, ...stdout.split(/\s+/).filter(Boolean).map(Number)]) {
      try {
        process.kill(pid as number, name)
      } catch {}
    }
  }
  return {
    directory,
    database: async () => Object.assign(new URL(url), { pathname: `/${await createDatabase(url)}` }).href,
    pause: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
    async crash() {
      const gone = once(server, 'exit')
      signal('SIGKILL')
      await gone
      server = await start()
    },
    async stop() {
      const gone = once(server, 'exit')
      signal('SIGCONT')
      server.kill('SIGQUIT')
      await gone
      closeSync(log)
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** Postgres refuses to run as root: then it runs as the user that its package made. */
export function otherUser(): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {}
  const id = (flag: string) => Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout)
  return { uid: id('-u'), gid: id('-g') }
}

async function createDatabase(url: string): Promise<string> {
  const name = `latchkey_${crypto.randomUUID().replaceAll('-', '')}`
  await run(url, `create database "${name}"`)
  return name
}

export async function run(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}
