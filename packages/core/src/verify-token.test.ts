import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type ParsedToken, parseToken } from './parse-token.ts'
import type { KeyRecord } from './store.ts'
import {
  MIN_SIGNING_SECRET_BYTES,
  type OpenKeyMatch,
  type OpenSecret,
  openKeyOf,
  type TokenRules,
  verifyToken,
} from './verify-token.ts'

const SECONDS = 1_790_000_000
const NOW = SECONDS * 1000
const SECRET = 'a-secret-of-at-least-thirty-two-bytes-000001'
const OTHER_SECRET = 'a-secret-of-at-least-thirty-two-bytes-000002'
const RULES: TokenRules = { issuer: 'sdk', subjectIsKeyId: true }
const CLAIMS = { sub: 'k1', iss: 'sdk', iat: SECONDS - 10, exp: SECONDS + 3600 }

const KEY: KeyRecord = {
  id: 'k1',
  service: 'acme',
  accountId: 'account_1',
  name: 'sdk',
  environment: null,
  permissions: [],
  createdAt: 0,
  expiresAt: null,
  revokedAt: null,
  revokedReason: null,
  metadata: {},
}

const secretOf = (text: string, expiresAt: number | null = null): OpenSecret => ({ ...openKeyOf(text), expiresAt })

const matchOf = (change: Partial<KeyRecord> = {}, secrets: readonly OpenSecret[] = [secretOf(SECRET)]) =>
  ({ key: { ...KEY, ...change }, account: null, secrets }) satisfies OpenKeyMatch

/** Signs claims given as JSON text, because `1e400` and its kind have no other spelling. */
function signed(claims: string | object, secret = SECRET, kid = 'k1'): ParsedToken {
  const encode = (text: string) => Buffer.from(text).toString('base64url')
  const json = typeof claims === 'string' ? claims : JSON.stringify(claims)
  const input = `${encode(JSON.stringify({ alg: 'HS256', kid }))}.${encode(json)}`
  const token = parseToken(`${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`)
  if (token === undefined) throw new Error('the test wrote no token')
  return token
}

const verify = (token: ParsedToken, match: OpenKeyMatch | undefined = matchOf(), rules = RULES, now = NOW) =>
  verifyToken(token, match, 'acme', rules, now)

const withClaims = (change: object, rules: TokenRules = RULES, now: number = NOW) =>
  verify(signed({ ...CLAIMS, ...change }), matchOf(), rules, now)

/** Claims as JSON text with one member written as given. */
const withText = (name: keyof typeof CLAIMS | 'nbf', text: string) => {
  const { [name as keyof typeof CLAIMS]: _left, ...rest } = CLAIMS
  return verify(signed(`${JSON.stringify(rest).slice(0, -1)},"${name}":${text}}`))
}

const invalid = (reason: string) => ({ kind: 'denied', code: 'token_invalid', reason })
const unavailable = { kind: 'denied', code: 'unavailable', cause: expect.any(Error) }

