import { describe, expect, it } from 'vitest'
import type { Contract, DenialTable } from './contract.ts'
import { bearer, type Fields, header } from './credential.ts'
import { type Denied, HIDDEN, MISSING } from './outcome.ts'
import { renderer } from './render.ts'

const NO_FIELDS: Fields = { get: () => null }
const FORBIDDEN: Denied = { kind: 'denied', code: 'forbidden', permission: 'write' }

/** Only the rows that a test renders. */
function contractOf(denials: Partial<DenialTable>, change: Partial<Contract> = {}): Contract {
  return { name: 'acme', carriers: [bearer()], ...change, denials: denials as DenialTable }
}

describe('renderer', () => {
  it('renders a plain answer whole', () => {
    const render = renderer(contractOf({ hidden: { status: 404, body: { error: 'not found', more: [1, null] } } }))
    expect(render(HIDDEN, NO_FIELDS)).toEqual({
      status: 404,
      body: '{"error":"not found","more":[1,null]}',
      headers: { 'Content-Type': 'application/json', 'Content-Length': '37', 'Cache-Control': 'no-store' },
    })
  })

  it('keeps the members in the order given', () => {
    const render = renderer(contractOf({ hidden: { status: 404, body: { z: 1, a: 2 } } }))
    expect(render(HIDDEN, NO_FIELDS).body).toBe('{"z":1,"a":2}')
  })

  it('counts the length in bytes', () => {
    const render = renderer(contractOf({ hidden: { status: 404, body: 'é🔑' } }))
    expect(render(HIDDEN, NO_FIELDS)).toMatchObject({ body: '"é🔑"', headers: { 'Content-Length': '8' } })
  })

  it('renders a plain answer once, and freezes it', () => {
    const render = renderer(contractOf({ hidden: { status: 404, body: {} } }))
    const rendered = render(HIDDEN, NO_FIELDS)
    expect(render(HIDDEN, NO_FIELDS)).toBe(rendered)
    expect(Object.isFrozen(rendered)).toBe(true)
    expect(Object.isFrozen(rendered.headers)).toBe(true)
  })

  it('gives a function the denial and the fields of the request', () => {
    const render = renderer(
      contractOf({
        forbidden: (denied, fields) => ({
          status: 403,
          body: { needs: denied.permission, accept: fields.get('accept') },
        }),
      }),
    )
    expect(render(FORBIDDEN, new Headers({ accept: 'text/html' })).body).toBe('{"needs":"write","accept":"text/html"}')
    expect(render({ kind: 'denied', code: 'forbidden' }, NO_FIELDS).body).toBe('{"accept":null}')
  })

  it('adds the headers of the answer', () => {
    const render = renderer(contractOf({ hidden: { status: 404, headers: { 'X-Hint': 'a' }, body: {} } }))
    expect(render(HIDDEN, NO_FIELDS).headers).toEqual({
      'Content-Type': 'application/json',
      'Content-Length': '2',
      'Cache-Control': 'no-store',
      'X-Hint': 'a',
    })
  })

  it('lets an answer have a content type of its own', () => {
    const headers = { 'Content-Type': 'application/problem+json' }
    const render = renderer(contractOf({ hidden: { status: 404, headers, body: {} } }))
    expect(render(HIDDEN, NO_FIELDS).headers['Content-Type']).toBe('application/problem+json')
  })

  it('compares header names without case: an answer has each field once', () => {
    const headers = { 'content-type': 'application/problem+json', 'Www-Authenticate': 'Bearer realm="own"' }
    const rendered = renderer(contractOf({ missing: { status: 401, headers, body: {} } }))(MISSING, NO_FIELDS)
    const sent = new Headers(rendered.headers)
    expect(sent.get('content-type')).toBe('application/problem+json')
    expect(sent.get('www-authenticate')).toBe('Bearer realm="own"')
  })

  it.each(['Cache-Control', 'cache-control'])('is never stored by a cache, whatever an answer says in %s', (name) => {
    const headers = { [name]: 'public, max-age=60' }
    const rendered = renderer(contractOf({ hidden: { status: 404, headers, body: {} } }))(HIDDEN, NO_FIELDS)
    expect(new Headers(rendered.headers).get('cache-control')).toBe('no-store')
  })
})

describe('the challenge', () => {
  const UNAUTHORIZED = { missing: { status: 401, body: {} } }
  const challengeOf = (change: Partial<Contract>, denials: Partial<DenialTable> = UNAUTHORIZED) =>
    renderer(contractOf(denials, change))(MISSING, NO_FIELDS).headers['WWW-Authenticate']

  it('is on every 401, from the carriers', () => {
    expect(challengeOf({ carriers: [bearer()] })).toBe('Bearer realm="acme"')
    expect(challengeOf({ carriers: [header('x-api-key')] })).toBe('APIKey')
    expect(challengeOf({ carriers: [header('x-api-key'), bearer()] })).toBe('APIKey, Bearer realm="acme"')
    expect(challengeOf({ carriers: [header('x-api-key'), header('api-key')] })).toBe('APIKey')
  })

  it('is the one of the contract, where it has one', () => {
    expect(challengeOf({ challenge: 'Bearer realm="api"' })).toBe('Bearer realm="api"')
  })

  it('is the one of the answer, where it has one', () => {
    const headers = { 'WWW-Authenticate': 'Bearer error="invalid_token"' }
    expect(challengeOf({ challenge: 'APIKey' }, { missing: { status: 401, headers, body: {} } })).toBe(
      'Bearer error="invalid_token"',
    )
  })

  it('is on a 401 that a function gives', () => {
    expect(challengeOf({}, { missing: () => ({ status: 401, body: {} }) })).toBe('Bearer realm="acme"')
  })

  it.each([200, 402, 403, 404, 429, 503])('is not on a %i', (status) => {
    expect(challengeOf({}, { missing: { status, body: {} } })).toBeUndefined()
  })
})
