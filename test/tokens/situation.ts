import { visualLayer } from '@latchkey/contracts'
import { type AnyAuth, createAuth, type Denied, memoryStore, type Outcome, type SigningSecret } from '@latchkey/core'
import { type SealedFor, sealer } from '../../packages/core/src/seal.ts'
import type { Signer, Situation } from './attacks.ts'

/** 2026-09-21T14:40:00Z. */
const NOW = 1_790_001_600

export const MASTER_KEY = 'a-master-key-of-at-least-32-bytes'

export interface Bench {
  readonly auth: AnyAuth
  readonly situation: Situation
  /** By kid: every key of the auth's service. */
  readonly secrets: ReadonlyMap<string, string>
}

/** Good keys, a revoked one and one of another service, and the auth that knows them. The same in every run. */
export async function makeBench(): Promise<Bench> {
  const contract = visualLayer()
  const store = memoryStore()
  store.insertAll({
    accounts: [{ id: 'owner', plan: 'cloud', status: 'active', email: null, metadata: {} }],
    keys: [],
  })
  const insert = async (kid: string, secret: string, service: string = contract.name): Promise<Signer> => {
    const key = {
      id: kid,
      service,
      accountId: 'owner',
      name: 'test',
      environment: null,
      permissions: [],
      createdAt: 0,
      expiresAt: null,
      revokedAt: null,
      revokedReason: null,
      metadata: {},
    }
    const secrets = [await sealed(secret, { service, keyId: kid, version: '1' })]
    store.insertAll({ accounts: [], keys: [{ key, secrets }] })
    return { kid, secret }
  }
  const situation: Situation = {
    now: NOW,
    good: await insert('0b4f3a52-5c3e-4c0e-9d0a-7f6c1d2e3f4a', 'good-R0b1x2Y3z4A5b6C7d8E9f0G1h2I3j4K5l6M7n8'),
    other: await insert('1c5f4b63-6d4f-4d1f-8e1b-8a7d2e3f4a5b', 'other-S1c2y3Z4a5B6c7D8e9F0g1H2i3J4k5L6m7N8o'),
    revoked: await insert('2d6a5c74-7e5a-4e2a-9f2c-9b8e3f4a5b6c', 'revoked-T2d3z4A5b6C7d8E9f0G1h2I3j4K5l6M7n'),
    foreign: await insert('3e7b6d85-8f6b-4f3b-8a3d-0c9f4a5b6c7d', 'foreign-U3e4a5B6c7D8e9F0g1H2i3J4k5L6m7N', 'another'),
  }
  const audit = { at: NOW * 1000 - 1, by: 'test', action: 'key.revoked', details: {} } as const
  store.revokeKey({ service: contract.name, id: situation.revoked.kid }, null, audit)
  return {
    auth: createAuth({ contract, store, masterKey: MASTER_KEY, now: () => NOW * 1000 }),
    situation,
    secrets: new Map([situation.good, situation.other, situation.revoked].map(({ kid, secret }) => [kid, secret])),
  }
}

/** A signing secret as a store keeps it. Here it may be one that no key is given: short, or easy to guess. */
export async function sealed(text: string, what: SealedFor): Promise<SigningSecret> {
  const seal = await sealer(MASTER_KEY).seal(text, what)
  return { kind: 'signing', version: what.version, ...seal, createdAt: 0, expiresAt: null }
}

/** What an auth makes of `Authorization: Bearer <token>`. Synchronous, because the store is. */
export function decide(auth: AnyAuth, token: string): Outcome<unknown> {
  const fields = { get: (name: string) => (name === 'Authorization' ? `Bearer ${token}` : null) }
  const outcome = auth.authenticator()({}, fields)
  if (outcome instanceof Promise || outcome.kind === 'anonymous') throw new Error('not a decision')
  return outcome
}

export function verdictOf(outcome: Outcome<unknown>): Denied['code'] | 'accepted' | `invalid: ${string}` {
  if (outcome.kind === 'allowed') return 'accepted'
  return outcome.code === 'token_invalid' ? `invalid: ${outcome.reason}` : outcome.code
}
