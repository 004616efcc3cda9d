import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { type KeyFormat, keyCodec, MAX_KEY_LENGTH } from './key-format.ts'

const plain: KeyFormat = { prefix: 'acme_live_', length: 32, alphabet: 'base36' }
const checked: KeyFormat = { prefix: 'ck_', length: 36, alphabet: 'base62', checksum: true }
const withId: KeyFormat = { prefix: 'ak_', length: 32, alphabet: 'base62', checksum: true, id: { prefix: 'key_' } }

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** The CRC-32 in a gzip trailer: an implementation that is not ours. */
function crcOf(text: string): number {
  const zipped = gzipSync(text)
  return zipped.readUInt32LE(zipped.length - 8)
}

function checksumOf(text: string, alphabet: string): string {
  let rest = crcOf(text)
  let digits = ''
  for (let i = 0; i < 6; i++) {
    digits = alphabet.charAt(rest % alphabet.length) + digits
    rest = Math.floor(rest / alphabet.length)
  }
  return digits
}

describe('keyCodec', () => {
  it.each([
    ['key.alphabet', { ...plain, alphabet: 'base64' }, /key\.alphabet/],
    ['a prefix that is no text', { ...plain, prefix: 5 }, /key\.prefix/],
    ['a prefix with a blank', { ...plain, prefix: 'a b' }, /key\.prefix/],
    ['a prefix with a comma', { ...plain, prefix: 'a,b' }, /key\.prefix/],
    ['a prefix with a quote', { ...plain, prefix: 'a"b' }, /key\.prefix/],
    ['a prefix with a control character', { ...plain, prefix: 'a\n' }, /key\.prefix/],
    ['a prefix that is not ASCII', { ...plain, prefix: 'clé_' }, /key\.prefix/],
    ['a length that is no whole number', { ...plain, length: 32.5 }, /key\.length/],
    ['a length that is missing', { ...plain, length: undefined }, /key\.length/],
    ['24 characters of base36, under 128 bits', { ...plain, length: 24 }, /key\.length/],
    ['21 characters of base62, under 128 bits', { ...plain, alphabet: 'base62', length: 21 }, /key\.length/],
    ['a checksum that leaves under 128 bits', { ...plain, length: 30, checksum: true }, /key\.length/],
    ['257 characters', { ...plain, prefix: 'a', length: 256 }, /key\.length/],
    ['257 characters with an id', { ...plain, prefix: 'a', length: 245, id: { prefix: 'key_' } }, /key\.length/],
  ])('refuses %s', (_what, format, option) => {
    expect(() => keyCodec(format as KeyFormat)).toThrow(TypeError)
    expect(() => keyCodec(format as KeyFormat)).toThrow(option)
  })

  it.each([
    ['25 characters of base36', { ...plain, length: 25 }],
    ['22 characters of base62', { ...plain, alphabet: 'base62', length: 22 }],
    ['31 characters of base36 with a checksum', { ...plain, length: 31, checksum: true }],
    ['256 characters', { ...plain, prefix: '', length: 256 }],
    ['every printable character but blank, comma and quote', { ...plain, prefix: "!#$%&'()*+-./:;<=>?@[\\]^_`{|}~" }],
  ])('takes %s', (_what, format) => {
    const codec = keyCodec(format as KeyFormat)
    expect(codec.accepts(codec.mint().text)).toBe(true)
  })

  it('caps texts at 256 bytes', () => {
    expect(MAX_KEY_LENGTH).toBe(256)
  })
})

