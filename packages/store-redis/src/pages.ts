import type { Page } from '@latchkey/core'
import { placeOf } from './names.ts'

/*
 * Where a list goes on: the `next` of a page, and what a script takes for it. One item more than asked for tells whether
 * there is more.
 */

export function pageOf<T, R>(
  items: readonly T[],
  limit: number,
  read: (item: T) => R,
  next: (item: T) => string,
): Page<R> {
  const last = items.length > limit ? items[limit - 1] : undefined
  return { items: items.slice(0, limit).map(read), next: last === undefined ? null : next(last) }
}

/** Behind the key that was made at a time and has an id: `createdAt.id`. */
export function fromKey(after: string | undefined): string {
  if (after === undefined) return '-'
  const [, at, id] = /^(-?\d{1,16})\.(.+)$/s.exec(after) ?? []
  if (at === undefined || id === undefined || Math.abs(Number(at)) > 8.64e15) throw noCursor()
  return `(${placeOf(Number(at), id)}`
}

/** Behind the account with a number. */
export function fromAccount(after: string | undefined): string {
  if (after === undefined) return '-inf'
  if (!/^\d{1,15}$/.test(after)) throw noCursor()
  return `(${after}`
}

/** Before an entry of a stream. */
export function fromEntry(after: string | undefined): string {
  if (after === undefined) return '+'
  if (!/^\d{1,15}-\d{1,15}$/.test(after)) throw noCursor()
  return `(${after}`
}

function noCursor(): TypeError {
  return new TypeError('after must be the `next` of a page')
}
