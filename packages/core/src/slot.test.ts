import { describe, expect, it } from 'vitest'
import { slot } from './slot.ts'

describe('slot', () => {
  it('keeps a value for each object, whatever the object is', () => {
    const values = slot<string>()
    const objects = [{}, [], () => {}, Object.create(null), new Map(), new Proxy({}, {})]
    for (const [i, object] of objects.entries()) values.set(object, `value ${i}`)
    expect(objects.map(values.get)).toEqual(objects.map((_, i) => `value ${i}`))
    expect(values.get({})).toBeUndefined()
  })

  it('has the value that was set last', () => {
    const values = slot<number>()
    const object = {}
    values.set(object, 1)
    values.set(object, 2)
    expect(values.get(object)).toBe(2)
  })

  it('is not seen by who has the object, nor by another slot, nor in a copy', () => {
    const [values, others] = [slot<number>(), slot<number>()]
    const object = {}
    values.set(object, 1)
    expect(Reflect.ownKeys(object)).toEqual([])
    expect(others.get(object)).toBeUndefined()
    others.set(object, 2)
    expect([values.get(object), others.get(object)]).toEqual([1, 2])
    expect(values.get({ ...object })).toBeUndefined()
    expect(values.get(Object.create(object))).toBeUndefined()
  })
})
