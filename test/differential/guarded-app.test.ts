import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { FIELD_CASES, type Verdict } from './fields.ts'
import {
  type App,
  CALLERS,
  type Caller,
  FRAMEWORKS,
  type Framework,
  type Keys,
  makeKeys,
  ROUTES,
  type Route,
  startApp,
  statusFor,
} from './guarded-app.ts'
import { HOSTS, OTHER_METHODS, PROTOCOL_CASES, type Service } from './protocol.ts'
import { REWRITES } from './targets.ts'
import { type Answer, decisionOf, type Exchange, exchange, textOf } from './wire.ts'

let keys: Keys
const apps = new Map<Framework, App>()

beforeAll(async () => {
  keys = await makeKeys()
  for (const framework of FRAMEWORKS) apps.set(framework, await startApp(framework, keys.auth))
})
afterAll(() => {
  for (const app of apps.values()) app.close()
})
afterEach(() => {
  for (const app of apps.values()) app.calls.length = 0
})

/** The same bytes to every framework at once. */
async function everywhere(bytes: string, options?: Exchange): Promise<Map<Framework, Answer[]>> {
  const answers = FRAMEWORKS.map(async (framework) => {
    const { port } = apps.get(framework) as App
    return [framework, await exchange(port, bytes, options)] as const
  })
  return new Map(await Promise.all(answers))
}

/** One decision by all, and never a 5xx. */
function expectAlike(answers: ReadonlyMap<Framework, readonly Answer[]>): void {
  const [reference, ...others] = [...answers].map(([framework, all]) => ({ framework, all: all.map(decisionOf) }))
  for (const other of others) expect(other, 'decides differently').toEqual({ ...reference, framework: other.framework })
  for (const all of answers.values()) for (const { status } of all) expect(status).toBeLessThan(500)
}

const linesOf = (caller: Caller): string[] => (caller === 'none' ? [] : [`x-api-key: ${keys.texts[caller]}`])
const callsOf = (framework: Framework) => (apps.get(framework) as App).calls

const CODES: Readonly<Record<string, string>> = { missing: 'missing_credential', malformed: 'invalid_credential' }

function expectVerdict(verdict: Verdict, answer: Answer | undefined): void {
  if (verdict === 'allowed') {
    expect(answer).toMatchObject({ status: 200, body: '{"caller":"good"}' })
  } else if (typeof verdict === 'number') {
    expect(answer?.status).toBe(verdict)
  } else {
    expect(answer?.status).toBe(401)
    expect(JSON.parse(answer?.body ?? '')).toMatchObject({ code: CODES[verdict] })
  }
}

describe('the same decision on each framework and major', () => {
  it.each(FIELD_CASES)('about the fields of a request: $name', async ({ lines, verdict }) => {
    const answers = await everywhere(textOf({ target: '/api/open', lines: lines(keys.texts.good) }))
    expectAlike(answers)
    expectVerdict(verdict, answers.get('hono')?.[0])
    for (const framework of FRAMEWORKS) {
      const reached = verdict === 'allowed' ? ['good'] : []
      expect(
        callsOf(framework).map(({ caller }) => caller),
        framework,
      ).toEqual(reached)
    }
  })

  // No handler of this app reads a body, so a body that cannot be read is no fault here.
  const UNREAD: ReadonlySet<string> = new Set(['a good POST whose body is a request'])

  const ofProtocol = (race: boolean) => PROTOCOL_CASES.filter((it) => (it.race ?? false) === race)
  const serviceOf = (): Service => ({ key: `x-api-key: ${keys.texts.good}`, read: '/api/open', write: '/api/open' })

  it.each(ofProtocol(false))('about the protocol: $name', async ({ name, bytes, statuses, methods = [] }) => {
    const answers = await everywhere(bytes(serviceOf()), { answers: statuses.length, methods })
    expectAlike(answers)
    const expected = statuses.map((status, i) => (status === 'ok' || (UNREAD.has(name) && i === 0) ? 200 : status))
    for (const [framework, all] of answers) {
      expect(
        all.map(({ status }) => status),
        framework,
      ).toEqual(expected)
      const reached = expected.filter((status) => status === 200)
      expect(callsOf(framework), framework).toHaveLength(reached.length)
    }
  })

  it.each(ofProtocol(true))('or a refusal of the connection: $name', async ({ bytes, statuses }) => {
    const answers = await everywhere(bytes(serviceOf()), { answers: statuses.length })
    const expected = statuses.map((status) => (status === 'ok' ? 200 : status))
    for (const [framework, all] of answers) {
      expect([expected, expected.slice(0, 1), [400]], framework).toContainEqual(all.map(({ status }) => status))
    }
  })
})

/** Koa itself answers 500 to a target that is no URL; no middleware is asked. */
function isKoasOwn(framework: Framework, bytes: string): boolean {
  return framework.startsWith('koa') && bytes.includes('http://[/')
}

