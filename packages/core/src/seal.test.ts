import { createCipheriv, createHash, randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type MasterKey, type SealedFor, sealer } from './seal.ts'
import type { SigningSecret } from './store.ts'

const MASTER = 'master-key-of-at-least-32-bytes-1'
const NEWER = 'master-key-of-at-least-32-bytes-2'
const TEXT = 'a-secret-of-at-least-thirty-two-bytes-000001'
const WHAT: SealedFor = { service: 'acme', keyId: 'key_1', version: '1' }

async function sealedBy(masterKey: MasterKey, text = TEXT, what = WHAT): Promise<SigningSecret> {
  const sealed = await sealer(masterKey).seal(text, what)
  return { kind: 'signing', version: what.version, ...sealed, createdAt: 0, expiresAt: null }
}

const opening = async (masterKey: MasterKey, secret: SigningSecret, what = WHAT) => sealer(masterKey).open(secret, what)

describe('a seal', () => {
  it.each([
    ['the usual text', TEXT],
    ['nothing', ''],
    ['characters of four bytes', '🔑'.repeat(20)],
    ['a byte-order mark', '\ufeffsecret\ufeff'],
    ['a NUL', 'a\u0000b'],
    ['4096 characters', 'x'.repeat(4096)],
  ])('opens to what was sealed: %s', async (_what, text) => {
    expect(await opening(MASTER, await sealedBy(MASTER, text))).toBe(text)
  })

  it('is nonce, AES-256-GCM and tag in base64, by SHA-256 of the master key, for service, key and version', async () => {
    const key = createHash('sha256').update(MASTER).digest()
    const nonce = randomBytes(12)
    const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from('["acme","key_1","1"]'))
    const encrypted = Buffer.concat([nonce, cipher.update(TEXT), cipher.final(), cipher.getAuthTag()])
    const secret = { ...(await sealedBy(MASTER)), sealed: encrypted.toString('base64') }
    expect(await opening(MASTER, secret)).toBe(TEXT)
  })

  it('is there at once where the master key is a text', () => {
    const { seal, open, masterKeyId } = sealer(MASTER)
    const sealed = seal(TEXT, WHAT)
    if (sealed instanceof Promise) throw new Error('a promise')
    const secret: SigningSecret = { kind: 'signing', version: '1', ...sealed, createdAt: 0, expiresAt: null }
    expect([open(secret, WHAT), masterKeyId()]).toEqual([TEXT, sealed.masterKeyId])
  })

  it('is another one each time', async () => {
    const all = await Promise.all(Array.from({ length: 100 }, () => sealedBy(MASTER)))
    expect(new Set(all.map(({ sealed }) => sealed)).size).toBe(100)
    // 16 characters are the 12 bytes of the nonce: used twice it would give both texts away.
    expect(new Set(all.map(({ sealed }) => sealed.slice(0, 16))).size).toBe(100)
  })

  it('holds nothing of the text or of the master key', async () => {
    const { sealed, masterKeyId } = await sealedBy(MASTER)
    const written = [sealed, Buffer.from(sealed, 'base64').toString('latin1'), masterKeyId].join('\n')
    for (const secret of [TEXT, MASTER]) {
      const digest = createHash('sha256').update(secret).digest()
      for (const form of ['utf8', 'base64', 'base64url', 'hex'] as const) {
        expect(written).not.toContain(Buffer.from(secret).toString(form).slice(0, 8))
        if (form !== 'utf8') expect(written).not.toContain(digest.toString(form).slice(0, 8))
      }
    }
  })

  it.each([
    ['service', { ...WHAT, service: 'other' }],
    ['key', { ...WHAT, keyId: 'key_2' }],
    ['version', { ...WHAT, version: '2' }],
    ['key and version that read the same side by side', { ...WHAT, keyId: 'key_', version: '11' }],
  ])('does not open for another %s', async (_what, what) => {
    await expect(opening(MASTER, await sealedBy(MASTER), what)).rejects.toThrow(Error)
  })

  it.each([',', '","', '\n', '\u0000'])('is told apart from one for names with %j in them', async (between) => {
    const [one, other] = [
      { service: 'acme', keyId: `a${between}b`, version: 'c' },
      { service: 'acme', keyId: 'a', version: `b${between}c` },
    ]
    await expect(opening(MASTER, await sealedBy(MASTER, TEXT, one), other)).rejects.toThrow(Error)
  })

  it.each([
    ['no base64', '***'],
    ['nothing', ''],
    ['a nonce alone', 'AAAAAAAAAAAAAAAA'],
    ['a tag of four bytes', 'AAAAAAAAAAAAAAAAAAAAAA=='],
    ['zeros', 'A'.repeat(96)],
  ])('does not open when it is %s', async (_what, sealed) => {
    await expect(opening(MASTER, { ...(await sealedBy(MASTER)), sealed })).rejects.toThrow(Error)
  })

  it('does not open when one bit of it was turned', async () => {
    const secret = await sealedBy(MASTER)
    const bytes = Buffer.from(secret.sealed, 'base64')
    for (let i = 0; i < bytes.length; i++) {
      const turned = Buffer.from(bytes.map((byte, j) => (i === j ? byte ^ 128 : byte)))
      await expect(opening(MASTER, { ...secret, sealed: turned.toString('base64') })).rejects.toThrow(Error)
    }
  })

  it('rejects and does not throw, so that of several that are opened at once none is left alone', async () => {
    const { open } = sealer(MASTER)
    for (const secret of [await sealedBy(NEWER), { ...(await sealedBy(MASTER)), sealed: '' }]) {
      const opening = open(secret, WHAT)
      expect(opening).toBeInstanceOf(Promise)
      await expect(opening).rejects.toThrow(Error)
    }
  })

  it('says which key does not open, and nothing of the secret', async () => {
    const secret = await sealedBy(MASTER)
    const messages = await Promise.all(
      [
        opening(MASTER, secret, { ...WHAT, keyId: 'key_2' }),
        opening(NEWER, secret, WHAT),
        opening(MASTER, { ...secret, sealed: 'AAAA' }, WHAT),
      ].map((failing) => failing.catch((error: Error) => `${error.message}\n${error.cause}`)),
    )
    expect(messages.map((message) => /key_[12]/.exec(message as string)?.[0])).toEqual(['key_2', 'key_1', 'key_1'])
    for (const hidden of [TEXT, MASTER, NEWER, secret.sealed]) expect(messages.join('\n')).not.toContain(hidden)
  })
})

