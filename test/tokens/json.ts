/** JSON as a grammar: texts with known values and known duplicates, and a reader that is as plain as the RFC. */
import fc from 'fast-check'

/** A text, what it spells, and whether an object in it has a member name twice. */
export interface Spelled {
  readonly text: string
  readonly value: unknown
  readonly duplicates: boolean
}

const space = fc.stringMatching(/^[ \t\n\r]{0,2}$/)

/** The same text with some of its characters as escapes. */
function spellText(value: string, escapes: readonly boolean[]): string {
  const spelled = [...value.split('')].map((unit, i) =>
    escapes[i] === true ? `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}` : JSON.stringify(unit).slice(1, -1),
  )
  return `"${spelled.join('')}"`
}

const NAMES = ['a', 'b', 'kid', '', '__proto__', 'toString', '"', '\\', '}', '{"', ':', 'é', '\ud83d\ude00', '\n']

const name = fc
  .tuple(fc.oneof(fc.constantFrom(...NAMES), fc.string({ maxLength: 3, unit: 'binary' })), fc.array(fc.boolean()))
  .map(([value, escapes]) => ({ value, text: spellText(value, escapes) }))

const leaf: fc.Arbitrary<Spelled> = fc.oneof(
  fc
    .constantFrom(
      'null',
      'true',
      'false',
      '0',
      '-0',
      '1.5e3',
      '1E-2',
      '1e400',
      '"}"',
      '"{\\"a\\":1,\\"a\\":2}"',
      '[]',
      '{}',
    )
    .map((text) => ({ text, value: JSON.parse(text), duplicates: false })),
  name.map(({ value, text }) => ({ text, value, duplicates: false })),
)

const { object } = fc.letrec<{ value: Spelled; array: Spelled; object: Spelled }>((tie) => ({
  value: fc.oneof({ depthSize: 'small', withCrossShrink: true }, leaf, tie('array'), tie('object')),
  array: fc.tuple(space, fc.array(tie('value'), { maxLength: 3 })).map(([blank, items]) => ({
    text: `[${items.map(({ text }) => blank + text + blank).join(',')}]`,
    value: items.map(({ value }) => value),
    duplicates: items.some(({ duplicates }) => duplicates),
  })),
  object: fc.tuple(space, fc.array(fc.tuple(name, tie('value')), { maxLength: 4 })).map(([blank, members]) => ({
    text: `{${members.map(([{ text }, value]) => `${blank}${text}${blank}:${value.text}${blank}`).join(',')}}`,
    value: Object.fromEntries(members.map(([{ value: key }, { value }]) => [key, value])),
    duplicates:
      new Set(members.map(([{ value }]) => value)).size < members.length ||
      members.some(([, { duplicates }]) => duplicates),
  })),
}))

export const jsonObjects: fc.Arbitrary<Spelled> = object

/** Whether a text that is JSON has a duplicate name: read once more, character by character, as RFC 8259 writes it. */
export function hasDuplicateNames(text: string): boolean {
  let at = 0
  let found = false

  function blank(): void {
    while (' \t\n\r'.includes(text[at] ?? 'x')) at++
  }
  function textual(): string {
    const start = at++
    while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1
    at++
    return JSON.parse(text.slice(start, at))
  }
  function members(): void {
    const names: string[] = []
    at++
    blank()
    while (text[at] !== '}') {
      names.push(textual())
      blank()
      at++ // the colon
      value()
      if (text[at] === ',') at++
      blank()
    }
    at++
    found ||= names.some((name, i) => names.indexOf(name) !== i)
  }
  function items(): void {
    at++
    blank()
    while (text[at] !== ']') {
      value()
      if (text[at] === ',') at++
      blank()
    }
    at++
  }
  function value(): void {
    blank()
    if (text[at] === '{') members()
    else if (text[at] === '[') items()
    else if (text[at] === '"') textual()
    else while (/[-+.\w]/.test(text[at] ?? '')) at++
    blank()
  }

  value()
  return found
}
