import type { Change, ChangeFeed, KeyStore, StoreCapabilities } from '../../store.ts'
import { equal, holds, rejection } from '../equal.ts'
import { type Group, group } from '../group.ts'
import { NOW, useOf, type World } from '../world.ts'

/** Somebody who listens to a store. */
interface Hearing {
  /** Sends a heartbeat, and waits for it. All that was told since the last time. */
  heard(): Promise<readonly Change[]>
  /** All that was told since the last time, without a heartbeat. */
  told(): readonly Change[]
  /** How often the subscription was lost. */
  losses(): number
  beat(): Promise<void>
  close(): Promise<void>
}

/** Makes a change, and says what it has changed. */
type Making = (world: World) => Promise<() => Promise<readonly Change[]>>

/** Of each kind one, on records of its own. */
const MADE: Readonly<Record<string, Making>> = {
  'a key that is inserted': async ({ store, keyWith, draw, entry }) => {
    const key = keyWith()
    return async () => {
      await store.insertKey(key, draw().secret, entry('key.created'))
      return [changeOf(key)]
    }
  },
  'a key that is changed': async ({ store, issue, entry }) => {
    const { key, ref } = await issue()
    return async () => {
      await store.changeKey(ref, { permissions: [] }, entry('key.changed'))
      return [changeOf(key)]
    }
  },
  'a key that is rotated': async ({ store, issue, draw, entry }) => {
    const { key, ref } = await issue()
    return async () => {
      await store.rotateKey(ref, draw().secret, NOW, entry('key.rotated'))
      return [changeOf(key)]
    }
  },
  'a signing key that is rotated': async ({ store, issueSigning, drawSigning, entry }) => {
    const { key, ref } = await issueSigning()
    const { secret } = await drawSigning(key)
    return async () => {
      await store.rotateKey(ref, secret, NOW, entry('key.rotated'))
      return [changeOf(key)]
    }
  },
  'a secret that is sealed anew': async ({ store, issueSigning, drawSigning, entry }) => {
    const { key, ref, secret } = await issueSigning()
    const { sealed, masterKeyId } = (await drawSigning(key)).secret
    return async () => {
      await store.resealSecret(ref, secret, { ...secret, sealed, masterKeyId }, entry('secret.resealed'))
      return [changeOf(key)]
    }
  },
  'a key that is revoked': async ({ store, issue, entry }) => {
    const { key, ref } = await issue()
    return async () => {
      await store.revokeKey(ref, null, entry('key.revoked'))
      return [changeOf(key)]
    }
  },
  'a key that is deleted': async ({ store, issue, entry }) => {
    const { key, ref } = await issue()
    return async () => {
      await store.deleteKey(ref, entry('key.deleted'))
      return [changeOf(key)]
    }
  },
  'an account that is inserted': async ({ store, accountWith, entry }) => {
    const account = accountWith()
    return async () => {
      await store.insertAccount(account, entry('account.created'))
      return [{ kind: 'account', id: account.id }]
    }
  },
  'an account that is changed': async ({ store, account, entry }) => {
    return async () => {
      await store.changeAccount(account.id, { status: 'suspended' }, entry('account.changed'))
      return [{ kind: 'account', id: account.id }]
    }
  },
  'all that is inserted at once': async ({ store, accountWith, keyWith, draw }) => {
    const [account, key] = [accountWith(), keyWith()]
    return async () => {
      await store.insertAll({ accounts: [account], keys: [{ key, secrets: [draw().secret] }] })
      return [{ kind: 'account', id: account.id }, changeOf(key)]
    }
  },
}

function isToldOf({ announces }: StoreCapabilities): boolean {
  return announces
}

