/** Three nodes on one store, the texts that requests come to them with, and what was done to those. */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pass } from 'node:timers/promises'
import { keyCodec } from '@latchkey/core'
import type { Change, Run, State } from './checker.ts'
import { type Launch, type Node, startNode } from './nodes.ts'
import { now } from './programs/clock.ts'
import { readHistory, type Verify } from './programs/history.ts'
import { type Action, isDenying, type Placed } from './programs/orders.ts'
import type { Site } from './sites.ts'

export const NODES = ['a', 'b', 'c'] as const
export type NodeName = (typeof NODES)[number]

/** A text and its key, which may be another one when it was imported again. */
export interface Subject extends Placed {
  keyId: string
}

export interface ChangeOptions {
  readonly by?: NodeName
  /** Default true. */
  readonly wait?: boolean
}

export interface Fleet {
  readonly site: Site
  node(name: NodeName): Node
  /** Ends a node, if it has not ended, and starts it anew. It watches nothing. */
  restart(name: NodeName, launch?: Launch): Promise<void>
  /** New texts. Live ones have a key. */
  subjects(count: number, startsAs?: State): Promise<readonly Subject[]>
  /** Requests with them begin, at these nodes or at all. */
  watch(subjects: readonly Subject[], nodes?: readonly NodeName[]): Promise<void>
  /** Requests with them are made where somebody asks for it, at these nodes or at all. */
  know(subjects: readonly Subject[], nodes?: readonly NodeName[]): Promise<void>
  /** Until each node has decided on each text that it watches, and keeps it. */
  warm(): Promise<void>
  /** When it holds, each node that lives has a request at once, if it knows the text. False: it was not acknowledged. */
  change(action: Action, of: Subject, options?: ChangeOptions): Promise<boolean>
  /** Requests with the texts that are watched become rare. */
  rest(): Promise<void>
  /** Ends all faults: every node lives, and reaches the store. */
  mend(): Promise<void>
  /** When all is well: each node decides on each text again. What has happened since the last time. */
  settle(): Promise<Run>
  /** Ends the nodes. */
  stop(): Promise<void>
}

/** How often each text is decided on before it is changed. */
const WARM = 3
const REVIEWS = 3

const { mint } = keyCodec({ prefix: 'key_', length: 32, alphabet: 'base62', checksum: true })

