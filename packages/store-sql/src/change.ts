import type { Change } from '@latchkey/core'

/** The change that a database tells of. Anybody who may write there may tell anything: what is not understood may be all. */
export function changeNamed(kind: unknown, service: unknown, id: unknown): Change {
  if (kind === 'key' && typeof service === 'string' && typeof id === 'string') return { kind, service, id }
  if (kind === 'account' && typeof id === 'string') return { kind, id }
  return { kind: 'all' }
}
