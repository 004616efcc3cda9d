/**
 * Lets many requests at once take what there is, and says of each what it has got. Orders and answers are lines in JSON:
 * `node spend.js URL`.
 */
import { createInterface } from 'node:readline'
import type { Charge } from '@latchkey/core'
import { openStore } from './open-store.ts'

export interface Spending {
  readonly requests: number
  /** What each request takes of windows and slots; it never gives its slot back. */
  readonly charge: Charge
  /** And one of this balance, whether it has got that or not. */
  readonly balance: { readonly id: string; readonly limit: number }
}

/** Of one request. */
export interface Spent {
  readonly counted: boolean
  readonly charged: boolean
}

const [url = ''] = process.argv.slice(2)
// Hundreds wait for few connections, on a busy machine.
const store = await openStore(url, { timeout: 100_000 })
const { limiter, ledger } = store
console.log('"ready"')
for await (const line of createInterface(process.stdin)) {
  const { requests, charge, balance }: Spending = JSON.parse(line)
  await Promise.all(Array.from({ length: requests }, () => spend(charge, balance)))
  console.log('"done"')
}

async function spend(charge: Charge, { id, limit }: Spending['balance']): Promise<void> {
  // As requests come in: none waits for the others of its process.
  await new Promise((resolve) => setImmediate(resolve))
  const taken = await limiter?.take(charge, Date.now())
  const allowance = { balanceId: id, limit, start: 0, end: Number.POSITIVE_INFINITY }
  const reserved = await ledger?.reserve(allowance, 1)
  console.log(JSON.stringify({ counted: taken?.taken === true, charged: reserved?.charged === true } satisfies Spent))
}
