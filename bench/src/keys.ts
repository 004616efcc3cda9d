/** API keys in a process: 1,000 of them, asked for one after the other. */
import { hash } from 'node:crypto'
import { createAuth, type KeyStore } from '@latchkey/core'
import { inChild } from './child.ts'
import { contract, flat, type Incoming, keyRequest, keyStore, limitedContract, newKey } from './fixtures.ts'
import { number, type Report, table, timedTable } from './markdown.ts'
import { type Decide, ownRow } from './own.ts'
import { type KeyPeer, keyPeers } from './peer-keys.ts'
import { atMost, prove, type Row, type Timed, timedOf, timeRows } from './rounds.ts'
import { ratioOf } from './statistics.ts'

/** So many keys there are; of those that are seen once, so many in each round. */
const KEYS = 1000
const SEEN_ONCE = 5000

const FLOOR = 'F: crypto.hash and a Map'
const CHECKED = 'Latchkey, with a permission and a limit'
const FIRST = 'Latchkey, first sight'

export async function benchKeys(quick: boolean): Promise<Report> {
  const rounds = quick ? 9 : 51
  const { store, texts } = await keyStore(KEYS)
  const stranger = newKey()
  const peers = (await keyPeers(texts, stranger)).map(peerRow)
  const rows = [floorRow(texts, stranger), ...ownRows(store, texts, stranger), ...peers]
  for (const row of rows) await prove(row, 0, -1)
  const warm = await timeRows(rows, { rounds, count: 5000 })
  const checked = timedOf(warm, CHECKED)
  const floor = timedOf(warm, FLOOR)
  const [fastest = floor] = warm.filter(({ name }) => peers.some((peer) => peer.name === name)).sort(bySpeed)

  const first = await timeFirstSight(rounds)
  const firstSight = timedOf(first, FIRST)
  const firstFloor = timedOf(first, FLOOR)
  return {
    markdown: [
      '## API keys in a process',
      `A request's raw header fields in, a principal out; microseconds of the processor. F is \`crypto.hash('sha256', key, 'hex')\`
and a \`Map\`. Peers get the key's text; those over a \`Map\` have no keys of their own, and look it up as it is, without a
digest.`,
      `### ${KEYS.toLocaleString('en')} keys, each seen before`,
      timedTable(warm, ['F', floor], checked),
      '### Keys of the memory store, each seen for the first time',
      timedTable(first, ['F', firstFloor], firstSight),
      ...(quick ? [] : [await betterAuthTable()]),
    ].join('\n\n'),
    targets: [
      atMost('key seen before, permission and limit checked', checked, floor, 1.5, 'F'),
      atMost(`key seen before, beside ${fastest.name}`, checked, fastest, 1, 'of it'),
      atMost('key seen first, memory store', firstSight, firstFloor, 2.5, 'F'),
    ],
  }
}

export function floorRow(texts: readonly string[], stranger: string): Row {
  const keys = new Map(texts.map((text) => [hash('sha256', text, 'hex'), { id: text.slice(-4) }]))
  return {
    name: FLOOR,
    run: (i) => keys.get(hash('sha256', i < 0 ? stranger : (texts[i % texts.length] ?? ''), 'hex')) !== undefined,
  }
}

export function peerRow({ name, texts, stranger, check }: KeyPeer): Row {
  const authorizations = texts.map((text) => flat(`Bearer ${text}`))
  return {
    name,
    run: (i) =>
      i < 0
        ? check(stranger, `Bearer ${stranger}`)
        : check(texts[i % texts.length] ?? '', authorizations[i % texts.length] ?? ''),
  }
}

function ownRows(store: KeyStore, texts: readonly string[], stranger: string): readonly Row[] {
  const plain = createAuth({ contract, store })
  const limited = createAuth({ contract: limitedContract, store })
  const requests = texts.map(keyRequest)
  const request = (i: number) => requests[i % requests.length] ?? unknown
  const unknown = keyRequest(stranger)
  const rowOf = (name: string, decide: Decide) => ownRow(name, decide, (i) => (i < 0 ? unknown : request(i)))
  return [
    rowOf('Latchkey, authenticate', plain.authenticator()),
    rowOf('Latchkey, with a permission', plain.authorizer({ permission: 'read' })),
    rowOf(CHECKED, limited.authorizer({ permission: 'read' })),
  ]
}

async function timeFirstSight(rounds: number): Promise<readonly Timed[]> {
  const { store, texts } = await keyStore(SEEN_ONCE)
  const stranger = newKey()
  let auth = createAuth({ contract, store })
  let authenticate = auth.authenticator()
  const requests = [...texts, stranger].map(keyRequest)
  const own = ownRow(
    FIRST,
    (request, fields) => authenticate(request, fields),
    (i) => requests.at(i % SEEN_ONCE) as Incoming,
  )
  const rows = [floorRow(texts, stranger), own]
  // One that has seen none of the keys.
  const prepare = () => {
    auth.close()
    auth = createAuth({ contract, store })
    authenticate = auth.authenticator()
  }
  for (const row of rows) await prove(row, 0, -1)
  return timeRows(rows, { rounds, count: SEEN_ONCE, prepare })
}

async function betterAuthTable(): Promise<string> {
  const timed = await inChild<readonly Timed[]>('./better-auth-rounds.js', [])
  const floor = timedOf(timed, FLOOR)
  return [
    '### Better Auth, in a process of its own: its `AsyncLocalStorage` makes every `await` of a process dearer',
    table(
      ['', 'µs', '× F'],
      timed.map(({ name, median, rounds }) => [name, number(median), number(ratioOf(rounds, floor.rounds).median)]),
    ),
  ].join('\n\n')
}

function bySpeed(a: Timed, b: Timed): number {
  return a.median - b.median
}
