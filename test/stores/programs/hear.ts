/** Hears what changes in a store: for each line it sends a heartbeat, and says what was told. With its input it ends by itself. */
import { createInterface } from 'node:readline'
import type { Change } from '@latchkey/core'
import { openStore } from './open-store.ts'

const [url = ''] = process.argv.slice(2)
const told: Change[] = []
await using store = await openStore(url)
const subscription = await store.changes?.subscribe({
  changed: (change) => void told.push(change),
  lost: () => console.log(JSON.stringify('lost')),
})
console.log(JSON.stringify('ready'))
for await (const _line of createInterface(process.stdin)) {
  await subscription?.beat()
  console.log(JSON.stringify(told.splice(0)))
}
