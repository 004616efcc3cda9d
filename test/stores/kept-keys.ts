/** What a database must hold, after the changes that were acknowledged; and what it holds. */
import { createHash } from 'node:crypto'
import type { AuditAction, Secret } from '@latchkey/core'
import type { Database, Row } from './database.ts'
import type { Change, Result } from './programs/changes.ts'

/** `ending`: an earlier one that works for a while. */
type State = 'live' | 'ending' | 'ended'

interface KeptSecret {
  /** Of an API key; a signing secret is sealed, and shows by its tokens alone. */
  readonly digest: string | null
  readonly state: State
}

interface KeptKey {
  readonly kind: Secret['kind']
  readonly name: string
  readonly revoked: boolean
  /** Oldest first. */
  readonly secrets: readonly KeptSecret[]
}

export interface Kept {
  readonly keys: Readonly<Record<string, KeptKey>>
  /** What is recorded of each key, oldest first, also of deleted ones. */
  readonly audits: Readonly<Record<string, readonly AuditAction[]>>
  /** What belongs to no key. */
  readonly strays: readonly Row[]
}

export const NOTHING: Kept = { keys: {}, audits: {}, strays: [] }

const RECORDED = {
  create: 'key.created',
  import: 'key.imported',
  rotate: 'key.rotated',
  revoke: 'key.revoked',
  change: 'key.changed',
  delete: 'key.deleted',
} as const satisfies Record<Change['kind'], AuditAction>

/** What there is after a change that has this result. */
export function after(kept: Kept, change: Change, result: Result | null): Kept {
  if (result === null) return kept
  const { id, secret } = result
  const before = kept.keys[id]
  // A second revocation changes nothing, and is not recorded.
  if (change.kind === 'revoke' && before?.revoked === true) return kept
  const audits = { ...kept.audits, [id]: [...(kept.audits[id] ?? []), RECORDED[change.kind]] }
  if (change.kind === 'delete') {
    const { [id]: _, ...others } = kept.keys
    return { ...kept, keys: others, audits }
  }
  return { ...kept, keys: { ...kept.keys, [id]: changed(before, change, secret ?? null) }, audits }
}

function changed(before: KeptKey | undefined, change: Change, text: string | null): KeptKey {
  if (change.kind === 'create' || change.kind === 'import') {
    return { kind: change.of, name: change.name, revoked: false, secrets: [newSecret(change.of, text)] }
  }
  if (before === undefined) throw new Error('a key was changed that is not there')
  if (change.kind === 'revoke') return { ...before, revoked: true }
  if (change.kind === 'change') return { ...before, name: change.name }
  if (change.kind === 'delete') throw new Error('a deleted key is not there')
  const ended = before.secrets.map(({ digest, state }): KeptSecret => {
    return { digest, state: change.overlap === 0 || state === 'ended' ? 'ended' : 'ending' }
  })
  return { ...before, secrets: [...ended, newSecret(before.kind, text)] }
}

function newSecret(kind: Secret['kind'], text: string | null): KeptSecret {
  return { digest: kind === 'key' && text !== null ? digestOf(text) : null, state: 'live' }
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/**
 * What there is after a change that was made, but not acknowledged: nobody has heard its result. Of a key that it made
 * nothing but the name was known, of a new text nothing.
 */
export function afterUnheard(kept: Kept, change: Change, found: Kept): Kept {
  const id = 'id' in change ? change.id : Object.keys(found.keys).find((key) => found.keys[key]?.name === change.name)
  if (id === undefined || !canBeMade(kept.keys[id], change)) return kept
  const made = after(kept, change, { id, secret: change.kind === 'import' ? change.text : null })
  const key = made.keys[id]
  const last = found.keys[id]?.secrets.at(-1)
  if (key?.kind !== 'key' || last === undefined || (change.kind !== 'create' && change.kind !== 'rotate')) return made
  const secrets = [...key.secrets.slice(0, -1), { digest: last.digest, state: 'live' as const }]
  return { ...made, keys: { ...made.keys, [id]: { ...key, secrets } } }
}

function canBeMade(before: KeptKey | undefined, change: Change): boolean {
  if (change.kind === 'create' || change.kind === 'import') return before === undefined
  return before !== undefined && !(change.kind === 'rotate' && before.revoked)
}

/** Reads every table with plain SQL. */
export async function readKept(database: Database, now: number): Promise<Kept> {
  const state = (at: unknown): State => (at === null ? 'live' : Number(at) > now ? 'ending' : 'ended')
  const secretsOf = async (table: string) =>
    (await database.rows(`select * from ${table} order by service, key_id, number`)).map((row) => ({
      keyId: String(row.key_id),
      row,
      secret: { digest: (row.digest ?? null) as string | null, state: state(row.expires_at) },
    }))
  const keys = await database.rows('select * from latchkey_keys')
  const digests = await secretsOf('latchkey_key_secrets')
  const sealed = await secretsOf('latchkey_signing_secrets')
  const uses = await database.rows('select * from latchkey_uses')
  const audits = await database.rows('select * from latchkey_audit where key_id is not null order by id')
  const kinds = new Map(keys.map(({ id, kind }) => [id, kind]))
  return {
    keys: Object.fromEntries(
      keys.map(({ id, kind, name, revoked_at }): [string, KeptKey] => {
        const own = (kind === 'key' ? digests : sealed).filter(({ keyId }) => keyId === id)
        const secrets = own.map(({ secret }) => secret)
        return [String(id), { kind: kind as Secret['kind'], name: String(name), revoked: revoked_at !== null, secrets }]
      }),
    ),
    audits: groupActions(audits),
    strays: [
      ...digests.filter(({ keyId }) => kinds.get(keyId) !== 'key').map(({ row }) => row),
      ...sealed.filter(({ keyId }) => kinds.get(keyId) !== 'signing').map(({ row }) => row),
      ...uses.filter((row) => !kinds.has(row.key_id)),
    ],
  }
}

function groupActions(audits: readonly Row[]): Record<string, AuditAction[]> {
  const grouped: Record<string, AuditAction[]> = {}
  for (const { key_id, action } of audits) {
    const id = String(key_id)
    grouped[id] = [...(grouped[id] ?? []), action as AuditAction]
  }
  return grouped
}
