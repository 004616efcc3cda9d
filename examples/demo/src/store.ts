import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { KeyStore } from '@latchkey/core'
import { openStore, printableUrl } from 'latchkey'

export interface OpenedStore {
  readonly store: KeyStore
  /** Without a password. */
  readonly url: string
  /** What is in it is there for the next run, and for others. */
  readonly lasts: boolean
  close(): Promise<void>
}

/** A store that cannot be had: one line for the terminal, without a password. */
export class StoreProblem extends Error {
  constructor(what: string, cause: unknown) {
    super(`${what}: ${reasonOf(cause)}`)
  }
}

/** Opens the store that a URL names, or without one a new SQLite file that is gone when it is closed. */
export async function openDemoStore(url: string | undefined): Promise<OpenedStore> {
  if (url === undefined) return openFreshStore()
  const store = await openNamedStore(url)
  const close = async () => store.close()
  return { store, url: printableUrl(url), lasts: store.capabilities.durable, close }
}

async function openFreshStore(): Promise<OpenedStore> {
  const directory = await mkdtemp(join(tmpdir(), 'latchkey-demo-')).catch((error) => {
    throw new StoreProblem('no new SQLite file can be made; choose a store with --store=URL', error)
  })
  const url = `sqlite:${join(directory, 'keys.db')}`
  const store = await openNamedStore(url)
  const close = async () => {
    await store.close()
    await rm(directory, { recursive: true, force: true })
  }
  return { store, url, lasts: false, close }
}

async function openNamedStore(url: string): Promise<KeyStore> {
  try {
    return await openStore(url)
  } catch (error) {
    // A TypeError is about the URL.
    throw new StoreProblem(
      error instanceof TypeError ? '--store' : `the store ${printableUrl(url)} cannot be opened`,
      error,
    )
  }
}

/** Some of the drivers' errors have no message. */
function reasonOf(error: unknown): string {
  const { message, code } = error as NodeJS.ErrnoException
  return (message || code || 'no reason is given').split('\n', 1).join()
}
