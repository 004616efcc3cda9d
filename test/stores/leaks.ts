/** Finds what must not be there: any nine characters in a row of a secret, in any of the usual encodings. */

export interface Secret {
  /** Named in a finding in place of the text. */
  readonly what: string
  readonly text: string | Buffer
  /** What is in it that everybody may see: a prefix, a public id. Default: nothing. */
  readonly shown?: string
}

interface Pattern {
  readonly bytes: Buffer
  /** What it is a part of, and how it is written. */
  readonly name: string
}

/** So many in a row give away too much. A display form has four. */
const LENGTH = 9
/** Which first four bytes are worth a closer look; so large that few are there by chance. */
const FILTER_BITS = 24

/** Makes a search for these secrets. It names each one that it finds once for each way of writing. */
export function leakSearch(secrets: readonly Secret[]): (content: Buffer | string) => readonly string[] {
  // By their bytes, a character each. What two secrets have in common is named as the later one's.
  const names = new Map<string, string>()
  const filter = new Uint8Array(2 ** FILTER_BITS)
  for (const { bytes, name } of secrets.flatMap(patternsOf)) {
    names.set(bytes.toString('latin1'), name)
    filter[placeOf(bytes.readUInt32BE(0))] = 1
  }
  const lengths = new Set([...names.keys()].map(({ length }) => length))

  return (content) => {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content
    const found = new Set<string>()
    let start = 0
    for (let i = 0; i < bytes.length; i++) {
      start = ((start << 8) | (bytes[i] as number)) >>> 0
      if (filter[placeOf(start)] === 0) continue
      for (const length of lengths) {
        const name = names.get(bytes.toString('latin1', i - 3, i - 3 + length))
        if (name !== undefined) found.add(name)
      }
    }
    return [...found]
  }
}

function placeOf(start: number): number {
  return Math.imul(start, 0x9e3779b1) >>> (32 - FILTER_BITS)
}

function patternsOf({ what, text, shown = '' }: Secret): readonly Pattern[] {
  const whole = Buffer.from(text)
  const parts = Array.from({ length: whole.length - LENGTH + 1 }, (_, i) => whole.subarray(i, i + LENGTH))
    // Each has at least one character that is not shown.
    .filter((part) => !shown.includes(part.toString('latin1')))
  if (parts.length === 0) throw new Error(`${what} has nothing to look for`)
  const named = (written: string, encode: (part: Buffer) => Buffer | string) =>
    parts.map((part) => ({ name: `${what}, as ${written}`, bytes: Buffer.from(encode(part)) }))
  return [
    ...named('it is', (part) => part),
    ...named('UTF-16', (part) => Buffer.from(part.toString('latin1'), 'utf16le')),
    ...named('hexadecimal digits', (part) => part.toString('hex')),
    ...named('hexadecimal digits', (part) => part.toString('hex').toUpperCase()),
    // Nine bytes are twelve digits, and wherever the text lies one of three parts begins where the digits do.
    ...named('base64', (part) => part.toString('base64')),
    ...named('base64', (part) => part.toString('base64url')),
  ]
}
