import { LRUCache } from 'lru-cache'
import { textOfBase64Url } from '#platform'
import { parseObject } from './parse-object.ts'

/** A token taken apart. Nothing in it is believed until its signature has been checked. */
export interface ParsedToken {
  /** One of the algorithms that were asked for. */
  readonly alg: string
  readonly kid: string
  readonly claims: Readonly<Record<string, unknown>>
  /** Header and claims as they were signed. */
  readonly signingInput: string
  readonly signature: string
}

/** 32 bytes in base64url. */
const HS256_SIGNATURE_LENGTH = 43

/**
 * Takes a token apart, or answers `undefined` when it is none that could verify: three parts of canonical base64url
 * (RFC 7515 §2), header and claims JSON objects in UTF-8 without duplicate names (RFC 8259, RFC 7515 §4), `alg` exactly
 * one of `algorithms`, a `kid`, `typ` absent or `JWT`, no `crit` (RFC 7515 §4.1.11) and no `b64` (RFC 7797).
 *
 * `jwk`, `jku`, `x5u`, `x5c` and `zip` are ignored, never followed. Does not check the signature or any claim.
 */
export function parseToken(text: string, algorithms: readonly string[] = ['HS256']): ParsedToken | undefined {
  const headerEnd = text.indexOf('.')
  const claimsEnd = text.indexOf('.', headerEnd + 1)
  if (headerEnd < 0 || claimsEnd < 0) return undefined
  // A dot in it, of a fourth part, is no base64url.
  const signature = text.slice(claimsEnd + 1)
  if (!isCanonicalBase64Url(signature)) return undefined

  const header = headerOf(text.slice(0, headerEnd))
  // One key, one algorithm (RFC 8725 §3.1): it is fixed by the verifier, and the token may only agree.
  if (header === undefined || !algorithms.includes(header.alg)) return undefined
  if (header.alg === 'HS256' && signature.length !== HS256_SIGNATURE_LENGTH) return undefined

  const claims = objectOf(text.slice(headerEnd + 1, claimsEnd))
  if (claims === undefined) return undefined
  const { alg, kid } = header
  return { alg, kid, claims, signingInput: text.slice(0, claimsEnd), signature }
}

interface Header {
  readonly alg: string
  readonly kid: string
}

interface KnownHeader extends Header {
  readonly encoded: string
}

/** Those of clients that come again: a client signs with the same one each time. Longer ones would hold too much. */
const headers = new LRUCache<string, KnownHeader>({ max: 1000 })
const LONGEST_KEPT = 512

/** The one that came last: to compare a text takes a fraction of what it takes to look it up. */
let last: KnownHeader | undefined

function headerOf(encoded: string): Header | undefined {
  if (last?.encoded === encoded) return last
  const known = headers.get(encoded)
  if (known !== undefined) {
    last = known
    return known
  }
  const header = readHeader(encoded)
  if (header === undefined || encoded.length > LONGEST_KEPT) return header
  last = { ...header, encoded: copyOf(encoded) }
  headers.set(last.encoded, last)
  return last
}

/** A part of a text holds all of it: a token that works would stay in memory with its header. */
function copyOf(ascii: string): string {
  return String.fromCharCode(...Array.from(ascii, (character) => character.charCodeAt(0)))
}

function readHeader(encoded: string): Header | undefined {
  const header = objectOf(encoded)
  if (header === undefined) return undefined
  const { alg, kid } = header
  if (typeof alg !== 'string' || 'crit' in header || 'b64' in header) return undefined
  const isHs256 = alg === 'HS256'
  if ('typ' in header && !isType(header.typ, isHs256 ? ['JWT'] : ['JWT', ...ACCESS_TOKEN_TYPES])) return undefined
  if (typeof kid !== 'string' || kid === '' || (isHs256 && !KEY_ID.test(kid))) return undefined
  return { alg, kid }
}

/**
 * The ids that the store is asked for before anything is proven: a database refuses NUL, and its fault must not be a
 * stranger's to make.
 */
const KEY_ID = /^[\x20-\x7e]{1,256}$/

/** Identity providers may name access tokens so (RFC 9068 §2.1). */
const ACCESS_TOKEN_TYPES = ['AT+JWT', 'APPLICATION/AT+JWT']

function isType(typ: unknown, accepted: readonly string[]): boolean {
  return typeof typ === 'string' && accepted.includes(typ.toUpperCase())
}

function objectOf(encoded: string): Readonly<Record<string, unknown>> | undefined {
  if (!isCanonicalBase64Url(encoded)) return undefined
  const text = textOfBase64Url(encoded)
  return text === undefined ? undefined : parseObject(text)
}

// The characters whose low four, or low two, bits are zero: the only ones that may end a group of two, or of three.
const ENDS_GROUP_OF_TWO = 'AQgw'
const ENDS_GROUP_OF_THREE = 'AEIMQUYcgkosw048'

/** Only one text spells given bytes: otherwise a changed unused bit would make another token of the same signature. */
function isCanonicalBase64Url(text: string): boolean {
  if (!/^[A-Za-z0-9_-]+$/.test(text)) return false
  const last = text.charAt(text.length - 1)
  switch (text.length % 4) {
    case 0:
      return true
    case 2:
      return ENDS_GROUP_OF_TWO.includes(last)
    case 3:
      return ENDS_GROUP_OF_THREE.includes(last)
    default:
      return false
  }
}
