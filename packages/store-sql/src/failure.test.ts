import { inspect } from 'node:util'
import { expect, it } from 'vitest'
import { plainError } from './failure.ts'

const VALUE = 'a value that nobody may see'

it('an error of a driver keeps its message and code, and nothing else', () => {
  const cause = Object.assign(new Error(VALUE), { parameters: [VALUE] })
  const error = new Error('duplicate key', { cause })
  error.stack = VALUE
  const plain = plainError(
    Object.assign(error, { code: '23505', detail: VALUE, where: VALUE, query: { values: [VALUE] } }),
  )
  expect(plain).toEqual(Object.assign(new Error('duplicate key'), { code: '23505' }))
  expect(Object.keys(plain)).toEqual(['code'])
  expect(plain.cause).toBeUndefined()
  expect(inspect(plain, { showHidden: true })).not.toContain(VALUE)
})

it('of several attempts to connect the code is left', () => {
  const error = Object.assign(new AggregateError([new Error('::1'), new Error('127.0.0.1')]), { code: 'ECONNREFUSED' })
  expect(plainError(error)).toEqual(Object.assign(new Error('ECONNREFUSED'), { code: 'ECONNREFUSED' }))
})

it.each([undefined, null, 'text', 7, {}, { code: 7 }])('is an error, whatever is thrown: %j', (thrown) => {
  expect(plainError(thrown)).toBeInstanceOf(Error)
  expect(plainError(thrown).message).not.toBe('')
})
