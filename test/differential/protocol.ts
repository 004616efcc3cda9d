/** What a client can do with HTTP/1.1 itself, at a service with a GET and a POST route. */
import { type Exchange, type Raw, textOf } from './wire.ts'

export interface Service {
  /** The field line of a good key. */
  readonly key: string
  /** Answers GET with 200. */
  readonly read: string
  /** Answers POST with 201 or 202 and reads its body as JSON. */
  readonly write: string
}

export interface ProtocolCase extends Exchange {
  readonly name: string
  readonly bytes: (service: Service) => string
  /** The statuses, in order; `ok` for the status of a route that was reached. */
  readonly statuses: readonly (number | 'ok')[]
  /**
   * What is wrong comes behind the header, so Node may answer 400 and close before a framework that decides later has
   * written its answer.
   */
  readonly race?: boolean
}

type Made = Omit<ProtocolCase, 'name' | 'statuses' | 'bytes'> & {
  readonly is: readonly (number | 'ok')[]
  readonly send: (service: Service) => string
}

const cases = (made: Readonly<Record<string, Made>>): ProtocolCase[] =>
  Object.entries(made).map(([name, { is, send, ...rest }]) => ({ name, statuses: is, bytes: send, ...rest }))

const get = ({ read, key }: Service, raw: Partial<Raw> = {}) =>
  textOf({ target: read, ...raw, lines: [key, ...(raw.lines ?? [])] })
const getWithout = ({ read }: Service, raw: Partial<Raw> = {}) => textOf({ target: read, ...raw })
const post = ({ write, key }: Service, lines: readonly string[], body: string, raw: Partial<Raw> = {}) =>
  textOf({ method: 'POST', target: write, body, ...raw, lines: [key, ...lines] })
const postWithout = ({ write }: Service, lines: readonly string[], body: string, raw: Partial<Raw> = {}) =>
  textOf({ method: 'POST', target: write, body, ...raw, lines })

const CHUNKED = 'Transfer-Encoding: chunked'
const END = '0\r\n\r\n'

const bodies = cases({
  'a body with its length': { is: ['ok'], send: (it) => post(it, [], '{}') },
  'a body in chunks': { is: ['ok'], send: (it) => post(it, [CHUNKED], `2\r\n{}\r\n${END}`) },
  'a body in chunks of one byte': { is: ['ok'], send: (it) => post(it, [CHUNKED], `1\r\n{\r\n1\r\n}\r\n${END}`) },
  'a chunk extension': { is: ['ok'], send: (it) => post(it, [CHUNKED], `2;a=b\r\n{}\r\n${END}`) },
  'a quoted chunk extension': { is: ['ok'], send: (it) => post(it, [CHUNKED], `2;a="b;c"\r\n{}\r\n${END}`) },
  'a chunk size with zeros': { is: ['ok'], send: (it) => post(it, [CHUNKED], `0002\r\n{}\r\n${END}`) },
  'chunks without a key': { is: [401], send: (it) => postWithout(it, [CHUNKED], `2\r\n{}\r\n${END}`) },
  'the key in a trailer': {
    is: [401],
    send: (it) => postWithout(it, [CHUNKED, 'Trailer: x-api-key'], `2\r\n{}\r\n0\r\n${it.key}\r\n\r\n`),
  },
  'another key in a trailer': {
    is: ['ok'],
    send: (it) => post(it, [CHUNKED, 'Trailer: x-api-key'], `2\r\n{}\r\n0\r\nx-api-key: bad\r\n\r\n`),
  },
  'a GET with a body': { is: ['ok'], send: (it) => get(it, { body: '{}' }) },
  'a GET with a body, without a key': { is: [401], send: (it) => getWithout(it, { body: '{}' }) },
  'a body that never comes, without a key': {
    is: [401],
    send: (it) => postWithout(it, ['Content-Length: 1000000'], ''),
  },
  'a large body, without a key': { is: [401], send: (it) => postWithout(it, [], 'x'.repeat(200_000)) },
  'the key in the body': { is: [401], send: (it) => postWithout(it, [], JSON.stringify({ 'x-api-key': it.key })) },
  'the token in a form (RFC 6750 §2.2)': {
    is: [401],
    send: (it) =>
      postWithout(
        it,
        ['Content-Type: application/x-www-form-urlencoded'],
        `access_token=${it.key.replace(/.*: /, '')}`,
      ),
  },
})

