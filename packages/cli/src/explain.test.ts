import { problemDetails } from '@latchkey/contracts'
import type { DenialCode, Denied, TokenFault } from '@latchkey/core'
import { describe, expect, it } from 'vitest'
import { explain } from './explain.ts'
import type { Presented } from './presented.ts'

const CONTRACT = problemDetails({ limits: [{ name: 'minute', seconds: 60, limit: 1, per: 'key' }] })
const RESPONSE = { status: 403, headers: {}, body: null }
const LIMIT = { name: 'minute', limit: 1, seconds: 60, remaining: 0, resetAt: 0 }

function decidedBy(outcome: Denied, kind: Presented['kind']): readonly (string | null)[] {
  const presented = { fields: { get: () => null }, kind, kid: undefined }
  const decision = { outcome, principal: undefined, key: undefined, response: RESPONSE }
  const checks = explain({ contract: CONTRACT, presented, asked: {}, decision })
  const [decided] = checks.filter(({ result }) => result === 'decided')
  return [decided?.check ?? null, decided?.note ?? null]
}

type Samples = { readonly [Code in DenialCode]: readonly [facts: Denied<Code>, check: string, note: string] }

const SAMPLES: Samples = {
  missing: [{ kind: 'denied', code: 'missing' }, 'carrier', 'no carrier of the contract holds anything'],
  malformed: [{ kind: 'denied', code: 'malformed' }, 'format', 'not written like a key of this service'],
  unknown: [
    { kind: 'denied', code: 'unknown' },
    'lookup',
    'not in the store: never made, deleted, replaced by a rotation, or its account is gone',
  ],
  revoked: [
    { kind: 'denied', code: 'revoked', keyId: 'key_1', revokedAt: 0 },
    'revoked',
    'at 1970-01-01T00:00:00.000Z',
  ],
  expired: [
    { kind: 'denied', code: 'expired', keyId: 'key_1', expiredAt: 0 },
    'expired',
    'the key, at 1970-01-01T00:00:00.000Z',
  ],
  // Of keys there are no such denials; a contract with tokens is asked about below.
  token_invalid: [
    { kind: 'denied', code: 'token_invalid', reason: 'key' },
    'lookup',
    'the store has no key with this kid, or its account is gone',
  ],
  suspended: [{ kind: 'denied', code: 'suspended', accountId: 'acme' }, 'account', 'suspended'],
  plan: [
    { kind: 'denied', code: 'plan', plan: 'free', needs: 'pro', upgrades: ['pro'] },
    'plan',
    'free does not reach pro',
  ],
  rate_limited: [
    { kind: 'denied', code: 'rate_limited', limit: LIMIT, limits: [LIMIT], retryAfter: 14 },
    'rate',
    'again in 14 s',
  ],
  concurrency: [{ kind: 'denied', code: 'concurrency', limit: 3 }, 'rate', '3 are under way'],
  forbidden: [{ kind: 'denied', code: 'forbidden' }, 'resource', "the API's own rule"],
  hidden: [{ kind: 'denied', code: 'hidden' }, 'resource', 'answered as one that does not exist'],
  exhausted: [
    { kind: 'denied', code: 'exhausted', quota: 'month', cost: 5, limit: 10, remaining: 2, refillsAt: null },
    'quota',
    '5 is more than the 2 that remain',
  ],
  unavailable: [
    { kind: 'denied', code: 'unavailable', cause: new Error('secret') },
    'lookup',
    'the store could not tell',
  ],
}

describe('explain', () => {
  it.each(Object.entries(SAMPLES))('gives %s a check', (_, [outcome, check, note]) => {
    expect(decidedBy(outcome, 'key')).toEqual([check, note])
  })

  const ISSUER = 'iss: not one that the contract names'
  const NOT_SIGNED = 'not signed by a secret of this key that still works'

  it.each<[TokenFault, Presented['kind'], string, string]>([
    ['algorithm', 'identity', 'signature', 'alg: not the one that the key is for'],
    ['audience', 'token', 'claims', 'aud: not the one that the contract names'],
    ['expiry', 'token', 'claims', 'exp: missing, or no whole number of seconds'],
    ['issued_at', 'token', 'claims', 'iat: missing, no whole number of seconds, or in the future'],
    ['issuer', 'token', 'claims', ISSUER],
    ['issuer', 'identity', 'issuer', ISSUER],
    ['key', 'token', 'lookup', 'the store has no key with this kid, or its account is gone'],
    ['key', 'identity', 'signature', 'the provider has no such key'],
    ['lifetime', 'token', 'claims', 'exp - iat: longer than the contract allows'],
    ['not_before', 'token', 'claims', 'nbf: in the future, or no whole number of seconds'],
    ['signature', 'token', 'signature', NOT_SIGNED],
    ['signature', 'identity', 'signature', "not the provider's"],
    ['subject', 'identity', 'claims', 'sub: not the one that the contract asks for, or nobody that it knows'],
  ])('gives the fault %s of a %s token a check', (reason, kind, check, note) => {
    expect(decidedBy({ kind: 'denied', code: 'token_invalid', reason }, kind)).toEqual([check, note])
  })

  it("knows that an identity provider's token ends by itself, and that its keys may not be had", () => {
    const expired: Denied = { kind: 'denied', code: 'expired', keyId: 'theirs', expiredAt: 0 }
    expect(decidedBy(expired, 'identity')).toEqual(['claims', 'exp: the token ended at 1970-01-01T00:00:00.000Z'])
    const unavailable: Denied = { kind: 'denied', code: 'unavailable', cause: undefined }
    expect(decidedBy(unavailable, 'identity')).toEqual(['signature', "the provider's keys could not be had"])
  })
})
