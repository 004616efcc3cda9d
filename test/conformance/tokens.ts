/** Signs tokens with nothing of ours, on every runtime, and lets each part be wrong. */
import { hmac } from '@noble/hashes/hmac.js'
import { sha256, sha512 } from '@noble/hashes/sha2.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'

const HASHES = { sha256, sha512 }

export interface TokenParts {
  readonly header?: Readonly<Record<string, unknown>>
  readonly claims?: Readonly<Record<string, unknown>>
  readonly secret: string
  readonly algorithm?: keyof typeof HASHES
}

/** `header.claims.signature`, as the documented client makes it. A member given as `undefined` is left out. */
export function sign({ header = {}, claims = {}, secret, algorithm = 'sha256' }: TokenParts): string {
  return signText(JSON.stringify({ alg: 'HS256', typ: 'JWT', ...header }), JSON.stringify(claims), secret, algorithm)
}

/** The same over texts that need not be JSON, or bytes that need not be text. */
export function signText(
  header: string | Uint8Array,
  claims: string | Uint8Array,
  secret: string,
  algorithm: keyof typeof HASHES = 'sha256',
): string {
  const input = `${base64Url(header)}.${base64Url(claims)}`
  return `${input}.${base64Url(hmac(HASHES[algorithm], utf8ToBytes(secret), utf8ToBytes(input)))}`
}

function base64Url(data: string | Uint8Array): string {
  const bytes = typeof data === 'string' ? utf8ToBytes(data) : data
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}
