/** What holds of every parser and format, whatever it is given. */
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect } from 'vitest'
import {
  bearer,
  type Carrier,
  type Fields,
  header,
  isWellFormed,
  presented,
} from '../../packages/core/src/credential.ts'
import { type KeyFormat, keyCodec } from '../../packages/core/src/key-format.ts'
import { parseObject } from '../../packages/core/src/parse-object.ts'
import { parseToken } from '../../packages/core/src/parse-token.ts'
import { hasDuplicateNames, jsonObjects } from './json.ts'
import { holds } from './runs.ts'
import { anyText, brokenText } from './texts.ts'

const base64url = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('base64url'))

/** The object as `JSON.parse` reads it, if no name is there twice. */
function referenceObject(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject && !hasDuplicateNames(text) ? { ...value } : undefined
  } catch {
    return undefined
  }
}

function isDeeplyFrozen(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true
  return Object.isFrozen(value) && Object.values(value).every(isDeeplyFrozen)
}

const plain = (value: Readonly<Record<string, unknown>> | undefined) =>
  value === undefined ? undefined : Object.fromEntries(Object.entries(value))

describe('parseObject', () => {
  holds(
    'reads what JSON.parse reads, and refuses a name that is there twice at any depth',
    fc.property(jsonObjects, ({ text, value, duplicates }) => {
      expect(hasDuplicateNames(text)).toBe(duplicates)
      expect(plain(parseObject(text))).toEqual(duplicates ? undefined : value)
    }),
  )

  holds(
    'agrees with a plain reader about texts with one character changed',
    fc.property(jsonObjects, fc.nat(), fc.constantFrom('', ...'"\\{}[]:,a1 \0\ufeffé'), ({ text }, at, character) => {
      const i = at % (text.length + 1)
      const changed = text.slice(0, i) + character + text.slice(i + 1)
      expect(plain(parseObject(changed))).toEqual(referenceObject(changed))
    }),
  )

  holds(
    'never throws, and gives nothing but frozen objects in which no name is that nobody wrote',
    fc.property(fc.oneof(anyText, brokenText, fc.json()), (text) => {
      const value = parseObject(text)
      if (value === undefined) return
      const found: string[] = []
      for (const name of Object.getOwnPropertyNames(Object.prototype)) if (name in value) found.push(name)
      expect(found.filter((name) => !Object.hasOwn(value, name))).toEqual([])
      expect(isDeeplyFrozen(value)).toBe(true)
    }),
  )
})

describe('parseToken', () => {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const signature = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((it) => Buffer.from(it).toString('base64url'))
  const members = fc.dictionary(fc.string({ maxLength: 8 }), fc.jsonValue({ maxDepth: 1 }), { maxKeys: 3 })
  const made = fc
    .record({ kid: fc.string({ minLength: 1, unit: 'grapheme' }), more: members, claims: members, signature })
    .map(({ kid, more, claims, signature }) => {
      const { crit: _crit, b64: _b64, typ: _typ, ...rest } = more
      return { kid, claims, signature, text: `${part({ ...rest, alg: 'HS256', kid })}.${part(claims)}.${signature}` }
    })

  holds(
    'takes apart what was put together',
    fc.property(made, ({ kid, claims, signature, text }) => {
      const token = parseToken(text)
      if (!/^[\x20-\x7e]{1,256}$/.test(kid)) {
        expect(token).toBeUndefined()
        return
      }
      expect(token).toMatchObject({ kid, signature })
      expect(plain(token?.claims)).toEqual(JSON.parse(JSON.stringify(claims)))
      expect(`${token?.signingInput}.${token?.signature}`).toBe(text)
    }),
  )

  holds(
    'takes one text alone for given bytes',
    fc.property(made, fc.nat(), fc.string({ maxLength: 2, unit: 'binary' }), ({ text }, at, insertion) => {
      const i = at % text.length
      for (const changed of [
        text.slice(0, i) + insertion + text.slice(i),
        text.slice(0, i) + insertion + text.slice(i + 1),
      ]) {
        if (parseToken(changed) === undefined) continue
        const spelled = changed.split('.').map((it) => Buffer.from(it, 'base64url').toString('base64url'))
        expect(spelled.join('.')).toBe(changed)
      }
    }),
  )

  const shaped = fc.array(fc.oneof(base64url, anyText), { maxLength: 5 }).map((parts) => parts.join('.'))
  holds(
    'never throws',
    fc.property(fc.oneof(anyText, brokenText, shaped), (text) => {
      parseToken(text)
    }),
  )
})

