import { bytesOfHex, hexOfBytes, hmacOfBytes, sha256 } from '#platform'

/**
 * What a store keeps of a key: SHA-256 of its text, or HMAC-SHA-256(pepper, SHA-256(text)) where a pepper is set, as 64
 * lower-case hexadecimal digits. With the second form SHA-256 digests made elsewhere can still be imported.
 *
 * No slow hash: a key carries at least 128 random bits, so there is nothing to guess.
 */
export function digestKey(text: string, pepper?: string): string {
  return hexOfBytes(digestBytes(text, pepper))
}

/** The digest that a store keeps, from the SHA-256 of a key's text. */
export function pepperDigest(digest: string, pepper?: string): string {
  return pepper === undefined ? digest : hexOfBytes(hmacOfBytes(pepper, bytesOfHex(digest)))
}

/** As `digestKey`, the bytes that the digits spell as one character each. */
export function digestBytes(text: string, pepper?: string): string {
  const bytes = sha256(text)
  return pepper === undefined ? bytes : hmacOfBytes(pepper, bytes)
}

/**
 * Compares two digests or MACs of fixed length. The time depends on their length alone, not on where they differ.
 * Texts of unequal length are not equal; it never throws.
 */
export function equalDigests(a: string, b: string): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i)
  return difference === 0
}

/** Ten decimal digits that stand for a digest where a public id has to be shown for a key that has none. */
export function digitsOf(digest: string): string {
  return (BigInt(`0x${digest.slice(0, 16)}`) % 10_000_000_000n).toString().padStart(10, '0')
}