describe('master keys', () => {
  it('open nothing that another one sealed', async () => {
    const secret = await sealedBy(MASTER)
    await expect(opening(NEWER, secret)).rejects.toThrow(secret.masterKeyId)
    await expect(opening(NEWER, { ...secret, masterKeyId: (await sealedBy(NEWER)).masterKeyId })).rejects.toThrow(Error)
  })

  it('seal with the first of several, and open with all', async () => {
    const [old, anew] = [await sealedBy(MASTER), await sealedBy(`${NEWER},${MASTER}`)]
    expect(anew.masterKeyId).toBe((await sealedBy(NEWER)).masterKeyId)
    expect(await sealer(`${NEWER},${MASTER}`).masterKeyId()).toBe(anew.masterKeyId)
    for (const both of [`${NEWER},${MASTER}`, `${MASTER},${NEWER}`, ` ${MASTER} ,\n${NEWER}\n`]) {
      expect(await opening(both, old)).toBe(TEXT)
      expect(await opening(both, anew)).toBe(TEXT)
    }
    expect(await opening(NEWER, anew)).toBe(TEXT)
    await expect(opening(NEWER, old)).rejects.toThrow(Error)
  })

  it('are the same with white space around them, as a file has it', async () => {
    expect(await opening(MASTER, await sealedBy(`${MASTER}\n`))).toBe(TEXT)
  })

  it('have ids that stay, differ, and are neither the key nor its digest', async () => {
    const ids = [await sealer(MASTER).masterKeyId(), await sealer(NEWER).masterKeyId()]
    expect(ids).toEqual([await sealer(MASTER).masterKeyId(), expect.stringMatching(/^[0-9a-f]{16}$/)])
    expect(ids[0]).not.toBe(ids[1])
    // Stores hold this id: with another one they would not open any more.
    expect(ids[0]).toBe('94d43bd25e1fdac2')
    const digest = createHash('sha256').update(MASTER).digest('hex')
    expect(digest).not.toContain(ids[0])
  })

  it.each([
    ['31 bytes', 'k'.repeat(31)],
    ['nothing', ''],
    ['31 bytes and a blank', `${'k'.repeat(31)} `],
    ['a short one after a long one', `${MASTER},short`],
    ['a short one before a long one', `short,${MASTER}`],
    ['a comma at the end', `${MASTER},`],
    ['no text', undefined],
    ['null', null],
    ['a number', 7],
    ['a list', [MASTER]],
    ['bytes', new Uint8Array(32)],
  ])('are refused at once by the name of the option: %s', (_what, masterKey) => {
    expect(() => sealer(masterKey as string)).toThrow(TypeError)
    expect(() => sealer(masterKey as string)).toThrow(/^masterKey must be /)
  })

  it('count bytes, not characters', () => {
    expect(() => sealer('ü'.repeat(15))).toThrow(/^masterKey must be /)
    expect(sealer('ü'.repeat(16)).masterKeyId()).toMatch(/^[0-9a-f]{16}$/)
  })
})

