import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { AuthEvents, Listeners } from './events.ts'
import { MISSING, UNKNOWN, unavailable } from './outcome.ts'
import type { KeyRecord } from './store.ts'
import { teller } from './tell.ts'

const DAY = 86_400_000
const NOW = 1_790_000_000_000

const KEY: KeyRecord = {
  id: 'key_1',
  service: 'acme',
  accountId: 'account_1',
  name: 'test',
  environment: null,
  permissions: [],
  createdAt: 0,
  expiresAt: null,
  revokedAt: null,
  revokedReason: null,
  metadata: {},
}

type Told = readonly [name: string, event: Readonly<Record<string, unknown>>]

/** Everything that is told, in order. */
function listening(): { readonly told: Told[]; readonly on: Listeners<AuthEvents> } {
  const told: Told[] = []
  const names = ['allowed', 'denied', 'keyExpiring', 'quotaLow', 'uncounted', 'storeDown', 'storeUp'] as const
  const on = Object.fromEntries(names.map((name) => [name, (event: Told[1]) => told.push([name, event])]))
  return { told, on }
}

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('a flood of denials', () => {
  it('is told ten times a second, and then how many were left out', () => {
    const { told, on } = listening()
    const tell = teller('acme', on)
    for (let i = 0; i < 1000; i++) tell.denied(UNKNOWN, undefined)
    expect(told).toHaveLength(10)
    expect(told.every(([name, { leftOut }]) => name === 'denied' && leftOut === 0)).toBe(true)
    vi.advanceTimersByTime(1000)
    tell.denied(UNKNOWN, undefined)
    expect(told.at(-1)).toEqual(['denied', { service: 'acme', denied: UNKNOWN, principal: undefined, leftOut: 990 }])
  })

  it('hides no denial of another code', () => {
    const { told, on } = listening()
    const tell = teller('acme', on)
    for (let i = 0; i < 1000; i++) tell.denied(UNKNOWN, undefined)
    tell.denied(MISSING, undefined)
    expect(told.at(-1)?.[1]).toMatchObject({ denied: MISSING, leftOut: 0 })
  })
})

describe('a key that ends soon', () => {
  it('is told once, and anew when its end has changed', () => {
    const { told, on } = listening()
    const tell = teller('acme', on)
    const key = { ...KEY, expiresAt: NOW + 8 * DAY }
    tell.presented(key, NOW)
    tell.presented(KEY, NOW)
    expect(told).toEqual([])
    tell.presented(key, NOW + DAY)
    tell.presented(key, NOW + 2 * DAY)
    expect(told).toEqual([['keyExpiring', { service: 'acme', key, expiresAt: NOW + 8 * DAY }]])
    tell.presented({ ...key, expiresAt: NOW + 9 * DAY }, NOW + 2 * DAY)
    expect(told).toHaveLength(2)
  })
})

describe('a store that is down', () => {
  it('is told once, with its cause, and when it answers again', () => {
    const { told, on } = listening()
    const tell = teller('acme', on)
    const cause = new Error('gone')
    tell.read(undefined)
    for (let i = 0; i < 5; i++) tell.read(unavailable(cause))
    tell.read({ key: KEY })
    tell.read(undefined)
    expect(told).toEqual([
      ['storeDown', { service: 'acme', cause, leftOut: 0 }],
      ['storeUp', { service: 'acme' }],
    ])
  })

  it('and up, and down again, floods nobody', () => {
    const { told, on } = listening()
    const tell = teller('acme', on)
    for (let i = 0; i < 1000; i++) {
      tell.read(unavailable(new Error('gone')))
      tell.read(undefined)
    }
    expect(told.map(([name]) => name)).toEqual(['storeDown', 'storeUp'])
    vi.advanceTimersByTime(10_000)
    tell.read(unavailable(new Error('gone')))
    expect(told.at(-1)).toMatchObject(['storeDown', { leftOut: 999 }])
  })
})

it('requests that nobody counts are told ten times a second', () => {
  const { told, on } = listening()
  const tell = teller('acme', on)
  const cause = new Error('gone')
  for (let i = 0; i < 100; i++) tell.uncounted(unavailable(cause) as never)
  vi.advanceTimersByTime(1000)
  tell.uncounted(unavailable(cause) as never)
  expect(told).toHaveLength(11)
  expect(told.at(-1)).toEqual(['uncounted', { service: 'acme', cause, leftOut: 90 }])
})

it('where nobody listens nothing is told', () => {
  const tell = teller('acme', {})
  const down = unavailable(new Error('gone')) as never
  expect(() => {
    tell.denied(UNKNOWN, undefined)
    tell.allowed({ via: 'none' } as never)
    tell.presented({ ...KEY, expiresAt: NOW }, NOW)
    tell.uncounted(down)
    tell.read(down)
    tell.read(undefined)
  }).not.toThrow()
})