describe('verifyToken', () => {
  it('passes on the key whose secret signed the token', () => {
    const match = matchOf()
    expect(verify(signed(CLAIMS), match)).toBe(match)
  })

  describe('the key', () => {
    it('is told from a bad signature by the private reason alone', () => {
      const unknown = verifyToken(signed(CLAIMS), undefined, 'acme', RULES, NOW)
      const forged = verify(signed(CLAIMS, OTHER_SECRET))
      expect(unknown).toEqual(invalid('key'))
      expect(forged).toEqual(invalid('signature'))
    })

    it('must be the one that kid names', () => {
      expect(verify(signed(CLAIMS), matchOf({ id: 'K1' }))).toEqual(invalid('key'))
    })

    it('must be of this service', () => {
      expect(verify(signed(CLAIMS), matchOf({ service: 'other' }))).toEqual(invalid('key'))
    })

    it('is not found by the secret that stands for nobody', () => {
      const token = signed(CLAIMS, 'a secret of no key, of the usual length')
      expect(verifyToken(token, undefined, 'acme', RULES, NOW)).toEqual(invalid('key'))
    })

    it('costs the same HMAC when it is not known, so that the time tells nothing', () => {
      const readsOf = (match: OpenKeyMatch | undefined) => {
        let reads = 0
        const token = signed(CLAIMS, OTHER_SECRET)
        const watched: ParsedToken = {
          ...token,
          get signingInput() {
            reads++
            return token.signingInput
          },
        }
        expect(verifyToken(watched, match, 'acme', RULES, NOW)).toMatchObject({ code: 'token_invalid' })
        return reads
      }
      expect(readsOf(matchOf())).toBe(1)
      expect(readsOf(undefined)).toBe(1)
      expect(readsOf(matchOf({ service: 'other' }))).toBe(1)
      expect(readsOf(matchOf({}, [{ ...secretOf(SECRET), expiresAt: 1 }]))).toBe(1)
    })

    it('is asked for its state after the signature, so that a bare kid learns nothing', () => {
      const forged = signed(CLAIMS, OTHER_SECRET)
      expect(verify(forged, matchOf({ revokedAt: 1 }))).toEqual(invalid('signature'))
      expect(verify(forged, matchOf({ expiresAt: 1 }))).toEqual(invalid('signature'))
    })

    it('is refused when revoked', () => {
      expect(verify(signed(CLAIMS), matchOf({ revokedAt: 5, expiresAt: 1 }))).toEqual({
        kind: 'denied',
        code: 'revoked',
        keyId: 'k1',
        revokedAt: 5,
      })
    })

    it('is refused when expired, at the exact millisecond', () => {
      const denied = { kind: 'denied', code: 'expired', keyId: 'k1', expiredAt: NOW }
      expect(verify(signed(CLAIMS), matchOf({ expiresAt: NOW }))).toEqual(denied)
      expect(verify(signed(CLAIMS), matchOf({ expiresAt: NOW + 1 }))).toEqual(matchOf({ expiresAt: NOW + 1 }))
    })

    it('is asked for its state before the claims', () => {
      const revoked = { kind: 'denied', code: 'revoked', keyId: 'k1', revokedAt: 1 }
      expect(verify(signed({ ...CLAIMS, iss: 'x' }), matchOf({ revokedAt: 1 }))).toEqual(revoked)
      expect(verify(signed({ ...CLAIMS, exp: 1 }), matchOf({ revokedAt: 1 }))).toEqual(revoked)
    })
  })

  describe('the signature', () => {
    it('is made over header and claims as sent', () => {
      const token = signed(CLAIMS)
      const [header] = token.signingInput.split('.')
      const claims = Buffer.from(JSON.stringify({ ...CLAIMS, exp: SECONDS + 9999 })).toString('base64url')
      expect(verify({ ...token, signingInput: `${header}.${claims}` })).toEqual(invalid('signature'))
    })

    it.each([0, 21, 42])('is refused when character %i differs', (at) => {
      const token = signed(CLAIMS)
      const other = token.signature[at] === 'A' ? 'E' : 'A'
      const signature = `${token.signature.slice(0, at)}${other}${token.signature.slice(at + 1)}`
      expect(verify({ ...token, signature })).toEqual(invalid('signature'))
    })

    it('may be of any live version of the secret', () => {
      const match = matchOf({}, [secretOf(OTHER_SECRET), secretOf(SECRET, NOW + 1)])
      expect(verify(signed(CLAIMS), match)).toBe(match)
      expect(verify(signed(CLAIMS, OTHER_SECRET), match)).toBe(match)
    })

    it('of a version that rotation ended is refused, at the exact millisecond', () => {
      const match = matchOf({}, [secretOf(SECRET, NOW), secretOf(OTHER_SECRET)])
      expect(verify(signed(CLAIMS), match)).toEqual(invalid('signature'))
    })

    it('is refused where the key has no secret', () => {
      expect(verify(signed(CLAIMS), matchOf({}, []))).toEqual(invalid('signature'))
    })
  })

  describe('the secret', () => {
    it('has at least 32 bytes', () => {
      expect(MIN_SIGNING_SECRET_BYTES).toBe(32)
    })

    it.each([
      ['empty', ''],
      ['one byte', 's'],
      ['31 bytes', 's'.repeat(31)],
      ['30 bytes in 15 characters', 'é'.repeat(15)],
    ])('never verifies when it is %s', (_what, text) => {
      expect(verify(signed(CLAIMS, text), matchOf({}, [secretOf(text)]))).toEqual(unavailable)
    })

    it('is measured in bytes', () => {
      for (const text of ['s'.repeat(32), 'é'.repeat(16)]) {
        const match = matchOf({}, [secretOf(text)])
        expect(verify(signed(CLAIMS, text), match)).toBe(match)
      }
    })

    it('never verifies when another version is too short', () => {
      const match = matchOf({}, [secretOf(SECRET), secretOf('')])
      expect(verify(signed(CLAIMS), match)).toEqual(unavailable)
      expect(verify(signed(CLAIMS, ''), match)).toEqual(unavailable)
    })

    it('is in no denial', () => {
      const text = 'short-secret'
      const denied = verify(signed(CLAIMS, text), matchOf({}, [secretOf(text)])) as { cause?: unknown }
      expect(String(denied.cause)).not.toContain(text)
    })
  })

  describe('exp', () => {
    it('is required', () => {
      expect(withClaims({ exp: undefined })).toEqual(invalid('expiry'))
    })

    it.each([
      ['a text', '"1790003600"'],
      ['null', 'null'],
      ['an array', '[1790003600]'],
      ['true', 'true'],
      ['a fraction', '1790003600.5'],
      ['1e400, which is infinite', '1e400'],
      ['-1e400', '-1e400'],
      ['1e308, which is no safe integer', '1e308'],
      ['2^53', '9007199254740992'],
      ['"NaN"', '"NaN"'],
      ['"Infinity"', '"Infinity"'],
      ['an object that has a value', '{"valueOf":1790003600}'],
    ])('is refused when it is %s', (_what, text) => {
      expect(withText('exp', text)).toEqual(invalid('expiry'))
    })

    it('is read by value: 1.791e9 is an integer', () => {
      expect(withText('exp', '1.791e9')).toEqual(matchOf())
      expect(withText('exp', '1790003600.0')).toEqual(matchOf())
    })

    it('ends the token at the exact millisecond', () => {
      const denied = { kind: 'denied', code: 'expired', keyId: 'k1', expiredAt: NOW }
      expect(withClaims({ exp: SECONDS }, RULES, NOW - 1)).toEqual(matchOf())
      expect(withClaims({ exp: SECONDS }, RULES, NOW)).toEqual(denied)
      expect(withClaims({ exp: SECONDS }, RULES, NOW + 1)).toEqual(denied)
    })

    it.each([-1, 0, -SECONDS])('of %i lies in the past', (exp) => {
      expect(withClaims({ exp })).toEqual({ kind: 'denied', code: 'expired', keyId: 'k1', expiredAt: exp * 1000 })
    })

    it('is not stretched by the leeway of iat and nbf', () => {
      expect(withClaims({ exp: SECONDS }, { ...RULES, leeway: 600 })).toMatchObject({ code: 'expired' })
    })

    it('is stretched by its own leeway, to the exact millisecond', () => {
      const rules = { ...RULES, expiryLeeway: 5 }
      expect(withClaims({ exp: SECONDS }, rules, NOW + 4999)).toEqual(matchOf())
      expect(withClaims({ exp: SECONDS }, rules, NOW + 5000)).toMatchObject({ code: 'expired', expiredAt: NOW })
    })
  })

  describe('iat', () => {
    it('is required', () => {
      expect(withClaims({ iat: undefined })).toEqual(invalid('issued_at'))
    })

    it.each([
      ['a text', '"1790000000"'],
      ['null', 'null'],
      ['an array', '[1790000000]'],
      ['a fraction', '1789999999.5'],
      ['1e400', '1e400'],
      ['-1e400', '-1e400'],
      ['1e308', '1e308'],
      ['-1e308', '-1e308'],
    ])('is refused when it is %s', (_what, text) => {
      expect(withText('iat', text)).toEqual(invalid('issued_at'))
    })

    it('is read by value: 1.79e9 is an integer', () => {
      expect(withText('iat', '1.79e9')).toEqual(matchOf())
    })

    it('may lie 30 seconds in the future, and not a millisecond more', () => {
      expect(withClaims({ iat: SECONDS + 30 })).toEqual(matchOf())
      expect(withClaims({ iat: SECONDS + 30 }, RULES, NOW - 1)).toEqual(invalid('issued_at'))
      expect(withClaims({ iat: SECONDS + 31 })).toEqual(invalid('issued_at'))
    })

    it('may lie in the future by the leeway of the contract', () => {
      expect(withClaims({ iat: SECONDS }, { ...RULES, leeway: 0 })).toEqual(matchOf())
      expect(withClaims({ iat: SECONDS + 1 }, { ...RULES, leeway: 0 })).toEqual(invalid('issued_at'))
      expect(withClaims({ iat: SECONDS + 60 }, { ...RULES, leeway: 60 })).toEqual(matchOf())
    })

    it('is refused in the future even where the token has expired', () => {
      expect(withClaims({ iat: SECONDS + 100, exp: SECONDS - 100 })).toEqual(invalid('issued_at'))
    })
  })

  describe('nbf', () => {
    it('may be absent', () => {
      expect(withClaims({ nbf: undefined })).toEqual(matchOf())
    })

    it('is honoured with the leeway', () => {
      expect(withClaims({ nbf: SECONDS + 30 })).toEqual(matchOf())
      expect(withClaims({ nbf: SECONDS + 30 }, RULES, NOW - 1)).toEqual(invalid('not_before'))
      expect(withClaims({ nbf: SECONDS + 31 })).toEqual(invalid('not_before'))
      expect(withClaims({ nbf: SECONDS + 1 }, { ...RULES, leeway: 0 })).toEqual(invalid('not_before'))
    })

    it.each([
      ['a text', '"0"'],
      ['null', 'null'],
      ['1e400', '1e400'],
      ['-1e400', '-1e400'],
      ['a fraction', '0.5'],
    ])('is refused when it is %s', (_what, text) => {
      expect(withText('nbf', text)).toEqual(invalid('not_before'))
    })
  })

  describe('iss', () => {
    it.each([[undefined], [null], [''], ['SDK'], ['sdk '], [['sdk']], [{ 0: 'sdk' }], [1]])(
      'of %j is refused',
      (iss) => {
        expect(withClaims({ iss })).toEqual(invalid('issuer'))
      },
    )
  })

  describe('sub', () => {
    it.each([[undefined], [null], [''], ['K1'], ['k2'], [['k1']]])('of %j is refused where it must be kid', (sub) => {
      expect(withClaims({ sub })).toEqual(invalid('subject'))
    })

    it('is not looked at otherwise', () => {
      expect(withClaims({ sub: 'somebody' }, { issuer: 'sdk' })).toEqual(matchOf())
      expect(withClaims({ sub: undefined }, { issuer: 'sdk', subjectIsKeyId: false })).toEqual(matchOf())
    })
  })

  describe('aud', () => {
    const rules = { ...RULES, audience: 'https://api.acme.example' }

    it('is not looked at where none is configured', () => {
      expect(withClaims({ aud: 'https://elsewhere.example' })).toEqual(matchOf())
    })

    it.each([
      ['the audience', 'https://api.acme.example'],
      ['a list with it', ['https://elsewhere.example', 'https://api.acme.example']],
    ])('is %s', (_what, aud) => {
      expect(withClaims({ aud }, rules)).toEqual(matchOf())
    })

    it.each([
      ['absent', undefined],
      ['null', null],
      ['empty', ''],
      ['another', 'https://elsewhere.example'],
      ['one that contains it', 'https://api.acme.example/v1'],
      ['one that it contains', 'https://api.acme'],
      ['an empty list', []],
      ['a list without it', ['https://elsewhere.example']],
      ['a list in a list', [['https://api.acme.example']]],
      ['an object with it', { 0: 'https://api.acme.example', length: 1 }],
    ])('is refused when it is %s', (_what, aud) => {
      expect(withClaims({ aud }, rules)).toEqual(invalid('audience'))
    })
  })

  describe('maxLifetime', () => {
    const rules = { ...RULES, maxLifetime: 3600 }

    it('caps exp - iat', () => {
      expect(withClaims({ iat: SECONDS, exp: SECONDS + 3600 }, rules)).toEqual(matchOf())
      expect(withClaims({ iat: SECONDS, exp: SECONDS + 3601 }, rules)).toEqual(invalid('lifetime'))
    })

    it('is no cap where the contract has none', () => {
      expect(withClaims({ exp: Number.MAX_SAFE_INTEGER })).toEqual(matchOf())
    })

    it('is checked before the end', () => {
      expect(withClaims({ iat: SECONDS - 7200, exp: SECONDS - 1 }, rules)).toEqual(invalid('lifetime'))
    })
  })

  it('checks the signature before any claim', () => {
    for (const claims of [{}, { ...CLAIMS, exp: 1 }, { ...CLAIMS, iss: 'x' }]) {
      expect(verify(signed(claims, OTHER_SECRET))).toEqual(invalid('signature'))
    }
  })

  it('finds no claim in a __proto__ of the claims', () => {
    expect(verify(signed(`{"__proto__":${JSON.stringify(CLAIMS)}}`))).toEqual(invalid('expiry'))
  })
})
