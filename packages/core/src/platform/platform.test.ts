import { Buffer } from 'node:buffer'
import { createHash, createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import * as node from './node.ts'
import * as web from './web.ts'

const TEXTS = [
  '',
  'abc',
  'a'.repeat(55),
  'a'.repeat(56),
  'a'.repeat(64),
  'a'.repeat(65),
  'a'.repeat(8192),
  'Grüße, 世界 🔑',
  '\u0000\u00ff',
  'a lone surrogate: \ud800',
]
const SECRETS = ['', 's', 'k'.repeat(32), 'k'.repeat(64), 'k'.repeat(65), 'k'.repeat(200), 'schlüssel-🔑', '\udc00']

const encode = (bytes: readonly number[]): string => Buffer.from(bytes).toString('base64url')
const ENCODED = {
  'an empty object': encode([0x7b, 0x7d]),
  'three bytes': encode([0x61, 0x62, 0x63]),
  'four bytes': encode([0x61, 0x62, 0x63, 0x64]),
  'characters of both alphabets that differ': Buffer.from('~~~???>>>').toString('base64url'),
  'four-byte UTF-8': Buffer.from('🔑').toString('base64url'),
  'a byte-order mark': encode([0xef, 0xbb, 0xbf, 0x7b, 0x7d]),
  'U+FFFD itself': Buffer.from('\ufffd').toString('base64url'),
  'a NUL': encode([0x00]),
  'a lone continuation byte': encode([0x80]),
  'a truncated sequence': encode([0xe2, 0x82]),
  'an overlong sequence': encode([0xc0, 0xaf]),
  'a UTF-8 surrogate': encode([0xed, 0xa0, 0x80]),
  'a code point above U+10FFFF': encode([0xf4, 0x90, 0x80, 0x80]),
  'Latin-1': encode([0xe9]),
}
const INVALID = new Set([
  'a lone continuation byte',
  'a truncated sequence',
  'an overlong sequence',
  'a UTF-8 surrogate',
  'a code point above U+10FFFF',
  'Latin-1',
])

/** Each platform's keys are its own. */
function macBy({ hmacBase64Url, hmacKeyOf }: typeof node, secret: string, text: string): string {
  const key = hmacKeyOf(secret)
  // Once more: a key is not used up.
  hmacBase64Url(key, 'another text')
  return hmacBase64Url(key, text)
}

describe.each([
  ['node', node],
  ['web', web],
])('platform/%s', (_name, platform) => {
  it('hashes as SHA-256', () => {
    for (const text of TEXTS) {
      const digits = createHash('sha256').update(text).digest('hex')
      expect(platform.hexOfBytes(platform.sha256(text))).toBe(digits)
      expect(platform.bytesOfHex(digits)).toBe(platform.sha256(text))
    }
  })

  it('authenticates a text by HMAC-SHA-256 in base64url without padding', () => {
    for (const secret of SECRETS) {
      for (const text of TEXTS) {
        const mac = createHmac('sha256', secret).update(text).digest('base64url')
        expect(macBy(platform as typeof node, secret, text)).toBe(mac)
      }
    }
  })

  it('authenticates the bytes that a digest spells, not its digits', () => {
    for (const secret of SECRETS) {
      for (const text of TEXTS) {
        const bytes = createHash('sha256').update(text).digest()
        const mac = createHmac('sha256', secret).update(bytes).digest('binary')
        expect(platform.hmacOfBytes(secret, bytes.toString('latin1'))).toBe(mac)
      }
    }
  })

  it.each(Object.entries(ENCODED))('decodes base64url of %s', (name, encoded) => {
    const expected = INVALID.has(name) ? undefined : Buffer.from(encoded, 'base64url').toString('utf8')
    expect(platform.textOfBase64Url(encoded)).toBe(expected)
  })

  it('keeps a byte-order mark, so that a parser can refuse it', () => {
    expect(platform.textOfBase64Url(ENCODED['a byte-order mark'])?.charCodeAt(0)).toBe(0xfeff)
  })
})

const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'))
const hexOf = (value: Uint8Array | undefined) => value && Buffer.from(value).toString('hex')

const PLAIN =
  'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255'

/** McGrew and Viega, "The Galois/Counter Mode of Operation (GCM)", as submitted to NIST, appendix B: AES-256. */
const VECTORS = [
  {
    name: 'test case 13',
    key: '00'.repeat(32),
    nonce: '00'.repeat(12),
    plain: '',
    additional: '',
    sealed: '530f8afbc74536b9a963b4f1c4cb738b',
  },
  {
    name: 'test case 14',
    key: '00'.repeat(32),
    nonce: '00'.repeat(12),
    plain: '00'.repeat(16),
    additional: '',
    sealed: 'cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919',
  },
  {
    name: 'test case 15',
    key: 'feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308',
    nonce: 'cafebabefacedbaddecaf888',
    plain: PLAIN,
    additional: '',
    sealed:
      '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015adb094dac5d93471bdec1a502270e3cc6c',
  },
  {
    name: 'test case 16',
    key: 'feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308',
    nonce: 'cafebabefacedbaddecaf888',
    plain: PLAIN.slice(0, -8),
    additional: 'feedfacedeadbeeffeedfacedeadbeefabaddad2',
    sealed:
      '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b',
  },
]

const KEY = bytes('00'.repeat(31).concat('01'))
const NONCE = bytes('00'.repeat(11).concat('02'))
const TEXT = new TextEncoder().encode('a secret of a key, of 32 letters')
const ADDITIONAL = new TextEncoder().encode('["acme","key_1","1"]')

/** The bytes with one bit turned. */
function turned(value: Uint8Array, index: number): Uint8Array {
  return value.map((byte, i) => (i === index ? byte ^ 1 : byte))
}

describe.each([
  ['node', node, web],
  ['web', web, node],
])('AES-256-GCM of platform/%s', (_name, platform, other) => {
  it.each(VECTORS)('is that of $name', async ({ key, nonce, plain, additional, sealed }) => {
    const [k, n, a] = [bytes(key), bytes(nonce), bytes(additional)]
    expect(hexOf(await platform.aesGcmSeal(k, n, bytes(plain), a))).toBe(sealed)
    expect(hexOf(await platform.aesGcmOpen(k, n, bytes(sealed), a))).toBe(plain)
  })

  it('seals to the same bytes as the other, and opens what the other sealed', async () => {
    for (const length of [0, 1, 15, 16, 17, 32, 43, 4096]) {
      const plain = new Uint8Array(length).map((_, i) => i % 251)
      const sealed = await platform.aesGcmSeal(KEY, NONCE, plain, ADDITIONAL)
      expect(sealed.length).toBe(length + 16)
      expect(hexOf(sealed)).toBe(hexOf(await other.aesGcmSeal(KEY, NONCE, plain, ADDITIONAL)))
      expect(hexOf(await other.aesGcmOpen(KEY, NONCE, sealed, ADDITIONAL))).toBe(hexOf(plain))
    }
  })

  it('takes bytes that lie in the middle of others', async () => {
    const within = (value: Uint8Array) => new Uint8Array([7, 7, 7, ...value, 7, 7, 7]).subarray(3, value.length + 3)
    const sealed = await platform.aesGcmSeal(within(KEY), within(NONCE), within(TEXT), within(ADDITIONAL))
    expect(hexOf(sealed)).toBe(hexOf(await platform.aesGcmSeal(KEY, NONCE, TEXT, ADDITIONAL)))
    const opened = await platform.aesGcmOpen(within(KEY), within(NONCE), within(sealed), within(ADDITIONAL))
    expect(hexOf(opened)).toBe(hexOf(TEXT))
  })

  it('opens nothing of which one bit was turned', async () => {
    const sealed = await platform.aesGcmSeal(KEY, NONCE, TEXT, ADDITIONAL)
    for (let i = 0; i < sealed.length; i++) {
      expect(await platform.aesGcmOpen(KEY, NONCE, turned(sealed, i), ADDITIONAL)).toBeUndefined()
    }
  })

  it('opens nothing with another key, nonce or additional data', async () => {
    const sealed = await platform.aesGcmSeal(KEY, NONCE, TEXT, ADDITIONAL)
    expect(await platform.aesGcmOpen(turned(KEY, 0), NONCE, sealed, ADDITIONAL)).toBeUndefined()
    expect(await platform.aesGcmOpen(KEY, turned(NONCE, 0), sealed, ADDITIONAL)).toBeUndefined()
    expect(await platform.aesGcmOpen(KEY, NONCE, sealed, turned(ADDITIONAL, 0))).toBeUndefined()
    expect(await platform.aesGcmOpen(KEY, NONCE, sealed, new Uint8Array())).toBeUndefined()
  })

  it('opens nothing with a tag that is cut', async () => {
    const sealed = await platform.aesGcmSeal(KEY, NONCE, new Uint8Array(), ADDITIONAL)
    for (let length = 0; length < 16; length++) {
      expect(await platform.aesGcmOpen(KEY, NONCE, sealed.subarray(0, length), ADDITIONAL)).toBeUndefined()
    }
  })

  it('opens nothing with a key or a nonce of another length', async () => {
    const sealed = await platform.aesGcmSeal(KEY, NONCE, TEXT, ADDITIONAL)
    for (const key of [KEY.subarray(0, 16), new Uint8Array()]) {
      expect(await platform.aesGcmOpen(key, NONCE, sealed, ADDITIONAL)).toBeUndefined()
    }
    for (const nonce of [NONCE.subarray(0, 11), new Uint8Array()]) {
      expect(await platform.aesGcmOpen(KEY, nonce, sealed, ADDITIONAL)).toBeUndefined()
    }
  })
})
