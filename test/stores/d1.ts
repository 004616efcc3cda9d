/** Stores in D1, in a Worker of their own: in workerd, on the packages as they are built. */
import { fileURLToPath } from 'node:url'
import type { KeyStore } from '@latchkey/core'
import type { D1Options } from '@latchkey/store-sql/d1'
import { rolldown } from 'rolldown'
import type { Answer, Call } from './d1-worker.ts'

export interface D1Worker {
  /** Makes a store over the database. */
  open(options?: D1Options): Promise<KeyStore>
  /** Runs plain statements in one transaction. The rows of the last one. */
  run(...sql: readonly string[]): Promise<readonly Readonly<Record<string, unknown>>[]>
  stop(): Promise<void>
}

/** The Worker and all that it imports, as one module. */
export async function bundled(): Promise<{ readonly code: string; readonly imports: readonly string[] }> {
  const bundle = await rolldown({
    input: fileURLToPath(new URL('d1-worker.ts', import.meta.url)),
    platform: 'browser',
    resolve: { conditionNames: ['workerd', 'worker', 'browser'] },
  })
  const { output } = await bundle.generate({ format: 'esm', codeSplitting: false })
  await bundle.close()
  const [{ code, imports, dynamicImports, fileName }] = output
  return { code, imports: [...imports, ...dynamicImports].filter((name) => name !== fileName) }
}

const METHODS = [
  'findByDigest',
  'findSigningKey',
  'findAccount',
  'findKey',
  'listKeys',
  'insertKey',
  'rotateKey',
  'revokeKey',
  'deleteKey',
  'changeKey',
  'listSealed',
  'resealSecret',
  'listAccounts',
  'insertAccount',
  'changeAccount',
  'insertAll',
  'recordAudit',
  'listAudit',
  'recordUses',
  'listUsage',
  'close',
] satisfies (keyof KeyStore)[]

/** Starts a Worker with an empty database, without `nodejs_compat`: nothing of Node is there. */
export async function startD1(): Promise<D1Worker> {
  const { Miniflare } = await import('miniflare')
  const miniflare = new Miniflare({
    modules: [{ type: 'ESModule', path: 'worker.js', contents: (await bundled()).code }],
    compatibilityDate: '2026-04-01',
    compatibilityFlags: [],
    d1Databases: ['KEYS'],
    // Not asked from the network where this machine is.
    cf: false,
  })
  const url = await miniflare.ready

  async function call<T>(store: string, method: string, parameters: readonly unknown[]): Promise<T> {
    // What is left out is left out: a list in JSON would say null. These are always the last ones.
    const given = parameters.filter((parameter) => parameter !== undefined)
    const body = JSON.stringify({ store, method, parameters: given } satisfies Call)
    const response = await fetch(url, { method: 'POST', body })
    const { value, error } = (await response.json()) as Answer
    if (error === undefined) return value as T
    const thrown = error.name === 'TypeError' ? new TypeError(error.message) : new Error(error.message)
    throw Object.assign(thrown, error.others)
  }

  return {
    async open(options) {
      const store = crypto.randomUUID()
      const capabilities = await call(store, 'open', [options])
      const methods = (names: readonly string[], part = '') =>
        Object.fromEntries(
          names.map((name) => [name, (...parameters: unknown[]) => call(store, `${part}${name}`, parameters)]),
        )
      const limiter = methods(['take', 'undo', 'leave'], 'limiter.')
      const ledger = methods(['reserve', 'giveBack', 'read', 'change'], 'ledger.')
      return { capabilities, ...methods(METHODS), limiter, ledger } as unknown as KeyStore
    },
    run: (...sql) => call('', 'run', sql),
    stop: () => miniflare.dispose(),
  }
}
