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

/** As presented: well formed for its carrier, not believed. */
export interface Credential {
  readonly kind: 'credential'
  readonly text: string
}

export type Extraction =
  | Credential
  | { readonly kind: 'missing' }
  | { readonly kind: 'malformed'; readonly text: string }

/** Longer credentials are refused before anything is decoded or hashed. In bytes: a credential is ASCII. */
const MAX_CREDENTIAL_LENGTH = 8192

const NOTHING: Extraction = Object.freeze({ kind: 'missing' })

/**
 * Takes the credential from the first carrier that holds one. That one decides, even if it is wrong and a later carrier
 * holds a good one: which of two credentials counts is never a choice of the sender (RFC 9110 §5.3).
 */
export function extract(carriers: readonly Carrier[], fields: Fields): Extraction {
  for (const carrier of carriers) {
    const value = fields.get(fieldNameOf(carrier))
    // An empty value counts as absent: it is what a client with an unset variable sends.
    if (value === null || value === undefined || value === '') continue
    // Two lines of a singleton field are an error. Fetch joins them by a comma, so one line with a comma is one too.
    if (value.includes(',')) return { kind: 'malformed', text: value }
    const found = carrier.kind === 'bearer' ? bearerOf(value) : keyOf(value)
    if (found.kind !== 'missing') return found
  }
  return NOTHING
}

// Printable ASCII without blank. No key is written otherwise, and UTF-8 would arrive as Latin-1.
function keyOf(value: string): Extraction {
  const possible = value.length <= MAX_CREDENTIAL_LENGTH && /^[\x21-\x7e]+$/.test(value)
  return { kind: possible ? 'credential' : 'malformed', text: value }
}

// RFC 6750 §2.1: "Bearer" 1*SP b64token, the scheme without regard to case (RFC 9110 §11.1). Another scheme, or the
// scheme alone, is no credential of this carrier.
function bearerOf(value: string): Extraction {
  if (value.length < 7 || value.slice(0, 6).toLowerCase() !== 'bearer') return NOTHING
  const separator = value.charAt(6)
  if (separator !== ' ' && separator !== '\t') return NOTHING
  const text = value.slice(7).replace(/^ +/, '')
  if (text === '') return NOTHING
  const possible = separator === ' ' && text.length <= MAX_CREDENTIAL_LENGTH && /^[A-Za-z0-9\-._~+/]+=*$/.test(text)
  return { kind: possible ? 'credential' : 'malformed', text }
}
