import type { AnyContract, Carrier, Fields } from '@latchkey/core'
import { Failure } from './failure.ts'
import { parseJson } from './values.ts'

/** A credential as a request would carry it. */
export interface Presented {
  readonly fields: Fields
  /** How it would be looked at: by its form, nothing of it is believed. */
  readonly kind: 'key' | 'token' | 'identity'
  /** The `kid` of a token. */
  readonly kid: string | undefined
}

/**
 * Puts a text into the first of the contract's carriers that can hold it; `headers`, written `Name: value`, stand beside
 * it or hold the credential themselves.
 */
export function present(contract: AnyContract, text: string | undefined, headers: readonly string[]): Presented {
  const lines = headers.map(parseHeader)
  if (text !== undefined && text !== '') lines.push(carried(contract, text))
  const fields = fieldsOf(lines)
  const credential = text ?? credentialIn(contract, fields) ?? ''
  const { alg, kid } = headerOf(credential)
  return { fields, kind: kindOf(contract, credential, alg), kid: typeof kid === 'string' ? kid : undefined }
}

/** Whether one of the contract's carriers holds something. */
export function isCarried(contract: AnyContract, headers: readonly string[]): boolean {
  return credentialIn(contract, fieldsOf(headers.map(parseHeader))) !== undefined
}

type Line = readonly [name: string, value: string]

function parseHeader(text: string): Line {
  const [, name = '', value = ''] = /^([A-Za-z0-9!#$%&'*+.^_`|~-]+):([^\r\n]*)$/.exec(text) ?? []
  if (name === '') throw new Failure('usage', "--header must be written 'Name: value'")
  return [name.toLowerCase(), value.trim()]
}

function carried({ carriers }: AnyContract, text: string): Line {
  const fitting = carriers.find((carrier) => carrier.kind !== 'bearer' || /^[A-Za-z0-9\-._~+/]+=*$/.test(text))
  const carrier = fitting ?? carriers[0]
  return carrier?.kind === 'header' ? [carrier.name.toLowerCase(), text] : ['authorization', `Bearer ${text}`]
}

/** As `Headers` does it: the lines of one name joined by a comma. */
function fieldsOf(lines: readonly Line[]): Fields {
  return {
    get(name: string) {
      const values = lines.filter(([line]) => line === name.toLowerCase()).map(([, value]) => value)
      return values.length === 0 ? null : values.join(', ')
    },
  }
}

function credentialIn({ carriers }: AnyContract, fields: Fields): string | undefined {
  return carriers.map((carrier) => textIn(carrier, fields)).find((text) => text !== undefined)
}

function textIn(carrier: Carrier, fields: Fields): string | undefined {
  if (carrier.kind === 'header') return fields.get(carrier.name) || undefined
  return /^bearer +(.+)$/i.exec(fields.get('authorization') ?? '')?.[1]
}

function kindOf({ key, token, identity = [] }: AnyContract, text: string, alg: unknown): Presented['kind'] {
  const takesTokens = token !== undefined || identity.length > 0
  if (!takesTokens || (key !== undefined && !text.includes('.'))) return 'key'
  return identity.length > 0 && (token === undefined || alg !== 'HS256') ? 'identity' : 'token'
}

function headerOf(text: string): { readonly alg?: unknown; readonly kid?: unknown } {
  const [head = '', ...others] = text.split('.')
  const header = others.length === 2 ? parseJson(Buffer.from(head, 'base64url').toString('utf8')) : undefined
  return typeof header === 'object' && header !== null ? header : {}
}
