import type { Page, PageQuery } from './store.ts'

/** Where an item stands in a list: by a number, then by a text. */
interface Place {
  readonly order: number
  readonly id: string
}

/**
 * A page of what is in memory.
 *
 * @throws TypeError when `after` is not the `next` of a page.
 */
export function pageOf<T>(items: readonly (Place & { readonly item: T })[], { after, limit }: PageQuery): Page<T> {
  const from = after === undefined ? undefined : placeOf(after)
  const rest = items.filter((place) => from === undefined || compare(from, place) < 0).sort(compare)
  const last = rest[limit - 1]
  return {
    items: rest.slice(0, limit).map(({ item }) => item),
    next: last === undefined || rest.length === limit ? null : `${last.order}:${last.id}`,
  }
}

function placeOf(cursor: string): Place {
  const [, order, id = ''] = /^(-?\d{1,16}):(.*)$/s.exec(cursor) ?? []
  if (order === undefined) throw new TypeError('after must be the `next` of a page')
  return { order: Number(order), id }
}

function compare(a: Place, b: Place): number {
  return a.order - b.order || (a.id < b.id ? -1 : Number(a.id > b.id))
}
