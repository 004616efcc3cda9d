import type { RequestListener, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Answer } from '@latchkey/core'
import { encode, type Service } from './service.ts'
import { isHost, originForm } from './target.ts'

/** Outside of every service: nobody's envelope. */
const BAD_REQUEST: Answer = { status: 400, body: { error: 'Bad Request' } }

/**
 * Refuses targets and hosts that no URL has (RFC 9112 §3.2) before a framework makes of them what the others do not: as the
 * service that they begin like documents a bad request.
 */
export function wellFormed(listener: RequestListener, services: readonly Service[]): RequestListener {
  return (request, response) => {
    const target = originForm(request.url ?? '')
    if (target !== undefined && isHost(request.headers.host ?? '')) {
      request.url = target
      listener(request, response)
      return
    }
    const service = services.find(({ prefix }) => request.url?.startsWith(`${prefix}/`))
    const { status, headers, body } = encode(service?.errors.bad_request ?? BAD_REQUEST)
    response.writeHead(status, { ...headers }).end(body)
  }
}

/** Listens on this machine alone, and gives the URL. Rejects when the port is taken. */
export function listen(server: Server, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    })
  })
}

/** Does not wait for requests that are under way. */
export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
