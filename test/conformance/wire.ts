/** What goes over the wire, as it is: no client that joins, drops or decodes on its own. */
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'

export interface Ask {
  readonly method?: string
  readonly path: string
  /** Field lines in order; a name may come twice. */
  readonly lines?: readonly (readonly [name: string, value: string])[]
}

export interface Answer {
  readonly status: number
  /** By lower-case name, without what the transport adds. Several lines of one name are joined by a comma and a blank. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Fields of the connection, not of the answer. */
const TRANSPORT = new Set(['connection', 'date', 'keep-alive', 'transfer-encoding'])

/** Asks a server over a socket. */
export function ask(port: number, { method = 'GET', path, lines = [] }: Ask): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = lines.flat()
    const request = httpRequest({
      host: '127.0.0.1',
      port,
      method,
      path,
      agent: false,
      headers: ['Host', 'x', ...headers],
    })
    request.on('error', reject)
    request.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const { statusCode = 0, rawHeaders } = response
        const pairs = rawHeaders.flatMap((name, i) => (i % 2 === 0 ? [[name, rawHeaders[i + 1] ?? ''] as const] : []))
        resolve({ status: statusCode, headers: collect(pairs), body: Buffer.concat(chunks).toString('utf8') })
      })
    })
    request.end()
  })
}

/** Sends bytes as they are and reads to the end of the connection, or until a whole answer has come. */
export function askRaw(port: number, bytes: string | Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    const chunks: Buffer[] = []
    const finish = () => {
      const answer = parse(Buffer.concat(chunks))
      if (answer === undefined) return false
      socket.destroy()
      resolve(answer)
      return true
    }
    socket.on('error', reject)
    socket.on('data', (chunk) => {
      chunks.push(chunk)
      finish()
    })
    socket.on('close', () => {
      if (!finish()) reject(new Error('the connection ended without an answer'))
    })
    socket.write(bytes)
  })
}

/** A request's bytes, its field lines exactly as given. */
export function bytesOf(method: string, path: string, lines: readonly string[]): Buffer {
  return Buffer.from(
    [`${method} ${path} HTTP/1.1`, 'Host: x', ...lines, 'Connection: close', '', ''].join('\r\n'),
    'utf8',
  )
}

/** Asks an app that takes a Fetch request. */
export async function askFetch(fetch: (request: Request) => Response | Promise<Response>, ask: Ask): Promise<Answer> {
  const request = new Request(`http://x${ask.path}`, { method: ask.method ?? 'GET' })
  // Not handed to `Request`: it would trim a joined value once more.
  for (const [name, value] of ask.lines ?? []) request.headers.append(name, value)
  const response = await fetch(request)
  return { status: response.status, headers: collect([...response.headers]), body: await response.text() }
}

function collect(pairs: readonly (readonly [string, string])[]): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of pairs) {
    const key = name.toLowerCase()
    if (TRANSPORT.has(key)) continue
    headers[key] = key in headers ? `${headers[key]}, ${value}` : value
  }
  return headers
}

// Only answers with a Content-Length, as all denials are.
function parse(bytes: Buffer): Answer | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const [statusLine = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n')
  const headers = collect(
    lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]),
  )
  const body = bytes.subarray(end + 4)
  const length = headers['content-length']
  if (length !== undefined && body.length < Number(length)) return undefined
  return { status: Number(statusLine.split(' ')[1]), headers, body: body.toString('utf8') }
}
