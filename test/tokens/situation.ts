import { visualLayer } from '@latchkey/contracts'
import { type AnyAuth, createAuth, type Denied, memoryStore, type Outcome } from '@latchkey/core'
import type { Signer, Situation } from './attacks.ts'

/** 2026-09-21T14:40:00Z. */
const NOW = 1_790_001_600

export interface Bench {
  readonly auth: AnyAuth
  readonly situation: Situation
  /** By kid: every key of the auth's service. */
  readonly secrets: ReadonlyMap<string, string>
}

/** Good keys, a revoked one and one of another service, and the auth that knows them. The same in every run. */
export function makeBench(): Bench {
  const contract = visualLayer()
  const store = memoryStore()
  store.insertAccount({ id: 'owner', plan: 'cloud', status: 'active', email: null, metadata: {} })
  const insert = (kid: string, secret: string, service: string = contract.name): Signer => {
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
    store.insertKey(key, { kind: 'signing', text: secret, createdAt: 0, expiresAt: null })
    return { kid, secret }
  }
  const situation: Situation = {
    now: NOW,
    good: insert('0b4f3a52-5c3e-4c0e-9d0a-7f6c1d2e3f4a', 'good-R0b1x2Y3z4A5b6C7d8E9f0G1h2I3j4K5l6M7n8'),
    other: insert('1c5f4b63-6d4f-4d1f-8e1b-8a7d2e3f4a5b', 'other-S1c2y3Z4a5B6c7D8e9F0g1H2i3J4k5L6m7N8o'),
    revoked: insert('2d6a5c74-7e5a-4e2a-9f2c-9b8e3f4a5b6c', 'revoked-T2d3z4A5b6C7d8E9f0G1h2I3j4K5l6M7n'),
    foreign: insert('3e7b6d85-8f6b-4f3b-8a3d-0c9f4a5b6c7d', 'foreign-U3e4a5B6c7D8e9F0g1H2i3J4k5L6m7N', 'another'),
  }
  store.revokeKey(contract.name, situation.revoked.kid, NOW * 1000 - 1, null)
  return {
    auth: createAuth({ contract, store, now: () => NOW * 1000 }),
    situation,
    secrets: new Map([situation.good, situation.other, situation.revoked].map(({ kid, secret }) => [kid, secret])),
  }
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
