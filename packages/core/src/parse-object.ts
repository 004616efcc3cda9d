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
  if (typeof value !== 'object' || value === null || Array.isArray(value) || hasDuplicateNames(text)) return undefined
  // A null prototype keeps `toString` and its kind from being found where the sender wrote none.
  return Object.assign(Object.create(null), value)
}

// Reads text that `JSON.parse` has accepted, so the grammar needs no second check: a string is a name where a colon
// follows it. Names are compared as parsed, because `"kid"` and `"\u006bid"` are one name.
function hasDuplicateNames(text: string): boolean {
  const open: Set<string>[] = []
  for (let i = 0; i < text.length; i++) {
    const character = text[i]
    if (character === '{') open.push(new Set())
    else if (character === '}') open.pop()
    else if (character === '"') {
      const start = i
      for (i++; text[i] !== '"'; i++) if (text[i] === '\\') i++
      if (!isFollowedByColon(text, i + 1)) continue
      const name: string = JSON.parse(text.slice(start, i + 1))
      const names = open.at(-1)
      if (names?.has(name)) return true
      names?.add(name)
    }
  }
  return false
}

function isFollowedByColon(text: string, from: number): boolean {
  let i = from
  while (text[i] === ' ' || text[i] === '\n' || text[i] === '\r' || text[i] === '\t') i++
  return text[i] === ':'
}