describe('mint', () => {
  it('writes prefix and characters of the alphabet', () => {
    expect(keyCodec(plain).mint()).toEqual({ text: expect.stringMatching(/^acme_live_[0-9a-z]{32}$/), id: undefined })
  })

  it('writes the id into the text, and gives the key the same digits', () => {
    const { text, id } = keyCodec(withId).mint()
    expect(text).toMatch(/^ak_[0-9]{10}_[0-9A-Za-z]{32}$/)
    expect(id).toBe(`key_${text.slice(3, 13)}`)
  })

  it('keeps the id of an earlier version', () => {
    const { text, id } = keyCodec(withId).mint('key_0123456789')
    expect(text).toMatch(/^ak_0123456789_[0-9A-Za-z]{32}$/)
    expect(id).toBe('key_0123456789')
  })

  it.each(['key_1', 'other_0123456789', 'key_01234567890', ''])(
    'refuses to keep %s, which is no id of the format',
    (id) => {
      expect(() => keyCodec(withId).mint(id)).toThrow(/^id must be/)
    },
  )

  it('ends with the CRC-32 that gzip computes', () => {
    const { text } = keyCodec(checked).mint()
    expect(text.slice(-6)).toBe(checksumOf(text.slice(0, -6), BASE62))
  })

  it('does not write the same text twice', () => {
    const { mint } = keyCodec(plain)
    expect(new Set(Array.from({ length: 1000 }, () => mint().text)).size).toBe(1000)
  })

  it('draws every character of the alphabet about equally often', () => {
    const { mint } = keyCodec({ prefix: '', length: 250, alphabet: 'base62' })
    const counts = new Map<string, number>()
    for (let i = 0; i < 400; i++) for (const c of mint().text) counts.set(c, (counts.get(c) ?? 0) + 1)
    expect(counts.size).toBe(62)
    // 100,000 draws: 1613 each, standard deviation 40. A modulo of 256 would give eight of them 1953.
    for (const count of counts.values()) expect(Math.abs(count - 1613)).toBeLessThan(250)
  })
})

describe('accepts', () => {
  const text = `acme_live_${'0123456789abcdefghijklmnopqrstuv'}`

  it('takes a text of the format', () => {
    expect(keyCodec(plain).accepts(text)).toBe(true)
  })

  it.each([
    ['another prefix', text.replace('live', 'test')],
    ['a prefix in upper case', text.replace('acme', 'ACME')],
    ['one character less', text.slice(0, -1)],
    ['one character more', `${text}0`],
    ['a character outside the alphabet', `${text.slice(0, -1)}A`],
    ['a line feed after it', `${text.slice(0, -1)}\n`],
    ['something before it', ` ${text.slice(0, -1)}`],
    ['nothing', ''],
  ])('refuses %s', (_what, other) => {
    expect(keyCodec(plain).accepts(other)).toBe(false)
  })

  it('takes a dot in the prefix for a dot alone', () => {
    const codec = keyCodec({ ...plain, prefix: 'a.b' })
    expect(codec.accepts(`a.b${'0'.repeat(32)}`)).toBe(true)
    expect(codec.accepts(`axb${'0'.repeat(32)}`)).toBe(false)
  })

  const random = 'abcdefghijklmnopqrstuvwxyz0123'
  const good = `ck_${random}${checksumOf(`ck_${random}`, BASE62)}`

  it('takes a key whose checksum holds', () => {
    expect(keyCodec(checked).accepts(good)).toBe(true)
  })

  it('refuses a key whose checksum differs', () => {
    for (let i = 3; i < good.length; i++) {
      const typo = `${good.slice(0, i)}${good[i] === 'Q' ? 'R' : 'Q'}${good.slice(i + 1)}`
      expect(keyCodec(checked).accepts(typo)).toBe(false)
    }
  })

  it('refuses two characters that changed places', () => {
    expect(keyCodec(checked).accepts(`ck_ba${good.slice(5)}`)).toBe(false)
  })

  it('refuses a key with an id of nine digits', () => {
    const codec = keyCodec(withId)
    expect(codec.accepts(codec.mint().text.replace(/_[0-9]/, '_'))).toBe(false)
  })
})

describe('idIn', () => {
  it.each([
    ['a whole key', 'ak_0123456789_abcdefghijklmnopqrstuvwxyz012345', 'key_0123456789'],
    ['a text that is cut off after the id', 'ak_0123456789_', 'key_0123456789'],
    ['a text without the underscore', 'ak_0123456789', undefined],
    ['a text with nine digits', 'ak_012345678_abc', undefined],
    ['a text with eleven digits', 'ak_01234567890_abc', undefined],
    ['another prefix', 'xk_0123456789_abc', undefined],
    ['an id that is not at the start', 'x ak_0123456789_abc', undefined],
    ['nothing', '', undefined],
  ])('reads %s', (_what, text, id) => {
    expect(keyCodec(withId).idIn(text)).toBe(id)
  })

  it('finds none where the format has none', () => {
    expect(keyCodec(plain).idIn('ak_0123456789_abc')).toBeUndefined()
  })
})

describe('display', () => {
  it('shows prefix and last four characters at most', () => {
    expect(keyCodec(plain).display('acme_live_0123456789abcdefghijklmnopqrstuv')).toBe('acme_live_…stuv')
    expect(keyCodec(withId).display('ak_0123456789_abcdefghijklmnopqrstuvwxyz012345')).toBe('ak_…2345')
  })
})
