/**
 * Parses a JSON object whose member names are unique at every depth, or answers `undefined`. RFC 7515 §4 lets a parser
 * take the last of two equal names; two readers could then see two different tokens under one signature.
 *
 * The object has no prototype's names in the way: it is read with `in` and by name, and `__proto__` is a plain member.
 */
export function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  // Of equal names `JSON.parse` keeps the last: then the text has more members than the object.
  if (membersIn(text) !== membersOf(value)) return undefined
  // A null prototype keeps `toString` and its kind from being found where the sender wrote none.
  return Object.setPrototypeOf(value, null)
}

const QUOTE = 0x22
const COLON = 0x3a
const BACKSLASH = 0x5c

// Each member of an object has one colon outside of strings. The grammar needs no second check: `JSON.parse` has
// accepted the text, so a backslash is in a string, and escapes what follows it.
function membersIn(text: string): number {
  let members = 0
  let isInString = false
  for (let i = 0; i < text.length; i++) {
    const character = text.charCodeAt(i)
    if (character === QUOTE) isInString = !isInString
    else if (character === BACKSLASH) i++
    else if (character === COLON && !isInString) members++
  }
  return members
}

/** At every depth. Without recursion: a text of a few kilobytes can be thousands deep. */
function membersOf(value: object): number {
  let members = 0
  const open = [value]
  for (let part = open.pop(); part !== undefined; part = open.pop()) {
    const inner = Object.values(part)
    if (!Array.isArray(part)) members += inner.length
    for (const found of inner) if (typeof found === 'object' && found !== null) open.push(found)
  }
  return members
}
