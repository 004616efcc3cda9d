import { expect, it } from 'vitest'

it('exports these names from @latchkey/core', async () => {
  expect(Object.keys(await import('@latchkey/core')).sort()).toEqual([
    'balanceOf',
    'bearer',
    'createAuth',
    'defineContract',
    'digestKey',
    'equalDigests',
    'guard',
    'header',
    'isPromise',
    'keyCodec',
    'manageAccounts',
    'manageBalances',
    'manageKeys',
    'memoryLedger',
    'memoryLimiter',
    'memoryStore',
    'principalOf',
    'statusOf',
  ])
})

it('exports these names from @latchkey/core/node', async () => {
  expect(Object.keys(await import('./node/index.ts')).sort()).toEqual([
    'rawFields',
    'setAllowedHeaders',
    'whenAnswered',
    'whenEnded',
    'writeRendered',
  ])
})
