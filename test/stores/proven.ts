/** The suite of `@latchkey/core/testing` on a store of `@latchkey/store-sql`, whatever its database. */
import type { KeyStore, StoreCapabilities } from '@latchkey/core'
import { type Damage, type KeyTampering, type StoreSubject, storeCases, type Tampering } from '@latchkey/core/testing'
import { describe, expect, it } from 'vitest'

export interface Proven {
  /** What the store must be able to do beside what every database can. */
  readonly feed: Pick<StoreCapabilities, 'announces' | 'lease'>
  open(): Promise<KeyStore>
  /** Runs plain SQL, on a connection of its own. Rejects with what the database refuses. */
  run(sql: string): Promise<unknown>
}

/** Each case may open several connections. */
const TIMEOUT = 60_000

export function passesTheSuite({ feed, open, run }: Proven): void {
  const capabilities = { durable: true, shared: true, consistency: 'immediate', ...feed } as const
  const subject: StoreSubject = { open, tamper: (tampering) => isTampered(run, tampering) }

  it('can do what the suite asks for', async () => {
    const store = await open()
    expect(store.capabilities).toEqual(capabilities)
    await store.close()
  })

  const cases = storeCases(capabilities)
  for (const group of new Set(cases.map((storeCase) => storeCase.group))) {
    describe(group, () => {
      for (const storeCase of cases) {
        if (storeCase.group === group) it(storeCase.name, () => storeCase.run(subject), TIMEOUT)
      }
    })
  }

  // What the database itself does not hold no store has to refuse: the suite is told so, and leaves it out.
  it.each([
    ['a digest that is none', 'digest'],
    ['an account’s status that there is not', 'status'],
  ] as const)('is over a database that refuses %s', async (_, what) => {
    const store = await open()
    const id = crypto.randomUUID()
    const account = { id, plan: 'pro', status: 'active', email: null, metadata: {} } as const
    const key = { id, service: id, accountId: id, name: 'ci', environment: null, permissions: [], createdAt: 1 }
    const digest = id.replaceAll('-', '').repeat(2)
    const secret = { kind: 'key', digest, display: 'x', createdAt: 1, expiresAt: null } as const
    const keys = [
      { key: { ...key, expiresAt: null, revokedAt: null, revokedReason: null, metadata: {} }, secrets: [secret] },
    ]
    expect(await store.insertAll({ accounts: [account], keys })).toBe(true)
    const tampering: Tampering =
      what === 'digest'
        ? { kind: 'key', service: id, keyId: id, damage: 'digest' }
        : { kind: 'account', accountId: id, status: 'frozen' }
    expect(await isTampered(run, tampering)).toBe(false)
    expect(await store.findByDigest(id, digest)).toEqual({ ...keys[0], secrets: undefined, account, secret })
    await store.close()
  })
}

/** Whether the database takes one of the statements: the first that it takes is the damage. */
async function isTampered(run: Proven['run'], tampering: Tampering): Promise<boolean> {
  for (const sql of statementsOf(tampering)) {
    const isTaken = await run(sql).then(
      () => true,
      () => false,
    )
    if (isTaken) return true
  }
  return false
}

function statementsOf(tampering: Tampering): readonly string[] {
  if (tampering.kind === 'account') {
    return [`update latchkey_accounts set status = '${tampering.status}' where id = '${tampering.accountId}'`]
  }
  return DAMAGES[tampering.damage](tampering)
}

const NO_TIMES = ["'tomorrow'", '9000000000000000']

const inKey = (column: string, ...values: readonly string[]) => {
  return ({ service, keyId }: KeyTampering) =>
    values.map(
      (value) => `update latchkey_keys set ${column} = ${value} where service = '${service}' and id = '${keyId}'`,
    )
}

const inSecrets = (table: string, column: string, ...values: readonly string[]) => {
  return ({ service, keyId }: KeyTampering) =>
    values.map(
      (value) => `update ${table} set ${column} = ${value} where service = '${service}' and key_id = '${keyId}'`,
    )
}

const DAMAGES: Readonly<Record<Damage, (tampering: KeyTampering) => readonly string[]>> = {
  permissions: inKey('permissions', `'["read", 1]'`),
  metadata: inKey('metadata', `'{"a":'`),
  expiresAt: inKey('expires_at', ...NO_TIMES),
  revokedAt: inKey('revoked_at', ...NO_TIMES),
  'secret expiresAt': (tampering) =>
    NO_TIMES.map((value) =>
      ['latchkey_key_secrets', 'latchkey_signing_secrets']
        .flatMap((table) => inSecrets(table, 'expires_at', value)(tampering))
        .join(';\n'),
    ),
  digest: inSecrets('latchkey_key_secrets', 'digest', 'null', "''", `'${'x'.repeat(64)}'`, `'${'A'.repeat(64)}'`),
  sealed: inSecrets(
    'latchkey_signing_secrets',
    'sealed',
    "substr(sealed, 1, 19) || case substr(sealed, 20, 1) when 'A' then 'B' else 'A' end || substr(sealed, 21)",
  ),
  schema: inKey('schema', '2'),
}
