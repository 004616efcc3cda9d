import type { StoreCapabilities } from '../store.ts'
import { accounts } from './cases/accounts.ts'
import { audit } from './cases/audit.ts'
import { changes, feeds, subscriptions } from './cases/changes.ts'
import { changing, deleting } from './cases/changing.ts'
import { connections } from './cases/connections.ts'
import { damage } from './cases/damage.ts'
import { decisions } from './cases/decisions.ts'
import { durability } from './cases/durability.ts'
import { finding } from './cases/finding.ts'
import { services, tenants } from './cases/isolation.ts'
import { idempotency, onlyFirst } from './cases/once.ts'
import { accountPages, auditPages, cursors, keyPages } from './cases/pages.ts'
import { races } from './cases/races.ts'
import { revocation } from './cases/revocation.ts'
import { rotation } from './cases/rotation.ts'
import { seals } from './cases/seals.ts'
import { uniqueness } from './cases/uniqueness.ts'
import { firstUses, usage, uses } from './cases/uses.ts'
import { values } from './cases/values.ts'
import { wholeSets } from './cases/whole-sets.ts'
import type { TestFramework } from './framework.ts'
import type { Group, StoreCase } from './group.ts'
import type { StoreSubject } from './subject.ts'

const GROUPS: readonly Group[] = [
  finding,
  values,
  changing,
  deleting,
  tenants,
  services,
  uniqueness,
  onlyFirst,
  idempotency,
  rotation,
  revocation,
  decisions,
  accounts,
  wholeSets,
  audit,
  keyPages,
  auditPages,
  accountPages,
  cursors,
  seals,
  uses,
  firstUses,
  usage,
  races,
  connections,
  feeds,
  changes,
  subscriptions,
  durability,
  damage,
]

/**
 * What a store with these capabilities has to pass: all that `KeyStore` promises. The cases do not depend on each other,
 * on an empty database, or on a test framework.
 */
export function storeCases(capabilities: StoreCapabilities): readonly StoreCase[] {
  return GROUPS.filter((group) => group.asks(capabilities)).flatMap((group) => group.cases)
}

/**
 * Registers the cases with a test framework. Opens the store once before, to read what it can do: `await` it.
 *
 * @throws TypeError when the store is durable and the subject cannot damage its records.
 */
export async function testStore({ describe, it }: TestFramework, subject: StoreSubject): Promise<void> {
  const store = await subject.open()
  const { capabilities } = store
  await store.close()
  if (capabilities.durable && subject.tamper === undefined) {
    throw new TypeError('tamper must be given: the store is durable')
  }
  const cases = storeCases(capabilities)
  for (const name of new Set(cases.map((storeCase) => storeCase.group))) {
    describe(name, () => {
      for (const storeCase of cases) if (storeCase.group === name) it(storeCase.name, () => storeCase.run(subject))
    })
  }
}
