/** Bytes over a socket, and what came back: no client in between that would join, drop, decode or resolve anything. */
import { connect } from 'node:net'

export interface Raw {
  readonly method?: string
  /** The request target as it is. */
  readonly target: string
  /** Default `HTTP/1.1`. */
  readonly version?: string
  /** The `Host` line's value; `null` for none. Default `localhost`. */
  readonly host?: string | null
  /** Field lines as they are, without their ends. One character is one byte: see {@link utf8}. */
  readonly lines?: readonly string[]
  /** Its `Content-Length` is added unless a line says how long the body is. */
  readonly body?: string
  /** Leaves out `Connection: close`. */
  readonly keepOpen?: boolean
}

export interface Answer {
  readonly status: number
  /** `name: value`, the name in lower case, sorted; without `Date`. */
  readonly fields: readonly string[]
  readonly body: string
}

/** The bytes of a text in UTF-8, each written as one character. */
export function utf8(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

/** A request as text in which one character is one byte. */
export function textOf(raw: Raw): string {
  const { method = 'GET', target, version = 'HTTP/1.1', host = 'localhost', lines = [], body = '', keepOpen } = raw
  const measured = lines.some((line) => /^(content-length|transfer-encoding)\s*:/i.test(line))
  const all = [
    `${method} ${target} ${version}`,
    ...(host === null ? [] : [`Host: ${host}`]),
    ...lines,
    ...(body === '' || measured ? [] : [`Content-Length: ${body.length}`]),
    ...(keepOpen === true ? [] : ['Connection: close']),
  ]
  return `${all.join('\r\n')}\r\n\r\n${body}`
}

export interface Exchange {
  /** How many answers end the exchange where the server does not end the connection. Default 1. */
  readonly answers?: number
  /** The methods of the requests, because the answer to HEAD has no body. Default: none is HEAD. */
  readonly methods?: readonly string[]
}

/** A server that says nothing for so long hangs. */
const PATIENCE = 5000
/** How long an answer that nobody asked for (a smuggled request's) may take. */
const GRACE = 15

/**
 * Sends the bytes and reads answers until the server closes the connection, or as many as expected have come and no
 * other follows. Interim answers (100) count as answers.
 */
export function exchange(port: number, bytes: string, { answers = 1, methods = [] }: Exchange = {}): Promise<Answer[]> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' })
    const chunks: Buffer[] = []
    let grace: NodeJS.Timeout | undefined
    const patience = setTimeout(() => finish(new Error('the server did not answer')), PATIENCE)

    function finish(error?: Error): void {
      clearTimeout(patience)
      clearTimeout(grace)
      socket.destroy()
      if (error) reject(error)
      else resolve(parse(Buffer.concat(chunks), methods, true).answers)
    }

    socket.on('data', (chunk) => {
      chunks.push(chunk)
      clearTimeout(grace)
      const { answers: seen, whole } = parse(Buffer.concat(chunks), methods)
      if (whole && seen.length >= answers) grace = setTimeout(finish, GRACE)
    })
    // A server that refuses a request may close before it has read all of it.
    socket.on('error', () => finish())
    socket.on('close', () => finish())
    socket.write(bytes, 'latin1')
  })
}

/** `closed`: nothing more will come, so a body without a length is whole. */
function parse(
  bytes: Buffer,
  methods: readonly string[],
  closed = false,
): { readonly answers: Answer[]; readonly whole: boolean } {
  const answers: Answer[] = []
  let rest = bytes.toString('latin1')
  while (rest !== '') {
    const end = rest.indexOf('\r\n\r\n')
    if (end < 0) return { answers, whole: false }
    const [statusLine = '', ...lines] = rest.slice(0, end).split('\r\n')
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(statusLine)?.[1])
    const fields = lines.map((line) => line.replace(/^[^:]*/, (name) => name.toLowerCase())).sort()
    rest = rest.slice(end + 4)

    const method = methods[answers.filter((answer) => answer.status !== 100).length]
    const bodiless = status === 100 || status === 204 || status === 304 || method === 'HEAD'
    const body = bodiless ? { text: '', length: 0 } : bodyOf(rest, fields, closed)
    if (body === undefined) return { answers, whole: false }
    const kept = fields.filter((field) => !field.startsWith('date:'))
    answers.push({ status, fields: kept, body: Buffer.from(body.text, 'latin1').toString('utf8') })
    rest = rest.slice(body.length)
  }
  return { answers, whole: true }
}

/** The body at the start of `rest`, or `undefined` when it is not whole yet. */
function bodyOf(
  rest: string,
  fields: readonly string[],
  closed: boolean,
): { readonly text: string; readonly length: number } | undefined {
  if (fields.includes('transfer-encoding: chunked')) {
    let text = ''
    let at = 0
    for (;;) {
      const line = /^([0-9a-f]+)\r\n/i.exec(rest.slice(at))
      if (line === null) return undefined
      const size = Number.parseInt(line[1] as string, 16)
      const start = at + line[0].length
      if (rest.length < start + size + 2) return undefined
      text += rest.slice(start, start + size)
      at = start + size + 2
      if (size === 0) return { text, length: at }
    }
  }
  const told = fields.find((field) => field.startsWith('content-length:'))?.slice(15)
  if (told === undefined) return closed ? { text: rest, length: rest.length } : undefined
  const length = Number(told)
  return rest.length < length ? undefined : { text: rest.slice(0, length), length }
}

/** What a client acts on: the decision without the connection's own fields. */
export function decisionOf({ status, fields, body }: Answer): string {
  const told = ['content-type', 'www-authenticate', 'cache-control', 'retry-after', 'location', 'allow']
  return [status, ...fields.filter((field) => told.includes(field.split(':', 1)[0] as string)), body].join('\n')
}
