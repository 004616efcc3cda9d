/** A Worker with stores in its D1 database. Their methods are called from outside, in JSON. */
import type { KeyStore } from '@latchkey/core'
import { type D1Binding, openD1 } from '@latchkey/store-sql/d1'

export interface Call {
  /** Which store. */
  readonly store: string
  readonly method: string
  readonly parameters: readonly unknown[]
}

/** What the method returned, or what it threw. */
export interface Answer {
  readonly value?: unknown
  readonly error?: { readonly name: string; readonly message: string; readonly others: object }
}

type Method = (...parameters: readonly unknown[]) => unknown

const stores = new Map<string, KeyStore>()
/** What a limiter has given out does not leave its process. */
const receipts = new Map<unknown, unknown>()

export default {
  async fetch(request: Request, { KEYS }: { readonly KEYS: D1Binding }): Promise<Response> {
    const call: Call = await request.json()
    const answer = await answerTo(call, KEYS).catch((error) => {
      const { name, message } = error
      return { error: { name, message, others: { ...error } } }
    })
    return Response.json(answer satisfies Answer)
  },
}

async function answerTo({ store: id, method, parameters }: Call, binding: D1Binding): Promise<Answer> {
  if (method === 'run') {
    const answers = await binding.batch(parameters.map((sql) => binding.prepare(String(sql))))
    return { value: answers.at(-1)?.results }
  }
  if (method === 'open') {
    const store = await openD1(binding, parameters[0] as { readonly migrate?: boolean })
    stores.set(id, store)
    return { value: store.capabilities }
  }
  const store = stores.get(id) as KeyStore
  const [part, name = part] = method.split('.')
  const called = { ...store, ...(part === 'limiter' && store.limiter), ...(part === 'ledger' && store.ledger) }
  const given = parameters.map((parameter) => receipts.get(parameter) ?? parameter)
  const value = await (called as unknown as Readonly<Record<string, Method>>)[name ?? '']?.(...given)
  return { value: isTaken(value) ? { ...value, receipt: receiptFor(value.receipt) } : value }
}

function isTaken(value: unknown): value is { readonly receipt: unknown } {
  return typeof value === 'object' && value !== null && 'receipt' in value
}

function receiptFor(receipt: unknown): string {
  const id = crypto.randomUUID()
  receipts.set(id, receipt)
  return id
}
