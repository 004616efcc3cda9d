/** The ways in which a connection to Postgres or Redis fails. */
import { randomBytes } from 'node:crypto'
import type { Fault } from './tcp-proxy.ts'

type Faults = readonly (readonly [name: string, fault: Fault])[]

/** Whatever is spoken on it. */
function faultsOfAny(timeout: number): Faults {
  return [
    ['answers come too late', { kind: 'delay', milliseconds: 2 * timeout }],
    ['nothing passes', { kind: 'hang' }],
    ['connections are reset', { kind: 'reset' }],
    ['connections are closed', { kind: 'close' }],
    ['answers end after a byte', { kind: 'truncate', bytes: 1 }],
    ['answers end in the middle of a message', { kind: 'truncate', bytes: 7 }],
    ['answers are zeros', garbage((length) => Buffer.alloc(length))],
    ['answers are random', garbage((length) => randomBytes(length))],
    ['answers are of another protocol', garbage(() => Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'))],
  ]
}

/** @param timeout of who waits for an answer, in milliseconds */
export function faults(timeout: number): Faults {
  return [
    ...faultsOfAny(timeout),
    ['answers end in the middle of a row', { kind: 'truncate', bytes: 600 }],
    ['a message announces more than comes', garbage(() => message('D', Buffer.alloc(3), 1e6))],
    ['a message is of a kind that there is not', garbage(() => message('?', Buffer.alloc(3)))],
    ['a row comes that nobody has asked for', garbage(() => row(1, 0))],
    ['a row announces more columns than it has', garbage(() => row(30, 4))],
    ['a row announces more bytes than it has', garbage(() => row(1, 1e6))],
  ]
}

export function redisFaults(timeout: number): Faults {
  const says = (answer: string) => garbage(() => Buffer.from(answer))
  return [
    ...faultsOfAny(timeout),
    ['a text announces more than comes', says('$1000000\r\nabc\r\n')],
    ['a list announces more than comes', says('*3\r\n$1\r\nx\r\n')],
    ['an answer is of a kind that there is not', says('?1\r\n')],
    ['every answer is OK', says('+OK\r\n')],
    ['every answer is nothing', says('_\r\n')],
    ['every answer comes twice', says(':1\r\n:1\r\n')],
    ['every answer is to another question', says('*2\r\n$1\r\n0\r\n*0\r\n')],
    ['no script is known', says('-NOSCRIPT No matching script.\r\n')],
    ['something is told that nobody has asked for', says('>2\r\n$4\r\nnews\r\n$1\r\nx\r\n')],
  ]
}

function garbage(answer: (length: number) => Buffer): Fault {
  return { kind: 'garbage', answer }
}

/** A message of Postgres' protocol: its kind, its length, its content. */
function message(kind: string, content: Buffer, length = content.length + 4): Buffer {
  const head = Buffer.alloc(5)
  head.write(kind)
  head.writeUInt32BE(length, 1)
  return Buffer.concat([head, content])
}

/** A row that has one empty value, whatever it says of it. */
function row(columns: number, length: number): Buffer {
  const content = Buffer.alloc(6)
  content.writeUInt16BE(columns)
  content.writeInt32BE(length, 2)
  return message('D', content)
}
