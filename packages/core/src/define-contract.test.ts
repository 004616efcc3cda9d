import { describe, expect, it } from 'vitest'
import type { Answer, Contract, DenialTable } from './contract.ts'
import { bearer, header } from './credential.ts'
import { defineContract } from './define-contract.ts'
import { checkKnown } from './known.ts'
import type { DenialCode, Denied } from './outcome.ts'

const answer = (status: number, headers?: Readonly<Record<string, string>>): Answer => ({
  status,
  body: { error: status },
  ...(headers && { headers }),
})

const DENIALS: DenialTable = {
  missing: answer(401),
  malformed: answer(401),
  unknown: answer(401),
  revoked: answer(401),
  expired: answer(401),
  token_invalid: answer(401),
  suspended: answer(403),
  plan: answer(403),
  rate_limited: answer(429),
  concurrency: answer(429),
  forbidden: answer(403),
  exhausted: answer(402),
  hidden: answer(404),
  unavailable: answer(503),
}

const CONTRACT: Contract = {
  name: 'acme',
  carriers: [header('x-api-key'), bearer()],
  key: { prefix: 'acme_', length: 32, alphabet: 'base36' },
  token: { issuer: 'sdk' },
  plans: ['free', 'pro'],
  features: { video: ['pro'] },
  permissions: { read: [], write: ['read'], admin: ['*'], datasets: ['datasets:*'] },
  limits: [{ name: 'minute', seconds: 60, limit: { free: 60, pro: 300 }, per: 'account' }],
  denials: DENIALS,
}

/** Whoever writes JavaScript, or reads a contract from a file, has no compiler. */
const defining = (change: object) => () => defineContract({ ...CONTRACT, ...change } as Contract)
const withRow = (code: DenialCode, row: unknown) => defining({ denials: { ...DENIALS, [code]: row } })

