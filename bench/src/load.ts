/** A client that is cheap enough for one processor to keep the server on another one busy. */
import { connect, type Socket } from 'node:net'

/** Connections, each with one request under way. */
const CONNECTIONS = 16

export interface Load {
  /** Sends so many requests one after the other. Answers how many were answered in a second. */
  run(count: number): Promise<number>
  close(): void
}

/** @param fields lines of header fields, one for each request; they take turns */
export async function openLoad(port: number, fields: readonly string[], status: number): Promise<Load> {
  const requests = fields.map((line) => {
    const lines = ['GET /v1/me HTTP/1.1', `host: 127.0.0.1:${port}`, ...(line === '' ? [] : [line])]
    return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`)
  })
  const expected = `HTTP/1.1 ${status} `
  let turn = 0
  const send = (socket: Socket) => void socket.write(requests[turn++ % requests.length] as Buffer)
  const sockets = await Promise.all(Array.from({ length: CONNECTIONS }, () => opened(port)))

  async function run(count: number): Promise<number> {
    const start = performance.now()
    let sent = 0
    const ends = sockets.map(
      (socket) =>
        new Promise<void>((resolve, reject) => {
          let got = ''
          const fail = () => reject(new Error('the server closed a connection'))
          const read = (chunk: Buffer) => {
            got += chunk.toString('latin1')
            if (!isWhole(got)) return
            const isExpected = got.startsWith(expected)
            got = ''
            if (isExpected && sent++ < count - CONNECTIONS) return send(socket)
            socket.off('data', read)
            socket.off('close', fail)
            if (isExpected) resolve()
            else reject(new Error(`the server did not answer with ${status}`))
          }
          if (socket.destroyed) return fail()
          socket.on('data', read)
          socket.once('close', fail)
          send(socket)
        }),
    )
    await Promise.all(ends)
    return (count * 1000) / (performance.now() - start)
  }

  return { run, close: () => sockets.forEach((socket) => void socket.destroy()) }
}

function opened(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(socket))
    socket.once('error', reject)
  })
}

/** An answer whose head says how long it is, or one in chunks, of which the last is empty. */
function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return false
  const [, length] = /\r\ncontent-length: (\d+)\r\n/i.exec(text) ?? []
  return length === undefined ? text.endsWith('\r\n0\r\n\r\n') : text.length >= end + 4 + Number(length)
}