describe('keyCodec', () => {
  const formats = fc
    .record({
      prefix: fc.stringMatching(/^[!#-+\--~]{0,12}$/),
      length: fc.integer({ min: 32, max: 200 }),
      alphabet: fc.constantFrom('base36', 'base62'),
      checksum: fc.boolean(),
      id: fc.option(fc.record({ prefix: fc.stringMatching(/^[a-z_]{0,6}$/) }), { nil: undefined }),
    })
    .map(({ id, ...format }): KeyFormat => (id === undefined ? format : { ...format, id }))
  const checked = formats.map((format): KeyFormat => ({ ...format, checksum: true }))

  /** The six characters of a CRC-32 by another implementation. */
  const checksumOf = (text: string, alphabet: string) => {
    const digits = '0123456789abcdefghijklmnopqrstuvwxyz'
    const letters =
      alphabet === 'base36' ? digits : `${digits.slice(0, 10)}ABCDEFGHIJKLMNOPQRSTUVWXYZ${digits.slice(10)}`
    let rest = BigInt(crc32(text))
    let written = ''
    for (let i = 0; i < 6; i++) {
      written = letters.charAt(Number(rest % BigInt(letters.length))) + written
      rest /= BigInt(letters.length)
    }
    return written
  }

  holds(
    'accepts what it mints, and finds the id in it',
    fc.property(formats, (format) => {
      const codec = keyCodec(format)
      const { text, id } = codec.mint()
      expect(codec.accepts(text)).toBe(true)
      expect(codec.idIn(text)).toBe(id)
      expect(id === undefined).toBe(format.id === undefined)
      expect(text.startsWith(format.prefix)).toBe(true)
      expect(text).toMatch(/^[!-~]+$/)
      expect(text).not.toContain(',')
      if (format.checksum) expect(text.slice(-6)).toBe(checksumOf(text.slice(0, -6), format.alphabet))
      const rotated = codec.mint(id)
      expect(rotated.id).toBe(id)
      expect(rotated.text).not.toBe(text)
      expect(codec.display(text).length).toBe(format.prefix.length + 5)
    }),
  )

  const letters = fc.constantFrom(...'0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_ .')
  holds(
    'notices a single changed character',
    fc.property(checked, fc.nat(), letters, (format, position, letter) => {
      const codec = keyCodec(format)
      const { text } = codec.mint()
      const at = position % text.length
      const typo = text.slice(0, at) + letter + text.slice(at + 1)
      expect(codec.accepts(typo)).toBe(typo === text)
    }),
  )

  holds(
    'notices a character that is missing, doubled or swapped with the next',
    fc.property(checked, fc.nat(), (format, position) => {
      const codec = keyCodec(format)
      const { text } = codec.mint()
      const at = position % (text.length - 1)
      expect(codec.accepts(text.slice(0, at) + text.slice(at + 1))).toBe(false)
      expect(codec.accepts(text.slice(0, at + 1) + text.slice(at))).toBe(false)
      const swapped = text.slice(0, at) + text.charAt(at + 1) + text.charAt(at) + text.slice(at + 2)
      expect(codec.accepts(swapped)).toBe(swapped === text)
    }),
  )

  holds(
    'never throws, whatever text it is asked about',
    fc.property(formats, fc.oneof(anyText, brokenText), (format, text) => {
      const codec = keyCodec(format)
      for (const it of [text, format.prefix + text]) {
        expect(codec.accepts(it)).toBe(false)
        codec.idIn(it)
        codec.display(it)
      }
    }),
  )
})

/** What is found, and whether it is one. */
function extract(carriers: readonly Carrier[], fields: Fields) {
  const found = presented(carriers, fields)
  if (found === undefined) return { kind: 'missing' } as const
  return { kind: isWellFormed(found) ? 'credential' : 'malformed', text: found.text } as const
}

describe('presented', () => {
  const carriers = fc.uniqueArray(fc.constantFrom<Carrier>(header('x-api-key'), header('x-other'), bearer()), {
    minLength: 1,
    selector: (carrier) => (carrier.kind === 'bearer' ? '' : carrier.name),
  })
  const token = fc.stringMatching(/^[A-Za-z0-9._~+/-]{1,20}={0,2}$/)
  const value = fc.oneof(
    anyText,
    brokenText,
    token,
    fc
      .tuple(
        fc.constantFrom('Bearer', 'bearer', 'BEARER', 'Basic', 'Bear', ''),
        fc.constantFrom(' ', '  ', '\t', ' \t', ''),
        fc.oneof(token, anyText),
      )
      .map((parts) => parts.join('')),
    fc.constantFrom(null, undefined, '', ',', ', ', 'Bearer', 'Bearer ', 'Bearer,'),
  )
  const fields = fc.record({ 'x-api-key': value, 'x-other': value, Authorization: value })

  holds(
    'never throws, and gives a credential without comma, blank or control character',
    fc.property(carriers, fields, (carriers, values) => {
      const found = extract(carriers, { get: (name) => values[name as keyof typeof values] })
      if (found.kind === 'credential') expect(found.text).toMatch(/^[\x21-\x2b\x2d-\x7e]{1,8192}$/)
      if (found.kind === 'malformed') expect(found.text).not.toBe('')
    }),
  )

  holds(
    'lets the first carrier that holds something decide',
    fc.property(carriers, fields, (carriers, values) => {
      const get = (name: string) => values[name as keyof typeof values]
      const alone = carriers.map((carrier) => extract([carrier], { get }))
      expect(extract(carriers, { get })).toEqual(alone.find(({ kind }) => kind !== 'missing') ?? { kind: 'missing' })
    }),
  )

  holds(
    'finds the token behind Bearer in any case and with any number of blanks',
    fc.property(
      token,
      fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
      fc.integer({ min: 1, max: 9 }),
      (text, upper, blanks) => {
        const scheme = [...'bearer'].map((letter, i) => (upper[i] ? letter.toUpperCase() : letter)).join('')
        const get = () => scheme + ' '.repeat(blanks) + text
        expect(extract([bearer()], { get })).toMatchObject({ kind: 'credential', text })
      },
    ),
  )
})
