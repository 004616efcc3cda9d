/** The suite of `@latchkey/core/testing` on a store in Redis, however it is reached. */
import type { KeyStore, StoreCapabilities } from '@latchkey/core'
import { type Damage, type StoreSubject, storeCases, type Tampering } from '@latchkey/core/testing'
import { describe, expect, it } from 'vitest'
import { nameOf } from './redis-names.ts'

export interface RedisProven {
  readonly prefix: () => string
  open(): Promise<KeyStore>
  /** Sends a command past the store. */
  command(...words: readonly string[]): Promise<unknown>
}

const CAPABILITIES: StoreCapabilities = {
  durable: true,
  shared: true,
  consistency: 'immediate',
  announces: true,
  lease: 400,
}

/** Each case may open several connections. */
const TIMEOUT = 60_000

export function passesTheSuite(proven: RedisProven): void {
  const subject: StoreSubject = { open: proven.open, tamper: (tampering) => tamper(proven, tampering) }

  it('says what it can do', async () => {
    const store = await proven.open()
    expect(store.capabilities).toEqual(CAPABILITIES)
    await store.close()
  })

  const cases = storeCases(CAPABILITIES)
  for (const group of new Set(cases.map((storeCase) => storeCase.group))) {
    describe(group, () => {
      for (const storeCase of cases) {
        if (storeCase.group === group) it(storeCase.name, () => storeCase.run(subject), TIMEOUT)
      }
    })
  }
}

/** Redis holds whatever it is given: nothing is refused. */
async function tamper({ prefix, command }: RedisProven, tampering: Tampering): Promise<boolean> {
  if (tampering.kind === 'account') {
    await command('HSET', nameOf(prefix(), 'account', tampering.accountId), 'status', tampering.status)
    return true
  }
  const { service, keyId, damage } = tampering
  const key = nameOf(prefix(), 'key', service, keyId)
  const secrets = (await command('LRANGE', nameOf(prefix(), 'secrets', service, keyId), '0', '-1')) as string[]
  for (const words of DAMAGES[damage](key, secrets[0] ?? '')) await command(...words)
  if (damage === 'sealed') {
    const sealed = String(await command('HGET', secrets[0] ?? '', 'sealed'))
    await command('HSET', secrets[0] ?? '', 'sealed', sealed.slice(1))
  }
  return true
}

const DAMAGES: Readonly<Record<Damage, (key: string, secret: string) => readonly (readonly string[])[]>> = {
  permissions: (key) => [['HSET', key, 'permissions', '["read",1]']],
  metadata: (key) => [['HSET', key, 'metadata', '{"a":']],
  expiresAt: (key) => [['HSET', key, 'expiresAt', 'tomorrow']],
  revokedAt: (key) => [['HSET', key, 'revokedAt', '9000000000000000']],
  'secret expiresAt': (_, secret) => [['HSET', secret, 'expiresAt', '1.5']],
  digest: (_, secret) => [['HDEL', secret, 'digest']],
  sealed: () => [],
  schema: (key) => [['HSET', key, 'schema', '2']],
}
