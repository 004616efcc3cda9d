import type { Answer, Everyone, Principal } from '@latchkey/core'
import type { ProvenBy } from '../service.ts'

/** Outside of every service: nobody's envelope. */
export const NOWHERE: Answer = { status: 404, body: { error: 'Not Found' } }

export function pathOf(target: string): string {
  return target.split('?', 1)[0] as string
}

export function queryOf(target: string | undefined): URLSearchParams {
  return new URLSearchParams(target?.split('?').slice(1).join('?'))
}

export function provenBy(principal: Principal | Everyone | undefined): ProvenBy {
  return principal === undefined || principal.via === 'none' ? undefined : principal
}
