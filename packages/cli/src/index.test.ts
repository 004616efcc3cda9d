import { expect, test } from 'vitest'
import * as latchkey from './index.ts'

test('exports these names and no others', () => {
  expect(Object.keys(latchkey)).toEqual(['openStore', 'printableUrl'])
})
