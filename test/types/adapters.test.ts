import { problemDetails } from '@latchkey/contracts'
import { createAuth, type KeyedPrincipal, memoryStore } from '@latchkey/core'
import * as onExpress from '@latchkey/express'
import * as onHono from '@latchkey/hono'
import * as onKoa from '@latchkey/koa'
import type { Request } from 'express'
import { Hono } from 'hono'
import type { Context } from 'koa'
import { describe, expect, expectTypeOf, it } from 'vitest'

const store = memoryStore()
const acme = createAuth({
  contract: problemDetails({ name: 'acme', plans: ['free', 'pro'], permissions: { read: [], write: [] } }),
  store,
})
const other = createAuth({
  contract: problemDetails({ name: 'other', plans: ['basic'], permissions: { fly: [] } }),
  store,
})
type Principal = KeyedPrincipal<'free' | 'pro', 'read' | 'write'>

describe('on Hono', () => {
  it('a principal is there behind authenticate, and not before', () => {
    const app = new Hono()
    app.get('/open', (c) => {
      // @ts-expect-error: nothing has proven a principal here
      return c.json(c.var.auth.account.id)
    })
    app.get('/closed', onHono.authenticate(acme), (c) => {
      expectTypeOf(c.var.auth).toEqualTypeOf<Principal>()
      return c.json(c.var.auth.account.id)
    })
    app.get('/routed', onHono.requires(acme, { permission: 'read' }), (c) => c.json(c.var.auth.plan))
    expect(app.routes).toHaveLength(5)
  })

  it('the auth of another API does not fit the app', () => {
    const app = new Hono<onHono.AuthEnv<typeof acme>>()
    // @ts-expect-error: the app's principal is acme's
    app.get('/', onHono.requires(other, { permission: 'fly' }), (c) => c.text(c.var.auth.plan satisfies 'free' | 'pro'))
    // @ts-expect-error: a permission of the other API
    expect(() => onHono.requires(acme, { permission: 'fly' })).toThrow(/fly/)
    expect(app.routes).toHaveLength(2)
  })

  it('a rule sees the principal of its auth', () => {
    onHono.requires(acme, {
      resource: (principal, c) => {
        expectTypeOf(principal).toEqualTypeOf<Principal>()
        return principal.account.id === c.req.param('id') ? 'allow' : 'hide'
      },
    })
    // @ts-expect-error: a rule says allow, forbid or hide
    onHono.requires(acme, { resource: () => 'deny' })
  })
})

describe('on Express', () => {
  it('a principal is the one of the auth that is asked', () => {
    const read = (req: Request) => onExpress.principalOf(acme, req)
    expectTypeOf(read).returns.toEqualTypeOf<Principal>()
    const maybe = (req: Request) => onExpress.principalOf(acme, req, { optional: true })
    expectTypeOf(maybe).returns.toEqualTypeOf<Principal | undefined>()
    expectTypeOf<ReturnType<typeof read>>().not.toEqualTypeOf<KeyedPrincipal<'basic', 'fly'>>()
  })

  it('a request has no principal of its own until the augmentation is asked for', () => {
    // @ts-expect-error: `@latchkey/express/augment` is not imported
    const read = (req: Request) => req.auth
    expect(read({ auth: 1 } as never)).toBe(1)
  })

  it('an auth takes its own permissions, plans and rules', () => {
    // @ts-expect-error: a permission of the other API
    expect(() => onExpress.requires(acme, { permission: 'fly' })).toThrow(/fly/)
    // @ts-expect-error: a plan of the other API
    expect(() => onExpress.authenticate(acme, { plan: 'basic' })).toThrow(/basic/)
    onExpress.requires(acme, {
      resource: (principal, req) => {
        expectTypeOf(principal).toEqualTypeOf<Principal>()
        return principal.account.id === req.params.id ? 'allow' : 'hide'
      },
    })
  })
})

describe('on Koa', () => {
  it('a principal is typed by the state, and by the auth that is asked', () => {
    expectTypeOf<onKoa.AuthState<typeof acme>>().toEqualTypeOf<{ auth: Principal }>()
    const read = (ctx: Context) => onKoa.principalOf(acme, ctx)
    expectTypeOf(read).returns.toEqualTypeOf<Principal>()
  })

  it('an auth takes its own permissions, plans and rules', () => {
    // @ts-expect-error: a permission of the other API
    expect(() => onKoa.requires(acme, { permission: 'fly' })).toThrow(/fly/)
    // @ts-expect-error: a plan of the other API
    expect(() => onKoa.authenticate(acme, { plan: 'basic' })).toThrow(/basic/)
    onKoa.requires(acme, {
      resource: (principal, ctx) => {
        expectTypeOf(principal).toEqualTypeOf<Principal>()
        return principal.account.id === ctx.params.id ? 'allow' : 'hide'
      },
    })
  })
})
