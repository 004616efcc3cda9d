import { inspect } from 'node:util'
import { expect, it } from 'vitest'
import { plainError } from './failure.ts'

const VALUE = 'a value that nobody may see'

it('an error of the client keeps its message and code, and nothing else', () => {
  const error = Object.assign(new Error('connect ECONNREFUSED', { cause: new Error(VALUE) }), {
    code: 'ECONNREFUSED',
    input: `redis://:${VALUE}@localhost`,
    options: { password: VALUE },
  })
  error.stack = VALUE
  const plain = plainError(error)
  expect(plain).toEqual(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }))
  expect(Object.keys(plain)).toEqual(['code'])
  expect(plain.cause).toBeUndefined()
  expect(inspect(plain, { showHidden: true })).not.toContain(VALUE)
})

it('what a server quotes of a command that it does not know is left out', () => {
  const error = new Error(`ERR unknown command 'EVALSHA', with args beginning with: 'sha' '2' '${VALUE}' `)
  expect(plainError(error)).toEqual(new Error("ERR unknown command 'EVALSHA'"))
})

it('of several attempts to connect the code is left', () => {
  const error = Object.assign(new AggregateError([new Error('::1'), new Error('127.0.0.1')]), { code: 'ECONNREFUSED' })
  expect(plainError(error)).toEqual(Object.assign(new Error('ECONNREFUSED'), { code: 'ECONNREFUSED' }))
})

it.each([undefined, null, 'text', 7, {}, { code: 7 }])('is an error, whatever is thrown: %j', (thrown) => {
  expect(plainError(thrown)).toBeInstanceOf(Error)
  expect(plainError(thrown).message).not.toBe('')
})
