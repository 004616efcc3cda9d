/** How each denial comes about: real requests against a real store, never a denial made by hand. */
import {
  type Access,
  type AuthenticateOptions,
  type Awaitable,
  type Contract,
  type DenialCode,
  type Denied,
  digestKey,
  type KeyReader,
  type Limiter,
  manageBalances,
  memoryLedger,
  memoryLimiter,
} from '@latchkey/core'
import type { Provider } from './providers.ts'
import type { Mount } from './servers.ts'
import {
  KEY_ID,
  type Lines,
  mint,
  NOW,
  present,
  SECRET,
  type Setup,
  tokenOf,
  type World,
  widened,
  world,
} from './world.ts'

export interface Arranged {
  readonly world: World
  readonly lines: Lines
  readonly authenticate?: AuthenticateOptions
  readonly requires?: Mount['requires']
  readonly deny?: Denied
  /** Requests that are let in first, and what happens after them. */
  readonly before?: { readonly requests: number; readonly later?: () => void }
}

export interface Situation {
  readonly name: string
  /** Only for providers with this kind of credential. Default: all. */
  readonly only?: 'key' | 'token'
  arrange(provider: Provider): Promise<Arranged>
}

type AtLeastOne = readonly [Situation, ...Situation[]]

/** A denial code that no situation leads to does not compile. */
export const SITUATIONS: { readonly [Code in DenialCode]: AtLeastOne } = {
  missing: [
    asked('no header field', () => []),
    asked('an empty header field', (provider) => [[carrierOf(provider), '']]),
    asked('the Bearer scheme alone', () => [['Authorization', 'Bearer']]),
    asked('the Basic scheme', () => [['Authorization', 'Basic dXNlcjpwYXNz']]),
    asked('a header field that is no carrier', (_, { text }) => [['x_api_key', text]]),
    asked('a cookie', (_, { text }) => [['Cookie', `x-api-key=${text}; Authorization=Bearer ${text}`]]),
  ],

  malformed: [
    asked('a text that no key or token has', (provider) => present(provider, provider.malformed)),
    {
      name: 'a key with a typo in its checksum',
      only: 'key',
      async arrange(provider) {
        const it = await world(provider)
        const last = it.text.endsWith('0') ? '1' : '0'
        return { world: it, lines: present(provider, it.text.slice(0, -1) + last) }
      },
    },
  ],

  unknown: [
    {
      name: 'a key that was never issued',
      async arrange(provider) {
        const it = await world(provider, { contract: widened(provider.contract([])) })
        return { world: it, lines: present(provider, mint(it.contract)) }
      },
    },
    {
      name: 'a key that was deleted',
      only: 'key',
      async arrange(provider) {
        const it = await world(provider)
        await it.keys.delete(KEY_ID)
        return { world: it, lines: it.lines }
      },
    },
    stored('a key of another service', { key: { service: 'another' } }, 'key'),
    confused('a key of another service, from a store that does not look', 'key'),
    {
      name: 'a key that a store takes for another one',
      only: 'key',
      async arrange(provider) {
        const it: World = await world(provider, {
          store: {
            findByDigest: () => it.store.findByDigest(it.contract.name, digestKey(it.text)),
            findSigningKey: () => undefined,
          },
        })
        return { world: it, lines: present(provider, mint(it.contract)) }
      },
    },
    stored('a key whose account is gone', { key: { accountId: 'nobody' } }, 'key'),
    {
      name: 'a text that rotation has ended',
      only: 'key',
      async arrange(provider) {
        const it = await world(provider)
        await it.keys.rotate(KEY_ID)
        return { world: it, lines: it.lines }
      },
    },
  ],

  revoked: [
    stored('a key that was revoked', { key: { revokedAt: NOW } }),
    stored('a key that was revoked before it expired', { key: { revokedAt: NOW - 2, expiresAt: NOW - 1 } }),
  ],

  expired: [
    // The key has expired at the first millisecond of 2024, and that is the time.
    stored('a key that has expired', { key: { expiresAt: Date.UTC(2024) }, now: Date.UTC(2024) }),
    {
      name: 'a token that has expired',
      only: 'token',
      arrange: (provider) => tokenFor(provider, tokenOf(NOW, { exp: NOW / 1000 })),
    },
  ],

  token_invalid: [
    forged('a signature by another secret', () => tokenOf(NOW, {}, {}, `${SECRET}!`)),
    forged('a kid that is unknown', () => tokenOf(NOW, { sub: 'key_0000000000' }, { kid: 'key_0000000000' })),
    forged('a kid that is a name every object has', () => tokenOf(NOW, { sub: '__proto__' }, { kid: '__proto__' })),
    forged('another issuer', () => tokenOf(NOW, { iss: 'SDK' })),
    forged('no issuer', () => tokenOf(NOW, { iss: undefined })),
    forged('issuers in a list', () => tokenOf(NOW, { iss: ['sdk'] })),
    forged('another subject', () => tokenOf(NOW, { sub: 'key_0000000000' })),
    forged('no subject', () => tokenOf(NOW, { sub: undefined })),
    forged('no expiry', () => tokenOf(NOW, { exp: undefined })),
    forged('an expiry that is a text', () => tokenOf(NOW, { exp: String(NOW / 1000 + 600) })),
    forged('an expiry with a fraction', () => tokenOf(NOW, { exp: NOW / 1000 + 0.5 })),
    forged('no time of issue', () => tokenOf(NOW, { iat: undefined })),
    forged('a time of issue beyond the leeway', () => tokenOf(NOW, { iat: NOW / 1000 + 31 })),
    forged('a start beyond the leeway', () => tokenOf(NOW, { nbf: NOW / 1000 + 31 })),
    {
      name: 'a token of a key that was deleted',
      only: 'token',
      async arrange(provider) {
        const it = await world(provider)
        await it.keys.delete(KEY_ID)
        return { world: it, lines: it.lines }
      },
    },
    stored('a token of a key of another service', { key: { service: 'another' } }, 'token'),
    confused('a token of a key of another service, from a store that does not look', 'token'),
    stored('a token of a key whose account is gone', { key: { accountId: 'nobody' } }, 'token'),
  ],

  suspended: [stored('an account that is suspended', { account: { status: 'suspended' } })],

  plan: [
    {
      name: 'the plan does not reach the one that the mount asks for',
      arrange: async (provider) => ({ ...(await below(provider)), authenticate: { plan: provider.ladder.enough } }),
    },
    {
      name: 'the plan lacks the feature that the mount asks for',
      arrange: async (provider) => ({ ...(await below(provider)), authenticate: { feature: provider.ladder.feature } }),
    },
    {
      name: 'the plan does not reach the one that the route asks for',
      arrange: async (provider) => ({ ...(await below(provider)), requires: { plan: provider.ladder.enough } }),
    },
  ],

  rate_limited: [
    {
      name: 'the window is full',
      async arrange(provider) {
        const { limit, seconds, after } = provider.limited
        const contract = provider.contract([{ name: 'minute', seconds, limit, per: 'key' }])
        const it = await world(provider, { contract, limiter: memoryLimiter() })
        const later = () => {
          it.clock.now += after * 1000
        }
        return { world: it, lines: it.lines, before: { requests: limit, later } }
      },
    },
    {
      name: "the route's own window is full",
      async arrange(provider) {
        const { limit, seconds, after } = provider.limited
        const it = await world(provider)
        const later = () => {
          it.clock.now += after * 1000
        }
        const requires = { limits: [{ name: 'minute', seconds, limit, per: 'account' }] } as const
        return { world: it, lines: it.lines, requires, before: { requests: limit, later } }
      },
    },
  ],

  concurrency: [
    {
      name: 'as many requests are under way as the contract lets run',
      async arrange(provider) {
        const contract = { ...provider.contract([]), concurrency: SLOTS }
        const it = await world(provider, { contract, limiter: busy(contract) })
        return { world: it, lines: it.lines }
      },
    },
    {
      name: 'as many requests are under way as the route lets run',
      async arrange(provider) {
        const contract = provider.contract([])
        const it = await world(provider, { contract, limiter: busy(contract) })
        return { world: it, lines: it.lines, requires: { concurrency: SLOTS } }
      },
    },
    {
      name: 'the handler counts too many',
      async arrange(provider) {
        const it = await world(provider)
        return { world: it, lines: it.lines, deny: { kind: 'denied', code: 'concurrency', limit: 3 } }
      },
    },
  ],

  forbidden: [
    {
      name: 'the key lacks the permission',
      async arrange(provider) {
        const it = await world(provider, { contract: widened(provider.contract([])) })
        return { world: it, lines: it.lines, requires: { permission: 'write' } }
      },
    },
    {
      name: "the resource's own rule forbids",
      async arrange(provider) {
        const it = await world(provider)
        return { world: it, lines: it.lines, requires: { resource: () => 'forbid' } }
      },
    },
  ],

  exhausted: [
    {
      name: 'the balance is at zero',
      async arrange(provider) {
        const contract = { ...provider.contract(), quota: { name: 'credits' } }
        const ledger = memoryLedger()
        const it = await world(provider, { contract, ledger })
        const balances = manageBalances({ contract, ledger })
        await balances.change(it.account, { limit: 8, used: 8 })
        return { world: it, lines: it.lines, requires: { cost: 1 } }
      },
    },
    {
      name: 'the quota of the month is used up',
      async arrange(provider) {
        const quota = { name: 'month', limit: 2, period: { months: 1 } }
        const it = await world(provider, { contract: { ...provider.contract([]), quota } })
        return { world: it, lines: it.lines, requires: { cost: 1 }, before: { requests: 2 } }
      },
    },
  ],

  hidden: [
    {
      name: "the resource's own rule hides it",
      async arrange(provider) {
        const it = await world(provider)
        return { world: it, lines: it.lines, requires: { resource: async (): Promise<Access> => 'hide' } }
      },
    },
  ],

  unavailable: [
    stored('a store that throws', {
      store: storeOf(() => {
        throw new Error('down')
      }),
    }),
    stored('a store that rejects', { store: storeOf(() => Promise.reject(new Error('down'))) }),
    stored('a store that hangs', { store: storeOf(() => new Promise<never>(() => {})) }),
    stored('a store that returns garbage', { store: storeOf(() => garbage('{"key":{"id":7},"secret":null}')) }),
    stored('a store that returns null', { store: storeOf(() => garbage('null')) }),
    stored('a store that returns a text', { store: storeOf(async () => garbage('"down"')) }),
    stored('an expiry that is no time', { key: { expiresAt: Number.NaN } }),
    stored('an account with a status of its own', { account: JSON.parse('{"status":"Active"}') }),
    stored('accounts that reject', { accounts: { find: () => Promise.reject(new Error('down')) } }),
    limited('a limiter that throws', () => {
      throw new Error('down')
    }),
    limited('a limiter that hangs', () => new Promise<never>(() => {})),
    limited('a limiter that returns garbage', () => garbage('null')),
    metered('a ledger that throws', () => {
      throw new Error('down')
    }),
    metered('a ledger that hangs', () => new Promise<never>(() => {})),
    metered('a ledger that returns garbage', () => garbage('null')),
  ],
}

