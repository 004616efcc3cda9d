import type { Answer, AnyContract } from './contract.ts'
import type { Fields } from './credential.ts'
import type { DenialCode, Denied } from './outcome.ts'

/** An answer in bytes: what an adapter sends, header for header. */
export interface Rendered {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** The challenge that stands for the carriers: `Bearer` with the contract's name as realm, `APIKey` for header keys. */
function challengeOf(contract: AnyContract): string {
  if (contract.challenge !== undefined) return contract.challenge
  const schemes = contract.carriers.map((carrier) =>
    carrier.kind === 'bearer' ? `Bearer realm="${contract.name}"` : 'APIKey',
  )
  return [...new Set(schemes)].join(', ')
}

/** Turns denials into answers; rows that do not depend on the denial are rendered once, here. */
export function renderer(contract: AnyContract): (denied: Denied, fields: Fields) => Rendered {
  const challenge = challengeOf(contract)
  const constant = new Map<DenialCode, Rendered>()
  for (const [code, row] of Object.entries(contract.denials)) {
    if (typeof row !== 'function') constant.set(code as DenialCode, renderAnswer(row, challenge))
  }
  return (denied, fields) => constant.get(denied.code) ?? renderWith(contract, challenge, denied, fields)
}

/** Renders one answer, without a renderer. */
export function renderRow(contract: AnyContract, answer: Answer): Rendered {
  return renderAnswer(answer, challengeOf(contract))
}

function renderWith(contract: AnyContract, challenge: string, denied: Denied, fields: Fields): Rendered {
  return renderAnswer(answerTo(contract, denied, fields), challenge)
}

/** A contract's row for a denial. */
export function answerTo(contract: AnyContract, denied: Denied, fields: Fields): Answer {
  const row = contract.denials[denied.code] as Answer | ((denied: Denied, fields: Fields) => Answer)
  return typeof row === 'function' ? row(denied, fields) : row
}

function renderAnswer({ status, headers, body }: Answer, challenge: string): Rendered {
  const text = JSON.stringify(body)
  return Object.freeze({
    status,
    body: text,
    headers: Object.freeze({
      // No charset: JSON is UTF-8 (RFC 8259 §11), and the providers' documents show none.
      'Content-Type': 'application/json',
      'Content-Length': String(new TextEncoder().encode(text).length),
      ...(status === 401 ? { 'WWW-Authenticate': challenge } : undefined),
      ...canonical(headers),
      // Last, and so not the row's to say: a cache that kept a denial would answer for the next caller.
      'Cache-Control': 'no-store',
    }),
  })
}

const CANONICAL_NAMES = ['Content-Type', 'Content-Length', 'Cache-Control', 'WWW-Authenticate'] as const

/** Names compare without case (RFC 9110 §5.1): a row's `content-type` replaces ours and does not stand beside it. */
function canonical(headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  const entries = Object.entries(headers).map(([name, value]) => {
    return [CANONICAL_NAMES.find((known) => known.toLowerCase() === name.toLowerCase()) ?? name, value]
  })
  return Object.fromEntries(entries)
}
