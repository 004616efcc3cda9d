import type { Answer } from '@latchkey/core'

/** Outside of every service: nobody's envelope. */
export const NOWHERE: Answer = { status: 404, body: { error: 'Not Found' } }

export function pathOf(target: string): string {
  return target.split('?', 1)[0] as string
}

export function queryOf(target: string | undefined): URLSearchParams {
  return new URLSearchParams(target?.split('?').slice(1).join('?'))
}
