/** Changes keys for ever, one call after the other, and says before and after each what it does. Is there to be killed. */
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { type Keys, manageAccounts, manageKeys, type Secret } from '@latchkey/core'
import { ACCOUNT, type Change, contract, type Line, MASTER_KEY, type Order, type Result } from './changes.ts'
import { openStore } from './open-store.ts'
import { randomNumbers } from './random.ts'

/** With more keys than this, they are deleted: each of them is looked at after each kill. */
const ENOUGH = 40
const HOUR = 3_600_000

// Loaded when a store is opened; here it is time that is not spent on changes.
await Promise.all([import('libsql'), import('pg')])
say('ready')
for await (const line of createInterface(process.stdin)) await changeKeys(JSON.parse(line) as Order)

async function changeKeys({ url, seed, round }: Order): Promise<never> {
  const random = randomNumbers(seed)
  const store = await openStore(url)
  await manageAccounts({ store, by: 'killed' }).create({ id: ACCOUNT, plan: 'any' })
  const keys = manageKeys({ contract, store, by: 'killed', masterKey: MASTER_KEY })
  const { items } = await keys.list({ limit: 1000 })
  const ids = new Set(items.map(({ key }) => key.id))
  for (let call = 1; ; call++) {
    const change = chooseChange(random, [...ids], `${round}.${call}`)
    say({ change })
    const result = await make(keys, change)
    say({ change, result })
    if (change.kind === 'delete') ids.delete(change.id)
    else if (result !== null) ids.add(result.id)
  }
}

function chooseChange(random: () => number, ids: readonly string[], name: string): Change {
  const pick = <T>(items: readonly [T, ...T[]]): T => items[Math.floor(random() * items.length)] ?? items[0]
  const id = ids[Math.floor(random() * ids.length)]
  const of = pick<Secret['kind']>(['key', 'key', 'signing'])
  const text = randomBytes(32).toString('base64url')
  const birth = pick<Change>([
    { kind: 'create', name, of },
    { kind: 'create', name, of, idempotencyKey: name },
    of === 'key'
      ? { kind: 'import', name, of, text, by: pick(['text', 'digest']) }
      : { kind: 'import', name, of, text, id: randomUUID() },
  ])
  if (id === undefined) return birth
  if (ids.length > ENOUGH) return { kind: 'delete', id }
  return pick<Change>([
    birth,
    birth,
    birth,
    { kind: 'rotate', id, overlap: pick([0, HOUR]) },
    { kind: 'rotate', id, overlap: pick([0, HOUR]) },
    { kind: 'revoke', id },
    { kind: 'change', id, name },
    { kind: 'delete', id },
  ])
}

async function make(keys: Keys<never>, change: Change): Promise<Result | null> {
  switch (change.kind) {
    case 'create': {
      const { name, of: kind, idempotencyKey } = change
      const { key, secret } = await keys.create({ accountId: ACCOUNT, name, kind }, { idempotencyKey })
      return { id: key.id, secret }
    }
    case 'import': {
      const { name, text } = change
      const details = { accountId: ACCOUNT, name, kind: change.of }
      const key = await keys.import(
        change.of === 'signing'
          ? { ...details, text, id: change.id }
          : change.by === 'text'
            ? { ...details, text }
            : { ...details, digest: createHash('sha256').update(text).digest('hex') },
      )
      return key === undefined ? null : { id: key.id, secret: text }
    }
    case 'rotate': {
      const rotated = await keys.rotate(change.id, change.overlap)
      return rotated === undefined ? null : { id: change.id, secret: rotated.secret }
    }
    case 'revoke':
      return (await keys.revoke(change.id)) === undefined ? null : { id: change.id }
    case 'change':
      return (await keys.change(change.id, { name: change.name })) === undefined ? null : { id: change.id }
    case 'delete':
      return (await keys.delete(change.id)) ? { id: change.id } : null
  }
}

/** Written when this returns, whatever happens to the process next. */
function say(what: Line | 'ready'): void {
  writeSync(1, `${JSON.stringify(what)}\n`)
}
