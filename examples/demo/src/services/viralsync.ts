import { viralsync, viralsyncErrors } from '@latchkey/contracts'
import { createAuth, type KeyStore, manageAccounts, manageKeys } from '@latchkey/core'
import type { Counting } from '../counting.ts'
import { issue } from '../issue.ts'
import { type Credentials, jsonOf, provenBy, type Service } from '../service.ts'

const contract = viralsync()

export function viralsyncService(store: KeyStore, counting: Counting): Service {
  return {
    prefix: '/viralsync',
    auth: createAuth({ contract, store, ...counting }),
    // "The REST API requires a Pro plan or higher."
    mount: { plan: 'pro' },
    errors: viralsyncErrors,
    routes: [
      {
        method: 'GET',
        path: '/v1/me',
        handle: (call) => {
          const { id, plan, email } = provenBy(call).account
          return { status: 200, body: { userId: id, plan, email } }
        },
      },
      {
        method: 'POST',
        path: '/v1/render/jobs',
        handle: async (call) => {
          await jsonOf(call)
          return { status: 202, body: { id: `job_${crypto.randomUUID()}`, status: 'queued' } }
        },
      },
    ],
  }
}

export async function seedViralsync(store: KeyStore): Promise<Credentials> {
  const accounts = manageAccounts({ store, by: 'demo', plans: contract.plans })
  await accounts.create({ id: 'user_abc123', plan: 'pro', email: 'you@example.com' })
  await accounts.create({ id: 'user_free', plan: 'free', email: 'free@example.com' })
  await accounts.create({ id: 'user_business', plan: 'business', email: 'business@example.com' })

  const keys = manageKeys({ contract, store, by: 'demo' })
  const ofUser = (name: string, accountId = 'user_abc123') => issue(keys, { accountId, name })
  const revoked = await ofUser('Old backend')
  await keys.revoke(revoked.id, 'replaced')
  const deleted = await ofUser('Deleted')
  await keys.delete(deleted.id)
  return {
    live: (await ofUser('n8n Production')).text,
    live2: (await ofUser('Backend Service')).text,
    revoked: revoked.text,
    deleted: deleted.text,
    free: (await ofUser('Free', 'user_free')).text,
    business: (await ofUser('Business', 'user_business')).text,
  }
}
