import {
  type Accounts,
  type AnyContract,
  type KeyStore,
  type Keys,
  type ManageOptions,
  type MasterKey,
  manageAccounts,
  manageKeys,
} from '@latchkey/core'
import { type Call, settingOf } from './call.ts'
import { Failure, failureOf } from './failure.ts'
import { schemeOf } from './open-store.ts'
import { chooseContract, contractsOf } from './services.ts'
import { printableUrl, withoutSecrets } from './store-url.ts'

/** How long the store may take for each call, in milliseconds: longer than its own timeout, which says more. */
export const TIMEOUT = 10_000

/** Opens the store for as long as it is used. Whatever fails on the way is a failure without the URL's password. */
export async function withStore<T>(call: Call, use: (store: KeyStore) => Promise<T>): Promise<T> {
  const url = storeUrl(call)
  try {
    const store = await call.world.openStore(url)
    try {
      return await use(store)
    } finally {
      await closeQuietly(store)
    }
  } catch (error) {
    if (error instanceof Failure) throw error
    // Not this program's own words: they may repeat the URL.
    const usage = failureOf(error)
    if (usage !== undefined) throw new Failure(usage.code, withoutSecrets(usage.message, url))
    const reason = withoutSecrets(reasonOf(error), url)
    throw new Failure('unavailable', `the store ${printableUrl(url)} is unavailable: ${reason}`)
  }
}

/** What was done is done: a store that does not close is no reason to hide it. */
async function closeQuietly(store: KeyStore): Promise<void> {
  try {
    await store.close()
  } catch {}
}

function storeUrl(call: Call): string {
  const url = call.options.store ?? settingOf(call, 'LATCHKEY_STORE')
  if (url === undefined) {
    throw new Failure('usage', 'no store: give --store sqlite:PATH, postgres://… or redis://…, or set LATCHKEY_STORE')
  }
  if (schemeOf(url) === 'memory' || /^sqlite:(\/\/)?:memory:/i.test(url)) {
    throw new Failure(
      'usage',
      'a store in memory is gone when this command ends: give --store sqlite:PATH, postgres://… or redis://…',
    )
  }
  return url
}

/** Drivers give errors without a message, and errors of several errors. */
export function reasonOf(error: unknown): string {
  const { message, code, errors } = (error ?? {}) as { message?: unknown; code?: unknown; errors?: unknown }
  const [line = ''] = String(message ?? '').split('\n')
  if (line !== '') return line
  if (Array.isArray(errors) && errors.length > 0) return reasonOf(errors[0])
  return typeof code === 'string' ? code : 'it does not say why'
}

/** The contract that `--service` and `--contract` choose. */
export function contractOf(call: Call): Promise<AnyContract> {
  const { service } = call.options
  return chooseContract({ service, contract: contractPath(call) })
}

/** As `contractOf`, but nothing where several could be meant. */
async function contractIfGiven(call: Call): Promise<AnyContract | undefined> {
  if (call.options.service !== undefined) return contractOf(call)
  const [contract, ...others] = await contractsOf(contractPath(call))
  return others.length === 0 ? contract : undefined
}

function contractPath(call: Call): string | undefined {
  return call.options.contract ?? settingOf(call, 'LATCHKEY_CONTRACT')
}

/** Opens the store for the keys of the contract that was chosen. */
export async function withKeys<T>(
  call: Call,
  use: (keys: Keys, contract: AnyContract, store: KeyStore) => Promise<T>,
): Promise<T> {
  const contract = await contractOf(call)
  return withStore(call, (store) => {
    const keys = manageKeys({ contract, store, ...managingOf(call), ...secretsOf(call, contract) })
    return use(keys, contract, store)
  })
}

/** Opens the store for accounts. A contract that was chosen says which plans there are. */
export async function withAccounts<T>(
  call: Call,
  use: (accounts: Accounts, contract: AnyContract | undefined) => Promise<T>,
): Promise<T> {
  const contract = await contractIfGiven(call)
  return withStore(call, (store) => {
    return use(manageAccounts({ store, plans: contract?.plans, ...managingOf(call) }), contract)
  })
}

function managingOf({ options, world }: Call): Omit<ManageOptions, 'store'> {
  return { by: options.by ?? `cli:${world.user()}`, wait: options.wait, now: world.now, timeout: TIMEOUT }
}

interface Secrets {
  readonly masterKey?: MasterKey
  readonly pepper?: string
}

/** Pepper and master key. Where there is no master key, only the commands that need it fail: a key can be revoked without. */
export function secretsOf(call: Call, { token }: AnyContract): Secrets {
  const pepper = settingOf(call, 'LATCHKEY_PEPPER')
  const masterKey = settingOf(call, 'LATCHKEY_MASTER_KEY') ?? missingMasterKey
  return { ...(token !== undefined && { masterKey }), ...(pepper !== undefined && { pepper }) }
}

function missingMasterKey(): never {
  throw new Failure('usage', 'LATCHKEY_MASTER_KEY must be set: signing secrets are sealed with it')
}

/** The failure of a key that is not there. It does not repeat the id: what was given in its place may be a key. */
export function noSuchKey({ name }: AnyContract): Failure {
  return new Failure('not_found', `${name} has no such key; to look a key up by its text, use verify`)
}
