/** What holds of permissions, digests, platforms and fields, whatever they are given. */
import { createHash, createHmac } from 'node:crypto'
import { rawFields } from '@latchkey/core/node'
import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { covers, planDenial } from '../../packages/core/src/authorize.ts'
import type { Contract } from '../../packages/core/src/contract.ts'
import { digestKey, digitsOf, equalDigests } from '../../packages/core/src/digest.ts'
import * as node from '../../packages/core/src/platform/node.ts'
import * as web from '../../packages/core/src/platform/web.ts'
import { holds } from './runs.ts'
import { anyText, brokenText } from './texts.ts'

describe('permissions and plans', () => {
  const NAMES = ['read', 'write', 'admin', 'data:read', 'data:write', 'data:x:y', '__proto__', 'constructor']
  const COVERED = [...NAMES, '*', 'data:*', 'data:x:*', ':*', 'x:*']
  const tables = fc.dictionary(fc.constantFrom(...NAMES), fc.array(fc.constantFrom(...COVERED), { maxLength: 3 }))
  const granted = fc.array(fc.oneof(fc.constantFrom(...COVERED), anyText), { maxLength: 3 })
  const needed = fc.constantFrom(...NAMES)
  const contractOf = (permissions: Record<string, readonly string[]>) => ({ permissions }) as unknown as Contract

  /** All that is covered, by adding until nothing is new. */
  function reference(
    table: Readonly<Record<string, readonly string[]>>,
    grants: readonly string[],
    need: string,
  ): boolean {
    let known = new Set(grants)
    for (;;) {
      const more = new Set([
        ...known,
        ...Object.entries(table).flatMap(([name, also]) => (known.has(name) ? also : [])),
      ])
      if (more.size === known.size) break
      known = more
    }
    return [...known].some((it) => it === need || it === '*' || (it.endsWith(':*') && need.startsWith(it.slice(0, -1))))
  }

  holds(
    'covers what follows from the table, and nothing else',
    fc.property(tables, granted, needed, (table, grants, need) => {
      expect(covers(contractOf(table), grants, need)).toBe(reference(table, grants, need))
    }),
  )

  holds(
    'covers no less with one more grant',
    fc.property(tables, granted, granted, needed, (table, grants, more, need) => {
      if (covers(contractOf(table), grants, need))
        expect(covers(contractOf(table), [...more, ...grants], need)).toBe(true)
    }),
  )

  const ladder = ['free', 'pro', 'business', 'enterprise']
  holds(
    'reaches the plans up to its own, and an unknown plan reaches none',
    fc.property(fc.oneof(fc.constantFrom(...ladder), anyText), fc.constantFrom(...ladder), (plan, needs) => {
      const denied = planDenial({ plans: ladder } as unknown as Contract, plan, { plan: needs })
      const reached = ladder.slice(ladder.indexOf(needs)).includes(plan)
      expect(denied === undefined).toBe(reached)
    }),
  )
})

describe('digests', () => {
  const text = fc.oneof(anyText, brokenText)
  const pepper = fc.string({ minLength: 32, maxLength: 80, unit: 'binary' })

  holds(
    'are SHA-256, and with a pepper HMAC-SHA-256 of the digest',
    fc.property(text, pepper, (key, pepper) => {
      const digest = createHash('sha256').update(key, 'utf8').digest()
      expect(digestKey(key)).toBe(digest.toString('hex'))
      expect(digestKey(key, pepper)).toBe(createHmac('sha256', pepper).update(digest).digest('hex'))
    }),
  )

  holds(
    'are equal when their texts are, and comparing never throws',
    fc.property(text, text, (a, b) => {
      expect(equalDigests(a, b)).toBe(a === b)
      expect(equalDigests(a, a)).toBe(true)
    }),
  )

  holds(
    'give ten digits',
    fc.property(text, (key) => {
      expect(digitsOf(digestKey(key))).toMatch(/^[0-9]{10}$/)
    }),
  )
})

describe('the two platforms', () => {
  const text = fc.oneof(anyText, brokenText)

  holds(
    'make the same digests and MACs',
    fc.property(text, text, (a, b) => {
      expect(web.sha256(a)).toBe(node.sha256(a))
      expect(web.hmacBase64Url(web.hmacKeyOf(a), b)).toBe(node.hmacBase64Url(node.hmacKeyOf(a), b))
      expect(web.hmacOfBytes(a, node.sha256(b))).toBe(node.hmacOfBytes(a, node.sha256(b)))
      expect(web.hexOfBytes(node.sha256(a))).toBe(node.hexOfBytes(node.sha256(a)))
    }),
  )

  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 12 }),
    fc.string({ unit: 'binary' }).map((it) => new Uint8Array(Buffer.from(it))),
    // Bytes from which UTF-8 is made and broken.
    fc
      .array(
        fc.constantFrom(0x41, 0x7f, 0x80, 0xbf, 0xc0, 0xc2, 0xe0, 0xed, 0xa0, 0xef, 0xbb, 0xf0, 0x90, 0xf4, 0x8f, 0xff),
        { maxLength: 8 },
      )
      .map((it) => Uint8Array.from(it)),
  )
  holds(
    'read the same texts from bytes, and refuse the same bytes',
    fc.property(bytes, (bytes) => {
      const encoded = Buffer.from(bytes).toString('base64url')
      const text = node.textOfBase64Url(encoded)
      expect(web.textOfBase64Url(encoded)).toBe(text)
      if (text !== undefined) expect(new Uint8Array(Buffer.from(text, 'utf8'))).toEqual(bytes)
    }),
  )
})

describe('rawFields', () => {
  const names = fc.constantFrom(
    'x-api-key',
    'X-Api-Key',
    'authorization',
    'Authorization',
    'AUTHORIZATION',
    'x-other',
    'cookie',
  )
  // As the parser hands them on: Latin-1 without controls, and without white space around.
  const values = fc
    .array(fc.oneof(fc.integer({ min: 0x20, max: 0x7e }), fc.integer({ min: 0x80, max: 0xff }), fc.constant(0x09)), {
      maxLength: 12,
    })
    .map((codes) => String.fromCharCode(...codes).replace(/^[\t ]+|[\t ]+$/g, ''))
  const lines = fc.array(fc.tuple(names, values), { maxLength: 8 })

  holds(
    'joins lines as Headers does',
    fc.property(lines, names, (lines, name) => {
      // `append` would refuse nothing of this; but Fetch separates cookies by a semicolon, and HTTP by a line.
      const headers = new Headers(lines.filter(([name]) => name !== 'cookie'))
      const fields = rawFields({ rawHeaders: lines.filter(([name]) => name !== 'cookie').flat() })
      expect(fields.get(name)).toBe(headers.get(name))
    }),
  )
})
