/** Hashing where there is no `node:crypto` (workerd, browsers): WebCrypto is only asynchronous, so noble's is used. */
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 as sha256Of } from '@noble/hashes/sha2.js'
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'

/** The 32 bytes of a digest, each as one character: half as long as in digits, for who looks something up by it. */
export function sha256(text: string): string {
  return String.fromCharCode(...sha256Of(utf8ToBytes(text)))
}

/** HMAC-SHA-256 over bytes, and as bytes, that are one character each. */
export function hmacOfBytes(secret: string, bytes: string): string {
  return String.fromCharCode(...hmac(sha256Of, utf8ToBytes(secret), numbersOf(bytes)))
}

export function hexOfBytes(bytes: string): string {
  return bytesToHex(numbersOf(bytes))
}

export function bytesOfHex(digits: string): string {
  return String.fromCharCode(...hexToBytes(digits))
}

function numbersOf(bytes: string): Uint8Array {
  return Uint8Array.from(bytes, (byte) => byte.charCodeAt(0))
}

/** A secret that is ready to sign: the hash's state behind the secret. */
export type HmacKey = ReturnType<typeof hmac.create>

export function hmacKeyOf(secret: string): HmacKey {
  return hmac.create(sha256Of, utf8ToBytes(secret))
}

export function hmacBase64Url(key: HmacKey, text: string): string {
  const mac = key.clone().update(utf8ToBytes(text)).digest()
  return btoa(String.fromCharCode(...mac))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace('=', '')
}

// A decoder that keeps the byte-order mark (`ignoreBOM` means that it is not taken away) lets the JSON parser refuse it.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The text that strict base64url spells, or `undefined` when it is not valid UTF-8. */
export function textOfBase64Url(encoded: string): string | undefined {
  const binary = atob(encoded.replaceAll('-', '+').replaceAll('_', '/'))
  try {
    return utf8.decode(numbersOf(binary))
  } catch {
    return undefined
  }
}

/** AES-256-GCM: the encrypted bytes, then the tag. */
export async function aesGcmSeal(
  key: Uint8Array,
  nonce: Uint8Array,
  bytes: Uint8Array,
  additional: Uint8Array,
): Promise<Uint8Array> {
  const cipher = { name: 'AES-GCM', iv: copy(nonce), additionalData: copy(additional) }
  return new Uint8Array(await crypto.subtle.encrypt(cipher, await aesKey(key), copy(bytes)))
}

/** What `aesGcmSeal` sealed, or `undefined` when the tag does not hold. */
export async function aesGcmOpen(
  key: Uint8Array,
  nonce: Uint8Array,
  sealed: Uint8Array,
  additional: Uint8Array,
): Promise<Uint8Array | undefined> {
  const cipher = { name: 'AES-GCM', iv: copy(nonce), additionalData: copy(additional) }
  try {
    return new Uint8Array(await crypto.subtle.decrypt(cipher, await aesKey(key), copy(sealed)))
  } catch {
    return undefined
  }
}

function aesKey(key: Uint8Array): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', copy(key), 'AES-GCM', false, ['encrypt', 'decrypt'])
}

// WebCrypto's types want a buffer that nobody shares.
function copy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes)
}