const framing = cases({
  'a bad chunk, without a key': {
    race: true,
    is: [401],
    send: (it) => postWithout(it, [CHUNKED], `zz\r\n{}\r\n${END}`),
  },
  'Content-Length beside chunks': {
    is: [400],
    send: (it) => post(it, [CHUNKED, 'Content-Length: 3'], `2\r\n{}\r\n${END}`),
  },
  'chunks beside Content-Length': {
    is: [400],
    send: (it) => post(it, ['Content-Length: 3', CHUNKED], `2\r\n{}\r\n${END}`),
  },
  'Content-Length 0 beside chunks, without a key': {
    is: [400],
    send: (it) => postWithout(it, ['Content-Length: 0', CHUNKED], `2\r\n{}\r\n${END}`),
  },
  'two equal lengths': { is: [400], send: (it) => post(it, ['Content-Length: 2', 'Content-Length: 2'], '{}') },
  'two different lengths': { is: [400], send: (it) => post(it, ['Content-Length: 2', 'Content-Length: 3'], '{}') },
  'two lengths in one line': { is: [400], send: (it) => post(it, ['Content-Length: 2, 2'], '{}') },
  'a length with a sign': { is: [400], send: (it) => post(it, ['Content-Length: +2'], '{}') },
  'a negative length': { is: [400], send: (it) => post(it, ['Content-Length: -1'], '{}') },
  'a hexadecimal length': { is: [400], send: (it) => post(it, ['Content-Length: 0x2'], '{}') },
  'a length with a blank inside': { is: [400], send: (it) => post(it, ['Content-Length: 2 2'], '{}') },
  'an endless length': { is: [400], send: (it) => post(it, [`Content-Length: ${'9'.repeat(40)}`], '{}') },
  'an empty length': { is: [400], send: (it) => post(it, ['Content-Length:'], '{}') },
  'chunked twice': { is: [400], send: (it) => post(it, ['Transfer-Encoding: chunked, chunked'], `2\r\n{}\r\n${END}`) },
  'chunked in two lines': { is: [400], send: (it) => post(it, [CHUNKED, CHUNKED], `2\r\n{}\r\n${END}`) },
  'an unknown coding': {
    race: true,
    is: ['ok'],
    send: (it) => post(it, ['Transfer-Encoding: xchunked'], `2\r\n{}\r\n${END}`),
  },
  identity: { race: true, is: ['ok'], send: (it) => post(it, ['Transfer-Encoding: identity'], '{}') },
  'chunked before gzip': {
    is: [400],
    send: (it) => post(it, ['Transfer-Encoding: chunked, gzip'], `2\r\n{}\r\n${END}`),
  },
  'chunked with a vertical tab': {
    is: [400],
    send: (it) => post(it, ['Transfer-Encoding: \x0bchunked'], `2\r\n{}\r\n${END}`),
  },
  'chunked in capitals': { is: ['ok'], send: (it) => post(it, ['Transfer-Encoding: CHUNKED'], `2\r\n{}\r\n${END}`) },
})

const OPEN = { keepOpen: true } as const

