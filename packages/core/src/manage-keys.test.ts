import { createHash, createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Contract, DenialTable } from './contract.ts'
import { bearer } from './credential.ts'
import { digestKey } from './digest.ts'
import { issueKey, issueSigningKey, type NewKey, rotateKey } from './issue.ts'
import { keyCodec } from './key-format.ts'
import { memoryStore } from './memory-store.ts'
import type { Inserted, KeyRecord } from './store.ts'

const NOW = 1_790_000_000_000
const PEPPER = 'pepper-pepper-pepper-pepper-32-b'

// Nothing is rendered here.
const denials = {} as DenialTable
const FORMAT = { prefix: 'acme_', length: 38, alphabet: 'base36', checksum: true } as const
const ID_FORMAT = { prefix: 'ak_', length: 32, alphabet: 'base62', id: { prefix: 'key_' } } as const
const CONTRACT = { name: 'acme', carriers: [bearer()], key: FORMAT, permissions: { read: [], write: [] }, denials }
const WITH_ID = { ...CONTRACT, key: ID_FORMAT }
const TOKENS = {
  name: 'acme',
  carriers: [bearer()],
  token: { issuer: 'sdk' },
  permissions: { read: [], write: [] },
  denials,
}

const DETAILS: NewKey<'read' | 'write'> = { accountId: 'account_1', name: 'ci' }

describe('issueKey', () => {
  it('makes a key of the format and stores it by its digest', async () => {
    const store = memoryStore()
    const { key, text } = await issueKey(store, CONTRACT, { ...DETAILS, permissions: ['read'] }, { now: NOW })
    expect(keyCodec(FORMAT).accepts(text)).toBe(true)
    expect(key).toEqual({
      id: expect.stringMatching(/^key_[0-9a-f-]{36}$/),
      service: 'acme',
      accountId: 'account_1',
      name: 'ci',
      environment: null,
      permissions: ['read'],
      createdAt: NOW,
      expiresAt: null,
      revokedAt: null,
      revokedReason: null,
      metadata: {},
    })
    expect(store.findByDigest('acme', digestKey(text))).toEqual({
      key,
      account: null,
      secret: {
        kind: 'key',
        digest: createHash('sha256').update(text).digest('hex'),
        display: `acme_…${text.slice(-4)}`,
        createdAt: NOW,
        expiresAt: null,
      },
    })
  })

  it('stores nothing that holds the text', async () => {
    const store = memoryStore()
    const { key, text } = await issueKey(store, CONTRACT, DETAILS)
    expect(JSON.stringify([store.findByDigest('acme', digestKey(text)), key])).not.toContain(text)
  })

  it('stores a digest with the pepper, where there is one', async () => {
    const store = memoryStore()
    const { text } = await issueKey(store, CONTRACT, DETAILS, { pepper: PEPPER })
    const digest = createHmac('sha256', PEPPER).update(createHash('sha256').update(text).digest()).digest('hex')
    expect(store.findByDigest('acme', digest)).toBeDefined()
    expect(store.findByDigest('acme', digestKey(text))).toBeUndefined()
  })

  it('keeps environment, end and metadata', async () => {
    const details = { ...DETAILS, environment: 'test', expiresAt: NOW + 1, metadata: { team: 7 } }
    expect((await issueKey(memoryStore(), CONTRACT, details)).key).toMatchObject({
      environment: 'test',
      expiresAt: NOW + 1,
      metadata: { team: 7 },
    })
  })

  it('gives the key the id that its text carries', async () => {
    const { key, text } = await issueKey(memoryStore(), WITH_ID, DETAILS)
    expect(key.id).toBe(`key_${text.slice(3, 13)}`)
  })

  it('gives a key no permission that was not asked for', async () => {
    expect((await issueKey(memoryStore(), CONTRACT, DETAILS)).key.permissions).toEqual([])
  })

  it.each([
    ['an empty name', { name: '' }, /name/],
    ['a blank name', { name: ' \t' }, /name/],
    ['no name', { name: undefined }, /name/],
    ['an unknown permission', { permissions: ['delete'] }, /permissions/],
    ['a permission that every object has', { permissions: ['toString'] }, /permissions/],
    ['all permissions, which the contract does not name', { permissions: ['*'] }, /permissions/],
    ['an end that is NaN', { expiresAt: NaN }, /expiresAt/],
    ['an end that is infinite', { expiresAt: Infinity }, /expiresAt/],
    ['an end that is a text', { expiresAt: '2030-01-01' }, /expiresAt/],
  ])('refuses %s, and stores nothing', async (_what, change, option) => {
    const store = memoryStore()
    const issuing = issueKey(store, CONTRACT, { ...DETAILS, ...change } as typeof DETAILS)
    await expect(issuing).rejects.toThrow(TypeError)
    await expect(issuing).rejects.toThrow(option)
    expect(store.listKeys('acme', 'account_1')).toEqual([])
  })

  it('refuses a contract without a key format', async () => {
    await expect(issueKey(memoryStore(), TOKENS, DETAILS)).rejects.toThrow(TypeError)
  })

  it('draws again when an id or a digest is taken, and gives up on a store that calls every one taken', async () => {
    const store = memoryStore()
    let calls = 0
    const full = {
      ...store,
      insertKey(key: KeyRecord): Inserted {
        calls++
        return { kind: 'exists', key }
      },
    }
    await expect(issueKey(full, CONTRACT, DETAILS)).rejects.toThrow(Error)
    expect(calls).toBe(8)

    const texts: string[] = []
    const once = {
      ...store,
      insertKey: (...args: Parameters<typeof store.insertKey>) => {
        texts.push(args[1].kind === 'key' ? args[1].digest : '')
        return texts.length === 1 ? { kind: 'exists' as const, key: args[0] } : store.insertKey(args[0], args[1])
      },
    }
    const { text } = await issueKey(once, CONTRACT, DETAILS)
    expect(texts.length).toBe(2)
    expect(texts[0]).not.toBe(texts[1])
    expect(texts[1]).toBe(digestKey(text))
  })

  it('rejects when the store does', async () => {
    const cause = new Error('disk full')
    const broken = { ...memoryStore(), insertKey: () => Promise.reject(cause) }
    await expect(issueKey(broken, CONTRACT, DETAILS)).rejects.toBe(cause)
  })
})

