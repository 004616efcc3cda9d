import { userInfo } from 'node:os'
import type { KeyStore } from '@latchkey/core'
import { openStore } from './open-store.ts'

/** What a command touches beside its own words. */
export interface World {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean | undefined }
  readonly stdout: Sink
  readonly stderr: Sink
  readonly env: Readonly<Record<string, string | undefined>>
  readonly openStore: (url: string) => Promise<KeyStore>
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Who runs it, for the audit record. */
  readonly user: () => string
}

export interface Sink {
  write(text: string): unknown
}

/** This process. */
export function processWorld(): World {
  const { stdin, stdout, stderr, env } = process
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    // `latchkey keys list | head`: the reader has enough. The exit code is what a shell gives for SIGPIPE.
    if (error.code === 'EPIPE') process.exit(141)
    throw error
  })
  return { stdin, stdout, stderr, env, openStore, now: Date.now, user }
}

// A container may run as a user id that has no name.
function user(): string {
  try {
    return userInfo().username
  } catch {
    return 'unknown'
  }
}
