/** Proves stores, limiters and ledgers: see `docs/testing-a-store.md`. */
export type { TestFramework } from './framework.ts'
export type { StoreCase } from './group.ts'
export { type LedgerSubject, testLedger } from './ledger-cases.ts'
export { type LimiterSubject, testLimiter } from './limiter-cases.ts'
export { storeCases, testStore } from './store-cases.ts'
export type { AccountTampering, Damage, KeyTampering, StoreSubject, Tampering } from './subject.ts'
