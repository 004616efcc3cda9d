/** Which situations concern a provider, and what it answers in each. */
import type { DenialCode } from '@latchkey/core'
import type { Expected, Provider } from './providers.ts'
import { type Arranged, SITUATIONS, type Situation } from './situations.ts'
import type { Answer } from './wire.ts'

export const CODES = Object.keys(SITUATIONS) as DenialCode[]

export function situationsOf(code: DenialCode, provider: Provider): Situation[] {
  const kind = provider.credential === 'token' ? 'token' : 'key'
  return SITUATIONS[code].filter(({ only = kind }) => only === kind)
}

export function expectedOf({ answers, variants }: Provider, code: DenialCode, { name }: Situation): Expected {
  return variants?.[name] ?? answers[code]
}

export function headersOf(provider: Provider, arranged: Arranged, { body, headers }: Expected): Answer['headers'] {
  return {
    'content-type': provider.contentType,
    'content-length': String(Buffer.byteLength(body)),
    'cache-control': 'no-store',
    // Denied on the route: the request was let in by the mount, and the answer says what that depends on.
    ...((arranged.requires ?? arranged.deny) && { vary: provider.vary }),
    ...headers,
  }
}
