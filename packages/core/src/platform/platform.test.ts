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

describe.each([
  ['node', node],
  ['web', web],
])('platform/%s', (_name, platform) => {
  it('hashes as SHA-256', () => {
    for (const text of TEXTS) expect(platform.sha256Hex(text)).toBe(createHash('sha256').update(text).digest('hex'))
  })

  it('authenticates a text by HMAC-SHA-256 in base64url without padding', () => {
    for (const secret of SECRETS) {
      for (const text of TEXTS) {
        const mac = createHmac('sha256', secret).update(text).digest('base64url')
        expect(platform.hmacBase64Url(secret, text)).toBe(mac)
      }
    }
  })

  it('authenticates the bytes that a digest spells, not its digits', () => {
    for (const secret of SECRETS) {
      for (const text of TEXTS) {
        const bytes = createHash('sha256').update(text).digest()
        const mac = createHmac('sha256', secret).update(bytes).digest('hex')
        expect(platform.hmacHexOfDigest(secret, bytes.toString('hex'))).toBe(mac)
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
