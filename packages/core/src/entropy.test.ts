import { randomBytes, randomInt, randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { estimatedBits, MINIMUM_BITS } from './entropy.ts'

const BASE36 = '0123456789abcdefghijklmnopqrstuvwxyz'
const BASE62 = `${BASE36}ABCDEFGHIJKLMNOPQRSTUVWXYZ`

const SAMPLES = 2000

function drawn(characters: string, length: number): string {
  return Array.from({ length }, () => characters.charAt(randomInt(characters.length))).join('')
}

/** The samples that are estimated too low. */
function refused(make: () => string): string[] {
  return Array.from({ length: SAMPLES }, make).filter((text) => estimatedBits(text) < MINIMUM_BITS)
}

describe('estimatedBits', () => {
  it.each([
    ['hexadecimal', () => randomBytes(16).toString('hex')],
    ['upper-case hexadecimal', () => randomBytes(16).toString('hex').toUpperCase()],
    ['base36', () => drawn(BASE36, 25)],
    ['hexadecimal with a prefix', () => `sk_live_${randomBytes(16).toString('hex')}`],
    ['256 bits of base64url', () => randomBytes(32).toString('base64url')],
  ])('finds 128 random bits enough in %s', (_alphabet, make) => {
    expect(refused(make)).toEqual([])
  })

  it.each([
    ['base62', () => drawn(BASE62, 22)],
    ['base64', () => randomBytes(16).toString('base64')],
    ['base62 with a prefix', () => `vsk_${drawn(BASE62, 22)}`],
  ])('finds 128 random bits enough in %s, unless all its letters are of one case', (_alphabet, make) => {
    expect(refused(make).filter((text) => /[a-z]/.test(text.slice(4)) && /[A-Z]/.test(text))).toEqual([])
  })

  it('finds 128 random bits enough in base64url, unless they begin as if with a prefix', () => {
    const low = refused(() => randomBytes(16).toString('base64url'))
    expect(low.filter((text) => !/^[a-z]{2,16}_/.test(text) && /[a-z]/.test(text) && /[A-Z]/.test(text))).toEqual([])
  })

  it.each([
    ['hexadecimal', () => randomBytes(15).toString('hex')],
    ['base36', () => drawn(BASE36, 24)],
    ['base62', () => drawn(BASE62, 21)],
    ['base64url', () => randomBytes(15).toString('base64url')],
    ['hexadecimal with a prefix', () => `sk_live_${randomBytes(15).toString('hex')}`],
    ['base62 with two words before it', () => `vs_prod_${drawn(BASE62, 21)}`],
  ])('finds fewer than 128 bits too few in %s', (_alphabet, make) => {
    expect(refused(make).length).toBe(SAMPLES)
  })

  it.each([
    ['decimal digits', 10, '01357920468135'],
    ['hexadecimal digits', 16, '0f1e2d3c4b5a69'],
    ['upper-case hexadecimal digits', 16, '0F1E2D3C4B5A69'],
    ['base36', 36, '0z1y2x3w4v5u6t'],
    ['upper-case base36', 36, '0Z1Y2X3W4V5U6T'],
    ['hexadecimal digits of both cases', 62, '0f1E2d3C4b5A69'],
    ['base62', 62, '0z1Y2x3W4v5U6t'],
    ['base64url', 64, '0z-Y2x_W4v-U6t'],
    ['base64', 64, '0z+Y2x/W4v+U6t'],
    ['printable characters', 94, '0z!Y2x%W4v?U6t'],
    ['characters of both kinds of base64', 94, '0z+Y2x_W4v+U6t'],
  ])('counts each character of %s as one of %i', (_alphabet, size, text) => {
    expect(estimatedBits(text)).toBe(14 * Math.log2(size))
  })

  it('counts 122 bits of a UUID, in either case, with or without a prefix', () => {
    const uuid = randomUUID()
    expect([uuid, uuid.toUpperCase(), `sk_${uuid}`].map(estimatedBits)).toEqual([122, 122, 122])
  })

  it.each([
    ['version 1', '00000001-4b1e-11ef-8c2a-0242ac120002'],
    ['version 7', '01912d68-783e-7a03-8467-5661c1243ad4'],
    ['no version', '5f3a9c1e-7b2d-0846-1f9e-3c5a7b2d8046'],
  ])('counts no more of a UUID of %s', (_version, uuid) => {
    expect(estimatedBits(uuid)).toBe(122)
  })

  it('counts nothing of a prefix', () => {
    const random = '0f1e2d3c4b5a69'
    for (const prefix of ['sk_live_', 'vsk_', 'acme_', 'prefix_of_many_short_words_']) {
      expect(estimatedBits(prefix + random)).toBe(14 * 4)
    }
  })

  it.each([
    ['one character', 'a'.repeat(200)],
    ['two characters in turn', 'aB'.repeat(100)],
    ['a word again and again', 'Tr0ub4dor&3'.repeat(20)],
    ['half a text twice', `${'8f14e45fceea167a'}${'8f14e45fceea167a'}`],
    ['the alphabet', BASE36],
    ['the alphabet backwards', [...BASE36].reverse().join('')],
    ['digits that count up', '0123456789'.repeat(20)],
    ['digits that count down', '9876543210'.repeat(20)],
    ['pairs of one character', 'aabbccddeeffgghhiijjkkll'],
    ['a short text', 'hunter2'],
    ['nothing', ''],
    ['a prefix alone', 'sk_live_'],
    ['a prefix and one character', `sk_live_${'0'.repeat(200)}`],
    ['an e-mail address', 'you@example.com'],
    ['zeros with a number at the end', `${'0'.repeat(40)}7351`],
  ])('finds too few bits in %s', (_what, text) => {
    expect(estimatedBits(text)).toBeLessThan(MINIMUM_BITS)
  })

  it('forgives a quarter of regular characters, and counts none of them where there are more', () => {
    // None of these is regular, nor is the first zero after them.
    const irregular = '8f14e45fceea167a5d39b720'
    expect(estimatedBits(`${irregular}${'0'.repeat(8)}`)).toBe(32 * 4)
    expect(estimatedBits(`${irregular}${'0'.repeat(9)}`)).toBe(33 * 4)
    expect(estimatedBits(`${irregular}${'0'.repeat(10)}`)).toBe(25 * 4)
  })
})
