/** Hashing on Node, Bun and Deno: the runtime's own OpenSSL or BoringSSL, synchronous. */
import { Buffer, isUtf8 } from 'node:buffer'
import { createCipheriv, createDecipheriv, createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto'
import type { Awaitable } from '../awaitable.ts'

export function sha256Hex(text: string): string {
  return hash('sha256', text, 'hex')
}

/** HMAC-SHA-256 over the 32 bytes that `digestHex` spells. */
export function hmacHexOfDigest(secret: string, digestHex: string): string {
  return createHmac('sha256', secret).update(digestHex, 'hex').digest('hex')
}

/** A secret that is ready to sign: made once, because that takes longer than to sign with it. */
export type HmacKey = KeyObject

export function hmacKeyOf(secret: string): HmacKey {
  return createSecretKey(secret, 'utf8')
}

export function hmacBase64Url(key: HmacKey, text: string): string {
  return createHmac('sha256', key).update(text, 'utf8').digest('base64url')
}

/** The text that strict base64url spells, or `undefined` when it is not valid UTF-8. */
export function textOfBase64Url(encoded: string): string | undefined {
  const bytes = Buffer.from(encoded, 'base64url')
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined
}

const TAG_BYTES = 16

/** AES-256-GCM: the encrypted bytes, then the tag. */
export function aesGcmSeal(
  key: Uint8Array,
  nonce: Uint8Array,
  bytes: Uint8Array,
  additional: Uint8Array,
): Awaitable<Uint8Array> {
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(additional)
  return Buffer.concat([cipher.update(bytes), cipher.final(), cipher.getAuthTag()])
}

/** What `aesGcmSeal` sealed, or `undefined` when the tag does not hold. */
export function aesGcmOpen(
  key: Uint8Array,
  nonce: Uint8Array,
  sealed: Uint8Array,
  additional: Uint8Array,
): Awaitable<Uint8Array | undefined> {
  try {
    const end = sealed.length - TAG_BYTES
    // Without the length OpenSSL would take a tag of four bytes for a whole one.
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
    decipher.setAAD(additional).setAuthTag(sealed.subarray(end))
    return Buffer.concat([decipher.update(sealed.subarray(0, end)), decipher.final()])
  } catch {
    return undefined
  }
}
