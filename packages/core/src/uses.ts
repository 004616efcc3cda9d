import { attempt } from './attempt.ts'
import type { KeyReader } from './store.ts'
import { unheld } from './timer.ts'

/** How long uses are collected before they are written, in milliseconds. */
const INTERVAL = 1000

export interface Uses {
  note(keyId: string, at: number): void
  /** Writes what was noted. */
  flush(): Promise<void>
}

/**
 * Collects when keys were used, so that a request writes nothing: a store is told at most once a second. What it does not
 * take is lost, and so is the last second of a process that is killed: when a key was last used is for people to look at.
 * On Workers, where nothing runs between requests, `ctx.waitUntil(auth.close())` writes what a request has noted.
 */
export function useRecorder(service: string, store: KeyReader, timeout: number): Uses {
  let noted = new Map<string, number>()
  let timer: ReturnType<typeof setTimeout> | undefined
  let startedAt = -Infinity
  let writing: Promise<void> = Promise.resolve()

  async function write(): Promise<void> {
    const uses = [...noted].map(([keyId, at]) => ({ service, keyId, at }))
    noted = new Map()
    if (uses.length > 0) await attempt(() => store.recordUses?.(uses), timeout)
  }

  async function flush(): Promise<void> {
    clearTimeout(timer)
    // After what is being written: who closes the store next waits for both. Not for ever: on Workers a write is cut off
    // with the request that began it.
    const before = writing
    writing = (async () => {
      await attempt(() => before, timeout)
      await write()
    })()
    await writing
    clearTimeout(timer)
    timer = undefined
    if (noted.size > 0) start()
  }

  function start(): void {
    startedAt = performance.now()
    timer = unheld(setTimeout(flush, INTERVAL))
  }

  return {
    note(keyId: string, at: number): void {
      if (store.recordUses === undefined) return
      // A slow request is noted after a later one.
      noted.set(keyId, Math.max(at, noted.get(keyId) ?? at))
      // The next one waits until this one is written: a store that is slow is not asked twice. On Workers a timer goes
      // with its request: one that is long overdue is not waited for.
      if (timer === undefined || performance.now() - startedAt > INTERVAL + 2 * timeout) start()
    },
    flush,
  }
}