describe('rotateKey', () => {
  it('gives the same key a new text, and ends the old one after the overlap', async () => {
    const store = memoryStore()
    const { key, text } = await issueKey(store, CONTRACT, DETAILS, { now: NOW })
    const rotated = await rotateKey(store, CONTRACT, key.id, 5000, { now: NOW + 1000 })
    expect(rotated?.key).toEqual(key)
    expect(rotated?.text).not.toBe(text)
    expect(store.findByDigest('acme', digestKey(text))?.secret.expiresAt).toBe(NOW + 6000)
    expect(store.findByDigest('acme', digestKey(rotated?.text ?? ''))?.secret).toMatchObject({
      createdAt: NOW + 1000,
      expiresAt: null,
    })
  })

  it('ends the old text at once with an overlap of 0', async () => {
    const store = memoryStore()
    const { key, text } = await issueKey(store, CONTRACT, DETAILS, { now: NOW })
    await rotateKey(store, CONTRACT, key.id, 0, { now: NOW + 1000 })
    expect(store.findByDigest('acme', digestKey(text))?.secret.expiresAt).toBe(NOW + 1000)
  })

  it('keeps the id in the text', async () => {
    const store = memoryStore()
    const { key, text } = await issueKey(store, WITH_ID, DETAILS)
    const rotated = await rotateKey(store, WITH_ID, key.id, 0)
    expect(rotated?.key.id).toBe(key.id)
    expect(rotated?.text.slice(0, 14)).toBe(text.slice(0, 14))
  })

  it('stores a digest with the pepper, where there is one', async () => {
    const store = memoryStore()
    const { key } = await issueKey(store, CONTRACT, DETAILS, { pepper: PEPPER })
    const rotated = await rotateKey(store, CONTRACT, key.id, 0, { pepper: PEPPER })
    expect(store.findByDigest('acme', digestKey(rotated?.text ?? '', PEPPER))).toBeDefined()
  })

  it('does not rotate a key that is not there, is revoked, or is of another service', async () => {
    const store = memoryStore()
    const { key } = await issueKey(store, CONTRACT, DETAILS)
    expect(await rotateKey(store, CONTRACT, 'key_2', 0)).toBeUndefined()
    expect(await rotateKey(store, { ...CONTRACT, name: 'other' } as Contract, key.id, 0)).toBeUndefined()
    store.revokeKey('acme', key.id, NOW, null)
    expect(await rotateKey(store, CONTRACT, key.id, 0)).toBeUndefined()
  })

  it('refuses a contract without a key format', async () => {
    await expect(rotateKey(memoryStore(), TOKENS, 'key_1', 0)).rejects.toThrow(TypeError)
  })

  it.each([NaN, Infinity, -1, undefined, '5000'])('refuses an overlap of %s, and changes nothing', async (overlap) => {
    const store = memoryStore()
    const { key, text } = await issueKey(store, CONTRACT, DETAILS)
    await expect(rotateKey(store, CONTRACT, key.id, overlap as number)).rejects.toThrow(/overlap/)
    expect(store.findByDigest('acme', digestKey(text))?.secret.expiresAt).toBeNull()
  })
})

describe('issueSigningKey', () => {
  it('makes a key with a UUID and a secret of 32 random bytes in base64url', async () => {
    const store = memoryStore()
    const { key, secret } = await issueSigningKey(store, TOKENS, DETAILS, { now: NOW })
    expect(key.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(secret).toMatch(/^[A-Za-z0-9_-]{43}$/)
    expect(Buffer.from(secret as string, 'base64url').length).toBe(32)
    expect(store.findSigningKey('acme', key.id)).toEqual({
      key,
      account: null,
      secrets: [{ kind: 'signing', text: secret, createdAt: NOW, expiresAt: null }],
    })
  })

  it('makes another key and secret each time', async () => {
    const store = memoryStore()
    const [a, b] = [await issueSigningKey(store, TOKENS, DETAILS), await issueSigningKey(store, TOKENS, DETAILS)]
    expect(a.key.id).not.toBe(b.key.id)
    expect(a.secret).not.toBe(b.secret)
  })

  it('makes and shows one secret in parallel first calls, and none later', async () => {
    const store = memoryStore()
    const all = await Promise.all(
      Array.from({ length: 10 }, () => issueSigningKey(store, TOKENS, DETAILS, { onlyFirst: true })),
    )
    expect(all.filter(({ secret }) => secret !== null).length).toBe(1)
    expect(new Set(all.map(({ key }) => key.id)).size).toBe(1)
    expect(store.listKeys('acme', 'account_1').length).toBe(1)
  })

  it('refuses a contract without token rules, and an empty name', async () => {
    await expect(issueSigningKey(memoryStore(), CONTRACT, DETAILS)).rejects.toThrow(TypeError)
    await expect(issueSigningKey(memoryStore(), TOKENS, { ...DETAILS, name: '' })).rejects.toThrow(/name/)
  })
})