const SLOTS = { name: 'jobs', limit: 3, per: 'account' } as const

/** A limiter with which the account has three jobs under way. */
function busy({ name }: Contract): Limiter {
  const limiter = memoryLimiter()
  const slots = { name: 'jobs', bucket: `${name}:account:user_abc123`, limit: 3, seconds: 300 }
  for (let i = 0; i < 3; i++) limiter.take({ windows: [], slots }, NOW)
  return limiter
}

/** What JSON spells, where the types expect something else. */
function garbage(text: string): never {
  return JSON.parse(text) as never
}

function carrierOf({ credential }: Provider): string {
  return credential === 'x-api-key' ? 'x-api-key' : 'Authorization'
}

function asked(name: string, lines: (provider: Provider, it: World) => Lines): Situation {
  return {
    name,
    async arrange(provider) {
      const it = await world(provider)
      return { world: it, lines: lines(provider, it) }
    },
  }
}

function stored(name: string, setup: Setup, only?: 'key' | 'token'): Situation {
  return {
    name,
    ...(only && { only }),
    async arrange(provider) {
      const it = await world(provider, setup)
      return { world: it, lines: it.lines }
    },
  }
}

function confused(name: string, only: 'key' | 'token'): Situation {
  return {
    name,
    only,
    async arrange(provider) {
      const it: World = await world(provider, {
        key: { service: 'another' },
        store: {
          findByDigest: (_, digest) => it.store.findByDigest('another', digest),
          findSigningKey: (_, id) => it.store.findSigningKey('another', id),
        },
      })
      return { world: it, lines: it.lines }
    },
  }
}

