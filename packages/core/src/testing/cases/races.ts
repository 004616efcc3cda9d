import type { Awaitable } from '../../awaitable.ts'
import { sealer } from '../../seal.ts'
import type { Inserted, KeyRecord, KeyStore } from '../../store.ts'
import { equal, holds } from '../equal.ts'
import { type Group, group } from '../group.ts'
import { allowed, codeOf, NOW, OTHER_MASTER_KEY, only, useOf, type World } from '../world.ts'

/** Where the calls of a race are started. */
interface Ring {
  /** Starts both calls at once, each on a connection of its own; in every other round the second one first. */
  both<A, B>(a: (store: KeyStore) => Awaitable<A>, b: (store: KeyStore) => Awaitable<B>): Promise<[A, B]>
  /** Starts the call many times at once, on all connections. */
  all<T>(count: number, call: (store: KeyStore, index: number) => Awaitable<T>): Promise<T[]>
}

/** A race is won by chance, so it is run a few times; each call has been the first one in half of them. */
const ROUNDS = { ofOne: 2, ofSeveral: 4 }
const CONNECTIONS = 3

type Race = (world: World, ring: Ring) => Promise<void>

/** Runs a race on one connection, and on several where a store can be shared. Each round has keys of its own. */
function race(run: Race): (world: World) => Promise<void> {
  return async (world) => {
    const { store } = world
    const rounds = async (stores: readonly KeyStore[], count: number) => {
      for (let round = 0; round < count; round++) await run(world, ringOf(stores, round))
    }
    await rounds([store], ROUNDS.ofOne)
    if (!store.capabilities.shared) return
    const stores = [store]
    while (stores.length < CONNECTIONS) stores.push(await world.connect())
    await rounds(stores, ROUNDS.ofSeveral)
  }
}

function ringOf(stores: readonly KeyStore[], round: number): Ring {
  const on = (index: number) => stores[index % stores.length] as KeyStore
  return {
    async both<A, B>(a: (store: KeyStore) => Awaitable<A>, b: (store: KeyStore) => Awaitable<B>): Promise<[A, B]> {
      if (round % 2 === 0) return Promise.all([started(() => a(on(0))), started(() => b(on(1)))])
      const second = started(() => b(on(1)))
      return Promise.all([started(() => a(on(0))), second])
    },
    all: (count, call) =>
      Promise.all(Array.from({ length: count }, (_, index) => started(() => call(on(index + round), index)))),
  }
}

/** A call of a store that answers at once is over before the next one begins. */
async function started<T>(call: () => Awaitable<T>): Promise<T> {
  return call()
}

