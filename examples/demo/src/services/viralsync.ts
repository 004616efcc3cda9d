import { viralsync, viralsyncErrors } from '@latchkey/contracts'
import { createAuth, issueKey, type KeyStore, type Limiter } from '@latchkey/core'
import { jsonOf, provenBy, type Service } from '../service.ts'

const contract = viralsync()

export function viralsyncService(store: KeyStore, limiter: Limiter): Service {
  return {
    prefix: '/viralsync',
    auth: createAuth({ contract, store, limiter }),
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

export async function seedViralsync(store: KeyStore): Promise<Record<string, string>> {
  for (const [id, plan] of [
    ['user_abc123', 'pro'],
    ['user_free', 'free'],
    ['user_business', 'business'],
  ] as const) {
    const email = plan === 'pro' ? 'you@example.com' : `${plan}@example.com`
    await store.insertAccount({ id, plan, status: 'active', email, metadata: {} })
  }
  const issue = (name: string, accountId = 'user_abc123') => issueKey(store, contract, { accountId, name })
  const revoked = await issue('Old backend')
  await store.revokeKey(contract.name, revoked.key.id, Date.now(), 'replaced')
  const deleted = await issue('Deleted')
  await store.deleteKey(contract.name, deleted.key.id)
  return {
    live: (await issue('n8n Production')).text,
    live2: (await issue('Backend Service')).text,
    revoked: revoked.text,
    deleted: deleted.text,
    free: (await issue('Free', 'user_free')).text,
    business: (await issue('Business', 'user_business')).text,
  }
}
