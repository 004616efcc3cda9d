/** One size of `growth`, in a process of its own: nothing of a smaller one is in memory. */
import { createAuth } from '@latchkey/core'
import { answer } from './child.ts'
import { contract, incoming, keyStore, newKey } from './fixtures.ts'
import { floorRow } from './keys.ts'
import { ownRow } from './own.ts'
import { prove, type Row, timeRows } from './rounds.ts'

const WARM = 'Latchkey, seen before'
const FIRST = 'Latchkey, from the memory store'

/** Neighbours are not asked for one after the other: they may lie beside each other in memory. */
const STRIDE = 514_229

const [size, rounds] = process.argv.slice(2).map(Number) as [number, number]
const { store, texts } = await keyStore(size)
const stranger = newKey()
const cached = createAuth({ contract, store, cache: { keys: size } })
const plain = createAuth({ contract, store, cache: false })

const request = incoming('X-Api-Key', '')
function requestOf(i: number) {
  request.rawHeaders[7] = i < 0 ? stranger : (texts[(i * STRIDE) % size] as string)
  return request
}

const floor = floorRow(texts, stranger)
const warm = ownRow(WARM, cached.authenticator(), requestOf)
const rows: readonly Row[] = [
  { name: floor.name, run: (i) => floor.run(i < 0 ? i : (i * STRIDE) % size) },
  warm,
  ownRow(FIRST, plain.authenticator(), requestOf),
]
for (const row of rows) await prove(row, 0, -1)
for (let i = 0; i < size; i++) warm.run(i)
answer(await timeRows(rows, { rounds, count: 5000 }))
