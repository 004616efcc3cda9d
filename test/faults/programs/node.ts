/** One node of an API: decides on requests all the time, writes down how, and makes changes when it is told to. */
import { createAuth, digestKey, isPromise, type KeyRecord, type Outcome } from '@latchkey/core'
import { changesOf } from './changes.ts'
import { now } from './clock.ts'
import { contract } from './contract.ts'
import { type History, openHistory } from './history.ts'
import { openStore } from './open-store.ts'
import type { Answered, Orders, Placed, Ready, Start, Subject, Told } from './orders.ts'
import { openPeers } from './peers.ts'

/** In milliseconds, between two requests with a text that is known. */
const PAUSE = 5
/** How often what was decided is written down, in milliseconds: of a node that is killed little is to be lost. */
const FLUSH = 50
/** So many requests at most wait for the store in turn: it is not to be kept from working, by those who only ask. */
const MOST = 6
/** So many of the texts that rest are asked for in each pause. */
const RESTING = 10

interface Known {
  readonly id: number
  readonly fields: Headers
  /** Requests that every pause begins, and that are not decided. */
  waits: boolean
  /** How often the store or the memory of it has decided. */
  decided: number
}

const { url, history: path } = JSON.parse(process.argv[2] ?? '') as Start
const store = await openStore(url)
const auth = createAuth({ contract, store })
const decide = auth.authorizer({ permission: 'write', plan: 'pro' })
const change = changesOf(store)
const peers = await openPeers(requestOf)

let history: History = openHistory(path)
const known = new Map<number, Known>()
let hot: readonly Known[] = []
let resting: readonly Known[] = []
let turn = 0
let waiting = 0
/** Requests that are not decided. */
let underWay = 0

/** One request. Whether it was decided, be it as it may. */
function request(subject: Known): boolean | Promise<boolean> {
  const begin = now()
  const outcome = decide({}, subject.fields)
  if (!isPromise(outcome)) return noted(subject, begin, outcome, true)
  underWay++
  return outcome.then((outcome) => {
    underWay--
    return noted(subject, begin, outcome, false)
  })
}

function requestOf(id: number): boolean | Promise<boolean> {
  const subject = known.get(id)
  return subject !== undefined && request(subject)
}

function noted(subject: Known, begin: number, outcome: Outcome<unknown>, atOnce: boolean): boolean {
  const end = now()
  const isUnavailable = outcome.kind === 'denied' && outcome.code === 'unavailable'
  const { id } = subject
  history.note({ subject: id, begin, end, outcome: isUnavailable ? 'unavailable' : outcome.kind, atOnce })
  if (!isUnavailable) subject.decided++
  return !isUnavailable
}

function requestInTurn(subject: Known | undefined): void {
  if (subject === undefined || subject.waits || waiting >= MOST) return
  const decided = request(subject)
  if (!isPromise(decided)) return
  subject.waits = true
  waiting++
  decided.then(() => {
    subject.waits = false
    waiting--
  })
}

function requestAll(): void {
  turn++
  // Not from the first one each time: where the store is slow they come to be asked for in turn.
  for (let i = 0; i < hot.length; i++) requestInTurn(hot[(turn * MOST + i) % hot.length])
  for (let i = 0; i < RESTING; i++) requestInTurn(resting[(turn * RESTING + i) % resting.length])
}

function know(subjects: readonly Subject[]): readonly Known[] {
  const added = subjects.map(({ id, text }) => {
    return { id, fields: new Headers({ 'x-api-key': text }), waits: false, decided: 0 }
  })
  for (const subject of added) known.set(subject.id, subject)
  return added
}

function keyOf({ keyId, accountId }: Placed): KeyRecord {
  return {
    id: keyId,
    accountId,
    service: contract.name,
    name: 'watched',
    environment: null,
    permissions: ['read', 'write'],
    createdAt: Date.now(),
    expiresAt: null,
    revokedAt: null,
    revokedReason: null,
    metadata: {},
  }
}

function accountOf(id: string) {
  return { id, plan: 'pro', status: 'active', email: null, metadata: {} } as const
}

const handlers: { readonly [K in keyof Orders]: (order: Orders[K]['order']) => Promise<Orders[K]['answer']> } = {
  async watch(subjects) {
    hot = [...hot, ...know(subjects)]
    return null
  },
  async know(subjects) {
    know(subjects)
    return null
  },
  async warm(times) {
    while (hot.some(({ decided }) => decided < times)) await new Promise((resolve) => setTimeout(resolve, PAUSE))
    return null
  },
  async follow(id) {
    await requestOf(id)
    return null
  },
  async peers(ports) {
    await peers.know(ports)
    return null
  },
  async whileHeld({ known, subjects }) {
    while (isPromise(requestOf(known))) await new Promise((resolve) => setTimeout(resolve, PAUSE))
    for (const id of subjects) requestOf(id)
    return null
  },
  async rest() {
    resting = [...resting, ...hot]
    hot = []
    return null
  },
  async review() {
    const left = [...known.values()]
    let undecided = 0
    while (left.length > 0) {
      const decided = await Promise.all(left.splice(0, MOST).map(request))
      undecided += decided.filter((is) => !is).length
    }
    return undecided
  },
  async insert(placed) {
    const createdAt = Date.now()
    const keys = placed.map((subject) => ({
      key: keyOf(subject),
      secrets: [
        { kind: 'key', digest: digestKey(subject.text), display: 'key_…', createdAt, expiresAt: null },
      ] as const,
    }))
    await store.insertAll({ accounts: placed.map(({ accountId }) => accountOf(accountId)), keys })
    return null
  },
  async fill(count) {
    const accounts = Array.from({ length: count }, () => accountOf(crypto.randomUUID()))
    try {
      return await store.insertAll({ accounts, keys: [] })
    } catch {
      return false
    }
  },
  async change(order) {
    const changed = await change(order)
    if (order.wait && !('error' in changed)) peers.tell(order.of.id)
    requestOf(order.of.id)
    return changed
  },
  async flush() {
    history.flush()
    return null
  },
  async history(path) {
    known.clear()
    hot = []
    resting = []
    // What is under way belongs to the old one.
    while (underWay > 0) await new Promise((resolve) => setTimeout(resolve, PAUSE))
    history.close()
    history = openHistory(path)
    return null
  },
}

async function handle<K extends keyof Orders>({ number, kind, order }: Told<K>): Promise<void> {
  const answer = await handlers[kind](order)
  const answered: Answered<K> = { number, answer }
  process.send?.(answered)
}

process.on('message', (told: Told) => void handle(told))
process.on('disconnect', () => process.exit())
setInterval(requestAll, PAUSE)
setInterval(() => history.flush(), FLUSH)
const ready: Ready = { port: peers.port }
process.send?.(ready)