const pipelines = cases({
  'a good request, then one without a key': {
    is: ['ok', 401],
    send: (it) => get(it, OPEN) + getWithout(it),
  },
  'a request without a key, then a good one': {
    is: [401, 'ok'],
    send: (it) => getWithout(it, OPEN) + get(it),
  },
  'five requests in turn': {
    is: ['ok', 401, 'ok', 401, 'ok'],
    send: (it) => get(it, OPEN) + getWithout(it, OPEN) + get(it, OPEN) + getWithout(it, OPEN) + get(it),
  },
  'a denied POST with a body, then a good request': {
    is: [401, 'ok'],
    send: (it) => postWithout(it, [], '{"a":1}', OPEN) + get(it),
  },
  'a denied POST with a large body, then a good request': {
    is: [401, 'ok'],
    send: (it) => postWithout(it, [], 'x'.repeat(200_000), OPEN) + get(it),
  },
  'a denied POST in chunks, then a good request': {
    is: [401, 'ok'],
    send: (it) => postWithout(it, [CHUNKED], `2\r\n{}\r\n${END}`, OPEN) + get(it),
  },
  'a denied POST whose body is a request with a key': {
    is: [401, 401],
    send: (it) => postWithout(it, [], get(it, OPEN), OPEN) + getWithout(it),
  },
  'a denied POST in chunks whose body is a request with a key': {
    is: [401, 401],
    send: (it) => {
      const inner = get(it, OPEN)
      return postWithout(it, [CHUNKED], `${inner.length.toString(16)}\r\n${inner}\r\n${END}`, OPEN) + getWithout(it)
    },
  },
  'a good POST whose body is a request': {
    is: [400, 401],
    send: (it) => post(it, [], getWithout(it, OPEN), OPEN) + getWithout(it),
  },
  'a good GET whose body is a request': {
    is: ['ok', 401],
    send: (it) => get(it, { body: getWithout(it, OPEN), ...OPEN }) + getWithout(it),
  },
  'two denied POSTs with bodies': {
    is: [401, 401],
    send: (it) => postWithout(it, [], '{"a":1}', OPEN) + postWithout(it, [], '{"a":1}'),
  },
  'a HEAD with a key, then a request without': {
    is: ['ok', 401],
    methods: ['HEAD', 'GET'],
    send: (it) => get(it, { method: 'HEAD', ...OPEN }) + getWithout(it),
  },
  'empty lines between requests': {
    is: ['ok', 401],
    send: (it) => `${get(it, OPEN)}\r\n\r\n${getWithout(it)}`,
  },
  'a good request, then garbage': { race: true, is: ['ok', 400], send: (it) => `${get(it, OPEN)}garbage\r\n\r\n` },
  'a request behind Connection: close': { race: true, is: ['ok'], send: (it) => get(it) + get(it) },
})

