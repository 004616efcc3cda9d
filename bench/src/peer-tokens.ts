/** What else verifies HS256 tokens. Each takes a token and says whether it is good. */
import type { KeyObject } from 'node:crypto'
import { expressjwt } from 'express-jwt'
import { createVerifier } from 'fast-jwt'
import { verify as honoVerify } from 'hono/jwt'
import { jwtVerify } from 'jose'
import jsonwebtoken from 'jsonwebtoken'
import koaJwt from 'koa-jwt'

export interface TokenPeer {
  readonly name: string
  readonly check: (token: string) => boolean | Promise<boolean>
}

/** They check the issuer too, where they can. */
export function tokenPeers(secret: KeyObject, issuer: string): readonly TokenPeer[] {
  const text = secret.export().toString('utf8')
  const koa = koaJwt({ secret: secret as unknown as string, algorithms: ['HS256'], issuer })
  const express = expressjwt({ secret: secret as unknown as string, algorithms: ['HS256'], issuer })
  return [
    { name: 'fast-jwt', check: fastCheck(text, issuer, false) },
    { name: 'fast-jwt, its cache', check: fastCheck(text, issuer, true) },
    {
      name: 'jsonwebtoken',
      check: orFalse((token) => jsonwebtoken.verify(token, secret, { algorithms: ['HS256'], issuer })),
    },
    { name: 'jose', check: orRejected((token) => jwtVerify(token, secret, { algorithms: ['HS256'], issuer })) },
    { name: 'hono/jwt', check: orRejected((token) => honoVerify(token, text, { alg: 'HS256', iss: issuer })) },
    {
      name: 'koa-jwt',
      async check(token) {
        let passed = false
        const context = {
          state: {},
          header: { authorization: `Bearer ${token}` },
          cookies: { get: () => undefined },
          throw() {
            throw new Error('refused')
          },
        }
        try {
          await koa(context as never, async () => {
            passed = true
          })
        } catch {}
        return passed
      },
    },
    {
      name: 'express-jwt',
      check: (token) =>
        new Promise((resolve) => {
          const request = { method: 'GET', headers: { authorization: `Bearer ${token}` } }
          express(request as never, {} as never, (error?: unknown) => resolve(error === undefined))
        }),
    },
  ]
}

function fastCheck(key: string, allowedIss: string, cache: boolean): (token: string) => boolean {
  return orFalse(createVerifier({ key, algorithms: ['HS256'], allowedIss, cache }))
}

export function orFalse(verify: (token: string) => unknown): (token: string) => boolean {
  return (token) => {
    try {
      verify(token)
      return true
    } catch {
      return false
    }
  }
}

export function orRejected(verify: (token: string) => Promise<unknown>): (token: string) => Promise<boolean> {
  return async (token) => {
    try {
      await verify(token)
      return true
    } catch {
      return false
    }
  }
}
