import { hexOfBytes } from '#platform'
import type { AnyContract } from './contract.ts'
import { digestBytes, digitsOf } from './digest.ts'
import type { KeyCodec } from './key-format.ts'
import { type Denied, UNKNOWN } from './outcome.ts'

/** Denials of a text that no key is known for. Where the contract shows the ids of keys, they show one too. */
export interface TextDenials {
  malformed(text: string): Denied<'malformed'>
  /** @param digest of the text, as bytes */
  unknown(text: string, digest: string): Denied<'unknown'>
}

export function textDenials(
  { key }: AnyContract,
  codec: KeyCodec | undefined,
  pepper: string | undefined,
): TextDenials {
  if (key?.id === undefined) {
    return { malformed: () => ({ kind: 'denied', code: 'malformed' }), unknown: () => UNKNOWN }
  }
  const { prefix } = key.id

  // The same shape whether or not such a key exists, and the same on every node for the same text. The one case in which
  // a text of any length is hashed: its id is asked for, and a header is 16 KiB at most.
  function keyIdOf(text: string, digest?: string): string {
    return codec?.idIn(text) ?? `${prefix}${digitsOf(hexOfBytes(digest ?? digestBytes(text, pepper)))}`
  }

  return {
    malformed: (text) => ({ kind: 'denied', code: 'malformed', keyId: keyIdOf(text) }),
    unknown: (text, digest) => ({ ...UNKNOWN, keyId: keyIdOf(text, digest) }),
  }
}
