import { hmacBase64Url, hmacKeyOf } from '#platform'
import { createAuth } from '../auth.ts'
import type { Awaitable } from '../awaitable.ts'
import type { Answer, Contract, DenialTable } from '../contract.ts'
import { bearer } from '../credential.ts'
import { digestKey } from '../digest.ts'
import { keyCodec } from '../key-format.ts'
import type { Anonymous, Outcome } from '../outcome.ts'
import type { KeyedPrincipal } from '../principal.ts'
import { sealer } from '../seal.ts'
import type {
  Account,
  AuditAction,
  AuditEntry,
  AuditRecord,
  KeyRecord,
  KeyRef,
  KeySecret,
  KeyStore,
  KeyUse,
  SigningSecret,
} from '../store.ts'
import { equal, holds } from './equal.ts'
import type { StoreSubject, Tampering } from './subject.ts'

/** When everything here happens, in milliseconds since the epoch. */
export const NOW = 1_790_000_000_000

/** A key that is in the store. */
export interface Issued<S> {
  readonly key: KeyRecord
  readonly secret: S
  /** The key itself, or what its tokens are signed with. */
  readonly text: string
  readonly ref: KeyRef
}

export interface Drawn<S> {
  readonly text: string
  readonly secret: S
}

export type Decision = Outcome<KeyedPrincipal> | Anonymous

/**
 * What a case works with: a store, and names that nobody else has. So no case depends on another one, or on what is in
 * the database already.
 */
export interface World {
  readonly store: KeyStore
  readonly service: string
  readonly otherService: string
  /** Stands in the store. */
  readonly account: Account
  /** Another connection to the same data. */
  connect(): Promise<KeyStore>
  /** Closes a connection, or every one. */
  disconnect(store?: KeyStore): Promise<void>
  /** Damages a record while no store is open. False: the database refuses to hold it. */
  tamper(tampering: Tampering): Promise<boolean>

  /** A text that nobody else has. */
  fresh(what: string): string
  /** The records of an account and a key that are not in the store. */
  accountWith(others?: Partial<Account>): Account
  keyWith(others?: Partial<KeyRecord>): KeyRecord
  draw(others?: Partial<KeySecret>): Drawn<KeySecret>
  drawSigning(key: KeyRecord, others?: Partial<SigningSecret>, masterKey?: string): Promise<Drawn<SigningSecret>>
  /** Each one is a millisecond later than the one before. */
  entry(action: AuditAction, details?: AuditEntry['details']): AuditEntry
  /** Puts a key into the store. */
  issue(others?: Partial<KeyRecord>, secret?: Partial<KeySecret>): Promise<Issued<KeySecret>>
  issueSigning(
    others?: Partial<KeyRecord>,
    secret?: Partial<SigningSecret>,
    masterKey?: string,
  ): Promise<Issued<SigningSecret>>

  /** What is decided of a key's text. */
  decide(text: string, at?: number, store?: KeyStore): Promise<Decision>
  /** What is decided of a token that is signed with a key's secret. */
  decideToken(keyId: string, text: string, at?: number, store?: KeyStore): Promise<Decision>
  /** All that is recorded of the service, newest first. */
  audited(store?: KeyStore): Promise<readonly AuditRecord[]>
}

/** One use of a key, answered with 200. */
export function useOf(service: string, keyId: string, at: number, others: Partial<KeyUse> = {}): KeyUse {
  const day = Math.floor(at / 86_400_000) * 86_400_000
  return { service, keyId, route: 'GET /things/:id', status: 200, day, count: 1, firstAt: at, lastAt: at, ...others }
}

export const MASTER_KEY = 'the master key that seals what stores are proven with'
export const OTHER_MASTER_KEY = 'another master key that seals what stores are proven with'

const FORMAT = { prefix: 'test_', length: 32, alphabet: 'base62' } as const
const ISSUER = 'store-suite'
const TIMEOUT = 10_000

/** Runs a case, and closes what it has opened. */
export async function inWorld(subject: StoreSubject, run: (world: World) => Promise<void>): Promise<void> {
  const open = new Set<KeyStore>()

  async function connect(): Promise<KeyStore> {
    const store = await subject.open()
    open.add(store)
    return store
  }

  async function disconnect(store?: KeyStore): Promise<void> {
    const stores = store === undefined ? [...open] : [store]
    for (const one of stores) if (open.delete(one)) await one.close()
  }

  async function tamper(tampering: Tampering): Promise<boolean> {
    if (subject.tamper === undefined) throw new TypeError('tamper must be given: the store is durable')
    await disconnect()
    return subject.tamper(tampering)
  }

  try {
    const world = worldOf(await connect(), { connect, disconnect, tamper })
    equal(await world.store.insertAll({ accounts: [world.account], keys: [] }), true)
    await run(world)
  } finally {
    await Promise.allSettled([disconnect()])
  }
}

