/** A Redis server of a test's own: on a free port, in a directory of its own, gone when the test is. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createClient } from 'redis'
import { answers } from './answers.ts'
import { freePort } from './free-port.ts'

export interface RedisServerOptions {
  /** As in `redis.conf`. Not for a server that is there already. Default: nothing is kept on disk. */
  readonly settings?: Readonly<Record<string, string>>
  /** Speaks TLS alone, with a certificate that nobody has signed but itself. Default false. */
  readonly tls?: boolean
}

export interface RedisServer {
  /** Holds all that the server writes: its data, and what it logs in `log`. `undefined`: the server is not ours. */
  readonly directory: string | undefined
  /** With the password that is among the settings. */
  readonly url: string
  /** The path of its certificate, where it speaks TLS. */
  readonly certificate: string
  /** A prefix that nobody else has, as of an empty database. */
  prefix(): string
  /** What it answers to a command. */
  command(...words: readonly string[]): Promise<unknown>
  /** The process stops where it is (SIGSTOP): connections stay, and nothing is answered. */
  pause(): void
  resume(): void
  /** The process is killed at once (SIGKILL), and started anew on the same port and data. */
  crash(): Promise<void>
  stop(): Promise<void>
}

/** The server that `REDIS_URL` names, or the path of the program. `undefined`: there is none. */
export function findRedis(): string | undefined {
  if (process.env.REDIS_URL) return process.env.REDIS_URL
  const folders = (process.env.PATH ?? '').split(delimiter)
  return folders.map((folder) => join(folder, 'redis-server')).find((path) => existsSync(path))
}

/** `program`: its path, or the URL of a server that is there (which cannot be paused or crashed). */
export async function startRedis(program: string, options: RedisServerOptions = {}): Promise<RedisServer> {
  return /^rediss?:/.test(program) ? serverAt(program) : serverOf(program, options)
}

async function serverAt(url: string): Promise<RedisServer> {
  const prefixes: string[] = []
  const client = await clientOf(url)
  const notOurs = () => {
    throw new Error('the server of REDIS_URL is not ours to stop')
  }
  return {
    directory: undefined,
    url,
    certificate: '',
    prefix: () => prefixNotedIn(prefixes),
    command: (...words) => client.sendCommand(words),
    pause: notOurs,
    resume: notOurs,
    crash: notOurs,
    async stop() {
      for (const prefix of prefixes) {
        for await (const keys of client.scanIterator({ MATCH: `{${prefix}}:*`, COUNT: 1000 })) {
          if (keys.length > 0) await client.unlink(keys)
        }
      }
      client.destroy()
    },
  }
}

async function serverOf(program: string, { settings = {}, tls = false }: RedisServerOptions): Promise<RedisServer> {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-redis-'))
  const certificate = join(directory, 'certificate.pem')
  if (tls) makeCertificate(directory, certificate)
  const port = String(await freePort())
  const secured = {
    port: '0',
    'tls-port': port,
    'tls-cert-file': certificate,
    'tls-key-file': join(directory, 'key.pem'),
    'tls-auth-clients': 'no',
  }
  const set = { bind: '127.0.0.1', dir: directory, save: '', ...(tls ? secured : { port }), ...settings }
  const words = Object.entries(set).flatMap(([name, value]) => [`--${name}`, value])
  const password = settings.requirepass === undefined ? '' : `:${encodeURIComponent(settings.requirepass)}@`
  const url = `${tls ? 'rediss' : 'redis'}://${password}127.0.0.1:${port}`
  const log = openSync(join(directory, 'log'), 'a')

  async function command(...words: readonly string[]): Promise<unknown> {
    const client = await clientOf(url)
    try {
      return await client.sendCommand(words)
    } finally {
      client.destroy()
    }
  }

  async function start(): Promise<ChildProcess> {
    const child = spawn(program, words, { stdio: ['ignore', log, log] })
    if (await answers(() => command('PING'))) return child
    throw new Error('redis-server does not answer')
  }

  let server = await start()

  async function kill(): Promise<void> {
    const gone = once(server, 'exit')
    server.kill('SIGKILL')
    await gone
  }

  return {
    directory,
    url,
    certificate,
    prefix: () => prefixNotedIn([]),
    command,
    pause: () => void server.kill('SIGSTOP'),
    resume: () => void server.kill('SIGCONT'),
    async crash() {
      await kill()
      server = await start()
    },
    async stop() {
      await kill()
      closeSync(log)
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

function prefixNotedIn(prefixes: string[]): string {
  const prefix = `latchkey-${crypto.randomUUID()}`
  prefixes.push(prefix)
  return prefix
}

/** Whatever its certificate: it is our own. */
async function clientOf(url: string) {
  const tls = url.startsWith('rediss:') && ({ tls: true, rejectUnauthorized: false } as const)
  const client = createClient({ url, socket: { reconnectStrategy: false, ...tls } })
  client.on('error', () => {})
  await client.connect()
  return client
}

function makeCertificate(directory: string, certificate: string): void {
  const words = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  const names = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
  const files = ['-keyout', join(directory, 'key.pem'), '-out', certificate]
  const { status, stderr } = spawnSync('openssl', [...words, ...names, ...files], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`openssl failed: ${stderr}`)
}
