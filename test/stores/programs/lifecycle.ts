/**
 * Lives the life of keys of every kind, by calls and by requests to a server, and prints all that anybody might ever log
 * of it. The secrets it tells on a pipe of their own.
 */
import { createHash, createHmac } from 'node:crypto'
import { once } from 'node:events'
import { writeSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { type ServerType, serve } from '@hono/node-server'
import { aiApi, problemDetails, viddyscribe, viesus, viralsync, visualLayer } from '@latchkey/contracts'
import {
  type AnyAuth,
  type AnyContract,
  createAuth,
  defineContract,
  type Keys,
  manageAccounts,
  manageKeys,
  principalOf,
} from '@latchkey/core'
import { authenticate } from '@latchkey/hono'
import { Hono } from 'hono'
import { everythingOf } from './everything.ts'
import { DONE, type Life, type Told } from './life.ts'
import { openStore } from './open-store.ts'

const ACCOUNT = 'customer'
const HOUR = 3_600_000
const imported = true
const own = problemDetails({
  name: 'own',
  key: { prefix: 'own_live_', length: 32, alphabet: 'base62', checksum: true },
  token: { issuer: 'own', subjectIsKeyId: true },
  imported,
})
const CONTRACTS: readonly AnyContract[] = [
  viesus({ imported }),
  viralsync({ imported }),
  aiApi({ imported }),
  viddyscribe({ imported }),
  visualLayer(),
  own,
]

const [first] = await once(process.stdin, 'data')
const { url, masterKey, nextMasterKey, pepper } = JSON.parse(String(first)) as Life

const store = await openStore(url)
await manageAccounts({ store, by: 'operator' }).create({ id: ACCOUNT, plan: 'pro', email: 'customer@example.com' })

for (const plain of CONTRACTS) {
  await live(plain, undefined)
  if (plain.key !== undefined) await live(defineContract({ ...plain, name: `${plain.name}-peppered` }), pepper)
}
await fail('a store cannot be opened', () => openStore(url.replace(/:\d+\//, ':1/').replace('.db', '.db/none')))
tell(DONE, '')
await once(process.stdin, 'data')
await Promise.resolve(store.close())
await fail('the store is closed', async () => store.findByDigest('own', 'f'.repeat(64)))
process.exit()

async function live(contract: AnyContract, pepper: string | undefined): Promise<void> {
  const keys = manageKeys({ contract, store, by: 'operator', masterKey, pepper })
  const auth = createAuth({
    contract,
    store,
    masterKey,
    ...(pepper !== undefined && { pepper }),
    on: { denied: (event) => console.log(everythingOf(event)) },
  })
  const server = await startServer(auth)
  const request = (credential: string) => ask(contract, server, credential)
  if (contract.key !== undefined) await liveKeys(contract, keys, request, pepper)
  if (contract.token !== undefined) await liveSigningKeys(contract, keys, request)
  console.log(everythingOf([await keys.list(), await keys.audit(), await manageAccounts({ store, by: 'o' }).list()]))
  await auth.close()
  server.close()
}

async function startServer(auth: AnyAuth): Promise<ServerType> {
  const app = new Hono()
  app.get('/', authenticate(auth), (c) => c.json({ principal: principalOf(auth, c) }))
  app.onError((error, c) => {
    console.error(everythingOf(error))
    return c.text('failed', 500)
  })
  const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  return server
}

type Request = (credential: string) => Promise<void>

async function liveKeys(contract: AnyContract, keys: Keys, request: Request, pepper?: string): Promise<void> {
  const head = (id: string) => {
    const { prefix = '', id: public_ } = contract.key ?? {}
    return public_ === undefined ? prefix : `${prefix}${id.slice(public_.prefix.length)}_`
  }
  const heard = (what: string, text: string, shown = '') => {
    tell(`${what} of ${contract.name}`, text, shown)
    // Without its pepper a digest can be compared with those of other services.
    const digest = createHash('sha256').update(text).digest('hex')
    if (pepper !== undefined) tell(`the plain digest of ${what} of ${contract.name}`, digest)
    else tell(`a digest of ${what} of ${contract.name}`, digest)
    if (pepper !== undefined)
      tell(`a digest of ${what} of ${contract.name}`, createHmac('sha256', pepper).update(digest).digest('hex'))
    return text
  }

  const { key, secret } = await keys.create({ accountId: ACCOUNT, name: 'made here' })
  const texts = [heard('a key', secret ?? '', head(key.id))]
  for (const overlap of [HOUR, 0]) {
    const rotated = await keys.rotate(key.id, overlap)
    texts.push(heard('a rotated key', rotated?.secret ?? '', head(key.id)))
    for (const text of texts) await request(text)
  }
  const [known = ''] = texts
  for (const wrong of wrongCredentials(known)) {
    await request(wrong.includes(known) ? wrong : heard('a wrong credential', wrong, head(key.id)))
  }

  const text = heard('an imported key', `${crypto.randomUUID()}${crypto.randomUUID()}`.replaceAll('-', ''))
  const digest = createHash('sha256').update(heard('a key imported by its digest', text.toUpperCase())).digest('hex')
  const details = { accountId: ACCOUNT, name: 'made elsewhere' }
  // Of those at once some fail at the database, and all but one are told that it is there.
  await Promise.all(Array.from({ length: 5 }, () => keys.import({ ...details, text })))
  await keys.import({ ...details, digest })
  await keys.import({ ...details, digest })
  await request(text)
  await request(text.toUpperCase())
  for (const bad of ['correct horse battery staple', `${text},${text}`, `${text}\u00e9`, text.slice(0, 12)]) {
    await fail('a text that is none', () => keys.import({ ...details, text: heard('a refused text', bad) }))
  }
  await fail('text and digest', () => keys.import({ ...details, text, digest } as never))
  await fail('no account', () => keys.import({ ...details, accountId: 'nobody', text }))

  await keys.change(key.id, { name: 'changed', expiresAt: Date.now() + HOUR })
  console.log(everythingOf([await keys.find(key.id), await keys.revoke(key.id, 'lost'), await keys.rotate(key.id)]))
  for (const text of texts) await request(text)
  await keys.delete(key.id)
  for (const text of texts) await request(text)
}

async function liveSigningKeys(contract: AnyContract, keys: Keys, request: Request): Promise<void> {
  const heard = (what: string, text: string) => {
    tell(`${what} of ${contract.name}`, text)
    return text
  }
  const token = (kid: string, secret: string, claims: object = {}) => {
    const iat = Math.floor(Date.now() / 1000)
    const body = { sub: kid, iss: contract.token?.issuer, iat, exp: iat + 60, ...claims }
    const [head, payload] = [{ alg: 'HS256', typ: 'JWT', kid }, body].map((part) =>
      Buffer.from(JSON.stringify(part)).toString('base64url'),
    )
    const signature = createHmac('sha256', secret).update(`${head}.${payload}`).digest('base64url')
    tell(`a token of ${contract.name}`, `${head}.${payload}.${signature}`, `${head}.${payload}.`)
    return `${head}.${payload}.${signature}`
  }
  const make = { accountId: ACCOUNT, name: 'signs', kind: 'signing' } as const
  const { key, secret } = await keys.create(make)
  const secrets = [heard('a signing secret', secret ?? '')]
  const text = heard('an imported signing secret', `${crypto.randomUUID()}.${crypto.randomUUID()}`)
  await keys.import({ ...make, id: `kid-of-${contract.name}`, text })
  await keys.import({ ...make, id: `kid-of-${contract.name}`, text })
  await fail('a secret that is short', () =>
    keys.import({ ...make, text: heard('a refused secret', 'too-short-to-sign') }),
  )
  for (const overlap of [HOUR, 0]) {
    const rotated = await keys.rotate(key.id, overlap)
    secrets.push(heard('a rotated signing secret', rotated?.secret ?? ''))
    if ((await keys.reveal(key.id))?.includes(secrets.at(-1) ?? '') !== true) throw new Error('not revealed')
    for (const known of secrets) await request(token(key.id, known))
  }
  await request(token(`kid-of-${contract.name}`, text))
  await request(token('kid-of-nobody', text))
  await request(token(key.id, secrets.at(-1) ?? '', { exp: 1 }))
  await request(token(key.id, secrets.at(-1) ?? '', { iss: 'somebody else' }))
  await request(`${token(key.id, secrets.at(-1) ?? '').slice(0, -1)}!`)

  // With another master key nothing opens, and that is said without what does not open.
  const others = { contract, store, masterKey: nextMasterKey }
  await fail('another master key', () => manageKeys({ ...others, by: 'operator' }).reveal(key.id))
  await fail('another master key', () => manageKeys({ ...others, by: 'operator' }).reseal())
  const stranger = createAuth({ ...others, on: { denied: ({ denied }) => console.log(everythingOf(denied)) } })
  const authorization = `Bearer ${token(key.id, secrets.at(-1) ?? '')}`
  console.log(everythingOf(await stranger.authenticator()({}, new Headers({ authorization }))))
  await manageKeys({ contract, store, by: 'operator', masterKey: `${nextMasterKey},${masterKey}` }).reseal()
  await request(token(key.id, secrets.at(-1) ?? ''))
  await manageKeys({ contract, store, by: 'operator', masterKey: `${masterKey},${nextMasterKey}` }).reseal()
  await request(token(key.id, secrets.at(-1) ?? ''))
  await keys.revoke(key.id)
  await request(token(key.id, secrets.at(-1) ?? ''))
  await keys.delete(key.id)
  await request(token(key.id, secrets.at(-1) ?? ''))
}

/** Wrong by little: as somebody mistypes it, cuts it off, or pastes it twice. */
function wrongCredentials(text: string): readonly string[] {
  const last = text.at(-1) === 'a' ? 'b' : 'a'
  return [
    `${text.slice(0, -1)}${last}`,
    text.slice(0, -1),
    `${text}x`,
    `${text},${text}`,
    `${text} ${text}`,
    text.repeat(9),
  ]
}

async function ask(contract: AnyContract, server: ServerType, credential: string): Promise<void> {
  const isBearer = contract.carriers[0]?.kind === 'bearer'
  const headers = isBearer ? { Authorization: `Bearer ${credential}` } : { 'x-api-key': credential }
  const { port } = server.address() as AddressInfo
  const response = await fetch(`http://127.0.0.1:${port}`, { headers })
  console.log(contract.name, response.status, everythingOf(response.headers), await response.text())
}

async function fail(why: string, call: () => Promise<unknown>): Promise<void> {
  const error = await call().then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!(error instanceof Error)) throw new Error(`did not fail: ${why}`)
  console.error(why, everythingOf(error))
}

function tell(what: string, text: string, shown = ''): void {
  const told: Told = { what, text, shown }
  writeSync(3, `${JSON.stringify(told)}\n`)
}