/**
 * What a framework makes of an odd request is its own affair. But where a good key reaches a handler, everybody else
 * gets the answer of that handler's guard; and a handler never runs for who may not reach it.
 */
async function expectGuarded(request: (lines: readonly string[]) => string): Promise<void> {
  const byCaller = new Map<Caller, Map<Framework, { answer: Answer | undefined; routes: (Route | undefined)[] }>>()
  for (const caller of CALLERS) {
    const bytes = request(linesOf(caller))
    const answers = await everywhere(bytes, { methods: [bytes.split(' ', 1)[0] as string] })
    const seen = FRAMEWORKS.map((framework) => {
      const calls = callsOf(framework).splice(0)
      for (const call of calls.filter(({ route }) => route !== undefined)) {
        expect(call.caller, `${framework}: the principal of another`).toBe(caller)
        expect(statusFor(caller, call.route as Route), `${framework}: a bypass by ${caller}`).toBe(200)
      }
      const routes = calls.map(({ route }) => route)
      const answer = answers.get(framework)?.[0]
      if (answer !== undefined && !isKoasOwn(framework, bytes)) {
        expect(answer.status, `${framework} for ${caller}`).toBeLessThan(500)
      }
      return [framework, { answer, routes }] as const
    })
    byCaller.set(caller, new Map(seen))
  }
  for (const framework of FRAMEWORKS) {
    const [route] = byCaller.get('good')?.get(framework)?.routes ?? []
    if (route === undefined) continue
    for (const caller of CALLERS) {
      const { answer, routes } = byCaller.get(caller)?.get(framework) ?? {}
      const status = statusFor(caller, route)
      expect(answer?.status, `${framework} for ${caller}`).toBe(status)
      expect(routes, `${framework} for ${caller}`).toEqual(status === 200 ? [route] : [])
    }
  }
}

describe('a handler is reached only by who may reach it', () => {
  const targets = ROUTES.map(({ method, path }) => ({ method, path: path.replace(':id', '1') }))

  it.each(targets)('by the plain path: $method $path', async ({ method, path }) => {
    await expectGuarded((lines) => textOf({ method, target: path, lines }))
    const answers = await everywhere(textOf({ method, target: path, lines: linesOf('good') }))
    for (const [answer] of answers.values()) expect(answer?.status).toBe(200)
  })

  const rewritten = REWRITES.map(([name, rewrite]) => ({ name, rewrite }))

  // `/api/open` asks for nothing but a key, as its neighbours do.
  const wanted = targets.filter(({ method, path }) => method === 'GET' && path !== '/api/open')
  describe.each(wanted)('of $path', ({ method, path }) => {
    it.each(rewritten)('when the path is written $name', async ({ rewrite }) => {
      await expectGuarded((lines) => textOf({ method, target: rewrite(path), lines }))
    })
  })

  it.each(['HEAD', 'OPTIONS', 'POST', 'DELETE', ...OTHER_METHODS])('by the method %s', async (method) => {
    for (const { path } of targets) {
      await expectGuarded((lines) => textOf({ method, target: path, lines }))
    }
  })

  it.each(HOSTS)('with the host %j', async (host) => {
    for (const target of ['/api/open', '/api/admin/users', '/bare/thing']) {
      await expectGuarded((lines) => textOf({ target, host, lines }))
    }
  })

  it('with two hosts', async () => {
    await expectGuarded((lines) => textOf({ target: '/api/open', lines: ['Host: public', ...lines] }))
  })

  it.each(['x-original-url', 'x-rewrite-url', 'x-forwarded-uri', 'x-forwarded-prefix', 'x-forwarded-path'])(
    'with %s',
    async (name) => {
      for (const { method, path } of targets) {
        await expectGuarded((lines) => textOf({ method, target: path, lines: [`${name}: /public`, ...lines] }))
        await expectGuarded((lines) => textOf({ method, target: '/public', lines: [`${name}: ${path}`, ...lines] }))
        await expectGuarded((lines) => textOf({ method, target: '/', lines: [`${name}: ${path}`, ...lines] }))
      }
    },
  )

  it.each(['x-http-method-override', 'x-http-method', 'x-method-override'])('with %s', async (name) => {
    for (const { path } of targets) {
      for (const method of ['GET', 'POST']) {
        for (const other of ['GET', 'DELETE']) {
          await expectGuarded((lines) => textOf({ method, target: path, lines: [`${name}: ${other}`, ...lines] }))
        }
      }
    }
  })

  it('below a guarded prefix, known path or not, without a key it is 401', async () => {
    for (const target of ['/api/nowhere', '/api', '/api/', '/api/admin', '/api/admin/nowhere', '/api/pro/nowhere']) {
      for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS', 'PUT']) {
        const answers = await everywhere(textOf({ method, target }))
        for (const [framework, [answer]] of answers) expect(answer?.status, `${framework} ${target}`).toBe(401)
        expectAlike(answers)
      }
    }
  })
})
