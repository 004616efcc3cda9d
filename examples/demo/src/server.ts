import type { RequestListener, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { encode } from './service.ts'
import { isHost, originForm } from './target.ts'

/** Refuses targets and hosts that no URL has (RFC 9112 §3.2) before a framework makes of them what the others do not. */
export function wellFormed(listener: RequestListener): RequestListener {
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
