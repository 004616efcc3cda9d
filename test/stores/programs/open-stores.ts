/** Opens each of the stores whose URLs come in a line, with the lease that is given, and says what became of it. */
import { createInterface } from 'node:readline'
import { openStore } from './open-store.ts'

// Loaded when a store is opened; here it is time in which others get ahead.
await Promise.all([import('libsql'), import('pg')])
const options = process.argv[2] === undefined ? {} : { lease: Number(process.argv[2]) }
console.log(JSON.stringify('ready'))
for await (const line of createInterface(process.stdin)) {
  const answers: string[] = []
  for (const url of JSON.parse(line) as readonly string[]) answers.push(await open(url))
  console.log(JSON.stringify(answers))
}

async function open(url: string): Promise<string> {
  try {
    const store = await openStore(url, options)
    await store.listAccounts({ limit: 1 })
    await store.close()
    return 'opened'
  } catch (error) {
    return String(error)
  }
}
