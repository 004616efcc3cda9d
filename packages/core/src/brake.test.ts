import { describe, expect, it } from 'vitest'
import { createBrake } from './brake.ts'
import type { DenialCode, Denied } from './outcome.ts'
import { MISSING, UNKNOWN, unavailable } from './outcome.ts'

const NOW = 1_790_000_000_000
const IP = '192.0.2.1'

function failing(times: number, options = {}) {
  const brake = createBrake({ failures: 3, seconds: 60, ...options })
  for (let i = 0; i < times; i++) brake.answerTo(UNKNOWN, IP, NOW + i * 1000)
  return brake
}

describe('a brake', () => {
  it('holds from the failure on that is one too many, and says how long', () => {
    expect(failing(2).gateFor(IP, NOW + 2000)()).toBeUndefined()
    const brake = failing(3)
    const limit = { name: 'failures', limit: 3, seconds: 60, remaining: 0, resetAt: NOW + 60_000 }
    const denied = { kind: 'denied', code: 'rate_limited', limit, limits: [limit], retryAfter: 57 }
    expect(brake.gateFor(IP, NOW + 3000)()).toEqual(denied)
    expect(brake.answerTo(UNKNOWN, IP, NOW + 3000)).toEqual(denied)
    expect(brake.answerTo(UNKNOWN, IP, NOW + 59_999)).toMatchObject({ code: 'rate_limited', retryAfter: 1 })
    expect(brake.answerTo(UNKNOWN, IP, NOW + 60_000)).toBe(UNKNOWN)
  })

  it('does not count what it refuses: who keeps trying is not held for ever', () => {
    const brake = failing(3)
    for (let after = 3000; after < 60_000; after += 100) brake.answerTo(UNKNOWN, IP, NOW + after)
    expect(brake.gateFor(IP, NOW + 62_001)()).toBeUndefined()
  })

  it('holds one address and no other', () => {
    expect(failing(3).gateFor('192.0.2.2', NOW + 3000)()).toBeUndefined()
  })

  it.each<[DenialCode, Denied]>([
    ['malformed', { kind: 'denied', code: 'malformed' }],
    ['unknown', UNKNOWN],
    ['revoked', { kind: 'denied', code: 'revoked', keyId: 'key_1', revokedAt: 0 }],
    ['expired', { kind: 'denied', code: 'expired', keyId: 'key_1', expiredAt: 0 }],
    ['token_invalid', { kind: 'denied', code: 'token_invalid', reason: 'signature' }],
  ])('counts a credential that is %s', (_code, denied) => {
    const brake = createBrake({ failures: 1 })
    expect(brake.answerTo(denied, IP, NOW)).toBe(denied)
    expect(brake.answerTo(denied, IP, NOW)).toMatchObject({ code: 'rate_limited' })
  })

  it.each([
    ['no credential', MISSING],
    ['a store that is down', unavailable(new Error('gone'))],
  ])('does not count %s, and lets it be answered as it is', (_what, denied) => {
    const brake = createBrake({ failures: 1 })
    for (let i = 0; i < 3; i++) expect(brake.answerTo(denied, IP, NOW)).toBe(denied)
    expect(brake.gateFor(IP, NOW)()).toBeUndefined()
    brake.answerTo(UNKNOWN, IP, NOW)
    expect(brake.answerTo(denied, IP, NOW)).toBe(denied)
  })

  it('forgets the address that has not failed for longest, of more than it remembers', () => {
    const brake = failing(3, { addresses: 2 })
    for (const ip of ['192.0.2.2', '192.0.2.3']) brake.answerTo(UNKNOWN, ip, NOW + 3000)
    expect(brake.gateFor(IP, NOW + 3000)()).toBeUndefined()
  })
})
