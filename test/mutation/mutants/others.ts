import type { Mutant } from '../mutant.ts'
import { of } from '../rows.ts'

export const OTHERS: readonly Mutant[] = [
  ...of(
    'packages/hono/src/index.ts',
    ['packages/hono/src/index.test.ts'],
    [
      [
        'Hono gives back what was taken before a rule has thrown',
        'is given back.\n      ownEnding(c)?.failed()',
        'is given back.',
      ],
      ['Hono answers a denial', 'if (denied !== undefined) {', 'if (false) {'],
      ['Hono marks answers private', 'if (headers !== undefined) setHeaders(c, headers)', ''],
      ['Hono marks a handler’s own Response private', 'if (headers !== undefined) completeHeaders(c, headers)', ''],
      ['options are checked as the Hono app is put together', "if (typeof source !== 'function') {", 'if (false) {'],
    ],
  ),
  ...of(
    'packages/hono/src/index.ts',
    ['test/conformance/allowed.test.ts', 'test/conformance/precedence.test.ts'],
    [
      [
        'Hono reads the raw lines',
        'return incoming === undefined ? c.req.raw.headers : rawFields(incoming)',
        'return c.req.raw.headers',
      ],
    ],
  ),
  ...of(
    'packages/express/src/index.ts',
    ['packages/express/src/index.test.ts', 'test/conformance/precedence.test.ts'],
    [
      ['Express answers a denial', 'if (denied === undefined) next()\n  else deny(auth, res, denied)', 'next()'],
      [
        'Express reads the raw lines',
        'const decided = guarded(req, rawFields(req))',
        'const decided = guarded(req, { get: (name: string) => req.headers[name.toLowerCase()] as string })',
      ],
      ['Express marks answers private', 'if (headers !== undefined) setAllowedHeaders(res, headers)', ''],
      ['Express hands a failing rule to the error handler', '.catch(next)', ''],
    ],
  ),
  ...of(
    'packages/koa/src/index.ts',
    ['packages/koa/src/index.test.ts', 'test/conformance/precedence.test.ts'],
    [
      ['Koa answers a denial', 'if (denied !== undefined) return deny(auth, ctx, denied)', ''],
      [
        'Koa reads the raw lines',
        'const decided = guarded(ctx, rawFields(ctx.req))',
        'const decided = guarded(ctx, { get: (name: string) => ctx.get(name) })',
      ],
      ['Koa marks answers private', 'if (headers !== undefined) setAllowedHeaders(ctx.res, headers)', ''],
      ['Koa sends the documented header fields', 'ctx.set(headers)', ''],
    ],
  ),
]
