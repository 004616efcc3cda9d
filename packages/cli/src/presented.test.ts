import { problemDetails } from '@latchkey/contracts'
import { type AnyContract, bearer, header, type IdentityProvider } from '@latchkey/core'
import { describe, expect, it } from 'vitest'
import { Failure } from './failure.ts'
import { isCarried, type Presented, present } from './presented.ts'

const KEY = { prefix: 'key_', length: 32, alphabet: 'base62', checksum: true } as const
const ISSUER: IdentityProvider = {
  issuer: 'https://login.example',
  audience: 'https://api.example',
  algorithms: ['RS256'],
  jwks: { keys: [] },
}
const BOTH = problemDetails({ carriers: [bearer(), header('X-Key')] })

function tokenWith(head: object): string {
  return `${Buffer.from(JSON.stringify(head)).toString('base64url')}.e30.c2ln`
}

describe('present', () => {
  it('puts a text into the first carrier that can hold it', () => {
    const fieldsOf = (text: string) => {
      const { fields } = present(BOTH, text, [])
      return [fields.get('Authorization'), fields.get('x-key')]
    }
    expect(fieldsOf('abc')).toEqual(['Bearer abc', null])
    expect(fieldsOf('a!c')).toEqual([null, 'a!c'])
    expect(fieldsOf('')).toEqual([null, null])
  })

  it('puts a text that no carrier can hold into the first', () => {
    const { fields } = present(problemDetails({ carriers: [bearer()] }), 'a!c', [])
    expect(fields.get('authorization')).toBe('Bearer a!c')
  })

  it('gives the lines of one name joined, and trimmed, as a request does', () => {
    const { fields } = present(BOTH, undefined, ['X-Key:  a ', 'x-key: b', 'Accept: text/html; q=1'])
    expect([fields.get('X-KEY'), fields.get('accept'), fields.get('authorization')]).toEqual([
      'a, b',
      'text/html; q=1',
      null,
    ])
  })

  it.each(['Accept', ': a', 'Ac cept: a', 'a: b\nc: d', ''])('refuses %j as a header field', (line) => {
    const refusal = new Failure('usage', "--header must be written 'Name: value'")
    expect(() => present(BOTH, 'a', [line])).toThrow(refusal)
  })

  const HS256 = tokenWith({ alg: 'HS256', kid: 'kid-1' })
  const RS256 = tokenWith({ alg: 'RS256', kid: 'theirs' })

  it.each<[string, Pick<AnyContract, 'key' | 'token' | 'identity'>, string, Presented['kind'], string | undefined]>([
    ['keys alone', { key: KEY }, HS256, 'key', 'kid-1'],
    ['keys and tokens', { key: KEY, token: { issuer: 'sdk' } }, 'key_1', 'key', undefined],
    ['keys and tokens', { key: KEY, token: { issuer: 'sdk' } }, HS256, 'token', 'kid-1'],
    ['keys and tokens', { key: KEY, token: { issuer: 'sdk' } }, 'a.b', 'token', undefined],
    ['tokens alone', { token: { issuer: 'sdk' } }, 'key_1', 'token', undefined],
    ['tokens alone', { token: { issuer: 'sdk' } }, RS256, 'token', 'theirs'],
    ['a provider alone', { identity: [ISSUER] }, HS256, 'identity', 'kid-1'],
    ['tokens and a provider', { token: { issuer: 'sdk' }, identity: [ISSUER] }, HS256, 'token', 'kid-1'],
    ['tokens and a provider', { token: { issuer: 'sdk' }, identity: [ISSUER] }, RS256, 'identity', 'theirs'],
    ['tokens alone', { token: { issuer: 'sdk' } }, tokenWith({ kid: 7 }), 'token', undefined],
    [
      'tokens alone',
      { token: { issuer: 'sdk' } },
      `${Buffer.from('null').toString('base64url')}.e30.c2ln`,
      'token',
      undefined,
    ],
  ])('where a contract has %s, tells %#', (_, options, text, kind, kid) => {
    const contract = problemDetails({ carriers: [bearer()], ...options })
    const byText = present(contract, text, [])
    const byHeader = present(contract, undefined, [`authorization: Bearer ${text}`])
    expect([byText.kind, byText.kid, byHeader.kind, byHeader.kid]).toEqual([kind, kid, kind, kid])
  })
})

it('knows whether a header field holds a credential', () => {
  const lines = [['Accept: a'], ['Authorization: Basic a'], ['Authorization: Bearer a'], ['x-key: a'], ['x-key:']]
  expect(lines.map((headers) => isCarried(BOTH, headers))).toEqual([false, false, true, true, false])
})
