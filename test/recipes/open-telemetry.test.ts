import { readFileSync } from 'node:fs'
import { problemDetails } from '@latchkey/contracts'
import { createAuth, manageAccounts, manageKeys, memoryStore } from '@latchkey/core'
import { type Counter, type Meter, type MeterProvider, metrics } from '@opentelemetry/api'
import { afterEach, expect, it } from 'vitest'
import { measured } from './open-telemetry.ts'

const textOf = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')

afterEach(() => metrics.disable())

it('the page shows the recipe as it is tested', () => {
  const [, shown] = /```ts\n(.*?)```/s.exec(textOf('../../docs/open-telemetry.md')) ?? []
  expect(shown).toBe(textOf('./open-telemetry.ts'))
})

it('the recipe measures requests and revocations', async () => {
  const sums: Record<string, number> = {}
  const counter = (name: string): Counter => ({
    add(value, attributes) {
      const line = `${name} ${JSON.stringify(attributes)}`
      sums[line] = (sums[line] ?? 0) + value
    },
  })
  const meter: Partial<Meter> = { createCounter: counter, createUpDownCounter: counter }
  metrics.setGlobalMeterProvider({ getMeter: () => meter as Meter } satisfies MeterProvider)

  const store = memoryStore()
  const contract = problemDetails({ name: 'acme' })
  const on = measured()
  await manageAccounts({ store, by: 'test' }).create({ id: 'customer', plan: 'free' })
  const keys = manageKeys({ contract, store, by: 'test', on })
  const { key, secret } = await keys.create({ accountId: 'customer', name: 'test' })
  const authenticate = createAuth({ contract, store, on }).authenticator()
  const fields = new Headers({ 'x-api-key': secret })
  authenticate({}, fields)
  authenticate({}, fields)
  await keys.revoke(key.id)
  await authenticate({}, fields)
  expect(sums).toEqual({
    'latchkey.requests.allowed {"service":"acme","via":"key","plan":"free"}': 2,
    'latchkey.keys.revoked {"service":"acme"}': 1,
    'latchkey.requests.denied {"service":"acme","code":"revoked"}': 1,
  })
})
