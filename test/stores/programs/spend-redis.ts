/** Takes from one window and one balance for many requests at once, and says of each what became of it. */
import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { openRedis } from '@latchkey/store-redis'
import type { Order, Spent } from './spending.ts'

writeSync(1, 'ready\n')
for await (const line of createInterface(process.stdin)) await spend(JSON.parse(line) as Order)

async function spend({ url, requests, window, allowance }: Order): Promise<void> {
  // A busy machine is slow.
  const { limiter, ledger, close } = await openRedis(url, { timeout: 60_000 })
  if (limiter === undefined || ledger === undefined) throw new Error('it does not count')
  const request = async () => {
    const [{ taken }, charged] = await Promise.all([
      limiter.take({ windows: [window], slots: undefined }, Date.now()),
      ledger.reserve(allowance, 1),
    ])
    const spent: Spent = { taken, charged: charged?.charged === true }
    writeSync(1, `${JSON.stringify(spent)}\n`)
  }
  await Promise.all(Array.from({ length: requests }, request))
  await close()
  process.exit()
}
