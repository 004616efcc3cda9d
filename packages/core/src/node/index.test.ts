import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { rawFields, setAllowedHeaders, whenEnded, writeRendered } from './index.ts'

describe('rawFields', () => {
  const request = (...rawHeaders: string[]) => rawFields({ rawHeaders })

  it('reads every carrier as malformed where Node has dropped lines', () => {
    const lines = (count: number) => Array.from({ length: count }, () => ['a', 'b']).flat()
    const full = rawFields({ rawHeaders: ['x-api-key', 'k', ...lines(999)] })
    expect(full.get('x-api-key')).toBe(', ')
    expect(full.get('authorization')).toBe(', ')
    expect(rawFields({ rawHeaders: ['x-api-key', 'k', ...lines(998)] }).get('x-api-key')).toBe('k')
  })

  it.each([
    [0, 999, 'k'],
    [null, 998, 'k'],
    [null, 999, ', '],
    [100, 98, 'k'],
    [100, 99, ', '],
    [2000, 999, 'k'],
  ])('goes by what the server keeps: of at most %j lines, %i more', (maxHeadersCount, more, value) => {
    const rawHeaders = ['x-api-key', 'k', ...Array.from({ length: more }, () => ['a', 'b']).flat()]
    expect(rawFields({ rawHeaders, ...{ socket: { server: { maxHeadersCount } } } }).get('x-api-key')).toBe(value)
  })

  it('finds a field whatever the case of its name', () => {
    expect(request('X-API-KEY', 'abc').get('x-api-key')).toBe('abc')
    expect(request('x-api-key', 'abc').get('X-Api-Key')).toBe('abc')
  })

  it('is null where there is no such line', () => {
    expect(request('x-api-keys', 'abc', 'x-api', 'abc').get('x-api-key')).toBeNull()
    expect(request().get('authorization')).toBeNull()
  })

  it('keeps an empty line', () => {
    expect(request('x-api-key', '').get('x-api-key')).toBe('')
  })

  it('joins the lines of one name, in their order, as Fetch does', () => {
    for (const values of [
      ['a', 'b'],
      ['a', 'a'],
      ['', 'a'],
      ['a', ''],
      ['', ''],
      ['a', 'b', 'c'],
    ]) {
      const lines = values.map((value): [string, string] => ['Authorization', value])
      expect(request(...lines.flat()).get('authorization')).toBe(new Headers(lines).get('authorization'))
    }
  })

  it('joins lines whose names differ in case', () => {
    expect(request('Authorization', 'Bearer a', 'AUTHORIZATION', 'Bearer b').get('authorization')).toBe(
      'Bearer a, Bearer b',
    )
  })

  it('does not take a value for a name', () => {
    expect(request('x-echo', 'authorization', 'Bearer', 'x').get('authorization')).toBeNull()
  })
})

describe('on a real server', () => {
  const servers: ReturnType<typeof createServer>[] = []

  afterEach(() => {
    for (const server of servers.splice(0)) server.close()
  })

  /** The answer's bytes as they are on the wire. */
  async function exchange(
    handle: (request: IncomingMessage, response: ServerResponse) => void,
    lines: readonly string[] = [],
    maxHeadersCount: number | null = null,
  ): Promise<string> {
    const server = createServer(handle)
    server.maxHeadersCount = maxHeadersCount
    servers.push(server)
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    socket.write(['GET / HTTP/1.1', 'Host: localhost', 'Connection: close', ...lines, '', ''].join('\r\n'))
    let text = ''
    for await (const chunk of socket) text += String(chunk)
    return text
  }

  it('sees the second Authorization line that request.headers drops', async () => {
    let seen: string | null | undefined
    let node: string | undefined
    await exchange(
      (request, response) => {
        seen = rawFields(request).get('authorization')
        node = request.headers.authorization
        response.end()
      },
      ['Authorization: Bearer aaa', 'authorization: Bearer bbb'],
    )
    expect(node).toBe('Bearer aaa')
    expect(seen).toBe('Bearer aaa, Bearer bbb')
  })

  it.each([
    [null, 2000],
    [100, 200],
    [1, 60],
  ])(
    'reads no key where the server keeps %j lines at most, and %i more stand before a second one',
    async (most, more) => {
      let seen: string | null | undefined
      const others = Array.from({ length: more }, () => 'a: b')
      await exchange(
        (request, response) => {
          seen = rawFields(request).get('x-api-key')
          response.end()
        },
        ['x-api-key: aaa', ...others, 'x-api-key: bbb'],
        most,
      )
      expect(seen).toMatch(/,/)
    },
  )

  it('sends a rendered answer byte for byte', async () => {
    const headers = { 'Content-Type': 'application/json', 'Content-Length': '13', 'Cache-Control': 'no-store' }
    const text = await exchange((_request, response) => {
      writeRendered(response, { status: 401, headers, body: '{"error":"e"}' })
    })
    const [head, body] = text.split('\r\n\r\n')
    expect(head?.split('\r\n').filter((line) => !/^(Date|Connection):/.test(line))).toEqual([
      'HTTP/1.1 401 Unauthorized',
      'Content-Type: application/json',
      'Content-Length: 13',
      'Cache-Control: no-store',
    ])
    expect(body).toBe('{"error":"e"}')
  })

  it('adds to a Vary that is there, and replaces nothing of it', async () => {
    const text = await exchange((_request, response) => {
      response.setHeader('Vary', 'Origin')
      setAllowedHeaders(response, { 'Cache-Control': 'private', Vary: 'x-api-key, Authorization' })
      response.end()
    })
    const vary = [...text.matchAll(/^Vary: (.*)\r$/gm)].flatMap(([, value]) => value?.split(', '))
    expect(vary).toEqual(['Origin', 'x-api-key', 'Authorization'])
    expect(text).toMatch(/^Cache-Control: private\r$/m)
  })

  it('sets Vary where there is none', async () => {
    const text = await exchange((_request, response) => {
      setAllowedHeaders(response, { Vary: 'Authorization' })
      response.end()
    })
    expect(text.match(/^Vary: .*$/gm)).toEqual(['Vary: Authorization'])
  })

  describe('whenEnded', () => {
    it.each([
      [200, 'finished'],
      [404, 'finished'],
      [500, 'failed'],
      [503, 'failed'],
    ])('says of an answer with %i that it has %s', async (status, how) => {
      const told: string[] = []
      await exchange((_request, response) => {
        whenEnded(response, (ending) => told.push(ending))
        response.statusCode = status
        response.end('x')
      })
      await expect.poll(() => told).toEqual([how])
    })

    it('says of a client that is gone that it has broken off, also when it is asked afterwards', async () => {
      const told: string[] = []
      const server = createServer((_request, response) => {
        whenEnded(response, (ending) => {
          told.push(ending)
          whenEnded(response, (again) => told.push(again))
        })
        response.write('begun')
      })
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      const socket = connect((server.address() as AddressInfo).port, '127.0.0.1', () => {
        socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
      })
      socket.once('data', () => socket.destroy())
      await expect.poll(() => told).toEqual(['broken', 'broken'])
      server.close()
    })
  })
})
