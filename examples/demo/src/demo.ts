import { randomBytes } from 'node:crypto'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { memoryLimiter, memoryStore } from '@latchkey/core'
import { expressListener } from './frameworks/express.ts'
import { honoListener } from './frameworks/hono.ts'
import { koaListener } from './frameworks/koa.ts'
import type { DemoOptions, Framework } from './options.ts'
import { encode, type Service } from './service.ts'
import { aiApiService, seedAiApi } from './services/ai-api.ts'
import { seedViddyscribe, viddyscribeService } from './services/viddyscribe.ts'
import { seedViesus, viesusService } from './services/viesus.ts'
import { seedViralsync, viralsyncService } from './services/viralsync.ts'
import { seedVisualLayer, visualLayerService } from './services/visual-layer.ts'
import { isHost, originForm } from './target.ts'

/** What `--json` prints. */
export interface DemoInfo {
  readonly url: string
  readonly framework: Framework
  readonly store: string
  readonly services: Readonly<Record<ServiceName, ServiceInfo>>
}

export type ServiceName = 'viesus' | 'viralsync' | 'aiApi' | 'viddyscribe' | 'visualLayer'

export interface ServiceInfo {
  readonly baseUrl: string
  readonly credentials: Readonly<Record<string, string>>
}

export interface Demo {
  readonly info: DemoInfo
  close(): Promise<void>
}

const LISTENERS: Readonly<Record<Framework, (services: readonly Service[]) => RequestListener>> = {
  hono: honoListener,
  express: expressListener,
  koa: koaListener,
}

/** Starts all five APIs in one server. Rejects when the port is taken. */
export async function startDemo({
  framework,
  port,
  store: storeUrl,
  onPrem,
}: Omit<DemoOptions, 'json' | 'help'>): Promise<Demo> {
  const store = memoryStore()
  const limiter = memoryLimiter()
  const session = randomBytes(24).toString('base64url')
  const sessions = new Map<string, string>()
  const credentials: Record<ServiceName, Readonly<Record<string, string>>> = {
    viesus: await seedViesus(store, limiter),
    viralsync: await seedViralsync(store),
    aiApi: await seedAiApi(store, limiter),
    viddyscribe: await seedViddyscribe(store, limiter),
    visualLayer: await seedVisualLayer(store, session, sessions),
  }
  const services: Record<ServiceName, Service> = {
    viesus: viesusService(store, limiter),
    viralsync: viralsyncService(store, limiter),
    aiApi: aiApiService(store, limiter),
    viddyscribe: viddyscribeService(store, limiter),
    visualLayer: visualLayerService(store, sessions, onPrem),
  }

  const server = createServer(wellFormed(LISTENERS[framework](Object.values(services))))
  // No line is dropped in silence; Node's 16 KiB for all of them still hold.
  server.maxHeadersCount = 0
  const url = await listen(server, port)
  const infos = Object.entries(services).map(([name, { prefix }]) => [
    name,
    { baseUrl: url + prefix, credentials: credentials[name as ServiceName] },
  ])
  return {
    info: { url, framework, store: storeUrl, services: Object.fromEntries(infos) },
    close: () => close(server),
  }
}

/** Refuses targets and hosts that no URL has (RFC 9112 §3.2) before a framework makes of them what the others do not. */
function wellFormed(listener: RequestListener): RequestListener {
  return (request, response) => {
    const target = originForm(request.url ?? '')
    if (target !== undefined && isHost(request.headers.host ?? '')) {
      request.url = target
      listener(request, response)
      return
    }
    const { status, headers, body } = encode({ status: 400, body: { error: 'Bad Request' } })
    response.writeHead(status, { ...headers }).end(body)
  }
}

function listen(server: Server, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    })
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
