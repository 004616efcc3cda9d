/** Stands between a store and its server, Postgres or Redis, counts what the store asks, and breaks on command. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export type Fault =
  /** What the server answers comes so many milliseconds late. */
  | { readonly kind: 'delay'; readonly milliseconds: number }
  /** Nothing passes, in neither direction, not even that a side has gone. With the healing it passes after all. */
  | { readonly kind: 'hang' }
  /** All connections are reset, old and new ones. */
  | { readonly kind: 'reset' }
  /** All connections are closed in order, old and new ones. */
  | { readonly kind: 'close' }
  /** Of each answer the first bytes pass, then the connection is closed. */
  | { readonly kind: 'truncate'; readonly bytes: number }
  /** In the place of each answer comes this. */
  | { readonly kind: 'garbage'; readonly answer: (length: number) => Buffer }

/** What has been asked since the last `count()`. */
export interface Asked {
  readonly connections: number
  readonly statements: number
}

export interface TcpProxy {
  /** A database's URL, through the proxy. */
  readonly url: string
  break(fault: Fault): void
  /** Breaks when so many statements have passed from now on; the last one of them reaches the server, or it does not. */
  breakAt(statement: number, reaches: 'reaches' | 'does not reach', fault: Fault): void
  heal(): void
  /** Counts from nothing again. */
  count(): Asked
  stop(): Promise<void>
}

interface Link {
  readonly client: Socket
  readonly server: Socket
  /** What passes when it can. */
  readonly held: (() => void)[]
}

/** @param url where the server is */
export async function startProxy(url: string): Promise<TcpProxy> {
  const target = new URL(url)
  const links = new Set<Link>()
  let fault: Fault | undefined
  let breaksAt: { readonly statement: number; readonly reaches: boolean; readonly fault: Fault } | undefined
  let asked = { connections: 0, statements: 0 }
  let passed = 0

  const listener = createServer({ allowHalfOpen: true }, (client) => {
    const server = connect({ port: Number(target.port), host: target.hostname, allowHalfOpen: true })
    const link = { client, server, held: [] }
    const count = target.protocol.startsWith('redis') ? scriptCounter() : statementCounter()
    links.add(link)
    asked = { ...asked, connections: asked.connections + 1 }
    client.on('data', (bytes) => forward(link, bytes, count(bytes)))
    server.on('data', (bytes) => pass(link, () => answer(link, bytes)))
    client.on('end', () => pass(link, () => server.end()))
    server.on('end', () => pass(link, () => client.end()))
    client.on('error', () => pass(link, () => server.resetAndDestroy()))
    server.on('error', () => pass(link, () => client.resetAndDestroy()))
    cut(link)
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')

  function forward(link: Link, bytes: Buffer, statements: number): void {
    const write = () => {
      if (link.server.writable) link.server.write(bytes)
    }
    asked = { ...asked, statements: asked.statements + statements }
    passed += statements
    const breaks = breaksAt !== undefined && statements > 0 && passed >= breaksAt.statement ? breaksAt : undefined
    if (breaks?.reaches !== false) pass(link, write)
    if (breaks !== undefined) breakNow(breaks.fault)
    if (breaks?.reaches === false && fault?.kind === 'hang') link.held.push(write)
  }

  function pass(link: Link, what: () => void): void {
    if (fault?.kind === 'hang') link.held.push(what)
    else what()
  }

  function answer({ client }: Link, bytes: Buffer): void {
    if (!client.writable) return
    if (fault === undefined) client.write(bytes)
    if (fault?.kind === 'delay') setTimeout(() => client.writable && client.write(bytes), fault.milliseconds)
    if (fault?.kind === 'truncate') client.end(bytes.subarray(0, fault.bytes))
    if (fault?.kind === 'garbage') client.write(fault.answer(bytes.length))
  }

  function cut({ client, server }: Link): void {
    if (fault?.kind === 'reset') client.resetAndDestroy()
    if (fault?.kind === 'close') client.end()
    if (fault?.kind === 'reset' || fault?.kind === 'close') server.end()
  }

  function breakNow(next: Fault): void {
    fault = next
    breaksAt = undefined
    for (const link of links) cut(link)
  }

  const { port } = listener.address() as AddressInfo
  return {
    url: Object.assign(new URL(url), { host: `127.0.0.1:${port}` }).href,
    break: breakNow,
    breakAt(statement, reaches, fault) {
      passed = 0
      breaksAt = { statement, reaches: reaches === 'reaches', fault }
    },
    heal() {
      fault = undefined
      breaksAt = undefined
      for (const { held } of links) for (const what of held.splice(0)) what()
    },
    count() {
      const counted = asked
      asked = { connections: 0, statements: 0 }
      return counted
    },
    async stop() {
      for (const { client, server } of links) {
        client.destroy()
        server.destroy()
      }
      listener.close()
      await once(listener, 'close')
    },
  }
}

const QUERY = 'Q'.charCodeAt(0)
const EXECUTE = 'E'.charCodeAt(0)

/** Counts the statements in what a client sends: each message after the first one has a type and a length. */
function statementCounter(): (bytes: Buffer) => number {
  let rest = Buffer.alloc(0)
  let started = false
  return (bytes) => {
    rest = Buffer.concat([rest, bytes])
    let statements = 0
    for (;;) {
      const type = started ? 1 : 0
      if (rest.length < type + 4) return statements
      const length = type + rest.readUInt32BE(type)
      if (rest.length < length) return statements
      if (started && (rest[0] === QUERY || rest[0] === EXECUTE)) statements++
      started = true
      rest = rest.subarray(length)
    }
  }
}

/** Counts the scripts in what a client of Redis sends: each command is a list of texts, which say how long they are. */
function scriptCounter(): (bytes: Buffer) => number {
  let rest = Buffer.alloc(0)
  return (bytes) => {
    rest = Buffer.concat([rest, bytes])
    let scripts = 0
    for (;;) {
      const command = commandIn(rest)
      if (command === undefined) return scripts
      if (/^EVAL(SHA)?$/.test(command.name)) scripts++
      rest = rest.subarray(command.length)
    }
  }
}

/** The first command, if it is whole. */
function commandIn(bytes: Buffer): { readonly name: string; readonly length: number } | undefined {
  let at = 0
  const number = () => {
    const end = bytes.indexOf('\r\n', at)
    const value = end < 0 ? Number.NaN : Number(bytes.toString('latin1', at + 1, end))
    at = end + 2
    return value
  }
  let name = ''
  const texts = number()
  if (Number.isNaN(texts)) return undefined
  for (let i = 0; i < texts; i++) {
    const length = number()
    if (Number.isNaN(length) || at + length + 2 > bytes.length) return undefined
    if (i === 0) name = bytes.toString('latin1', at, at + length)
    at += length + 2
  }
  return { name, length: at }
}
