import { LRUCache } from 'lru-cache'
import { sha256 } from '#platform'
import type { Awaitable } from './awaitable.ts'
import type { Denied } from './outcome.ts'
import type { Principal } from './principal.ts'

/** Whom a token that was good proves now. `undefined`: it may not hold any more, and has to be verified again. */
export type Recall = (now: number) => Awaitable<Principal | Denied> | undefined

/** Remembers what tokens have proven, for those that come again. */
export interface SeenTokens {
  find(text: string): Recall | undefined
  /** Marks a token that was good. True: it was marked before, so it comes again and is to be kept. */
  mark(text: string): boolean
  keep(text: string, recall: Recall): void
}

/** How many tokens a process remembers, by their digest: a token is long, and works for who has it. */
const TOKENS = 10_000

/** Of so many tokens it is known that they may have been seen. */
const DOORS = 2 ** 15

/** So many of the last characters, which are the signature's, tell tokens apart well enough not to look for most. */
const TELLING = 6

/**
 * A token that is made for one request is never digested or kept: the digest alone costs an eighth of its check. The first
 * time leaves 32 bits of its signature, the second time it is kept, from the third time on it is found.
 */
export function seenTokens(): SeenTokens {
  const kept = new LRUCache<string, Recall>({ max: TOKENS })
  const doors = new Int32Array(DOORS)

  return {
    find(text) {
      const mark = markOf(text)
      return doors[mark & (DOORS - 1)] === mark ? kept.get(sha256(text)) : undefined
    },
    mark(text) {
      const mark = markOf(text)
      const wasMarked = doors[mark & (DOORS - 1)] === mark
      doors[mark & (DOORS - 1)] = mark
      return wasMarked
    },
    keep(text, recall) {
      kept.set(sha256(text), recall)
    },
  }
}

function markOf(text: string): number {
  let mark = text.length
  for (let i = Math.max(0, text.length - TELLING); i < text.length; i++) {
    mark = (Math.imul(mark, 31) + text.charCodeAt(i)) | 0
  }
  return mark
}
