import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { heap } from './fixtures/heap.ts'
import { parseToken } from './parse-token.ts'

const encode = (value: string | readonly number[]): string =>
  (typeof value === 'string' ? Buffer.from(value) : Buffer.from(value)).toString('base64url')

const HEADER = '{"alg":"HS256","typ":"JWT","kid":"k1"}'
const CLAIMS = '{"sub":"k1","iss":"sdk","iat":1790000000,"exp":1790003600}'
const SIGNATURE = 'A'.repeat(43)
const tokenOf = (header: string, claims: string = CLAIMS): string => `${encode(header)}.${encode(claims)}.${SIGNATURE}`

/** Other spellings of the same bytes: the unused bits of the last character set. */
function withUnusedBit(segment: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const changed = segment.slice(0, -1) + alphabet[alphabet.indexOf(segment.at(-1) as string) + 1]
  expect(Buffer.from(changed, 'base64url')).toEqual(Buffer.from(segment, 'base64url'))
  return changed
}

describe('parseToken', () => {
  it('takes a token apart', () => {
    const parsed = parseToken(tokenOf(HEADER))
    expect(parsed).toEqual({
      alg: 'HS256',
      kid: 'k1',
      claims: expect.anything(),
      signingInput: `${encode(HEADER)}.${encode(CLAIMS)}`,
      signature: SIGNATURE,
    })
    expect({ ...parsed?.claims }).toEqual({ sub: 'k1', iss: 'sdk', iat: 1790000000, exp: 1790003600 })
  })

  it.each(['a\0b', 'k\u00fc', '\ud800', 'k\n', 'k'.repeat(257)])('is none with a kid that is no id: %j', (kid) => {
    expect(parseToken(tokenOf(JSON.stringify({ alg: 'HS256', kid })))).toBeUndefined()
  })

  it('holds no token in memory by the header that it remembers of it', () => {
    const claims = JSON.stringify({ sub: 'k'.repeat(6000) })
    const parse = (kid: string) => parseToken(tokenOf(JSON.stringify({ alg: 'HS256', kid }), claims))?.kid
    expect(parse('first')).toBe('first')
    const before = heap()
    for (let i = 0; i < 900; i++) expect(parse(`key_${i}`)).toBe(`key_${i}`)
    expect(heap() - before).toBeLessThan(2_000_000)
  })

  it('refuses a text without dots whose parts would be good if each were the whole', () => {
    // 42 characters of a header, which are claims as well, and 43 of a signature.
    const header = Buffer.from('{"alg":"HS256","kid":"abcdefg"}').toString('base64url')
    expect(header.length).toBe(42)
    expect(parseToken(`${header}A`)).toBeUndefined()
  })

  it('takes a kid of 256 characters', () => {
    expect(parseToken(tokenOf(JSON.stringify({ alg: 'HS256', kid: 'k'.repeat(256) })))).toMatchObject({
      kid: 'k'.repeat(256),
    })
  })

  describe('alg', () => {
    it.each([
      ['none', '"none"'],
      ['None', '"None"'],
      ['HS384', '"HS384"'],
      ['HS512', '"HS512"'],
      ['RS256', '"RS256"'],
      ['ES256', '"ES256"'],
      ['EdDSA', '"EdDSA"'],
      ['lower case', '"hs256"'],
      ['a blank after it', '"HS256 "'],
      ['an array', '["HS256"]'],
      ['null', 'null'],
      ['an empty text', '""'],
    ])('refuses %s', (_what, alg) => {
      expect(parseToken(tokenOf(`{"alg":${alg},"kid":"k1"}`))).toBeUndefined()
    })

    it('refuses a header without alg', () => {
      expect(parseToken(tokenOf('{"kid":"k1"}'))).toBeUndefined()
    })

    it('refuses alg none without a signature', () => {
      expect(parseToken(`${encode('{"alg":"none","kid":"k1"}')}.${encode(CLAIMS)}.`)).toBeUndefined()
    })

    it('does not find alg in a __proto__ of the header', () => {
      expect(parseToken(tokenOf('{"__proto__":{"alg":"HS256","kid":"k1"}}'))).toBeUndefined()
    })
  })

  describe('typ', () => {
    it.each(['"JWT"', '"jwt"', '"Jwt"'])('takes %s', (typ) => {
      expect(parseToken(tokenOf(`{"alg":"HS256","typ":${typ},"kid":"k1"}`))?.kid).toBe('k1')
    })

    it('takes a header without typ', () => {
      expect(parseToken(tokenOf('{"alg":"HS256","kid":"k1"}'))?.kid).toBe('k1')
    })

    it.each(['"at+jwt"', '"JOSE"', '"application/jwt"', '""', 'null', '["JWT"]', '1', '"JWT "'])(
      'refuses %s',
      (typ) => {
        expect(parseToken(tokenOf(`{"alg":"HS256","typ":${typ},"kid":"k1"}`))).toBeUndefined()
      },
    )
  })

  describe('kid', () => {
    it('refuses a header without kid', () => {
      expect(parseToken(tokenOf('{"alg":"HS256","typ":"JWT"}'))).toBeUndefined()
    })

    it.each([
      ['an empty text', '""'],
      ['an array', '["k1"]'],
      ['a number', '1'],
      ['null', 'null'],
      ['true', 'true'],
      ['an object', '{"toString":"k1"}'],
    ])('refuses %s', (_what, kid) => {
      expect(parseToken(tokenOf(`{"alg":"HS256","kid":${kid}}`))).toBeUndefined()
    })

    it.each(['__proto__', 'constructor', 'toString'])('reads %s as any other text', (kid) => {
      expect(parseToken(tokenOf(`{"alg":"HS256","kid":"${kid}"}`))?.kid).toBe(kid)
    })
  })

  it.each([
    ['crit', '"crit":["exp"],"exp":1'],
    ['an empty crit', '"crit":[]'],
    ['crit null', '"crit":null'],
    ['b64 false', '"b64":false'],
    ['b64 true', '"b64":true'],
    ['b64 with crit', '"b64":false,"crit":["b64"]'],
  ])('refuses %s', (_what, members) => {
    expect(parseToken(tokenOf(`{"alg":"HS256","kid":"k1",${members}}`))).toBeUndefined()
  })

  it('ignores jwk, jku, x5u, x5c and zip', () => {
    const members =
      '"jwk":{"kty":"oct","k":"AA"},"jku":"https://evil.example","x5u":"https://evil.example","x5c":["AA"]'
    expect(parseToken(tokenOf(`{"alg":"HS256","kid":"k1",${members},"zip":"DEF"}`))?.kid).toBe('k1')
  })

  describe('duplicate names', () => {
    it.each([
      ['kid', '{"alg":"HS256","kid":"k1","kid":"k2"}'],
      ['an escaped kid', '{"alg":"HS256","kid":"k1","\\u006bid":"k2"}'],
      ['alg', '{"alg":"none","alg":"HS256","kid":"k1"}'],
      ['a nested name', '{"alg":"HS256","kid":"k1","x":{"a":1,"a":2}}'],
    ])('are refused in the header: %s', (_what, header) => {
      expect(parseToken(tokenOf(header))).toBeUndefined()
    })

    it.each([
      ['exp', '{"exp":1,"exp":9999999999}'],
      ['an escaped exp', '{"exp":1,"\\u0065xp":9999999999}'],
      ['a nested name', '{"exp":1,"x":[{"a":1,"a":2}]}'],
    ])('are refused in the claims: %s', (_what, claims) => {
      expect(parseToken(tokenOf(HEADER, claims))).toBeUndefined()
    })
  })

  it.each([
    ['an array', '[]'],
    ['a text', '"HS256"'],
    ['null', 'null'],
    ['no JSON', 'HS256'],
    ['a byte-order mark', `\ufeff${HEADER}`],
  ])('refuses a header that is %s', (_what, header) => {
    expect(parseToken(tokenOf(header))).toBeUndefined()
  })

  it.each([
    ['an array', '[]'],
    ['a text', '"sub"'],
    ['null', 'null'],
    ['no JSON', '{'],
    ['a byte-order mark', `\ufeff${CLAIMS}`],
  ])('refuses claims that are %s', (_what, claims) => {
    expect(parseToken(tokenOf(HEADER, claims))).toBeUndefined()
  })

  it.each([
    ['a lone continuation byte', [0x80]],
    ['an overlong sequence', [0xc0, 0xaf]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['Latin-1', [0xe9]],
  ])('refuses %s in the header or the claims', (_what, bytes) => {
    const broken = [...Buffer.from('{"alg":"HS256","kid":"k1","x":"'), ...bytes, ...Buffer.from('"}')]
    expect(parseToken(`${encode(broken)}.${encode(CLAIMS)}.${SIGNATURE}`)).toBeUndefined()
    expect(parseToken(`${encode(HEADER)}.${encode(broken)}.${SIGNATURE}`)).toBeUndefined()
  })

  describe('parts', () => {
    const [header, claims] = [encode(HEADER), encode(CLAIMS)]

    it.each([
      ['one part', header],
      ['two parts', `${header}.${claims}`],
      ['three parts and a dot', `${header}.${claims}.${SIGNATURE}.`],
      ['four parts', `${header}.${claims}.${SIGNATURE}.${SIGNATURE}`],
      ['five parts, as an encrypted token has', `${header}..${claims}.${SIGNATURE}.${SIGNATURE}`],
      ['no header', `.${claims}.${SIGNATURE}`],
      ['no claims', `${header}..${SIGNATURE}`],
      ['no signature', `${header}.${claims}.`],
      ['nothing', ''],
      ['dots alone', '..'],
    ])('refuses %s', (_what, text) => {
      expect(parseToken(text)).toBeUndefined()
    })

    it.each([42, 44, 64, 86])('refuses a signature of %i characters', (length) => {
      expect(parseToken(`${header}.${claims}.${'A'.repeat(length)}`)).toBeUndefined()
    })
  })

  describe('base64url', () => {
    // 34, 32 and 33 bytes: the last group has two, three and four characters.
    const two = encode('{"alg":"HS256","kid":"k1","a":123}')
    const three = encode('{"alg":"HS256","kid":"k1","a":1}')
    const four = encode('{"alg":"HS256","kid":"k1","a":12}')

    it('reads groups of two, three and four', () => {
      expect([two, three, four].map((segment) => segment.length % 4)).toEqual([2, 3, 0])
      for (const segment of [two, three, four]) {
        expect(parseToken(`${segment}.${segment}.${SIGNATURE}`)?.kid).toBe('k1')
      }
    })

    it.each(
      [two, three, four].filter((segment) => segment.length % 4 !== 0).map((segment) => [segment.length % 4, segment]),
    )(
      'refuses a last character of a group of %i whose unused bits are set, in header and claims',
      (_group, segment) => {
        const other = withUnusedBit(segment as string)
        expect(parseToken(`${other}.${segment}.${SIGNATURE}`)).toBeUndefined()
        expect(parseToken(`${segment}.${other}.${SIGNATURE}`)).toBeUndefined()
      },
    )

    it('refuses every last character of a signature but the sixteen canonical ones', () => {
      const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
      const taken = [...alphabet].filter((last) => parseToken(`${four}.${four}.${'A'.repeat(42)}${last}`) !== undefined)
      expect(taken.join('')).toBe('AEIMQUYcgkosw048')
    })

    it('refuses the other alphabet, in which + and / stand for - and _', () => {
      const bytes = Buffer.from('{"alg":"HS256","kid":"k1","x":"~~~???"} ')
      const [url, standard] = [bytes.toString('base64url'), bytes.toString('base64').replaceAll('=', '')]
      expect(standard).toMatch(/[+/]/)
      expect(parseToken(`${url}.${url}.${SIGNATURE}`)?.kid).toBe('k1')
      expect(parseToken(`${standard}.${url}.${SIGNATURE}`)).toBeUndefined()
      expect(parseToken(`${url}.${standard}.${SIGNATURE}`)).toBeUndefined()
    })

    it.each([
      ['padding', `${three}=`],
      ['two of padding', `${two}==`],
      ['a blank inside', `${four.slice(0, 4)} ${four.slice(4)}`],
      ['a blank at the end', `${four} `],
      ['a line feed', `${four}\n`],
      ['a tab', `${four.slice(0, 4)}\t${four.slice(4)}`],
      ['a group of one', `${four}A`],
      ['a NUL', `${four}\u0000`],
      ['a character that is not ASCII', `${four}\u212a`],
    ])('refuses %s in the header and the claims', (_what, segment) => {
      expect(parseToken(`${segment}.${four}.${SIGNATURE}`)).toBeUndefined()
      expect(parseToken(`${four}.${segment}.${SIGNATURE}`)).toBeUndefined()
    })

    it.each([
      ['padding', `${'A'.repeat(42)}=`],
      ['padding beside', `${'A'.repeat(43)}=`],
      ['a blank', `${'A'.repeat(42)} `],
      ['+', `${'A'.repeat(21)}+${'A'.repeat(21)}`],
      ['/', `${'A'.repeat(21)}/${'A'.repeat(21)}`],
    ])('refuses %s in the signature', (_what, signature) => {
      expect(parseToken(`${four}.${four}.${signature}`)).toBeUndefined()
    })
  })

  it('refuses a header that is nested deeply and wrong, and takes one that is right', () => {
    const deep = `${'['.repeat(2000)}${']'.repeat(2000)}`
    expect(parseToken(tokenOf(`{"alg":"HS256","kid":"k1","x":${deep}}`))?.kid).toBe('k1')
    expect(parseToken(tokenOf(`{"alg":"HS256","kid":"k1","x":${deep.slice(1)}}`))).toBeUndefined()
  })
})