function limited(name: string, take: () => Awaitable<never>): Situation {
  return {
    name,
    async arrange(provider) {
      const contract = provider.contract([{ name: 'minute', seconds: 60, limit: 60, per: 'account' }])
      const it = await world(provider, { contract, limiter: { ...memoryLimiter(), take } })
      return { world: it, lines: it.lines }
    },
  }
}

function metered(name: string, reserve: () => Awaitable<never>): Situation {
  return {
    name,
    async arrange(provider) {
      const it = await world(provider, { ledger: { ...memoryLedger(), reserve } })
      return { world: it, lines: it.lines, requires: { cost: 1 } }
    },
  }
}

function forged(name: string, token: () => string): Situation {
  return { name, arrange: (provider) => tokenFor(provider, token()) }
}

// A provider of keys alone is widened by tokens; its key is then one that signs.
async function tokenFor(provider: Provider, token: string): Promise<Arranged> {
  const it = await world({ ...provider, credential: 'token' }, { contract: widened(provider.contract([])) })
  return { world: it, lines: present(provider, token) }
}

async function below(provider: Provider): Promise<Arranged> {
  const contract = widened(provider.contract([]))
  const it = await world(provider, { contract, account: { plan: provider.ladder.below } })
  return { world: it, lines: it.lines }
}

function storeOf(find: () => Awaitable<never>): KeyReader {
  return { findByDigest: find, findSigningKey: find }
}