export const changes: Group = group(
  'a heartbeat comes back',
  {
    ...Object.fromEntries(
      Object.entries(MADE).map(([what, making]) => [
        `after what was made before it: ${what}`,
        async (world: World) => {
          const hearings = await everywhere(world)
          const make = await making(world)
          for (const { heard } of hearings) await heard()
          const made = await make()
          if (feedOf(world.store).lease === Number.POSITIVE_INFINITY) tells(hearings[0]?.told() ?? [], made)
          else for (const { heard } of hearings) tells(await heard(), made)
        },
      ]),
    ),

    'after many changes, in the order in which they were made': async (world) => {
      const hearings = await everywhere(world)
      const issued = await Promise.all(Array.from({ length: 30 }, () => world.issue()))
      for (const { heard } of hearings) await heard()
      for (const { ref } of issued) await world.store.revokeKey(ref, null, world.entry('key.revoked'))
      const made = issued.map(({ key }) => changeOf(key))
      for (const { heard } of hearings) {
        const told = await heard()
        tells(told, made)
        const own = told.filter((change) => change.kind === 'key' && change.service === world.service)
        if (!told.some(({ kind }) => kind === 'all')) equal(withoutRepeats(own), made)
      }
    },

    'after changes that were made at once': async (world) => {
      const hearings = await everywhere(world)
      const issued = await Promise.all(Array.from({ length: 20 }, () => world.issue()))
      for (const { heard } of hearings) await heard()
      await Promise.all(issued.map(({ ref }) => world.store.revokeKey(ref, null, world.entry('key.revoked'))))
      for (const { heard } of hearings) {
        tells(
          await heard(),
          issued.map(({ key }) => changeOf(key)),
        )
      }
    },

    'each time, of several that are under way': async (world) => {
      const { key, ref } = await world.issue()
      const [hearing] = await everywhere(world)
      const beats = Array.from({ length: 10 }, () => hearing?.beat())
      await world.store.revokeKey(ref, null, world.entry('key.revoked'))
      await Promise.all([...beats, hearing?.beat()])
      tells(hearing?.told() ?? [], [changeOf(key)])
    },

    'after what is announced, by whomever': async (world) => {
      const hearings = await everywhere(world)
      const announced: readonly Change[] = [
        { kind: 'account', id: world.fresh('account of another store') },
        { kind: 'key', service: world.otherService, id: world.fresh('\'"\\ \u2028 日本') },
        { kind: 'all' },
      ]
      for (const change of announced) {
        for (const { heard } of hearings) await heard()
        await feedOf(world.store).announce(change)
        for (const { heard } of hearings) tells(await heard(), [change])
      }
    },

    'with nothing, where nothing was changed': async (world) => {
      const { store, service, account, draw, entry } = world
      const { key, ref } = await world.issue()
      const [hearing] = await everywhere(world)
      await hearing?.heard()
      await store.recordUses([useOf(service, key.id, NOW)])
      await store.recordAudit({ ...entry('secret.revealed'), service, keyId: key.id, accountId: account.id })
      await store.insertKey(key, draw().secret, entry('key.created'))
      await store.findKey(ref)
      const told = (await hearing?.heard()) ?? []
      equal(
        told.filter((change) => change.kind !== 'account' && (change.kind !== 'key' || change.service === service)),
        [],
      )
    },
  },
  isToldOf,
)

export const subscriptions: Group = group(
  'a subscription',
  {
    'that is closed is told nothing more, and others are': async (world) => {
      const { key, ref } = await world.issue()
      const [closed, open] = [await hear(world.store), await hear(world.store)]
      for (const { heard } of [closed, open]) await heard()
      await closed.close()
      await world.store.revokeKey(ref, null, world.entry('key.revoked'))
      tells(await open.heard(), [changeOf(key)])
      equal([closed.told(), closed.losses(), open.losses()], [[], 0, 0])
      await open.close()
    },

    'ends with its store': async (world) => {
      // A store in memory has nothing to give back.
      if (!world.store.capabilities.durable) return
      const hearing = await hear(world.store)
      await hearing.heard()
      const feed = feedOf(world.store)
      await world.disconnect(world.store)
      await rejection(() => hearing.beat())
      await rejection(() => feed.subscribe({ changed: () => {}, lost: () => {} }))
      holds(hearing.losses() <= 1, 'a subscription is lost once')
    },
  },
  isToldOf,
)

export const feeds: Group = group('a store', {
  'tells what changes where it says so, and its lease': async ({ store }) => {
    const { announces, lease } = store.capabilities
    equal(store.changes !== undefined, announces)
    holds(Number.isFinite(lease) && lease >= 0, 'others go on for some time, or for none')
    if (store.changes === undefined || store.changes.lease === Number.POSITIVE_INFINITY) return
    equal(store.changes.lease, lease)
  },
})

/** On the store's own connection, and on another one where there may be several. */
async function everywhere(world: World): Promise<readonly Hearing[]> {
  const own = await hear(world.store)
  return world.store.capabilities.shared ? [own, await hear(await world.connect())] : [own]
}

async function hear(store: KeyStore): Promise<Hearing> {
  const changes: Change[] = []
  let losses = 0
  const subscription = await feedOf(store).subscribe({
    changed: (change) => void changes.push(change),
    lost: () => void losses++,
  })
  const beat = async () => subscription.beat()
  return {
    async heard() {
      await beat()
      return changes.splice(0)
    },
    told: () => changes.splice(0),
    losses: () => losses,
    beat,
    close: async () => subscription.close(),
  }
}

function feedOf({ changes }: KeyStore): ChangeFeed {
  if (changes === undefined) throw new Error('does not hold: a store that announces has `changes`')
  return changes
}

function changeOf({ service, id }: { readonly service: string; readonly id: string }): Change {
  return { kind: 'key', service, id }
}

/** @throws Error with what was not told, by its name or as all. */
function tells(told: readonly Change[], made: readonly Change[]): void {
  if (told.some(({ kind }) => kind === 'all')) return
  const texts = new Set(told.map(textOf))
  equal(
    made.filter((change) => !texts.has(textOf(change))),
    [],
  )
}

/** A change of one key may be told several times: for the key and for its secrets. */
function withoutRepeats(told: readonly Change[]): readonly Change[] {
  return told.filter((change, index) => textOf(change) !== textOf(told[index - 1]))
}

function textOf(change: Change | undefined): string {
  if (change === undefined) return ''
  return change.kind === 'key' ? JSON.stringify([change.service, change.id]) : JSON.stringify(change)
}
