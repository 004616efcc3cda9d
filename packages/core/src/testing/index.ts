/** Proves stores: see `docs/testing-a-store.md`. */
export type { StoreCase } from './group.ts'
export { storeCases, type TestFramework, testStore } from './store-cases.ts'
export type { AccountTampering, Damage, KeyTampering, StoreSubject, Tampering } from './subject.ts'
