import { createHash, createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { digestKey, digitsOf, equalDigests, pepperDigest } from './digest.ts'

const PEPPER = 'pepper-pepper-pepper-pepper-32-b'

describe('digestKey', () => {
  it('is SHA-256 of the text as 64 lower-case hexadecimal digits', () => {
    expect(digestKey('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  })

  it('is HMAC-SHA-256 of the pepper over SHA-256 of the text where a pepper is set', () => {
    const sha256 = createHash('sha256').update('abc').digest()
    expect(digestKey('abc', PEPPER)).toBe(createHmac('sha256', PEPPER).update(sha256).digest('hex'))
  })

  it('differs by pepper', () => {
    expect(new Set([digestKey('abc'), digestKey('abc', PEPPER), digestKey('abc', `${PEPPER}!`)]).size).toBe(3)
  })
})

describe('pepperDigest', () => {
  const sha256 = createHash('sha256').update('abc').digest()

  it('is the digest itself without a pepper', () => {
    expect(pepperDigest(sha256.toString('hex'))).toBe(sha256.toString('hex'))
  })

  it('is HMAC-SHA-256 of the pepper over the bytes that the digest spells, not over its digits', () => {
    expect(pepperDigest(sha256.toString('hex'), PEPPER)).toBe(createHmac('sha256', PEPPER).update(sha256).digest('hex'))
  })

  it('makes of a digest from elsewhere what is made of the text', () => {
    for (const pepper of [undefined, PEPPER]) {
      expect(pepperDigest(sha256.toString('hex'), pepper)).toBe(digestKey('abc', pepper))
    }
  })
})

describe('equalDigests', () => {
  const digest = digestKey('abc')

  it('is true for the same digest', () => {
    expect(equalDigests(digest, `${digest}`)).toBe(true)
  })

  it.each([
    ['in the first character', `0${digest.slice(1)}`],
    ['in the middle', `${digest.slice(0, 32)}${digest[32] === '0' ? '1' : '0'}${digest.slice(33)}`],
    ['in the last character', `${digest.slice(0, -1)}e`],
    ['in case alone', digest.toUpperCase()],
  ])('is false where they differ %s', (_where, other) => {
    expect(equalDigests(digest, other)).toBe(false)
    expect(equalDigests(other, digest)).toBe(false)
  })

  it.each([
    ['', digest],
    [digest.slice(0, -1), digest],
    [`${digest}0`, digest],
    ['é', 'e\u0301'],
  ])('is false for unequal lengths and does not throw (%#)', (a, b) => {
    expect(equalDigests(a, b)).toBe(false)
    expect(equalDigests(b, a)).toBe(false)
  })

  it('tells apart characters of equal length that are not ASCII', () => {
    expect(equalDigests('é', 'e')).toBe(false)
    expect(equalDigests('\u0161', 'a')).toBe(false)
  })
})

describe('digitsOf', () => {
  it('is the first 64 bits modulo ten thousand millions, as ten digits', () => {
    expect(digitsOf('ffffffffffffffff'.padEnd(64, '0'))).toBe('3709551615')
  })

  it('pads with zeros', () => {
    expect(digitsOf('000000000000002a'.padEnd(64, 'f'))).toBe('0000000042')
  })
})
