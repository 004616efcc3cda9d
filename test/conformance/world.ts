/** One account with one key of a provider, and the auth that guards it. */
import {
  type Account,
  type AccountReader,
  type AnyAuth,
  type Contract,
  createAuth,
  type Denied,
  defineContract,
  digestKey,
  type KeyReader,
  type KeyRecord,
  type Keys,
  keyCodec,
  type Ledger,
  type Limiter,
  type MemoryStore,
  manageKeys,
  memoryStore,
  type Secret,
} from '@latchkey/core'
import type { Provider } from './providers.ts'
import { sign } from './tokens.ts'

/** 2021-12-31T23:59:00Z: the minute ends at the documented `reset_time` of 1640995200. */
export const NOW = 1_640_995_140_000

export const KEY_ID = 'key_1234567890'
export const SECRET = 'a-signing-secret-of-forty-three-characters.'
export const MASTER_KEY = 'a-master-key-of-at-least-32-bytes'

export type Lines = readonly (readonly [name: string, value: string])[]

export interface Setup {
  /** Default: the provider's contract as it is shipped. */
  readonly contract?: Contract
  readonly account?: Partial<Account>
  readonly key?: Partial<KeyRecord>
  readonly now?: number
  /** What the auth reads instead of the store that holds the key. */
  readonly store?: KeyReader
  readonly accounts?: AccountReader
  readonly limiter?: Limiter
  readonly ledger?: Ledger
}

export interface World {
  readonly auth: AnyAuth
  readonly contract: Contract
  readonly account: Account
  readonly store: MemoryStore
  readonly keys: Keys
  readonly clock: { now: number }
  /** Every denial that the auth reported, in order. */
  readonly denials: Denied[]
  /** Presents the key: as it is, or by a token that it signs. */
  readonly lines: Lines
  /** The key's text; for a token service a token that it signed. */
  readonly text: string
}

const TIMEOUT = 30

export async function world(provider: Provider, setup: Setup = {}): Promise<World> {
  // Counted only where a situation is about counting.
  const contract = setup.contract ?? provider.contract(setup.limiter === undefined ? [] : undefined)
  const clock = { now: setup.now ?? NOW }
  const store = memoryStore()
  const denials: Denied[] = []
  const account: Account = {
    id: 'user_abc123',
    plan: provider.ladder.enough,
    status: 'active',
    email: null,
    metadata: {},
    ...setup.account,
  }
  const key: KeyRecord = {
    id: KEY_ID,
    service: contract.name,
    accountId: 'user_abc123',
    name: 'test',
    environment: null,
    permissions: ['read'],
    createdAt: NOW - 1000,
    expiresAt: null,
    revokedAt: null,
    revokedReason: null,
    metadata: {},
    ...setup.key,
  }
  const text = provider.credential === 'token' ? tokenOf(clock.now) : mint(contract)
  const secrets: readonly Secret[] =
    provider.credential === 'token'
      ? await sealed({ ...contract, name: key.service }, key.id)
      : [{ kind: 'key', digest: digestKey(text), display: '…', createdAt: key.createdAt, expiresAt: null }]
  store.insertAll({ accounts: [account], keys: [{ key, secrets }] })
  const now = () => clock.now
  const auth = createAuth({
    contract,
    store: setup.store ?? store,
    masterKey: MASTER_KEY,
    ...(setup.accounts && { accounts: setup.accounts }),
    ...(setup.limiter && { limiter: setup.limiter }),
    ...(setup.ledger && { ledger: setup.ledger }),
    timeout: TIMEOUT,
    now,
    on: { denied: ({ denied }) => denials.push(denied) },
  })
  const keys = manageKeys({ contract, store, by: 'test', masterKey: MASTER_KEY, now })
  return { auth, contract, account, store, keys, clock, denials, text, lines: present(provider, text) }
}

/** {@link SECRET} as a store keeps it, sealed for this key: taken from a key in order, which the world's need not be. */
async function sealed(contract: Contract, id: string): Promise<readonly Secret[]> {
  const store = memoryStore()
  store.insertAll({ accounts: [{ id: 'a', plan: 'any', status: 'active', email: null, metadata: {} }], keys: [] })
  const keys = manageKeys({ contract, store, by: 'test', masterKey: MASTER_KEY, now: () => NOW - 1000 })
  await keys.import({ accountId: 'a', name: 'test', kind: 'signing', id, text: SECRET })
  return store.findSigningKey(contract.name, id)?.secrets ?? []
}

/** A well-formed key that is in no store; where keys carry an id it is {@link KEY_ID}. */
export function mint(contract: Contract): string {
  if (contract.key === undefined) throw new Error(`${contract.name} has no keys`)
  return keyCodec(contract.key).mint(KEY_ID).text
}

/** How a client presents a credential. */
export function present({ credential }: Provider, text: string): Lines {
  return credential === 'x-api-key' ? [['x-api-key', text]] : [['Authorization', `Bearer ${text}`]]
}

/** What the documented client signs, ten minutes long, with other claims or header members if given. */
export function tokenOf(
  now: number,
  claims: Readonly<Record<string, unknown>> = {},
  header: Readonly<Record<string, unknown>> = {},
  secret: string = SECRET,
): string {
  const iat = now / 1000
  return sign({
    header: { kid: KEY_ID, ...header },
    claims: { sub: KEY_ID, iat, exp: iat + 600, iss: 'sdk', ...claims },
    secret,
  })
}

/** The contract, with a ladder, a feature, permissions, keys and tokens where it has none of its own. */
export function widened(contract: Contract): Contract {
  return defineContract<string, string, string>({
    plans: ['free', 'pro'],
    features: { extra: ['pro'] },
    permissions: { read: [], write: [] },
    key: { prefix: 'wide_', length: 32, alphabet: 'base62', checksum: true },
    token: { issuer: 'sdk', subjectIsKeyId: true },
    ...contract,
  })
}
