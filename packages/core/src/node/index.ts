/** What adapters for Node's own request and response objects share. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Fields } from '../credential.ts'
import type { Rendered } from '../render.ts'
import type { Ending } from '../take.ts'
import type { Answered } from '../uses.ts'

/** How many lines Node keeps unless `server.maxHeadersCount` says otherwise. */
const DEFAULT_MAX_LINES = 1000

/** A second line of any carrier may be among those that were dropped, so each reads as two lines: malformed. */
const DROPPED_LINES = ', '

/**
 * Reads header fields from the raw lines. `request.headers` keeps the first of two `Authorization` lines and drops the
 * rest in silence; here, as in Fetch, they are joined, so that the same bytes lead to the same decision everywhere.
 */
export function rawFields(request: Pick<IncomingMessage, 'rawHeaders'>): Fields {
  const { rawHeaders } = request
  const isDropped = rawHeaders.length >= 2 * mostLinesOf(request)
  return new RawFields(isDropped ? [] : rawHeaders, isDropped ? DROPPED_LINES : null)
}

class RawFields implements Fields {
  readonly #lines: readonly string[]
  readonly #otherwise: string | null

  /** @param otherwise what a field reads as that has no line */
  constructor(lines: readonly string[], otherwise: string | null) {
    this.#lines = lines
    this.#otherwise = otherwise
  }

  get(name: string): string | null {
    const lines = this.#lines
    let value = this.#otherwise
    for (let i = 0; i < lines.length; i += 2) {
      const line = lines[i] as string
      if (!isSameName(line, name)) continue
      value = value === null ? (lines[i + 1] as string) : `${value}, ${lines[i + 1]}`
    }
    return value
  }
}

/** Without regard to case (RFC 9110 §5.1). Names are ASCII, or else no name that anybody asks for. */
function isSameName(a: string, b: string): boolean {
  // Most are told apart by their length, and most clients write them as they are documented.
  if (a.length !== b.length) return false
  if (a === b) return true
  for (let i = 0; i < a.length; i++) {
    if (lowerCase(a.charCodeAt(i)) !== lowerCase(b.charCodeAt(i))) return false
  }
  return true
}

function lowerCase(ascii: number): number {
  return ascii >= 0x41 && ascii <= 0x5a ? ascii | 0x20 : ascii
}

/** How many lines a server keeps: Node drops the rest in silence, a few sooner or later. With a maximum of 0 it keeps all. */
function mostLinesOf(request: object): number {
  const { socket } = request as { readonly socket?: { readonly server?: { readonly maxHeadersCount?: number | null } } }
  const most = socket?.server?.maxHeadersCount
  if (typeof most !== 'number') return DEFAULT_MAX_LINES
  return most > 0 ? most : Infinity
}

/** Sends an answer as it is, byte for byte: frameworks would add a charset or an ETag. */
export function writeRendered(response: ServerResponse, { status, headers, body }: Rendered): void {
  response.statusCode = status
  for (const name in headers) response.setHeader(name, headers[name] as string)
  response.end(body)
}

/** Sets the header fields of an allowed request; `Vary` is added to what is there, such as a CORS layer's `Origin`. */
export function setAllowedHeaders(response: ServerResponse, headers: Readonly<Record<string, string>>): void {
  for (const name in headers) {
    if (name === 'Vary' && response.hasHeader('Vary')) response.appendHeader('Vary', headers[name] as string)
    else response.setHeader(name, headers[name] as string)
  }
}

/** What nginx logs where a client has gone before there was an answer. */
const CLIENT_GONE = 499

/** Tells once, when an answer has ended, what it was. Which route has answered is asked then: before nobody knows. */
export function whenAnswered<Request>(
  response: ServerResponse,
  request: Request,
  routeOf: (request: Request) => string | undefined,
  tell: (answer: Answered) => void,
): void {
  whenClosed(response, () => {
    tell({ route: routeOf(request), status: response.headersSent ? response.statusCode : CLIENT_GONE })
  })
}

/** Tells once how an answer has ended; at once, if its client is gone already. */
export function whenEnded(response: ServerResponse, tell: (how: Ending) => void): void {
  whenClosed(response, () => {
    if (!response.writableFinished) tell('broken')
    else tell(response.statusCode >= 500 ? 'failed' : 'finished')
  })
}

function whenClosed(response: ServerResponse, closed: () => void): void {
  if (response.closed) closed()
  // Said once: nothing has to be made that takes the listener away again.
  else response.on('close', closed)
}
