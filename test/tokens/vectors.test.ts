/** The vectors of the RFCs and of Project Wycheproof, read from where they are: they are not part of this project. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { visualLayer } from '@latchkey/contracts'
import { type AnyAuth, createAuth, memoryStore } from '@latchkey/core'
import { describe, expect, it } from 'vitest'
import { hmacBase64Url, hmacKeyOf } from '../../packages/core/src/platform/node.ts'
import { describeWith } from '../requirements.ts'
import { decide, MASTER_KEY, sealed } from './situation.ts'

interface Vector {
  readonly name: string
  /** Compact, or `undefined` where the vector is in another serialisation. */
  readonly jws: string | undefined
  /** As it stands in the file. */
  readonly presented: string
  readonly keys: readonly { readonly kid: string; readonly bytes: Buffer }[]
  /** What the MAC alone says. */
  readonly mac: string
  /** What this verifier of tokens has to say. */
  readonly profile: string
}

interface Jwk {
  readonly k?: string
  readonly kid?: string
}

interface RfcRow {
  readonly id: string
  readonly key_b64u?: string
  readonly kid?: string
  readonly token?: string
  readonly raw?: unknown
  readonly mac: string
  readonly profile: string
}

interface WycheproofRow {
  readonly src: string
  readonly tcId: number
  readonly group: string
  readonly comment: string
  readonly alg?: string
  readonly key?: Jwk
  readonly keys?: readonly Jwk[]
  readonly jws: unknown
  readonly expect_mac: string
  readonly profile: string
}

function rowsOf<Row>(directory: string, file: string): readonly Row[] {
  return JSON.parse(readFileSync(join(directory, file), 'utf8')).vectors
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

function keysOf(jwks: readonly Jwk[]): Vector['keys'] {
  return jwks.flatMap(({ k, kid = 'none' }) => (k === undefined ? [] : [{ kid, bytes: Buffer.from(k, 'base64url') }]))
}

function rfcVectors(directory: string): Vector[] {
  return rowsOf<RfcRow>(directory, 'rfc_hs256_vectors.json').map((row) => ({
    name: row.id,
    jws: row.token,
    presented: textOf(row.token ?? row.raw),
    keys: keysOf([{ ...(row.key_b64u && { k: row.key_b64u }), ...(row.kid && { kid: row.kid }) }]),
    mac: row.mac,
    profile: row.profile,
  }))
}

function wycheproofVectors(directory: string): Vector[] {
  return rowsOf<WycheproofRow>(directory, 'wycheproof_mapped.json').map((row) => ({
    name: `${row.src} ${row.tcId} ${row.group}: ${row.comment}`,
    jws: typeof row.jws === 'string' ? row.jws : undefined,
    presented: textOf(row.jws),
    keys: keysOf(row.keys ?? (row.key ? [row.key] : [])),
    // Only one key and one algorithm are asked for a MAC: that a set of keys is refused is not the MAC's affair.
    mac: row.alg === 'HS256' && row.src === 'jws' ? row.expect_mac : 'n/a',
    profile: row.profile,
  }))
}

/** An auth that has the vector's keys. Secrets are texts here, so each is there in every way to write its bytes. */
function authsWith(keys: Vector['keys']): Promise<AnyAuth[]> {
  const encodings = ['latin1', 'utf8', 'base64url', 'hex'] as const
  const auths = encodings.map(async (encoding) => {
    const contract = visualLayer()
    const store = memoryStore()
    store.insertAll({
      accounts: [{ id: 'owner', plan: 'cloud', status: 'active', email: null, metadata: {} }],
      keys: [],
    })
    for (const { kid, bytes } of keys) {
      const key = {
        id: kid,
        service: contract.name,
        accountId: 'owner',
        name: 'vector',
        environment: null,
        permissions: [],
        createdAt: 0,
        expiresAt: null,
        revokedAt: null,
        revokedReason: null,
        metadata: {},
      }
      const what = { service: contract.name, keyId: kid, version: '1' }
      store.insertAll({ accounts: [], keys: [{ key, secrets: [await sealed(bytes.toString(encoding), what)] }] })
    }
    return createAuth({ contract, store, masterKey: MASTER_KEY })
  })
  return Promise.all(auths)
}

/** Whether the parts are base64url and the platform's MAC under these bytes is the signature. */
function macHolds(jws: string, secret: Buffer): boolean {
  const strict = jws.split('.').every((part) => Buffer.from(part, 'base64url').toString('base64url') === part)
  if (!strict) return false
  const at = jws.lastIndexOf('.')
  // The secrets of this project are texts; those of the vectors are bytes, which the function hands on as they are.
  return hmacBase64Url(hmacKeyOf(secret as unknown as string), jws.slice(0, at)) === jws.slice(at + 1)
}

async function verify({ presented, keys, profile }: Vector): Promise<void> {
  for (const auth of await authsWith(keys)) {
    const accepted = decide(auth, presented).kind === 'allowed'
    expect(accepted).toBe(profile !== 'deny')
  }
}

describeWith('vectors', 'the public vectors', (directory) => {
  describe.each([
    ['of the RFCs', rfcVectors(directory)],
    ['of Project Wycheproof', wycheproofVectors(directory)],
  ])('%s', (_name, vectors) => {
    it.each(vectors)('are decided as they say: $name', verify)

    const macs = vectors.filter(({ mac, jws, keys }) => mac !== 'n/a' && jws !== undefined && keys.length === 1)
    it.each(macs)('have the MAC that they say: $name', ({ jws, keys, mac }) => {
      expect(macHolds(jws ?? '', keys[0]?.bytes ?? Buffer.alloc(0))).toBe(mac === 'valid')
    })

    it('are there', () => {
      expect(vectors.length).toBeGreaterThan(0)
      expect(macs.length).toBeGreaterThan(0)
    })
  })
})
