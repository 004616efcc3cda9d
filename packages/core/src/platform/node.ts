/** Hashing on Node, Bun and Deno: the runtime's own OpenSSL or BoringSSL, synchronous. */
import { Buffer, isUtf8 } from 'node:buffer'
import { createCipheriv, createDecipheriv, createHmac, hash } from 'node:crypto'
import type { Awaitable } from '../awaitable.ts'

/** The 32 bytes of a digest, each as one character: half as long as in digits, for who looks something up by it. */
export function sha256(text: string): string {
  return hash('sha256', text, 'binary')
}

/** HMAC-SHA-256 over bytes, and as bytes, that are one character each. */
export function hmacOfBytes(secret: string, bytes: string): string {
  return createHmac('sha256', secret).update(bytes, 'latin1').digest('binary')
}

export function hexOfBytes(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('hex')
}

export function bytesOfHex(digits: string): string {
  return Buffer.from(digits, 'hex').toString('latin1')
}

const BLOCK_BYTES = 64
const DIGEST_BYTES = 32

/** Where bytes lie for as long as a function runs: it takes longer to make a place than to fill it. */
const scratch: Buffer = Buffer.alloc(4096)
const outerText = Buffer.alloc(BLOCK_BYTES + DIGEST_BYTES)

function placeFor(length: number): Buffer {
  return length <= scratch.length ? scratch : Buffer.allocUnsafe(length)
}

/** The part of the scratch that was asked for last: a client's texts are often equally long, and it takes half a hash. */
let lastPart = scratch.subarray(0, 0)

function partOf(place: Buffer, end: number): Buffer {
  if (place !== scratch) return place.subarray(0, end)
  if (lastPart.length !== end) lastPart = scratch.subarray(0, end)
  return lastPart
}

/** A secret that is ready to sign: the blocks that the two hashes of an HMAC begin with (RFC 2104 §2). */
export class HmacKey {
  // Private, so that nobody who prints what holds it prints the secret.
  readonly #inner: Uint8Array
  readonly #outer: Uint8Array

  constructor(secret: string) {
    const bytes = Buffer.from(secret, 'utf8')
    const block = new Uint8Array(BLOCK_BYTES)
    block.set(bytes.length > BLOCK_BYTES ? hash('sha256', bytes, 'buffer') : bytes)
    this.#inner = block.map((byte) => byte ^ 0x36)
    this.#outer = block.map((byte) => byte ^ 0x5c)
  }

  // Two hashes at one stroke take half as long as `createHmac`, which makes an object of OpenSSL's for each text.
  base64Url(text: string): string {
    // UTF-8 has at most three bytes for each unit of a text.
    const bytes = placeFor(BLOCK_BYTES + 3 * text.length)
    bytes.set(this.#inner)
    const end = BLOCK_BYTES + bytes.write(text, BLOCK_BYTES, 'utf8')
    const digest = hash('sha256', partOf(bytes, end), 'binary')
    outerText.set(this.#outer)
    outerText.write(digest, BLOCK_BYTES, 'binary')
    return hash('sha256', outerText, 'base64url')
  }
}

export function hmacKeyOf(secret: string): HmacKey {
  return new HmacKey(secret)
}

export function hmacBase64Url(key: HmacKey, text: string): string {
  return key.base64Url(text)
}

/** The text that strict base64url spells, or `undefined` when it is not valid UTF-8. */
export function textOfBase64Url(encoded: string): string | undefined {
  const bytes = placeFor(encoded.length)
  const length = bytes.write(encoded, 'base64url')
  const text = bytes.toString('utf8', 0, length)
  // What is no UTF-8 is read as this character. Hardly a text has it otherwise.
  return text.includes('\ufffd') && !isUtf8(bytes.subarray(0, length)) ? undefined : text
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
