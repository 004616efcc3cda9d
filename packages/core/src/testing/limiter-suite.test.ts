import { describe, it } from 'vitest'
import { memoryLedger } from '../memory-ledger.ts'
import { memoryLimiter } from '../memory-limiter.ts'
import { testLedger, testLimiter } from './index.ts'

describe('memoryLimiter', () => {
  testLimiter({ describe, it }, (use) => use([memoryLimiter()]))
})

describe('memoryLedger', () => {
  testLedger({ describe, it }, (use) => use([memoryLedger()]))
})
