/**
 * Parses a JSON object whose member names are unique at every depth, or answers `undefined`. RFC 7515 §4 lets a parser
 * take the last of two equal names; two readers could then see two different tokens under one signature.
 *
 * The object has no prototype's names in the way: it is read with `in` and by name, and `__proto__` is a plain member.
 * Nobody can write to it, nor to what is in it: many requests may share it.
 */
export function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  // Of equal names `JSON.parse` keeps the last: then the text has more strings than the object.
  if (stringsIn(text) !== freezeStringsOf(value)) return undefined
  return Object.freeze(Object.assign(new Bare(), value))
}

/**
 * Keeps `toString` and its kind from being found where the sender wrote none. Its prototype has no names, but there is
 * one: engines make a slow table of an object without.
 */
class Bare {}
Reflect.deleteProperty(Bare.prototype, 'constructor')
Object.setPrototypeOf(Bare.prototype, null)

const BACKSLASH = 0x5c

// The grammar needs no second check: `JSON.parse` has accepted the text, so a quote begins or ends a string, unless it is
// in one, behind a backslash that is not escaped itself.
function stringsIn(text: string): number {
  let quotes = 0
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) if (!isEscaped(text, at)) quotes++
  return quotes / 2
}

function isEscaped(text: string, at: number): boolean {
  let before = at - 1
  while (text.charCodeAt(before) === BACKSLASH) before--
  return (at - before) % 2 === 0
}

/**
 * How many names of members and texts there are, at every depth. What is within the value is frozen on the way. Without
 * recursion: a text of a few kilobytes can be thousands deep.
 */
function freezeStringsOf(value: object): number {
  let strings = 0
  const open: object[] = [value]
  for (let part = open.pop(); part !== undefined; part = open.pop()) {
    const inner: readonly unknown[] = Object.values(part)
    if (!Array.isArray(part)) strings += inner.length
    for (const each of inner) {
      if (typeof each === 'string') strings++
      else if (typeof each === 'object' && each !== null) open.push(Object.freeze(each))
    }
  }
  return strings
}
