/** A wall clock of a process that can be set while it runs, by libfaketime. What is monotonic stays as it is. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Launch } from './nodes.ts'

export interface SettableClock {
  readonly launch: Launch
  /** So many hours from the time that it is. */
  set(hours: number): void
  remove(): void
}

export function settableClock(library: string): SettableClock {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-clock-'))
  const path = join(directory, 'offset')
  const set = (hours: number) => writeFileSync(path, `${hours < 0 ? '' : '+'}${hours * 3600}\n`)
  set(0)
  return {
    launch: {
      env: {
        LD_PRELOAD: library,
        FAKETIME_TIMESTAMP_FILE: path,
        FAKETIME_NO_CACHE: '1',
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
      },
    },
    set,
    remove: () => rmSync(directory, { recursive: true }),
  }
}
