import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { checkListeners, quiet, sieve } from './events.ts'

describe('a listener', () => {
  it('is told, and its answer is nobody’s', () => {
    const told: number[] = []
    expect(quiet((event: number) => told.push(event))?.(7)).toBeUndefined()
    expect(told).toEqual([7])
  })

  it('that is none is none: nothing has to be made for it', () => {
    expect(quiet(undefined)).toBeUndefined()
  })

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('full')
      },
    ],
    ['rejects', () => Promise.reject(new Error('full'))],
  ])('that %s breaks nothing', async (_, fail) => {
    const unhandled: unknown[] = []
    const before = process.rawListeners('unhandledRejection') as ((reason: unknown) => void)[]
    process.removeAllListeners('unhandledRejection')
    process.on('unhandledRejection', (reason) => unhandled.push(reason))
    expect(() => quiet(fail)?.(1)).not.toThrow()
    await new Promise((resolve) => setTimeout(resolve, 20))
    process.removeAllListeners('unhandledRejection')
    for (const listener of before) process.on('unhandledRejection', listener)
    expect(unhandled).toEqual([])
  })

  it('must be a function, of something that happens', () => {
    expect(() => checkListeners()).not.toThrow()
    expect(() => checkListeners({ denied: () => {}, keyCreated: undefined })).not.toThrow()
    expect(() => checkListeners({ denied: 'log' })).toThrow(new TypeError('on.denied must be a function'))
    expect(() => checkListeners({ refused: () => {} })).toThrow(new TypeError('on.refused: there is no such event'))
    expect(() => checkListeners({ toString: () => {} })).toThrow(TypeError)
    for (const on of [null, 'log', () => {}]) {
      expect(() => checkListeners(on as never)).toThrow(new TypeError('on must be an object of functions'))
    }
  })
})

describe('sieve', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('lets so many through in a period, and tells the next one how many it has held back', () => {
    const passes = sieve(2, 1000)
    expect([passes(), passes(), passes(), passes(), passes()]).toEqual([0, 0, undefined, undefined, undefined])
    vi.advanceTimersByTime(999)
    expect(passes()).toBeUndefined()
    vi.advanceTimersByTime(1)
    expect([passes(), passes(), passes()]).toEqual([4, 0, undefined])
    vi.advanceTimersByTime(60_000)
    expect([passes(), passes()]).toEqual([1, 0])
  })
})
