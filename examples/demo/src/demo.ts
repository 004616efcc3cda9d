import { randomBytes } from 'node:crypto'
import { createServer, type RequestListener } from 'node:http'
import { type KeyStore, manageBalances } from '@latchkey/core'
import { type Counting, countingWith } from './counting.ts'
import { expressListener } from './frameworks/express.ts'
import { honoListener } from './frameworks/hono.ts'
import { koaListener } from './frameworks/koa.ts'
import type { DemoOptions, Framework } from './options.ts'
import { type Seeded, seed } from './seed.ts'
import { closeServer, listen, wellFormed } from './server.ts'
import type { Credentials, Service, ServiceName } from './service.ts'
import { aiApiService } from './services/ai-api.ts'
import { viddyscribeService } from './services/viddyscribe.ts'
import { viesusService } from './services/viesus.ts'
import { viralsyncService } from './services/viralsync.ts'
import { visualLayerService } from './services/visual-layer.ts'
import { type OpenedStore, openDemoStore } from './store.ts'

/** What `--json` prints. */
export interface DemoInfo {
  readonly url: string
  readonly framework: Framework
  /** Its URL without a password. */
  readonly store: string
  readonly services: Readonly<Record<ServiceName, ServiceInfo>>
}

export interface ServiceInfo {
  readonly baseUrl: string
  /** Empty where another demo has made the keys of this store. */
  readonly credentials: Credentials
}

export interface Demo {
  readonly info: DemoInfo
  /** The id of ViralSync's key `live`, where this demo has made it. */
  readonly liveKeyId: string | undefined
  /** What people should know before they rely on it, in lines. */
  readonly warnings: readonly string[]
  /** Ends every connection, writes what is still to be written, and gives the store back. */
  close(): Promise<void>
}

const LISTENERS: Readonly<Record<Framework, (services: readonly Service[]) => RequestListener>> = {
  hono: honoListener,
  express: expressListener,
  koa: koaListener,
}

/** Starts all five APIs in one server. Rejects when the store cannot be opened, or the port is taken. */
export async function startDemo(options: Omit<DemoOptions, 'json' | 'help'>): Promise<Demo> {
  const opened = await openDemoStore(options.store)
  try {
    return await startOn(opened, options)
  } catch (error) {
    await opened.close()
    throw error
  }
}

async function startOn(opened: OpenedStore, options: Omit<DemoOptions, 'json' | 'help'>): Promise<Demo> {
  const { framework, port, onPrem, masterKey = randomBytes(32).toString('base64url') } = options
  const counting = countingWith(opened.store)
  const services = servicesOn(opened.store, counting, masterKey, onPrem)
  const all = Object.values(services)
  const server = createServer(wellFormed(LISTENERS[framework](all), all))
  // No line is dropped in silence; Node's 16 KiB for all of them still hold.
  server.maxHeadersCount = 0
  // Before the store is filled: who fails at the port has made no keys that nobody knows.
  const url = await listen(server, port)
  const seeded = await fill(opened.store, counting, services, masterKey).catch(async (error) => {
    await closeServer(server)
    throw error
  })
  return {
    info: { url, framework, store: opened.url, services: describe(services, url, seeded) },
    liveKeyId: seeded?.liveKeyId,
    warnings: opened.lasts && options.masterKey === undefined ? [NO_MASTER_KEY] : [],
    async close() {
      await closeServer(server)
      await Promise.all(Object.values(services).map(({ auth }) => auth.close()))
      await opened.close()
    },
  }
}

const NO_MASTER_KEY =
  'LATCHKEY_MASTER_KEY is not set: the signing secrets that this process makes for Visual Layer can be opened by it alone, and it opens no others'

function servicesOn(
  store: KeyStore,
  counting: Counting,
  masterKey: string,
  onPrem: boolean,
): Readonly<Record<ServiceName, Service>> {
  return {
    viesus: viesusService(store, counting),
    viralsync: viralsyncService(store, counting),
    aiApi: aiApiService(store, counting),
    viddyscribe: viddyscribeService(store, counting),
    visualLayer: visualLayerService(store, masterKey, onPrem),
  }
}

async function fill(
  store: KeyStore,
  { ledger }: Counting,
  services: Readonly<Record<ServiceName, Service>>,
  masterKey: string,
): Promise<Seeded | undefined> {
  const seeded = await seed(store, masterKey)
  // Whoever makes the accounts: what was used since is not to be given back.
  if (seeded === undefined) return undefined
  for (const { auth, balances = {} } of Object.values<Service>(services)) {
    const book = manageBalances({ contract: auth.contract, ledger })
    for (const [id, balance] of Object.entries(balances)) {
      const account = await store.findAccount(id)
      if (account !== undefined) await book.change(account, balance)
    }
  }
  return seeded
}

function describe(services: Readonly<Record<ServiceName, Service>>, url: string, seeded: Seeded | undefined) {
  const info = (name: ServiceName): ServiceInfo => {
    return { baseUrl: url + services[name].prefix, credentials: seeded?.credentials[name] ?? {} }
  }
  return {
    viesus: info('viesus'),
    viralsync: info('viralsync'),
    aiApi: info('aiApi'),
    viddyscribe: info('viddyscribe'),
    visualLayer: info('visualLayer'),
  }
}