/** @param launch of every node, whatever else it is started with */
export async function startFleet(site: Site, { env, execArgv = [] }: Launch = {}): Promise<Fleet> {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-histories-'))
  const nodes = new Map<NodeName, Node>()
  let histories: { readonly node: string; readonly path: string }[] = []
  let subjectCount = 0
  let startsAs = new Map<number, State>()
  let changes: Change[] = []

  function node(name: NodeName): Node {
    const found = nodes.get(name)
    if (found === undefined) throw new Error(`node ${name} was not started`)
    return found
  }

  function newHistory(node: NodeName): string {
    const path = join(directory, `${node}-${randomUUID()}`)
    histories.push({ node, path })
    return path
  }

  async function restart(name: NodeName, launch: Launch = {}): Promise<void> {
    const before = nodes.get(name)
    if (before?.lives()) await before.ask('flush', null)
    await before?.kill()
    const start = { url: site.urlFor(name), history: newHistory(name) }
    const both = { env: { ...env, ...launch.env }, execArgv: [...execArgv, ...(launch.execArgv ?? [])] }
    nodes.set(name, await startNode(name, start, both))
    introduce()
  }

  /** Not waited for: one of them may be stopped, and hears of it before anything else when it goes on. */
  function introduce(): void {
    for (const node of nodes.values()) {
      const others = [...nodes.values()].filter((other) => other !== node && other.lives())
      if (node.lives())
        node
          .ask(
            'peers',
            others.map(({ port }) => port),
          )
          .catch(() => {})
    }
  }

  function newSubject(text: string, state: State): Subject {
    const id = ++subjectCount
    startsAs.set(id, state)
    return { id, text, keyId: `key-${id}-${randomUUID()}`, accountId: `account-${id}-${randomUUID()}` }
  }

  async function subjects(count: number, state: State = 'live'): Promise<readonly Subject[]> {
    const made = Array.from({ length: count }, () => newSubject(mint().text, state))
    await node('a').ask('insert', made)
    // Its account is there, its key is not.
    if (state === 'dead') {
      await Promise.all(made.map((of) => node('a').ask('change', { action: 'delete', of, wait: false })))
    }
    return made
  }

  async function tell(how: 'watch' | 'know', subjects: readonly Subject[], names: readonly NodeName[]): Promise<void> {
    const texts = subjects.map(({ id, text }) => ({ id, text }))
    await Promise.all(names.map((name) => node(name).ask(how, texts)))
  }

  async function change(action: Action, of: Subject, { by = 'a', wait = true }: ChangeOptions = {}): Promise<boolean> {
    const begun = now()
    const changed = await node(by)
      .ask('change', { action, of, wait })
      .catch((error) => ({ error: String(error) }))
    const makes = isDenying(action) ? 'dead' : 'live'
    const note = (subject: number, makes: State, made: { begun: number; committed?: number; holdsFrom: number }) => {
      changes.push({ subject, node: by, makes, committed: undefined, ...made })
    }
    if ('error' in changed) {
      note(of.id, makes, { begun, holdsFrom: Infinity })
      return false
    }
    // Of what is made anew nobody waits for the announcement, and a text that was unknown may be for one lease.
    const isTold = wait && action !== 'import'
    const holdsFrom = isTold ? changed.acknowledged : changed.acknowledged + site.lease
    note(of.id, makes, { ...changed, holdsFrom })
    if (changed.keyId !== undefined) of.keyId = changed.keyId
    if (changed.text !== undefined) {
      const next = newSubject(changed.text, 'dead')
      note(next.id, 'live', { ...changed, holdsFrom })
      // Not waited for: one of them may be stopped.
      tell('watch', [next], NODES).catch(() => {})
    }
    return true
  }

  async function each<T>(work: (node: Node) => Promise<T>): Promise<T[]> {
    return Promise.all([...nodes.values()].map(work))
  }

  async function mend(): Promise<void> {
    for (const [name, node] of nodes) {
      site.heal(name)
      node.signal('SIGCONT')
      if (!node.lives()) await restart(name)
    }
  }

  async function settle(): Promise<Run> {
    // What a lease still covers, and what comes late after a fault, must not count any more.
    await pass(2 * site.lease)
    await Promise.all(
      NODES.map(async (name) => {
        while ((await node(name).ask('review', null)) > 0) await pass(50)
      }),
    )
    const settledAt = now()
    for (let review = 0; review < REVIEWS; review++) {
      await each((node) => node.ask('review', null))
      await pass(site.lease / 2)
    }
    const finished = histories
    histories = []
    await Promise.all([...nodes].map(([name, node]) => node.ask('history', newHistory(name))))
    const run = { startsAs, changes, verifies: verifiesIn(finished), settledAt }
    startsAs = new Map()
    changes = []
    return run
  }

  for (const name of NODES) await restart(name)
  return {
    site,
    node,
    restart,
    subjects,
    watch: (subjects, names = NODES) => tell('watch', subjects, names),
    know: (subjects, names = NODES) => tell('know', subjects, names),
    warm: async () => void (await each((node) => node.ask('warm', WARM))),
    change,
    rest: async () => void (await each((node) => node.ask('rest', null))),
    mend,
    settle,
    async stop() {
      await each((node) => node.kill())
      rmSync(directory, { recursive: true })
    },
  }
}

/** All of them, each time that they are asked for. */
function verifiesIn(histories: readonly { readonly node: string; readonly path: string }[]): Iterable<Verify> {
  return {
    *[Symbol.iterator]() {
      for (const { node, path } of histories) yield* readHistory(path, node)
    },
  }
}
