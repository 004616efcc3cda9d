/** Hashing on Node, Bun and Deno: the runtime's own OpenSSL or BoringSSL, synchronous. */
import { Buffer, isUtf8 } from 'node:buffer'
import { createHash, createHmac } from 'node:crypto'

export function sha256Hex(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex')
}

/** HMAC-SHA-256 over the 32 bytes that `digestHex` spells. */
export function hmacHexOfDigest(secret: string, digestHex: string): string {
  return createHmac('sha256', secret).update(digestHex, 'hex').digest('hex')
}

export function hmacBase64Url(secret: string, text: string): string {
  return createHmac('sha256', secret).update(text, 'utf8').digest('base64url')
}

/** The text that strict base64url spells, or `undefined` when it is not valid UTF-8. */
export function textOfBase64Url(encoded: string): string | undefined {
  const bytes = Buffer.from(encoded, 'base64url')
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined
}