const versions = cases({
  'HTTP/1.0 with a host': { is: ['ok'], send: (it) => get(it, { version: 'HTTP/1.0' }) },
  'HTTP/1.0 without a host': { is: ['ok'], send: (it) => get(it, { version: 'HTTP/1.0', host: null }) },
  'HTTP/1.0 without host and key': { is: [401], send: (it) => getWithout(it, { version: 'HTTP/1.0', host: null }) },
  'HTTP/1.0 that asks to stay open': {
    is: ['ok'],
    send: (it) => get(it, { version: 'HTTP/1.0', lines: ['Connection: keep-alive'], ...OPEN }),
  },
  'HTTP/1.0 with chunks, without a key': {
    is: [401],
    send: (it) => postWithout(it, [CHUNKED], `2\r\n{}\r\n${END}`, { version: 'HTTP/1.0' }),
  },
  'HTTP/1.1 without a host': { is: [400], send: (it) => get(it, { host: null }) },
  'HTTP/1.1 without host and key': { is: [400], send: (it) => getWithout(it, { host: null }) },
  'HTTP/2.0 in text': { is: ['ok'], send: (it) => get(it, { version: 'HTTP/2.0' }) },
  'HTTP/1.2': { is: [400], send: (it) => get(it, { version: 'HTTP/1.2' }) },
  'HTTP/9.9': { is: [400], send: (it) => get(it, { version: 'HTTP/9.9' }) },
  'http/1.1 in lower case': { is: [400], send: (it) => get(it, { version: 'http/1.1' }) },
  'the preface of HTTP/2': { is: [400], send: () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' },
  'an empty line first': { is: ['ok'], send: (it) => `\r\n${get(it)}` },
  'line feeds alone': { is: [400], send: (it) => get(it).replaceAll('\r\n', '\n') },
  'a TLS hello': { is: [400], send: () => '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' },
})

const intentions = cases({
  'Expect: 100-continue': {
    is: [100, 'ok'],
    answers: 2,
    send: (it) => post(it, ['Expect: 100-continue'], '{}'),
  },
  'Expect: 100-continue without a key': {
    is: [100, 401],
    answers: 2,
    send: (it) => postWithout(it, ['Expect: 100-continue', 'Content-Length: 5'], ''),
  },
  'another expectation': { is: [417], send: (it) => post(it, ['Expect: foo'], '{}') },
  'another expectation without a key': { is: [417], send: (it) => getWithout(it, { lines: ['Expect: foo'] }) },
  'an upgrade to websocket': {
    is: ['ok'],
    send: (it) => get(it, { lines: ['Upgrade: websocket', 'Connection: Upgrade'], ...OPEN }),
  },
  'an upgrade to websocket without a key': {
    is: [401],
    send: (it) => getWithout(it, { lines: ['Upgrade: websocket', 'Connection: Upgrade'], ...OPEN }),
  },
  'an upgrade to h2c without a key': {
    is: [401],
    send: (it) =>
      getWithout(it, { lines: ['Upgrade: h2c', 'HTTP2-Settings: AAMAAABk', 'Connection: Upgrade'], ...OPEN }),
  },
  HEAD: { is: ['ok'], methods: ['HEAD'], send: (it) => get(it, { method: 'HEAD' }) },
  'HEAD without a key': { is: [401], methods: ['HEAD'], send: (it) => getWithout(it, { method: 'HEAD' }) },
  'OPTIONS without a key': { is: [401], send: (it) => getWithout(it, { method: 'OPTIONS' }) },
  'a preflight without a key': {
    is: [401],
    send: (it) =>
      getWithout(it, {
        method: 'OPTIONS',
        lines: ['Origin: http://x', 'Access-Control-Request-Method: GET', 'Access-Control-Request-Headers: x-api-key'],
      }),
  },
  'a method in lower case': { is: [400], send: (it) => get(it, { method: 'get' }) },
  'an unknown method': { is: [400], send: (it) => get(it, { method: 'FROBNICATE' }) },
  'a method with a blank': { is: [400], send: (it) => get(it, { method: 'GE T' }) },
  'CONNECT with a path': { is: [], send: (it) => get(it, { method: 'CONNECT' }) },
})

export const PROTOCOL_CASES: readonly ProtocolCase[] = [...bodies, ...framing, ...pipelines, ...versions, ...intentions]

/** Methods that Node parses and that no route of the services has. */
export const OTHER_METHODS = [
  ...['PUT', 'PATCH', 'TRACE', 'PROPFIND', 'PROPPATCH', 'MKCOL', 'COPY', 'MOVE', 'LOCK', 'UNLOCK', 'SEARCH', 'PURGE'],
  ...['REPORT', 'MKACTIVITY', 'CHECKOUT', 'MERGE', 'M-SEARCH', 'NOTIFY', 'SUBSCRIBE', 'LINK', 'SOURCE', 'QUERY'],
]

/** Values of one `Host` line. A server may refuse them; none is a way in. */
export const HOSTS = [
  ...['a b', 'evil/x', '[::1]:80', '[::1', 'x@y', 'a:99999', 'a:b', '', 'ex_ample', 'EXAMPLE.com:8080', '\\\\x', '.'],
  ...['a..b', '127.0.0.1', '0x7f.1', 'localhost:0', 'a,b', 'a%00', 'a%2f', 'xn--a', utf8Host('bücher'), '?x', '#x'],
  ...['user:pass@localhost', 'http://localhost', "a'b", '*', 'localhost.', '-'],
]

function utf8Host(host: string): string {
  return Buffer.from(host, 'utf8').toString('latin1')
}
