/** Situation × provider × framework → status, whole body, every header field. */
import { describe, expect, test } from 'vitest'
import { CODES, expectedOf, headersOf, situationsOf } from './expected.ts'
import { providers } from './providers.ts'
import { type Framework, frameworks, type Mount, serving } from './servers.ts'
import type { Arranged, Situation } from './situations.ts'
import type { Answer } from './wire.ts'

describe.each(frameworks)('on %s', (_, start) => {
  describe.each(providers)('%s', (_, provider) => {
    describe.each(CODES)('answers %s', (code) => {
      test.each(named(situationsOf(code, provider)))('%s', async (_, situation) => {
        const arranged = await situation.arrange(provider)
        const expected = expectedOf(provider, code, situation)
        expect(await answerTo(start, 'GET', arranged)).toEqual({
          ...expected,
          headers: headersOf(provider, arranged, expected),
        })
        const reported = arranged.world.denials.map((denial) => denial.code)
        expect(reported).toEqual(arranged.deny ? [] : [code])
      })

      test('HEAD, with the same fields and no body', async () => {
        for (const situation of situationsOf(code, provider).slice(0, 1)) {
          const arranged = await situation.arrange(provider)
          const expected = expectedOf(provider, code, situation)
          expect(await answerTo(start, 'HEAD', arranged)).toEqual({
            status: expected.status,
            headers: headersOf(provider, arranged, expected),
            body: '',
          })
        }
      })
    })
  })
})

function named(situations: readonly Situation[]): [name: string, situation: Situation][] {
  return situations.map((situation) => [situation.name, situation])
}

async function answerTo(start: Framework, method: string, arranged: Arranged): Promise<Answer> {
  const { world, lines, authenticate, requires, deny, before } = arranged
  const mount: Mount = {
    path: '/v1',
    auth: world.auth,
    ...(authenticate && { authenticate }),
    ...(requires && { requires }),
    ...(deny && { deny }),
  }
  return serving(start, [mount], async (server) => {
    for (let i = 0; i < (before?.requests ?? 0); i++) {
      expect((await server.ask({ path: '/v1/resource', lines })).status).toBe(200)
    }
    before?.later?.()
    return server.ask({ method, path: '/v1/resource', lines })
  })
}
