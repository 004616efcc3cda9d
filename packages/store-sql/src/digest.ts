import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'

/** SHA-256 in 64 hexadecimal digits, also where there is no `node:crypto`. For names: nothing secret is hidden by it. */
export function digestOf(text: string): string {
  return bytesToHex(sha256(utf8ToBytes(text)))
}
