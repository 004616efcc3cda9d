import { describe, expect, it } from 'vitest'
import { createEpochs, type Subject } from './epochs.ts'
import type { Change } from './store.ts'

const KEY: Subject = { keyId: 'key_1', accountId: 'account_1' }
const ACCOUNT: Subject = { accountId: 'account_1' }
const NO_KEY: Subject = {}

const key = (id: string): Change => ({ kind: 'key', service: 'acme', id })
const account = (id: string): Change => ({ kind: 'account', id })

/** Whether what was read of the subject, before the change, is current after it. */
function survives(subject: Subject, change: Change): boolean {
  const epochs = createEpochs()
  const mark = epochs.mark(subject, epochs.now())
  epochs.advance(change)
  return epochs.isCurrent(mark)
}

describe('createEpochs', () => {
  it.each([
    ['a key', KEY, key('key_1'), false],
    ['a key, of its account', KEY, account('account_1'), false],
    ['a key, of all', KEY, { kind: 'all' }, false],
    ['a key, of another one', KEY, key('key_2'), true],
    ['a key, of another account', KEY, account('account_2'), true],
    ['an account', ACCOUNT, account('account_1'), false],
    ['an account, of all', ACCOUNT, { kind: 'all' }, false],
    ['an account, of another one', ACCOUNT, account('account_2'), true],
    ['an account, of a key', ACCOUNT, key('key_1'), true],
    ['a key that was not found, of any', NO_KEY, key('key_1'), false],
    ['a key that was not found, of all', NO_KEY, { kind: 'all' }, false],
    ['a key that was not found, of an account', NO_KEY, account('account_1'), true],
  ] as const)('ends what was read of %s, by a change that concerns it', (_, subject, change, outlives) => {
    expect(survives(subject, change)).toBe(outlives)
  })

  it('takes a change of no known kind for one of all', () => {
    expect(survives(KEY, { kind: 'other' } as never)).toBe(false)
  })

  it('ends what was under way when it changed', () => {
    const epochs = createEpochs()
    const began = epochs.now()
    epochs.advance(key('key_1'))
    expect(epochs.isCurrent(epochs.mark(KEY, began))).toBe(false)
    expect(epochs.isCurrent(epochs.mark(KEY, epochs.now()))).toBe(true)
  })

  it('keeps what was read after the change', () => {
    const epochs = createEpochs()
    for (const change of [key('key_1'), account('account_1'), { kind: 'all' } as const]) epochs.advance(change)
    const mark = epochs.mark(KEY, epochs.now())
    epochs.advance(key('key_2'))
    expect(epochs.isCurrent(mark)).toBe(true)
  })

  it('tells 1,000 ids apart but for a few that share a number', () => {
    const ids = Array.from({ length: 1000 }, () => `key_${crypto.randomUUID()}`)
    const epochs = createEpochs()
    const marks = ids.map((keyId) => epochs.mark({ keyId }, epochs.now()))
    for (const id of ids.slice(0, 100)) epochs.advance(key(id))
    const ended = marks.filter((mark) => !epochs.isCurrent(mark)).length
    // 900 others on 16,384 numbers, of which at most 100 have changed: some 5 are meant.
    expect(ended).toBeGreaterThanOrEqual(100)
    expect(ended).toBeLessThan(140)
  })
})
