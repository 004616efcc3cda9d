import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { attempt, DEFAULT_TIMEOUT } from './attempt.ts'

const unavailable = (cause: unknown) => ({ kind: 'denied', code: 'unavailable', cause })

describe('attempt', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })

  afterEach(() => {
    vi.useRealTimers()
  })

  it('answers synchronously where the call does', () => {
    expect(attempt(() => 42, 10)).toBe(42)
    expect(attempt(() => undefined, 10)).toBeUndefined()
    expect(attempt(() => null, 10)).toBeNull()
  })

  it('is unavailable when the call throws, with what it threw as the cause', () => {
    const cause = new Error('disk full')
    expect(
      attempt(() => {
        throw cause
      }, 10),
    ).toEqual(unavailable(cause))
  })

  it('takes no denial for an answer: it would be somebody else’s decision', async () => {
    const denial = { kind: 'denied', code: 'missing' }
    const cause = new Error('a denial is no answer')
    expect(attempt(() => denial, 10)).toEqual(unavailable(cause))
    expect(await attempt(async () => denial, 10)).toEqual(unavailable(cause))
  })

  it('answers with what the promise gives, and leaves no timer', async () => {
    await expect(attempt(async () => 42, 10)).resolves.toBe(42)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is unavailable when the promise rejects, and leaves no timer', async () => {
    const cause = new Error('connection reset')
    await expect(attempt(() => Promise.reject(cause), 10)).resolves.toEqual(unavailable(cause))
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is unavailable once the timeout has passed, and not before', async () => {
    let outcome: unknown
    const attempted = Promise.resolve(attempt(() => new Promise(() => {}), 10)).then((result) => {
      outcome = result
    })
    await vi.advanceTimersByTimeAsync(9)
    expect(outcome).toBeUndefined()
    await vi.advanceTimersByTimeAsync(1)
    await attempted
    expect(outcome).toEqual(unavailable(expect.any(Error)))
  })

  it('drops an answer, or a rejection, that comes too late', async () => {
    const late = attempt(() => new Promise((resolve) => setTimeout(resolve, 20, 'late')), 10)
    const broken = attempt(() => new Promise((_, reject) => setTimeout(reject, 20, new Error('late'))), 10)
    await vi.advanceTimersByTimeAsync(50)
    await expect(late).resolves.toMatchObject({ code: 'unavailable' })
    await expect(broken).resolves.toMatchObject({ code: 'unavailable' })
  })

  it('takes any thenable for a promise', async () => {
    // biome-ignore lint/suspicious/noThenProperty: query builders are thenables.
    const query = { then: (resolve: (rows: number) => void) => resolve(42) }
    await expect(attempt(() => query as unknown as Promise<number>, 10)).resolves.toBe(42)
  })

  it('waits two seconds by default', () => {
    expect(DEFAULT_TIMEOUT).toBe(2000)
  })
})
