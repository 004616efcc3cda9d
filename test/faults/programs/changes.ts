/** Makes changes as an operator does, and says when the store had made them and when the call returned. */
import { type KeyStore, manageAccounts, manageKeys } from '@latchkey/core'
import { now } from './clock.ts'
import { contract } from './contract.ts'
import type { Changed, Made, Orders } from './orders.ts'

export type MakeChange = (order: Orders['change']['order']) => Promise<Changed>

export function changesOf(store: KeyStore): MakeChange {
  return async (order) => {
    const begun = now()
    try {
      return await make(order, begun)
    } catch (error) {
      return { error: String(error) }
    }
  }

  async function make({ action, of, wait }: Orders['change']['order'], begun: number): Promise<Made> {
    let committed = begun
    const noting = noteCommits(store, () => {
      committed = now()
    })
    const keys = manageKeys({ contract, store: noting, by: 'faults', wait })
    const accounts = manageAccounts({ store: noting, by: 'faults', wait })
    const { keyId, accountId, text } = of
    switch (action) {
      case 'revoke':
        must(await keys.revoke(keyId))
        break
      case 'delete':
        // That it is gone it may be by a call whose answer was lost.
        await keys.delete(keyId)
        break
      case 'narrow':
        must(await keys.change(keyId, { permissions: ['read'] }))
        break
      case 'widen':
        must(await keys.change(keyId, { permissions: ['read', 'write'] }))
        break
      case 'downgrade':
        must(await accounts.change(accountId, { plan: 'free' }))
        break
      case 'upgrade':
        must(await accounts.change(accountId, { plan: 'pro' }))
        break
      case 'suspend':
        must(await accounts.change(accountId, { status: 'suspended' }))
        break
      case 'activate':
        must(await accounts.change(accountId, { status: 'active' }))
        break
      case 'rotate': {
        const { secret } = must(await keys.rotate(keyId))
        return { begun, committed, acknowledged: now(), text: secret }
      }
      case 'import': {
        const permissions = ['read', 'write'] as const
        const { id } = must(await keys.import({ accountId, name: 'imported', text, permissions }))
        return { begun, committed, acknowledged: now(), keyId: id }
      }
    }
    return { begun, committed, acknowledged: now() }
  }
}

function must<T>(result: T | undefined): T {
  if (result === undefined) throw new Error('there is no such key or account')
  return result
}

/** The store, and it is noted when it has answered to a change. */
function noteCommits(store: KeyStore, note: () => void): KeyStore {
  function noting<Words extends unknown[], T>(change: (...words: Words) => T | Promise<T>) {
    return async (...words: Words): Promise<T> => {
      const answer = await change(...words)
      note()
      return answer
    }
  }
  return {
    ...store,
    insertKey: noting(store.insertKey),
    rotateKey: noting(store.rotateKey),
    revokeKey: noting(store.revokeKey),
    deleteKey: noting(store.deleteKey),
    changeKey: noting(store.changeKey),
    changeAccount: noting(store.changeAccount),
  }
}
