/** Runs the programs in which keys live their lives, and catches all that they print. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { keyCodec } from '@latchkey/core'
import type { Secret } from './leaks.ts'
import { DONE, type Life, type Told } from './programs/life.ts'

export interface Lived {
  /** On both outputs. */
  readonly printed: string
  readonly secrets: readonly Secret[]
}

/** By the library and by requests. Looks around while the store is still open. */
export async function live(life: Life, whileOpen: (secrets: readonly Secret[]) => Promise<void>): Promise<Lived> {
  const program = fileURLToPath(new URL('programs/dist/lifecycle.js', import.meta.url))
  const env = { PATH: process.env.PATH }
  const child = spawn(process.execPath, [program], { env, stdio: ['pipe', 'pipe', 'pipe', 'pipe'] })
  const [stdin, stdout, stderr, pipe] = child.stdio as unknown as readonly [Writable, Readable, Readable, Readable]
  const output = Promise.all([text(stdout), text(stderr)])
  const ended = once(child, 'close')
  // Where it is gone before its time, its exit tells why.
  stdin.on('error', () => {})
  stdin.write(`${JSON.stringify(life)}\n`)
  const secrets: Secret[] = []
  for await (const line of createInterface(pipe)) {
    const told = JSON.parse(line) as Told
    if (told.what === DONE) break
    secrets.push(told)
  }
  // It is over only when this is at its end.
  pipe.resume()
  await whileOpen(secrets)
  stdin.end('close\n')
  const [code] = await ended
  const printed = (await output).join('\n')
  if (code !== 0) throw new Error(`the program ended with ${code}: ${printed}`)
  return { printed, secrets }
}

interface Run {
  /** How it ends. Default 0. */
  readonly exit?: number
  /** What comes on standard input. */
  readonly input?: string
  readonly masterKey?: string
  readonly url?: string
  /** What it is there to show. */
  readonly shows?: RegExp
}

const PREFIX = 'vs_prod_'
const KEY = /(vs_prod_[a-z0-9]+)/
const SIGNING_SECRET = /([\w-]{43})/
const TOKEN = /([\w-]+\.[\w-]+\.[\w-]+)/