describe('a function that fetches master keys', () => {
  let answers: (string | Error)[] = []
  let asked = 0
  const fetch = async () => {
    const answer = answers[Math.min(asked++, answers.length - 1)] as string | Error
    if (answer instanceof Error) throw answer
    return answer
  }

  beforeEach(() => {
    vi.useFakeTimers()
    asked = 0
  })

  afterEach(() => {
    vi.useRealTimers()
  })

  it('is not asked before it is needed, and then once', async () => {
    answers = [MASTER]
    const { seal, open, masterKeyId } = sealer(fetch)
    expect(asked).toBe(0)
    const secret = { ...(await sealedBy(MASTER)), ...(await seal(TEXT, WHAT)) }
    expect(await open(secret, WHAT)).toBe(TEXT)
    expect(await masterKeyId()).toBe(secret.masterKeyId)
    expect(asked).toBe(1)
  })

  it('may answer at once', async () => {
    const { seal } = sealer(() => MASTER)
    expect(await seal(TEXT, WHAT)).toEqual({ sealed: expect.any(String), masterKeyId: sealer(MASTER).masterKeyId() })
  })

  it('is asked again for a master key that it did not have, and not more often than every five seconds', async () => {
    const [old, newer] = [await sealedBy(MASTER), await sealedBy(NEWER)]
    answers = [MASTER, MASTER, `${NEWER},${MASTER}`]
    const { open, masterKeyId } = sealer(fetch)
    expect(await open(old, WHAT)).toBe(TEXT)
    for (let i = 0; i < 3; i++) await expect(open(newer, WHAT)).rejects.toThrow(newer.masterKeyId)
    expect(asked).toBe(1)
    vi.advanceTimersByTime(5000)
    await expect(open(newer, WHAT)).rejects.toThrow(newer.masterKeyId)
    expect(asked).toBe(1)
    vi.advanceTimersByTime(1)
    for (let i = 0; i < 3; i++) await expect(open(newer, WHAT)).rejects.toThrow(newer.masterKeyId)
    expect(asked).toBe(2)
    vi.advanceTimersByTime(5001)
    expect(await open(newer, WHAT)).toBe(TEXT)
    expect(asked).toBe(3)
    expect(await masterKeyId()).toBe(newer.masterKeyId)
    expect(await open(old, WHAT)).toBe(TEXT)
    expect(asked).toBe(3)
  })

  it('is asked for the newest one before it seals, and what is known seals where it fails', async () => {
    answers = [MASTER, NEWER, new Error('no answer')]
    const { seal, masterKeyId } = sealer(fetch)
    const older = await masterKeyId()
    expect((await seal(TEXT, WHAT)).masterKeyId).toBe(older)
    vi.advanceTimersByTime(5001)
    const newer = (await seal(TEXT, WHAT)).masterKeyId
    expect(newer).not.toBe(older)
    vi.advanceTimersByTime(1001)
    expect(await masterKeyId()).toBe(newer)
    expect(asked).toBe(3)
  })

  it('is asked once for all who wait', async () => {
    answers = [MASTER]
    const secret = await sealedBy(MASTER)
    const { open } = sealer(fetch)
    expect(await Promise.all([open(secret, WHAT), open(secret, WHAT)])).toEqual([TEXT, TEXT])
    expect(asked).toBe(1)
  })

  it('is left alone for a second after it failed', async () => {
    const secret = await sealedBy(MASTER)
    const down = new Error('no answer')
    answers = [down, MASTER]
    const { open } = sealer(fetch)
    for (let i = 0; i < 3; i++) await expect(open(secret, WHAT)).rejects.toBe(down)
    vi.advanceTimersByTime(999)
    await expect(open(secret, WHAT)).rejects.toBe(down)
    expect(asked).toBe(1)
    vi.advanceTimersByTime(1)
    expect(await open(secret, WHAT)).toBe(TEXT)
  })

  it('is asked again when it never answers', async () => {
    const secret = await sealedBy(MASTER)
    const texts = [new Promise<string>(() => {}), MASTER]
    const { open } = sealer(() => texts.shift() ?? MASTER)
    const first = expect(open(secret, WHAT)).rejects.toThrow('no answer within 5000 ms')
    await vi.advanceTimersByTimeAsync(5000)
    await first
    vi.advanceTimersByTime(1000)
    expect(await open(secret, WHAT)).toBe(TEXT)
  })

  it('is never asked again for what it has', async () => {
    answers = [MASTER]
    const secret = await sealedBy(MASTER)
    const { open } = sealer(fetch)
    for (let i = 0; i < 3; i++) {
      vi.advanceTimersByTime(60_000)
      expect(await open(secret, WHAT)).toBe(TEXT)
    }
    expect(asked).toBe(1)
  })

  it('may fail: that one call does, and what is known still opens', async () => {
    const [old, newer] = [await sealedBy(MASTER), await sealedBy(NEWER)]
    const down = new Error('no answer')
    answers = [down, MASTER, down]
    const { open } = sealer(fetch)
    await expect(open(old, WHAT)).rejects.toBe(down)
    vi.advanceTimersByTime(1000)
    expect(await open(old, WHAT)).toBe(TEXT)
    vi.advanceTimersByTime(5001)
    await expect(open(newer, WHAT)).rejects.toBe(down)
    expect(await open(old, WHAT)).toBe(TEXT)
  })

  it.each([[''], ['short'], [`${MASTER},`], [undefined], [7]])(
    'does not seal with what it answers: %j',
    async (answer) => {
      const { seal, masterKeyId } = sealer(async () => answer as string)
      await expect(seal(TEXT, WHAT)).rejects.toThrow(TypeError)
      await expect(masterKeyId()).rejects.toThrow(/^masterKey must be /)
    },
  )
})
