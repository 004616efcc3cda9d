/** What a key needs so that nobody guesses it, in random bits. */
export const MINIMUM_BITS = 128

/** Sets that the characters of a random text are drawn from, the smallest first. */
const ALPHABETS: readonly (readonly [characters: RegExp, size: number])[] = [
  [/^[0-9]*$/, 10],
  [/^([0-9a-f]*|[0-9A-F]*)$/, 16],
  [/^([0-9a-z]*|[0-9A-Z]*)$/, 36],
  [/^[0-9A-Za-z]*$/, 62],
  [/^[0-9A-Za-z_-]*$|^[0-9A-Za-z+/=]*$/, 64],
]
const PRINTABLE = 94
/** Six bits of a UUID of version 4 are not random. Those of other versions have fewer random bits. */
const UUID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i
const UUID_BITS = 122

/**
 * How many random bits a text that was made elsewhere may have, at most: it cannot be seen that it was not made at random,
 * but often that it is too short or too regular. Two things are so by chance, too: lower-case words with `_` at its start are
 * taken for a prefix, and where all letters are of one case, no others were to be drawn. A character is regular that goes on as
 * those before it (`aaaa`, `1234`), or that followed the same two before. Where more than a quarter are, they count nothing: at
 * random some are, of 32 hexadecimal digits in one text of three.
 */
export function estimatedBits(text: string): number {
  const random = text.replace(/^([a-z]{2,16}_)+/, '')
  if (UUID.test(random)) return UUID_BITS
  const size = ALPHABETS.find(([characters]) => characters.test(random))?.[1] ?? PRINTABLE
  const novel = novelCharacters(random)
  const isRegular = novel < random.length * (3 / 4)
  return (isRegular ? novel : random.length) * Math.log2(size)
}

function novelCharacters(text: string): number {
  const seen = new Set<string>()
  let count = 0
  for (let i = 0; i < text.length; i++) {
    const three = text.slice(Math.max(0, i - 2), i + 1)
    const step = text.charCodeAt(i) - text.charCodeAt(i - 1)
    const goesOn = i >= 2 && Math.abs(step) <= 1 && step === text.charCodeAt(i - 1) - text.charCodeAt(i - 2)
    if (!goesOn && !seen.has(three)) count++
    seen.add(three)
  }
  return count
}
