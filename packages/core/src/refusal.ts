import { hexOfBytes } from '#platform'
import type { AnyContract } from './contract.ts'
import { digestBytes, digitsOf } from './digest.ts'
import type { KeyCodec } from './key-format.ts'
import { type Denied, UNKNOWN } from './outcome.ts'

/** How a credential is refused that no key is known for. Where the contract shows keys' ids, so does the refusal. */
export interface Refusals {
  malformed(text: string): Denied<'malformed'>
  /** @param digest of the text, as bytes, where it was made already */
  unknown(text: string, digest?: string): Denied<'unknown'>
}

export function refusals({ key }: AnyContract, codec: KeyCodec | undefined, pepper: string | undefined): Refusals {
  const shown = key?.id

  // The same shape whether or not such a key exists, and the same on every node for the same text. The one case in which
  // a text of any length is hashed: its id is asked for, and a header is 16 KiB at most.
  function keyIdOf(text: string, digest?: string): string {
    return codec?.idIn(text) ?? `${shown?.prefix}${digitsOf(hexOfBytes(digest ?? digestBytes(text, pepper)))}`
  }

  return {
    malformed: (text) =>
      shown === undefined
        ? { kind: 'denied', code: 'malformed' }
        : { kind: 'denied', code: 'malformed', keyId: keyIdOf(text) },
    unknown: (text, digest) => (shown === undefined ? UNKNOWN : { ...UNKNOWN, keyId: keyIdOf(text, digest) }),
  }
}
