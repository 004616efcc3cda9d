/** Where a contract says that a credential is carried. Nothing else is read: no query string, no cookie, no body. */
export type Carrier = { readonly kind: 'header'; readonly name: string } | { readonly kind: 'bearer' }

/** A header field whose whole value is the key, such as `x-api-key`. */
export function header(name: string): Carrier {
  return { kind: 'header', name }
}

/** `Authorization: Bearer …` (RFC 6750 §2.1). */
export function bearer(): Carrier {
  return { kind: 'bearer' }
}

export function fieldNameOf(carrier: Carrier): string {
  return carrier.kind === 'bearer' ? 'Authorization' : carrier.name
}

/**
 * The request's header fields, as `Headers` gives them: by name without regard to case, the lines of one name joined by
 * a comma and a blank, the value without surrounding white space; `null` or `undefined` when there is no such line.
 */
export interface Fields {
  get(name: string): string | null | undefined
}

/** What a carrier holds, as it was sent. */
export interface Presented {
  readonly carrier: Carrier
  /** The field's value, for a bearer without its scheme. */
  readonly text: string
  /** It is no credential, whatever its text is: there are two lines, or the wrong separator. */
  readonly isBroken: boolean
}

/** Longer credentials are refused before anything is decoded or hashed. In bytes: a credential is ASCII. */
export const MAX_CREDENTIAL_LENGTH = 8192

/**
 * Takes what was presented from the first carrier that holds something. That one decides, even if it is wrong and a later
 * carrier holds a good one: which of two credentials counts is never a choice of the sender (RFC 9110 §5.3).
 *
 * Does not check how it is written: see `isWellFormed`.
 */
export function presented(carriers: readonly Carrier[], fields: Fields): Presented | undefined {
  for (const carrier of carriers) {
    const value = fields.get(fieldNameOf(carrier))
    // An empty value counts as absent: it is what a client with an unset variable sends.
    if (value === null || value === undefined || value === '') continue
    // Two lines of a singleton field are an error. Fetch joins them by a comma, so one line with a comma is one too.
    if (value.includes(',')) return { carrier, text: value, isBroken: true }
    if (carrier.kind === 'header') return { carrier, text: value, isBroken: false }
    const text = bearerOf(value)
    if (text !== '') return { carrier, text, isBroken: value.charAt(6) !== ' ' }
  }
  return undefined
}

// RFC 6750 §2.1: "Bearer" 1*SP b64token, the scheme without regard to case (RFC 9110 §11.1). Another scheme, or the
// scheme alone, is no credential of this carrier.
function bearerOf(value: string): string {
  // As most write it there is no text to make.
  const isBearer = value.startsWith('Bearer') || value.slice(0, 6).toLowerCase() === 'bearer'
  if (!isBearer || value.length < 7) return ''
  const separator = value.charAt(6)
  if (separator !== ' ' && separator !== '\t') return ''
  return value.charAt(7) === ' ' ? value.slice(7).replace(/^ +/, '') : value.slice(7)
}

/**
 * Whether it is written as a credential of its carrier may be: a bearer as RFC 6750 §2.1 says, a header's printable ASCII
 * without blank. No key is written otherwise, and UTF-8 would arrive as Latin-1.
 */
export function isWellFormed({ carrier, text, isBroken }: Presented): boolean {
  if (isBroken || text.length > MAX_CREDENTIAL_LENGTH) return false
  return carrier.kind === 'bearer' ? /^[A-Za-z0-9\-._~+/]+=*$/.test(text) : /^[\x21-\x7e]+$/.test(text)
}
