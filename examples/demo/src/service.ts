import type { ErrorAnswers } from '@latchkey/contracts'
import type {
  Access,
  Answer,
  AnyAuth,
  AuthenticateOptions,
  BalanceChange,
  Denied,
  Everyone,
  Principal,
  Requirement,
} from '@latchkey/core'

export type ServiceName = 'viesus' | 'viralsync' | 'aiApi' | 'viddyscribe' | 'visualLayer'

/** Texts of a service's keys and secrets, by name: what no store knows. */
export type Credentials = Readonly<Record<string, string>>

/** One documented API: where it is mounted, who guards it, and its routes. No framework knows more about it. */
export interface Service {
  /** The first path segment, with its slash. All below it is guarded. */
  readonly prefix: string
  readonly auth: AnyAuth
  readonly mount?: AuthenticateOptions
  /** What accounts have used when the demo starts, by their ids. */
  readonly balances?: Readonly<Record<string, BalanceChange>>
  /** Pages that the guard does not stand in front of, because they guard themselves; they answer every method. */
  readonly ownGuard?: readonly Page[]
  readonly routes: readonly Route[]
  readonly errors: ErrorAnswers
  /** Header fields of every answer, denials included. */
  readonly headers?: () => Readonly<Record<string, string>>
}

export interface Page {
  /** Below the prefix; `:name` stands for one segment. */
  readonly path: string
  readonly handle: (call: Call) => Answer | Promise<Answer>
}

export interface Route extends Page {
  /** A GET route answers HEAD too. */
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly requires?: Requirement
  /** The rule of the resource that the path names. */
  readonly resource?: (principal: Principal | Everyone, parameters: Parameters) => Access
}

export type Parameters = Readonly<Record<string, string | undefined>>

/** A request, as far as the services look at it. */
export interface Call {
  readonly method: string
  /** `undefined` on routes with a guard of their own. */
  readonly principal: Principal | Everyone | undefined
  readonly parameters: Parameters
  readonly query: URLSearchParams
  header(name: string): string | undefined
  /** Says what it has cost in truth. */
  settle(actual: number): Promise<void>
  /** The body as text, which was not read before it was asked for. */
  text(): Promise<string>
}

/** The principal of a route that only a key or a token opens. */
export function provenBy({ principal }: Call): Principal {
  if (principal === undefined || principal.via === 'none') throw new Error('the route is not guarded')
  return principal
}

/** A request that cannot be read: answered as the service's `bad_request`. */
export class BadRequest extends Error {}

/** The body as JSON, whatever the content type says: `curl -d` sends a form's. Nothing at all is an empty object. */
export async function jsonOf(call: Call): Promise<Record<string, unknown>> {
  const text = await call.text()
  if (text === '') return {}
  try {
    return Object(JSON.parse(text))
  } catch {
    throw new BadRequest('the body is not JSON')
  }
}

const MAX_BODY_BYTES = 1_048_576

/** Reads a body that may not be there, at most a mebibyte. */
export async function textOf(body: AsyncIterable<Uint8Array> | null): Promise<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let text = ''
  let bytes = 0
  try {
    for await (const chunk of body ?? []) {
      bytes += chunk.length
      if (bytes > MAX_BODY_BYTES) throw new BadRequest('the body is too large')
      text += decoder.decode(chunk, { stream: true })
    }
    return text + decoder.decode()
  } catch (cause) {
    throw new BadRequest('the body cannot be read', { cause })
  }
}

/** Runs a route. What cannot be read is answered in the service's own envelope; a bug is for the framework's handler. */
export async function answerOf(service: Service, route: Page & Partial<Route>, call: Call): Promise<Answer> {
  try {
    return await route.handle(call)
  } catch (error) {
    if (!(error instanceof BadRequest)) throw error
    // What was charged before the body was read is given back: nothing was done for it.
    await call.settle(0)
    return service.errors.bad_request
  }
}

/** The documented answer to a denial that a page finds by itself. */
export function answerTo(denied: Denied, { auth }: Pick<Service, 'auth'>, call: Call): Answer {
  const { status, headers, body } = auth.render(denied, { get: (name) => call.header(name) ?? null })
  return { status, headers, body: JSON.parse(body) }
}

/** An answer in bytes. The same function serves every framework, so the bytes are the same on each. */
export function encode({ status, headers, body }: Answer): {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
} {
  const fields = { ...(status >= 400 && { 'Cache-Control': 'no-store' }), ...headers }
  if (body === undefined) return { status, headers: fields, body: null }
  const text = JSON.stringify(body)
  const length = String(Buffer.byteLength(text))
  return { status, headers: { 'Content-Type': 'application/json', 'Content-Length': length, ...fields }, body: text }
}