export const races: Group = group('of calls at the same time', {
  'two rotations without overlap leave one text that works': race(async (world, { both }) => {
    const { account, issue, draw, entry, decide } = world
    const { key, text, ref } = await issue()
    const [a, b] = [draw(), draw()]
    const answers = await both(
      (store) => store.rotateKey(ref, a.secret, NOW, entry('key.rotated')),
      (store) => store.rotateKey(ref, b.secret, NOW, entry('key.rotated')),
    )
    equal(answers, [key, key])
    equal(codeOf(await decide(text)), 'unknown')
    const decisions = [await decide(a.text), await decide(b.text)]
    equal(only(decisions.filter(({ kind }) => kind === 'allowed')), allowed(account, key))
    equal(only(decisions.map(codeOf).filter((code) => code !== 'allowed')), 'unknown')
  }),

  'many rotations leave one version without an end, and lose none': race(async (world, { all }) => {
    const { store, issue, draw, entry } = world
    const { key, secret, ref } = await issue()
    const drawn = Array.from({ length: 8 }, () => draw())
    const answers = await all(drawn.length, (on, index) =>
      on.rotateKey(ref, drawn[index]?.secret ?? secret, NOW, entry('key.rotated')),
    )
    equal(
      answers,
      drawn.map(() => key),
    )
    const versions = (await store.findKey(ref))?.versions ?? []
    equal(
      versions.map(({ display }) => display).sort(),
      [secret, ...drawn.map((d) => d.secret)].map((s) => s.display).sort(),
    )
    only(versions.filter(({ expiresAt }) => expiresAt === null))
  }),

  'two keys that rotate to one digest leave it to one of them': race(async (world, { both }) => {
    const { store, service, issue, draw, entry } = world
    const [a, b, next] = [await issue(), await issue(), draw()]
    const rotate = (ref: typeof a.ref) => async (on: KeyStore) => {
      try {
        return await on.rotateKey(ref, next.secret, NOW, entry('key.rotated'))
      } catch {
        return 'rejected'
      }
    }
    const answers = await both(rotate(a.ref), rotate(b.ref))
    const key = only(answers.filter((answer) => answer !== 'rejected'))
    equal((await store.findByDigest(service, next.secret.digest))?.key, key)
    const loser = answers[0] === 'rejected' ? a : b
    equal((await store.findByDigest(service, loser.secret.digest))?.secret, loser.secret)
  }),

  'a revocation and a rotation leave no text that works': race(async (world, { both }) => {
    const { store, issue, draw, entry, decide } = world
    const { key, text, ref } = await issue()
    const next = draw()
    const audit = entry('key.revoked')
    const revoked = { ...key, revokedAt: audit.at, revokedReason: 'leaked' }
    const [answer, rotated] = await both(
      (on) => on.revokeKey(ref, 'leaked', audit),
      (on) => on.rotateKey(ref, next.secret, NOW + 1000, entry('key.rotated')),
    )
    equal(answer, revoked)
    equal((await store.findKey(ref))?.key, revoked)
    equal(codeOf(await decide(text)), 'revoked')
    equal(codeOf(await decide(next.text)), rotated === undefined ? 'unknown' : 'revoked')
  }),

  'a revocation and changes leave the key revoked': race(async (world, { all }) => {
    const { store, issue, entry } = world
    const { key, ref } = await issue()
    const audit = entry('key.revoked')
    await all(5, (on, index) =>
      index === 2
        ? on.revokeKey(ref, 'leaked', audit)
        : on.changeKey(ref, { permissions: ['admin'], expiresAt: null }, entry('key.changed')),
    )
    const { revokedAt, revokedReason } = (await store.findKey(ref))?.key ?? key
    equal([revokedAt, revokedReason], [audit.at, 'leaked'])
  }),

  'changes of different fields are all made, of a key and of an account': race(async (world, { all }) => {
    const { store, issue, accountWith, entry } = world
    const { key, ref } = await issue()
    const changes = [
      { name: 'x' },
      { environment: 'live' },
      { permissions: ['admin'] },
      { expiresAt: NOW + 1 },
      { metadata: { a: 1 } },
    ]
    await all(changes.length, (on, index) => on.changeKey(ref, changes[index] ?? {}, entry('key.changed')))
    equal((await store.findKey(ref))?.key, Object.assign({}, key, ...changes))

    const account = accountWith()
    await store.insertAccount(account, entry('account.created'))
    const moves = [{ plan: 'free' }, { status: 'suspended' }, { email: null }, { metadata: { a: 1 } }] as const
    await all(moves.length, (on, index) => on.changeAccount(account.id, moves[index] ?? {}, entry('account.changed')))
    equal(await store.findAccount(account.id), Object.assign({}, account, ...moves))
  }),

  'of many that insert only the first key one does': race(async (world, { all }) => {
    const { store, service, fresh, keyWith, draw, entry } = world
    const accountId = fresh('account')
    const keys = Array.from({ length: 20 }, () => keyWith({ accountId }))
    const answers = await all(keys.length, (on, index) =>
      on.insertKey(keys[index] ?? keyWith(), draw().secret, entry('key.created'), { onlyFirst: true }),
    )
    await onlyOneInserted(world, { keys, answers, accountId })
    equal((await store.listAudit({ service, accountId, limit: 100 })).items.length, 1)
  }),

  'of many with one idempotency key one inserts': race(async (world, { all }) => {
    const { fresh, keyWith, draw, entry } = world
    const [accountId, idempotencyKey] = [fresh('account'), fresh('call')]
    const keys = Array.from({ length: 20 }, () => keyWith({ accountId }))
    const answers = await all(keys.length, (on, index) =>
      on.insertKey(keys[index] ?? keyWith(), draw().secret, entry('key.created'), { idempotencyKey }),
    )
    await onlyOneInserted(world, { keys, answers, accountId })
  }),

  'of many that insert one digest one does': race(async (world, { all }) => {
    const { store, service, account, keyWith, draw, entry } = world
    const { secret } = draw()
    const keys = Array.from({ length: 10 }, () => keyWith())
    const answers = await all(keys.length, (on, index) =>
      on.insertKey(keys[index] ?? keyWith(), secret, entry('key.created')),
    )
    equal(answers.map(({ kind }) => kind).sort(), ['inserted', ...Array.from({ length: 9 }, () => 'taken')])
    const key = keys[answers.findIndex(({ kind }) => kind === 'inserted')]
    equal(await store.findByDigest(service, secret.digest), { key, account, secret })
    const found = await Promise.all(keys.map(({ id }) => store.findKey({ service, id })))
    equal(only(found.filter((details) => details !== undefined)).key, key)
  }),

  'of many that insert one id one does': race(async (world, { all }) => {
    const { store, service, keyWith, draw, entry } = world
    const key = keyWith()
    const drawn = Array.from({ length: 10 }, () => draw())
    const answers = await all(drawn.length, (on, index) =>
      on.insertKey(key, (drawn[index] ?? draw()).secret, entry('key.created')),
    )
    equal(answers.map(({ kind }) => kind).sort(), ['inserted', ...Array.from({ length: 9 }, () => 'taken')])
    const winner = drawn[answers.findIndex(({ kind }) => kind === 'inserted')]
    const found = await Promise.all(drawn.map(({ secret }) => store.findByDigest(service, secret.digest)))
    equal(only(found.filter((match) => match !== undefined)).secret, winner?.secret)
  }),

  'of many that insert one account one does': race(async (world, { all }) => {
    const { store, fresh, accountWith, entry } = world
    const id = fresh('account')
    const accounts = Array.from({ length: 10 }, (_, index) => accountWith({ id, plan: `plan ${index}` }))
    const answers = await all(accounts.length, (on, index) =>
      on.insertAccount(accounts[index] ?? accountWith(), entry('account.created')),
    )
    only(answers.filter((answer) => answer))
    equal(await store.findAccount(id), accounts[answers.indexOf(true)])
    equal((await store.listAudit({ accountId: id, limit: 20 })).items.length, 1)
  }),

  'of many revocations one is made and recorded': race(async (world, { all }) => {
    const { store, service, issue, entry } = world
    const { key, ref } = await issue()
    const answers = await all(10, (on, index) => on.revokeKey(ref, `reason ${index}`, entry('key.revoked')))
    const revoked = (await store.findKey(ref))?.key
    equal(
      answers,
      answers.map(() => revoked),
    )
    const { items } = await store.listAudit({ service, keyId: key.id, limit: 20 })
    equal(only(items.filter(({ action }) => action === 'key.revoked')).at, revoked?.revokedAt)
  }),

  'of many deletions one is made and recorded': race(async (world, { all }) => {
    const { store, service, issue, entry } = world
    const { key, ref } = await issue()
    const answers = await all(10, (on) => on.deleteKey(ref, entry('key.deleted')))
    only(answers.filter((answer) => answer))
    const { items } = await store.listAudit({ service, keyId: key.id, limit: 20 })
    only(items.filter(({ action }) => action === 'key.deleted'))
  }),

  'a deletion and a rotation leave nothing of the key': race(async (world, { both }) => {
    const { store, service, issue, draw, keyWith, entry } = world
    const { key, secret, ref } = await issue()
    const next = draw()
    const [deleted, rotated] = await both(
      (on) => on.deleteKey(ref, entry('key.deleted')),
      (on) => on.rotateKey(ref, next.secret, NOW + 1000, entry('key.rotated')),
    )
    equal(deleted, true)
    equal(rotated === undefined || rotated.id === key.id, true)
    for (const { digest } of [secret, next.secret]) equal(await store.findByDigest(service, digest), undefined)
    equal(await store.findKey(ref), undefined)
    const again = keyWith({ id: key.id })
    equal(await store.insertKey(again, next.secret, entry('key.created')), { kind: 'inserted' })
  }),

  'a deletion and a revocation leave nothing of the key': race(async (world, { both }) => {
    const { store, service, issue, entry } = world
    const { secret, ref } = await issue()
    const [deleted] = await both(
      (on) => on.deleteKey(ref, entry('key.deleted')),
      (on) => on.revokeKey(ref, null, entry('key.revoked')),
    )
    equal(deleted, true)
    equal([await store.findKey(ref), await store.findByDigest(service, secret.digest)], [undefined, undefined])
  }),

  'of two sets with an id in common one is inserted, whole': race(async (world, { both }) => {
    const { store, service, accountWith, keyWith, draw } = world
    const common = keyWith()
    const sets = Array.from({ length: 2 }, () => {
      const [account, own] = [accountWith(), draw()]
      const keys = [
        { key: keyWith({ accountId: account.id }), secrets: [own.secret] },
        { key: common, secrets: [draw().secret] },
      ]
      return { account, own, records: { accounts: [account], keys } }
    })
    const [a, b] = sets
    if (a === undefined || b === undefined) return
    const answers = await both(
      (on) => on.insertAll(a.records),
      (on) => on.insertAll(b.records),
    )
    only(answers.filter((answer) => answer))
    for (const [index, { account, own }] of sets.entries()) {
      const inserted = answers[index] === true
      equal(await store.findAccount(account.id), inserted ? account : undefined)
      equal((await store.findByDigest(service, own.secret.digest)) !== undefined, inserted)
    }
  }),

  'a set and a key with one digest leave it to one of them': race(async (world, { both }) => {
    const { store, service, accountWith, keyWith, draw, entry } = world
    const [account, inSet, alone, { secret }] = [accountWith(), keyWith(), keyWith(), draw()]
    const [all, one] = await both(
      (on) => on.insertAll({ accounts: [account], keys: [{ key: inSet, secrets: [secret] }] }),
      (on) => on.insertKey(alone, secret, entry('key.created')),
    )
    equal(one, { kind: all ? 'taken' : 'inserted' })
    equal((await store.findByDigest(service, secret.digest))?.key, all ? inSet : alone)
    equal(await store.findAccount(account.id), all ? account : undefined)
  }),

  'of many that seal a secret anew one does': race(async (world, { all }) => {
    const { store, service, issueSigning, entry } = world
    const { key, secret, text, ref } = await issueSigning()
    const seal = () => sealer(OTHER_MASTER_KEY).seal(text, { service, keyId: key.id, version: secret.version })
    const seals = await Promise.all(Array.from({ length: 6 }, async () => ({ ...secret, ...(await seal()) })))
    const answers = await all(seals.length, (on, index) =>
      on.resealSecret(ref, secret, seals[index] ?? secret, entry('secret.resealed')),
    )
    only(answers.filter((answer) => answer))
    equal((await store.findSigningKey(service, key.id))?.secrets, [seals[answers.indexOf(true)]])
  }),

  'a new seal and a rotation leave the earlier secret ended': race(async (world, { both }) => {
    const { store, service, issueSigning, drawSigning, entry, decideToken } = world
    const { key, secret, text, ref } = await issueSigning()
    const next = await drawSigning(key)
    const sealed = await sealer(OTHER_MASTER_KEY).seal(text, { service, keyId: key.id, version: secret.version })
    await both(
      (on) => on.resealSecret(ref, secret, { ...secret, ...sealed }, entry('secret.resealed')),
      (on) => on.rotateKey(ref, next.secret, NOW, entry('key.rotated')),
    )
    const ends = (await store.findSigningKey(service, key.id))?.secrets.map(({ expiresAt }) => expiresAt)
    equal(ends, [NOW, null])
    equal(codeOf(await decideToken(key.id, text)), 'token_invalid')
    equal(codeOf(await decideToken(key.id, next.text)), 'allowed')
  }),

  'of many uses the first and the last are kept, and all are counted': race(async (world, { all }) => {
    const { store, service, issue } = world
    const { key, ref } = await issue()
    const times = [3, 9, 1, 7, 5, 8].map((later) => NOW + later)
    await all(times.length, (on, index) => on.recordUses([useOf(service, key.id, times[index] ?? NOW)]))
    const found = await store.findKey(ref)
    equal([found?.firstUsedAt, found?.lastUsedAt], [NOW + 1, NOW + 9])
    const counts = await store.listUsage({ service, keyIds: [key.id], from: 0, to: NOW })
    equal(
      counts.map(({ count }) => count),
      [times.length],
    )
  }),

  'a use does not undo a revocation': race(async (world, { both }) => {
    const { store, service, issue, entry } = world
    const { key, ref } = await issue()
    const audit = entry('key.revoked')
    await both(
      (on) => on.recordUses([useOf(service, key.id, NOW)]),
      (on) => on.revokeKey(ref, null, audit),
    )
    const found = await store.findKey(ref)
    equal([found?.key.revokedAt, found?.lastUsedAt], [audit.at, NOW])
  }),

  'every one that changes something is recorded once': race(async (world, { all }) => {
    const { store, service, issue, entry } = world
    const { key, ref } = await issue()
    const names = Array.from({ length: 8 }, (_, index) => `name ${index}`)
    await all(names.length, (on, index) =>
      on.changeKey(ref, { name: names[index] ?? '' }, entry('key.changed', { index })),
    )
    const { items } = await store.listAudit({ service, keyId: key.id, limit: 100 })
    const changed = items.filter(({ action }) => action === 'key.changed').map(({ details }) => Number(details.index))
    equal(
      changed.sort((a, b) => a - b),
      names.map((_, index) => index),
    )
    // The newest record says what the key is called by now.
    equal((await store.findKey(ref))?.key.name, names[Number(items[0]?.details.index)])
  }),
})

interface Inserting {
  readonly keys: readonly KeyRecord[]
  readonly answers: readonly Inserted[]
  readonly accountId: string
}

/** One key is there, one answer says that it was inserted, and all others name it. */
async function onlyOneInserted({ store, service }: World, { keys, answers, accountId }: Inserting): Promise<void> {
  const winner = keys[answers.findIndex(({ kind }) => kind === 'inserted')]
  holds(winner !== undefined, 'one call has inserted its key')
  equal(
    answers,
    keys.map((key) => (key === winner ? { kind: 'inserted' } : { kind: 'exists', key: winner })),
  )
  const { items } = await store.listKeys({ service, accountId, limit: 100 })
  equal(
    items.map(({ key }) => key),
    [winner],
  )
}
