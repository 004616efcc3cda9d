/** A PgBouncer of a test's own: on a free port, gone when the test is. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { answers } from './answers.ts'
import { freePort } from './free-port.ts'
import { otherUser, run } from './postgres.ts'

export interface PgBouncer {
  /** Of the database, by way of the pooler. */
  readonly url: string
  stop(): Promise<void>
}

/** The path of the program, which Debian puts among those of root. `undefined`: there is none. */
export function findPgBouncer(): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin']
  return folders.map((folder) => join(folder, 'pgbouncer')).find((path) => existsSync(path))
}

/**
 * Gives out one of two connections to the database for each transaction, to any number of clients.
 *
 * @param url of a database that asks for no password
 */
export async function startPgBouncer(program: string, url: string): Promise<PgBouncer> {
  const { hostname, port: databasePort, username, pathname } = new URL(url)
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-pgbouncer-'))
  const user = otherUser()
  if (user.uid !== undefined && user.gid !== undefined) chownSync(directory, user.uid, user.gid)
  const port = await freePort()
  const file = join(directory, 'pgbouncer.ini')
  const settings = [
    '[databases]',
    `* = host=${hostname} port=${databasePort} user=${username}`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    'unix_socket_dir =',
    'auth_type = any',
    'pool_mode = transaction',
    'default_pool_size = 2',
    'max_client_conn = 1000',
    `logfile = ${join(directory, 'log')}`,
  ]
  writeFileSync(file, settings.join('\n'), { mode: 0o644 })
  const server = spawn(program, ['-q', file], { ...user, stdio: 'ignore' })
  const through = `postgres://${username}@127.0.0.1:${port}${pathname}`
  if (!(await answers(() => run(through, 'select 1')))) throw new Error('PgBouncer does not answer')
  return {
    url: through,
    async stop() {
      const gone = once(server, 'exit')
      server.kill('SIGKILL')
      await gone
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
