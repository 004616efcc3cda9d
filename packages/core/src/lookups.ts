import { type Lookup, plainReader } from './cache.ts'
import type { Subject } from './epochs.ts'
import type { ProverOptions } from './proving.ts'
import { isAccount } from './record.ts'
import type { Account, AccountReader, KeyMatch, SigningKeyMatch } from './store.ts'

/** Finds accounts by their id: the store's, or the application's, which are kept only where it asks for that. */
export function accountLookup({
  store,
  reader,
  accounts,
  timeout,
}: Pick<ProverOptions, 'store' | 'reader' | 'accounts' | 'timeout'>): Lookup<Account> {
  return (accounts === undefined || accounts.cached === true ? reader : plainReader(timeout)).lookup({
    read: (id) => (accounts === undefined ? store.findAccount?.(id) : accounts.find(id)),
    make(account: Account | undefined, id, freeze) {
      checkAccount(account, id)
      return freeze(account ?? undefined)
    },
    subjectOf: (_, accountId) => ({ accountId }),
  })
}

/**
 * What a store found, if it is whole. Looked at once, however often it is used.
 *
 * @param accounts `undefined`: they are in the store, so the account that was found has to be whole too
 * @throws Error when it is not: the store is broken.
 */
export function checked<T extends KeyMatch | SigningKeyMatch>(
  match: T | undefined,
  what: string,
  isWhole: (match: T) => boolean,
  accounts: AccountReader | undefined,
): T | undefined {
  if (match === undefined) return undefined
  if (!isWhole(match)) throw new Error(`the store returned a broken ${what}`)
  if (accounts === undefined) checkAccount(match.account, match.key.accountId)
  return match
}

function checkAccount(account: Account | null | undefined, id: string): void {
  const isWhole = account === undefined || account === null || (isAccount(account) && account.id === id)
  if (!isWhole) throw new Error('the store returned a broken account')
}

/** What makes a match out of date: a change of its key, or of its account. */
export function subjectOf(match: Pick<KeyMatch, 'key'> | undefined): Subject {
  return match === undefined ? {} : { keyId: match.key.id, accountId: match.key.accountId }
}
