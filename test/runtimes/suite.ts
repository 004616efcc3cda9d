/** What every runtime has to answer: the conformance table, byte by byte, over its own HTTP server. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CODES, expectedOf, headersOf, situationsOf } from '../conformance/expected.ts'
import { PROVIDERS, providers } from '../conformance/providers.ts'
import { GOOD, MALFORMED } from '../conformance/token-cases.ts'
import { type Answer, ask } from '../conformance/wire.ts'
import { KEY_ID, type Lines, present } from '../conformance/world.ts'
import type { Credentials, IdentityTokens } from './app.ts'

export interface Runtime {
  readonly port: number
  stop(): Promise<void>
}

/** Tests the app on a runtime that `start` starts once and the tests stop. */
export function answersAsDocumented(start: () => Promise<Runtime>): void {
  let runtime: Runtime | undefined
  let situations: Credentials
  let standing: Credentials
  let tokens: IdentityTokens

  beforeAll(async () => {
    runtime = await start()
    situations = await post('/situations')
    standing = await post('/standing')
    tokens = await post(`/identity?origin=http://127.0.0.1:${runtime.port}`)
  }, 30_000)
  afterAll(() => runtime?.stop())

  function get(path: string, lines: Lines = []): Promise<Answer> {
    return ask(runtime?.port ?? 0, { path, lines })
  }

  async function post<T>(path: string): Promise<T> {
    return read(await ask(runtime?.port ?? 0, { method: 'POST', path }))
  }

  describe.each(providers)('%s', (name, provider) => {
    it.each(CODES)('answers %s as documented', async (code) => {
      for (const [index, situation] of situationsOf(code, provider).entries()) {
        const path = `/situations/${name}/${code}/${index}`
        const lines = situations[path] ?? []
        const arranged = await situation.arrange(provider)
        for (let i = 0; i < (arranged.before?.requests ?? 0); i++) {
          expect((await get(`${path}/resource`, lines)).status).toBe(200)
        }
        if (arranged.before) await post(`/after${path}`)

        const expected = expectedOf(provider, code, situation)
        const answer = await get(`${path}/resource`, lines)
        expect({ situation: situation.name, ...answer }).toEqual({
          situation: situation.name,
          ...expected,
          headers: headersOf(provider, arranged, expected),
        })
        expect(read(await get(`/denials${path}`))).toEqual(arranged.deny ? [] : [code])
      }
    })

    const path = `/standing/${name}`

    it('lets in the key that was issued, and nobody else, by an auth that the module made', async () => {
      const via = provider.credential === 'token' ? 'token' : 'key'
      expect(await get(`${path}/resource`, standing[path])).toMatchObject({
        status: 200,
        body: `{"account":"user_abc123","via":"${via}"}`,
        headers: { 'content-type': 'application/json', 'cache-control': 'private', vary: provider.vary },
      })
      const { status, body } = provider.answers.missing
      expect(await get(`${path}/resource`)).toMatchObject({ status, body })
    })

    it('decides without a promise where the store answers from memory', async () => {
      // The first token of a key waits for its secret where WebCrypto is what opens it.
      expect((await get(`${path}/resource`, standing[path])).status).toBe(200)
      expect(read(await get(`/decision${path}`, standing[path]))).toBe('allowed')
      expect(read(await get(`/decision${path}`))).toBe('denied')
    })
  })

  describe('a token', () => {
    const provider = PROVIDERS.visualLayer
    const path = '/situations/visualLayer/token/0/resource'

    it('is refused when it is malformed', async () => {
      const { status, body } = provider.answers.malformed
      for (const [name, token] of MALFORMED) {
        expect({ name, ...(await get(path, present(provider, token))) }).toMatchObject({ name, status, body })
      }
    })

    it('is taken when it only looks odd', async () => {
      for (const [name, token] of GOOD) {
        const answer = await get(path, present(provider, token))
        expect({ name, ...answer }).toMatchObject({ name, status: 200, body: `{"key":"${KEY_ID}"}` })
      }
    })
  })

  describe.each(['given', 'published'])("an identity provider's token, by keys that are %s", (keys) => {
    const { answers, contentType } = PROVIDERS.problemDetails
    const withToken = (token: string) => get(`/identity/${keys}/resource`, [['Authorization', `Bearer ${token}`]])

    it('is taken, also when several come at once before there are any keys', async () => {
      const all = await Promise.all(Array.from({ length: 8 }, () => withToken(tokens.good)))
      for (const answer of all) {
        expect(answer).toMatchObject({ status: 200, body: '{"via":"identity","permissions":["read"]}' })
      }
    })

    it.each([
      ['somebody else has signed it', 'forged', answers.token_invalid],
      ['it has expired', 'expired', answers.expired],
      ['it is for another API', 'forAnotherApi', answers.token_invalid],
    ] as const)('is refused when %s', async (_, token, { status, body, headers }) => {
      const { 'content-length': _length, ...fields } = (await withToken(tokens[token])).headers
      expect(fields).toEqual({ 'content-type': contentType, 'cache-control': 'no-store', ...headers })
      expect(await withToken(tokens[token])).toMatchObject({ status, body })
    })
  })
}

function read<T>({ status, body }: Answer): T {
  if (status !== 200) throw new Error(`answered with ${status}: ${body}`)
  return JSON.parse(body) as T
}