describe('defineContract', () => {
  it('returns the contract as given', () => {
    expect(defineContract(CONTRACT)).toBe(CONTRACT)
  })

  it('takes the least that a contract is', () => {
    const token = { issuer: 'sdk' }
    expect(() => defineContract({ name: 'a', carriers: [bearer()], token, denials: DENIALS })).not.toThrow()
  })

  it.each([
    ['no name', { name: undefined }, /contract\.name/],
    ['an empty name', { name: '' }, /contract\.name/],
    ['a name in upper case', { name: 'Acme' }, /contract\.name/],
    ['a name with a quote', { name: 'a"b' }, /contract\.name/],
    ['a name with a colon, which separates buckets', { name: 'a:b' }, /contract\.name/],
    ['a member that is misspelt', { limit: [] }, /^contract: unknown member "limit"; /],
    [
      'a member of the key format that is misspelt',
      { key: { prefix: '', length: 36, alphabet: 'base36', checkSum: true } },
      /^key: unknown member "checkSum"; /,
    ],
    [
      'a token rule that is misspelt',
      { token: { issuer: 'sdk', maxLifetme: 60 } },
      /^contract\.token: unknown member "maxLifetme"; /,
    ],
    [
      'a provider’s rule that is misspelt',
      { identity: [{ issuer: 'a', audience: 'b', algorithms: ['ES256'], jwks: { keys: [] }, maxLifetme: 60 }] },
      /^identity: unknown member "maxLifetme"; /,
    ],
    [
      'a member of a limit that is misspelt',
      { limits: [{ name: 'm', seconds: 60, limit: 1, per: 'key', costs: 2 }] },
      /^each of contract\.limits: unknown member "costs"; /,
    ],
    [
      'a member of an answer that is misspelt',
      { denials: { ...DENIALS, revoked: { status: 401, header: {}, body: {} } } },
      /^contract\.denials\.revoked: unknown member "header"; /,
    ],
    ['a limit that is null', { limits: [null] }, /^each of contract\.limits must be an object$/],
    ['a quota without a name', { quota: {} }, /^contract\.quota: name/],
    ['a limit that is a text', { limits: ['minute'] }, /^each of contract\.limits must be an object$/],
    [
      'a member of the slots that is misspelt',
      { concurrency: { name: 'c', limit: 1, per: 'key', second: 60 } },
      /^contract\.concurrency: unknown member "second"; /,
    ],
    [
      'a member of the quota that is misspelt',
      { quota: { name: 'q', limits: 1 } },
      /^contract\.quota: unknown member "limits"; /,
    ],
    [
      'a member of the period that is misspelt',
      { quota: { name: 'q', limit: 1, period: { months: 1, timezone: 'UTC' } } },
      /^contract\.quota\.period: unknown member "timezone"; /,
    ],
    ['permissions that are a list', { permissions: ['read'] }, /^contract\.permissions must be an object/],
    ['no carriers', { carriers: undefined }, /contract\.carriers/],
    ['an empty list of carriers', { carriers: [] }, /contract\.carriers/],
    ['a carrier that is a text', { carriers: ['x-api-key'] }, /contract\.carriers/],
    ['a carrier without a name', { carriers: [header('')] }, /contract\.carriers/],
    ['a carrier with a blank in its name', { carriers: [header('x api key')] }, /contract\.carriers/],
    ['a carrier with a line feed in its name', { carriers: [bearer(), header('x-key\n')] }, /contract\.carriers/],
    [
      'neither key nor token',
      { key: undefined, token: undefined },
      /contract\.key, contract\.token or contract\.identity/,
    ],
    ['a key format that is none', { key: { prefix: '', length: 8, alphabet: 'base36' } }, /key\.length/],
    ['a token without an issuer', { token: {} }, /contract\.token\.issuer/],
    ['an empty issuer', { token: { issuer: '' } }, /contract\.token\.issuer/],
    ['a list for an issuer', { token: { issuer: ['sdk'] } }, /contract\.token\.issuer/],
    ['an empty audience', { token: { issuer: 'sdk', audience: '' } }, /contract\.token\.audience/],
    ['a negative leeway', { token: { issuer: 'sdk', leeway: -1 } }, /contract\.token\.leeway/],
    ['a leeway of NaN', { token: { issuer: 'sdk', leeway: NaN } }, /contract\.token\.leeway/],
    ['a leeway without end', { token: { issuer: 'sdk', leeway: Infinity } }, /contract\.token\.leeway/],
    ['a text for an expiryLeeway', { token: { issuer: 'sdk', expiryLeeway: '5' } }, /contract\.token\.expiryLeeway/],
    ['an endless expiryLeeway', { token: { issuer: 'sdk', expiryLeeway: Infinity } }, /contract\.token\.expiryLeeway/],
    ['a maxLifetime of NaN', { token: { issuer: 'sdk', maxLifetime: NaN } }, /contract\.token\.maxLifetime/],
    ['a feature of an unknown plan', { features: { video: ['gold'] } }, /contract\.features\.video/],
    [
      'a limit for an unknown plan',
      { limits: [{ name: 'm', seconds: 60, limit: { gold: 1 }, per: 'key' }] },
      /limits "m"/,
    ],
    [
      'two limits of one name',
      {
        limits: [
          { name: 'm', seconds: 60, limit: 1, per: 'key' },
          { name: 'm', seconds: 60, limit: 2, per: 'key' },
        ],
      },
      /contract\.limits/,
    ],
    ['a limit per nobody', { limits: [{ name: 'm', seconds: 60, limit: 1, per: 'team' }] }, /limits "m": per/],
    ['a limit of zero', { limits: [{ name: 'm', seconds: 60, limit: 0, per: 'key' }] }, /limits "m": limit/],
    [
      'a limit of a half',
      { limits: [{ name: 'm', seconds: 60, limit: { pro: 0.5 }, per: 'key' }] },
      /limits "m": limit/,
    ],
    ['a limit of NaN', { limits: [{ name: 'm', seconds: 60, limit: NaN, per: 'key' }] }, /limits "m": limit/],
    ['a window of zero', { limits: [{ name: 'm', seconds: 0, limit: 1, per: 'key' }] }, /limits "m": seconds/],
    ['a window of NaN', { limits: [{ name: 'm', seconds: NaN, limit: 1, per: 'key' }] }, /limits "m": seconds/],
    ['a cost of zero', { limits: [{ name: 'm', seconds: 60, limit: 1, per: 'key', cost: 0 }] }, /limits "m": cost/],
    ['slots of nobody', { concurrency: { name: 'jobs', limit: 1, per: 'team' } }, /concurrency: per/],
    ['no slots', { concurrency: { name: 'jobs', limit: 0, per: 'key' } }, /concurrency: limit/],
    ['slots for no time', { concurrency: { name: 'j', limit: 1, per: 'key', seconds: 0 } }, /concurrency: seconds/],
    ['a quota of an unknown plan', { quota: { name: 'month', limit: { gold: 1 } } }, /contract\.quota/],
    ['a quota with a quote in its name', { quota: { name: '"' } }, /contract\.quota: name/],
    ['a period of nothing', { quota: { name: 'month', period: {} } }, /quota\.period/],
    ['a period of months and days', { quota: { name: 'month', period: { months: 1, days: 1 } } }, /quota\.period/],
    ['a period of half a month', { quota: { name: 'month', period: { months: 0.5 } } }, /quota\.period/],
    ['a zone that there is not', { quota: { name: 'm', period: { months: 1, zone: 'Mars' } } }, /period\.zone.*Mars/],
    ['a period since no time', { quota: { name: 'm', period: { months: 1, since: NaN } } }, /period\.since/],
    ['a refund for anything else', { refund: ['always'] }, /contract\.refund/],
    ['a permission that covers an unknown one', { permissions: { write: ['raed'] } }, /contract\.permissions\.write/],
    ['no denials', { denials: undefined }, /contract\.denials/],
  ])('refuses %s, and names the option', (_what, change, option) => {
    expect(defining(change)).toThrow(TypeError)
    expect(defining(change)).toThrow(option)
  })

  it('refuses a wildcard that could cover nothing', () => {
    expect(defining({ permissions: { read: [], write: ['rea*'] } })).toThrow(/contract\.permissions\.write/)
  })

  it('refuses a key prefix with a dot beside token rules, because a text with a dot is a token', () => {
    const key = { prefix: 'acme.', length: 32, alphabet: 'base36' }
    expect(defining({ key, token: undefined })).not.toThrow()
    expect(defining({ key })).toThrow(/key\.prefix/)
  })

  it('refuses a key prefix that no Bearer token can have, where keys come as one', () => {
    const key = { prefix: 'acme:', length: 32, alphabet: 'base36' }
    expect(defining({ key, carriers: [{ kind: 'bearer' }] })).toThrow(/key\.prefix/)
    expect(defining({ key, carriers: [{ kind: 'header', name: 'x-api-key' }] })).not.toThrow()
  })

  describe('denials', () => {
    it.each(Object.keys(DENIALS) as DenialCode[])('must hold %s', (code) => {
      expect(withRow(code, undefined)).toThrow(TypeError)
      expect(withRow(code, undefined)).toThrow(`contract.denials.${code} `)
    })

    it.each([
      ['no status', { body: {} }],
      ['a text for a status', { status: '403', body: {} }],
      ['a status of 199', { status: 199, body: {} }],
      ['a status of 600', { status: 600, body: {} }],
      ['a status of NaN', { status: NaN, body: {} }],
      ['no body', { status: 403 }],
      ['a body that JSON cannot spell', { status: 403, body: () => 'no' }],
      ['a header with a line feed', answer(403, { 'X-Hint': 'a\r\nSet-Cookie: b' })],
      ['a header that is not ASCII', answer(403, { 'X-Hint': 'clé' })],
      ['a header with a NUL', answer(403, { 'X-Hint': '\u0000' })],
      ['a function that gives none of it', () => ({})],
    ])('refuses an answer with %s', (_what, row) => {
      expect(withRow('forbidden', row)).toThrow(TypeError)
      expect(withRow('forbidden', row)).toThrow(/contract\.denials\.forbidden/)
    })

    it('refuses an answer whose header has no name that HTTP can spell', () => {
      for (const name of ['', 'X Hint', 'X-Hint:', 'X-Hint\r\nSet-Cookie']) {
        expect(withRow('forbidden', answer(403, { [name]: 'a' }))).toThrow(/contract\.denials\.forbidden/)
      }
    })

    it('names the row whose body JSON.stringify refuses', () => {
      expect(withRow('forbidden', { status: 403, body: { id: 1n } })).toThrow(/contract\.denials\.forbidden/)
    })

    it('takes any status from 200, as GraphQL answers, to 599', () => {
      for (const status of [200, 599]) expect(withRow('forbidden', answer(status))).not.toThrow()
    })

    it('takes a body that is null', () => {
      expect(withRow('forbidden', { status: 403, body: null })).not.toThrow()
    })

    it('tries a function with facts of its code', () => {
      const seen: Denied[] = []
      const row = (denied: Denied) => {
        seen.push(denied)
        return answer(429)
      }
      withRow('rate_limited', row)()
      withRow('expired', row)()
      expect(seen).toEqual([
        {
          kind: 'denied',
          code: 'rate_limited',
          limit: { name: 'sample', limit: 60, seconds: 60, remaining: 0, resetAt: expect.any(Number) },
          limits: [{ name: 'sample', limit: 60, seconds: 60, remaining: 0, resetAt: expect.any(Number) }],
          retryAfter: 14,
        },
        { kind: 'denied', code: 'expired', keyId: expect.any(String), expiredAt: expect.any(Number) },
      ])
    })
  })
})

describe('checkKnown', () => {
  it('passes what is known', () => {
    expect(() => checkKnown('requirement.plan', 'plan', 'pro', ['free', 'pro'])).not.toThrow()
  })

  it('names the option, the value and what would be accepted', () => {
    expect(() => checkKnown('requirement.plan', 'plan', 'por', ['free', 'pro'])).toThrow(
      /requirement\.plan.*"por".*free, pro/,
    )
    expect(() => checkKnown('requirement.plan', 'plan', 'pro', [])).toThrow(/requirement\.plan/)
  })
})