/** By the command line. What a command is there to show is taken out of what it has printed, once. */
export async function command(life: Life): Promise<Lived> {
  const secrets: Secret[] = []
  let printed = ''

  async function run(words: string, { exit = 0, input = '', shows, ...given }: Run = {}): Promise<readonly string[]> {
    const { url = life.url, masterKey = life.masterKey } = given
    const { code, out, error } = await latchkey(words, { ...life, url, masterKey }, input)
    if (code !== exit) throw new Error(`latchkey ${words} ended with ${code}: ${error}`)
    const [, ...shown] = shows?.exec(out) ?? []
    if (shows !== undefined && shown.length === 0) throw new Error(`latchkey ${words} does not show ${shows}`)
    for (const text of [...shown, ...(input === '' ? [] : [input])]) know(text)
    printed += shown.reduce((rest, text) => rest.replace(text, ''), out) + error
    return [...shown, out]
  }

  function know(text: string): void {
    const shown = TOKEN.test(text) ? text.slice(0, text.lastIndexOf('.') + 1) : text.startsWith(PREFIX) ? PREFIX : ''
    secrets.push({ what: 'what a command showed or was given', text, shown })
  }

  async function ids(service: string): Promise<readonly string[]> {
    const [out = ''] = await run(`keys list ${service} --json`)
    const { keys } = JSON.parse(out) as { readonly keys: readonly { readonly id: string }[] }
    return keys.map(({ id }) => id).slice(-1)
  }

  await run('accounts create commanded --plan pro')
  await Promise.all([liveKeys(), liveSigningKeys()])
  await run('accounts audit commanded --json')
  const away = life.url.startsWith('postgres') ? life.url.replace(/:\d+\//, ':1/') : 'sqlite:/no/such/folder/keys.db'
  await run('accounts list', { url: away, exit: 3 })
  return { printed, secrets }

  async function liveKeys(): Promise<void> {
    const service = '--service viralsync'
    const [text = ''] = await run(`keys create ${service} --account commanded --name Backend`, { shows: KEY })
    const [id] = await ids(service)
    await run(`verify ${service} --explain`, { input: text })
    const [rotated = ''] = await run(`keys rotate ${id} ${service} --overlap 1h --json`, { shows: KEY })
    await run(`verify ${service} --explain`, { input: text })
    await run(`verify ${service} --json`, { input: rotated })
    await run(`verify ${service}`, { input: keyCodec(FORMAT).mint().text, exit: 1 })
    await run(`verify ${service}`, { input: `${rotated.slice(0, -1)}!`, exit: 1 })
    const elsewhere = keyCodec(FORMAT).mint().text
    await run(`keys import ${service} --account commanded --name Old --text-stdin`, { input: elsewhere })
    await run(`keys import ${service} --account commanded --name Old --text-stdin`, { input: elsewhere, exit: 1 })
    await run(`keys import ${service} --account commanded --name Old --text-stdin`, { input: 'correct-horse', exit: 2 })
    await run(`keys import ${service} --account nobody --name Old --text-stdin`, { input: rotated, exit: 1 })
    await run(`keys show ${id} ${service}`)
    await run(`keys list ${service}`)
    await run(`keys revoke ${id} ${service} --reason lost`)
    await run(`verify ${service} --explain`, { input: rotated, exit: 1 })
    await run(`keys delete ${id} ${service} --yes`)
    await run(`verify ${service} --explain --json`, { input: rotated, exit: 1 })
    await run(`keys audit ${service} --json`)
  }

  async function liveSigningKeys(): Promise<void> {
    const service = '--service visual-layer'
    const [secret = ''] = await run(`keys create ${service} --account commanded --name SDK --json`, {
      shows: /"secret":"([^"]+)"/,
    })
    const [id] = await ids(service)
    const [token = ''] = await run(`tokens sign ${service} --key ${id}`, { shows: TOKEN })
    await run(`tokens verify ${service} --explain`, { input: token })
    await run(`tokens verify ${service}`, { input: `${token.slice(0, -2)}AA`, exit: 1 })
    await run(`tokens sign ${service} --key ${id} --secret-stdin`, { input: secret, shows: TOKEN })
    await run(`keys rotate ${id} ${service} --overlap 1h`, { shows: SIGNING_SECRET })
    await run(`keys reveal ${id} ${service}`, { shows: /([\w-]{43})\n([\w-]{43})/ })
    await run(`keys reveal ${id} ${service} --json`, { shows: /"secret":"([^"]+)","previousSecrets":\["([^"]+)"\]/ })
    await run(`keys reveal ${id} ${service}`, { masterKey: life.nextMasterKey, exit: 3 })
    await run(`keys reseal ${service}`, { masterKey: `${life.nextMasterKey},${life.masterKey}` })
    await run(`tokens verify ${service} --explain --json`, { input: token, exit: 3 })
    await run(`tokens verify ${service}`, { input: token, masterKey: life.nextMasterKey })
    await run(`keys show ${id} ${service} --json`)
    await run(`keys audit ${id} ${service}`)
  }
}

const FORMAT = { prefix: PREFIX, length: 32, alphabet: 'base36', checksum: true } as const

async function latchkey(words: string, { url, masterKey, pepper }: Life, input: string) {
  const main = fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url))
  const env = {
    PATH: process.env.PATH,
    LATCHKEY_STORE: url,
    LATCHKEY_MASTER_KEY: masterKey,
    LATCHKEY_PEPPER: pepper,
  }
  const child = spawn(process.execPath, [main, ...words.split(' ')], { env })
  const ended = once(child, 'close') as Promise<[code: number | null]>
  child.stdin.end(input)
  const [out, error] = await Promise.all([text(child.stdout), text(child.stderr)])
  const [code] = await ended
  return { code, out, error }
}