function worldOf(store: KeyStore, connections: Pick<World, 'connect' | 'disconnect' | 'tamper'>): World {
  const tag = crypto.randomUUID()
  const codec = keyCodec(FORMAT)
  let count = 0
  const fresh = (what: string) => `${what}-${tag}-${++count}`
  const service = fresh('service')

  function accountWith(others: Partial<Account> = {}): Account {
    return { id: fresh('account'), plan: 'pro', status: 'active', email: 'you@example.com', metadata: {}, ...others }
  }

  const account = accountWith()

  function keyWith(others: Partial<KeyRecord> = {}): KeyRecord {
    return {
      id: fresh('key'),
      service,
      accountId: account.id,
      name: 'ci',
      environment: null,
      permissions: ['read'],
      createdAt: NOW,
      expiresAt: null,
      revokedAt: null,
      revokedReason: null,
      metadata: {},
      ...others,
    }
  }

  function draw(others: Partial<KeySecret> = {}): Drawn<KeySecret> {
    const { text } = codec.mint()
    const secret = { kind: 'key', digest: digestKey(text), display: codec.display(text), createdAt: NOW } as const
    return { text, secret: { ...secret, expiresAt: null, ...others } }
  }

  async function drawSigning(
    key: KeyRecord,
    others: Partial<SigningSecret> = {},
    masterKey: string = MASTER_KEY,
  ): Promise<Drawn<SigningSecret>> {
    const { text } = codec.mint()
    const version = fresh('version')
    const sealed = await sealer(masterKey).seal(text, { service: key.service, keyId: key.id, version })
    return { text, secret: { kind: 'signing', version, ...sealed, createdAt: NOW, expiresAt: null, ...others } }
  }

  function entry(action: AuditAction, details: AuditEntry['details'] = {}): AuditEntry {
    return { at: NOW + ++count, by: 'store-suite', action, details }
  }

  async function issued<S extends KeySecret | SigningSecret>(
    key: KeyRecord,
    { text, secret }: Drawn<S>,
  ): Promise<Issued<S>> {
    equal(await store.insertKey(key, secret, entry('key.created', { name: key.name })), { kind: 'inserted' })
    return { key, secret, text, ref: { service: key.service, id: key.id } }
  }

  return {
    ...connections,
    store,
    service,
    otherService: fresh('service'),
    account,
    fresh,
    accountWith,
    keyWith,
    draw,
    drawSigning,
    entry,
    issue: async (others, secret) => issued(keyWith(others), draw(secret)),
    async issueSigning(others, secret, masterKey) {
      const key = keyWith(others)
      return issued(key, await drawSigning(key, secret, masterKey))
    },
    decide: async (text, at = NOW, from = store) => decide(service, text, at, from),
    decideToken: async (keyId, text, at = NOW, from = store) => decide(service, tokenOf(keyId, text, at), at, from),
    async audited(from = store) {
      const { items, next } = await from.listAudit({ service, limit: 1000 })
      equal(next, null)
      return items
    },
  }
}

function decide(service: string, credential: string, now: number, store: KeyStore): Awaitable<Decision> {
  const reader = {
    findByDigest: (name: string, digest: string) => store.findByDigest(name, digest),
    findSigningKey: (name: string, id: string) => store.findSigningKey(name, id),
  }
  const auth = createAuth({
    contract: contractOf(service),
    store: reader,
    masterKey: `${MASTER_KEY},${OTHER_MASTER_KEY}`,
    now: () => now,
    timeout: TIMEOUT,
  })
  return auth.authenticator()({}, fieldsOf(credential))
}

export function fieldsOf(credential: string): Headers {
  return new Headers({ authorization: `Bearer ${credential}` })
}

/** A contract for API keys and for tokens. Nothing is rendered, so its answers are all alike. */
export function contractOf(name: string): Contract {
  const answer: Answer = { status: 401, body: {} }
  const denials: DenialTable = {
    missing: answer,
    malformed: answer,
    unknown: answer,
    revoked: answer,
    expired: answer,
    token_invalid: answer,
    suspended: answer,
    plan: answer,
    rate_limited: answer,
    concurrency: answer,
    forbidden: answer,
    exhausted: answer,
    hidden: answer,
    unavailable: answer,
  }
  return { name, carriers: [bearer()], key: FORMAT, token: { issuer: ISSUER }, denials }
}

function claimsAt(now: number): { readonly iss: string; readonly iat: number; readonly exp: number } {
  const iat = Math.floor(now / 1000)
  return { iss: ISSUER, iat, exp: iat + 60 }
}

function tokenOf(kid: string, secret: string, now: number): string {
  const encode = (part: object) =>
    btoa(JSON.stringify(part)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
  const signed = `${encode({ alg: 'HS256', typ: 'JWT', kid })}.${encode(claimsAt(now))}`
  return `${signed}.${hmacBase64Url(hmacKeyOf(secret), signed)}`
}

/** The decision on a key that works. */
export function allowed(account: Account, key: KeyRecord): Decision {
  return { kind: 'allowed', principal: { via: 'key', ...provenBy(account, key) }, limits: [] }
}

/** The decision on a token of a key that works. */
export function allowedToken(account: Account, key: KeyRecord, at: number = NOW): Decision {
  const principal = { via: 'token', ...provenBy(account, key), claims: { ...claimsAt(at) } } as const
  return { kind: 'allowed', principal, limits: [] }
}

function provenBy(account: Account, key: KeyRecord) {
  return { account, key, plan: account.plan, permissions: key.permissions }
}

/** `allowed`, or the code of the denial. */
export function codeOf(decision: Decision): string {
  return decision.kind === 'denied' ? decision.code : decision.kind
}

/** The item of a list that has one. */
export function only<T>(items: readonly T[]): T {
  const [item] = items
  holds(items.length === 1, `there is one item, not ${items.length}`)
  return item as T
}
