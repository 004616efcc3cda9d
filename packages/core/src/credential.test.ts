import { describe, expect, it } from 'vitest'
import { bearer, type Carrier, type Fields, fieldNameOf, header, isWellFormed, presented } from './credential.ts'

const KEY = header('x-api-key')
const BOTH = [KEY, bearer()]
/** What is found, and whether it is one. */
function extract(carriers: readonly Carrier[], fields: Fields) {
  const found = presented(carriers, fields)
  if (found === undefined) return { kind: 'missing' }
  return { kind: isWellFormed(found) ? 'credential' : 'malformed', text: found.text }
}
const fields = (lines: Readonly<Record<string, string>>) => new Headers(lines)

describe('fieldNameOf', () => {
  it('is Authorization for a bearer, and the name of a header', () => {
    expect(fieldNameOf(bearer())).toBe('Authorization')
    expect(fieldNameOf(header('x-api-key'))).toBe('x-api-key')
  })
})

describe('presented', () => {
  it('reads a header whatever the case of its name', () => {
    expect(extract([header('X-API-Key')], fields({ 'x-api-key': 'abc' }))).toEqual({ kind: 'credential', text: 'abc' })
  })

  it.each([
    ['null', null],
    ['undefined', undefined],
    ['empty', ''],
  ])('is missing where the field is %s', (_what, value) => {
    expect(extract(BOTH, { get: () => value })).toEqual({ kind: 'missing' })
  })

  it('reads no carrier that the contract does not name', () => {
    const sent = fields({
      'x-api-key': 'abc',
      'x-token': 'abc',
      cookie: 'key=abc',
      'proxy-authorization': 'Bearer abc',
    })
    expect(extract([bearer()], sent)).toEqual({ kind: 'missing' })
    expect(extract([KEY], fields({ authorization: 'Bearer abc' }))).toEqual({ kind: 'missing' })
  })

  it('takes the first carrier of the contract, whatever the order of the lines', () => {
    const sent = fields({ authorization: 'Bearer from-bearer', 'x-api-key': 'from-header' })
    expect(extract(BOTH, sent)).toEqual({ kind: 'credential', text: 'from-header' })
    expect(extract([bearer(), KEY], sent)).toEqual({ kind: 'credential', text: 'from-bearer' })
  })

  it('does not fall back to a later carrier where an earlier one is malformed', () => {
    expect(extract(BOTH, fields({ 'x-api-key': 'a b', authorization: 'Bearer good' })).kind).toBe('malformed')
    expect(extract([bearer(), KEY], fields({ authorization: 'Bearer a b', 'x-api-key': 'good' })).kind).toBe(
      'malformed',
    )
  })

  it.each([
    ['an empty header', { 'x-api-key': '', authorization: 'Bearer abc' }],
    ['no header', { authorization: 'Bearer abc' }],
  ])('goes on to the next carrier after %s', (_what, lines) => {
    expect(extract(BOTH, fields(lines))).toEqual({ kind: 'credential', text: 'abc' })
  })

  it.each([
    ['two lines', 'aaa, bbb'],
    ['two equal lines', 'aaa, aaa'],
    ['an empty first line', ', aaa'],
    ['an empty second line', 'aaa, '],
    ['two empty lines', ', '],
    ['a comma in one line', 'aaa,bbb'],
  ])('refuses %s of a header', (_what, value) => {
    expect(extract([KEY], { get: () => value })).toEqual({ kind: 'malformed', text: value })
  })

  it.each([
    ['two lines', 'Bearer aaa, Bearer bbb'],
    ['two equal lines', 'Bearer aaa, Bearer aaa'],
    ['another scheme first', 'Basic Zm9v, Bearer aaa'],
    ['an empty first line', ', Bearer aaa'],
    ['an empty second line', 'Bearer aaa, '],
  ])('refuses %s of Authorization', (_what, value) => {
    expect(extract([bearer()], { get: () => value })).toEqual({ kind: 'malformed', text: value })
  })

  describe('from a header', () => {
    it.each([
      ['a blank inside', 'a b'],
      ['a blank alone', ' '],
      ['a tab', 'a\tb'],
      ['a NUL', 'a\u0000'],
      ['a line feed at the end', 'abc\n'],
      ['DEL', 'a\u007f'],
      ['Latin-1', 'cl\u00e9'],
      ['UTF-8 as it arrives', '\u00c3\u00a9'],
    ])('refuses %s', (_what, value) => {
      expect(extract([KEY], { get: () => value })).toEqual({ kind: 'malformed', text: value })
    })

    it('takes every printable character but blank and comma', () => {
      const text = '!"#$%&\'()*+-./09:;<=>?@AZ[\\]^_`az{|}~'
      expect(extract([KEY], { get: () => text })).toEqual({ kind: 'credential', text })
    })

    it('takes 8192 bytes and refuses 8193', () => {
      expect(extract([KEY], { get: () => 'a'.repeat(8192) }).kind).toBe('credential')
      expect(extract([KEY], { get: () => 'a'.repeat(8193) }).kind).toBe('malformed')
    })

    it('does not take a Bearer scheme away', () => {
      expect(extract([KEY], { get: () => 'Bearer abc' }).kind).toBe('malformed')
    })
  })

  describe('from Authorization', () => {
    it.each(['Bearer abc', 'bearer abc', 'BEARER abc', 'bEaReR abc', 'Bearer  abc', 'Bearer      abc'])(
      'takes %j',
      (value) => {
        expect(extract([bearer()], { get: () => value })).toEqual({ kind: 'credential', text: 'abc' })
      },
    )

    it('takes every character of b64token, and padding at the end', () => {
      const text = 'AZaz09-._~+/=='
      expect(extract([bearer()], { get: () => `Bearer ${text}` })).toEqual({ kind: 'credential', text })
    })

    it.each([
      ['the scheme alone', 'Bearer'],
      ['the scheme and a blank', 'Bearer '],
      ['the scheme and several blanks', 'Bearer    '],
      ['Basic', 'Basic dXNlcjpwYXNz'],
      ['Token', 'Token abc'],
      ['a scheme of as many letters', 'Digest abc'],
      ['a scheme that begins like it', 'BearerToken abc'],
      ['the credential without a scheme', 'abcdefghijkl'],
      ['the scheme without a separator', 'Bearerabc'],
      ['a scheme that ends like it', 'X-Bearer abc'],
    ])('is missing where there is %s', (_what, value) => {
      expect(extract([bearer()], { get: () => value })).toEqual({ kind: 'missing' })
    })

    it.each([
      ['a tab after the scheme', 'Bearer\tabc', 'abc'],
      ['a tab after the blank', 'Bearer \tabc', '\tabc'],
      ['a blank inside', 'Bearer abc def', 'abc def'],
      ['a blank at the end', 'Bearer abc ', 'abc '],
      ['a quote', 'Bearer "abc"', '"abc"'],
      ['padding inside', 'Bearer a=b', 'a=b'],
      ['padding alone', 'Bearer =', '='],
      ['a colon', 'Bearer a:b', 'a:b'],
      ['Latin-1', 'Bearer cl\u00e9', 'cl\u00e9'],
      ['the scheme twice', 'Bearer Bearer abc', 'Bearer abc'],
    ])('refuses %s', (_what, value, text) => {
      expect(extract([bearer()], { get: () => value })).toEqual({ kind: 'malformed', text })
    })

    it('takes 8192 bytes and refuses 8193', () => {
      expect(extract([bearer()], { get: () => `Bearer ${'a'.repeat(8192)}` }).kind).toBe('credential')
      expect(extract([bearer()], { get: () => `Bearer ${'a'.repeat(8193)}` }).kind).toBe('malformed')
    })
  })
})
