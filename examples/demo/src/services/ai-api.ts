import { aiApi, aiApiErrors } from '@latchkey/contracts'
import { balanceOf, createAuth, issueKey, type KeyStore, type Limiter, type NewKey } from '@latchkey/core'
import { jsonOf, provenBy, type Service } from '../service.ts'

const contract = aiApi()

export function aiApiService(store: KeyStore, limiter: Limiter): Service {
  const auth = createAuth({ contract, store, limiter })
  const resources = new Map([['res_1', { accountId: 'acct_pro', body: { id: 'res_1', name: 'First resource' } }]])
  const owns = (accountId: string, id: string) => resources.get(id)?.accountId === accountId

  return {
    prefix: '/ai-api',
    auth,
    limiter,
    errors: aiApiErrors,
    headers: () => ({ 'X-Request-Id': `req_${crypto.randomUUID()}` }),
    routes: [
      {
        method: 'POST',
        path: '/v1/generate',
        // `read`: "Can read data and generate content".
        requires: { permission: 'read', cost: 1 },
        handle: async (call) => {
          const { prompt = '', model = 'gpt-4' } = await jsonOf(call)
          const content = `You said: ${prompt}`
          const usage = { prompt_tokens: String(prompt).length, completion_tokens: content.length }
          const id = `gen_${crypto.randomUUID()}`
          return ok(200, { id, content, model, usage, created: Math.floor(Date.now() / 1000) })
        },
      },
      {
        method: 'GET',
        path: '/v1/resources',
        requires: { permission: 'read' },
        handle: (call) => {
          const { id } = provenBy(call).account
          return ok(
            200,
            [...resources.values()].filter(({ accountId }) => accountId === id).map(({ body }) => body),
          )
        },
      },
      {
        method: 'POST',
        path: '/v1/resources',
        requires: { permission: 'write' },
        handle: async (call) => {
          const { name = 'Untitled' } = await jsonOf(call)
          const body = { id: `res_${crypto.randomUUID()}`, name: String(name) }
          resources.set(body.id, { accountId: provenBy(call).account.id, body })
          return ok(201, body)
        },
      },
      {
        method: 'DELETE',
        path: '/v1/resources/:id',
        requires: { permission: 'admin' },
        // Another account's resource is answered as one that does not exist.
        resource: (principal, { id = '' }) =>
          principal.via !== 'none' && owns(principal.account.id, id) ? 'allow' : 'hide',
        handle: ({ parameters: { id = '' } }) => {
          resources.delete(id)
          return { status: 204, body: undefined }
        },
      },
      {
        method: 'POST',
        path: '/v1/webhooks',
        requires: { permission: 'webhook' },
        handle: async (call) => {
          const { url = null } = await jsonOf(call)
          return ok(201, { id: `wh_${crypto.randomUUID()}`, url })
        },
      },
    ],
  }
}

function ok(status: number, data: unknown) {
  return { status, body: { success: true, data } }
}

export async function seedAiApi(store: KeyStore, limiter: Limiter): Promise<Record<string, string>> {
  const accounts = { acct_pro: 'pro', acct_free: 'free', acct_exhausted: 'pro', acct_suspended: 'pro' } as const
  for (const [id, plan] of Object.entries(accounts)) {
    const status = id === 'acct_suspended' ? 'suspended' : 'active'
    await store.insertAccount({ id, plan, status, email: null, metadata: {} })
  }
  await limiter.setBalance(balanceOf(contract.name, 'acct_exhausted'), { remaining: 0, used: 10_000 })

  type Permission = 'read' | 'write' | 'admin' | 'webhook'
  const issue = (name: string, permissions: Permission[], more: Partial<NewKey<Permission>> = {}) =>
    issueKey(store, contract, { accountId: 'acct_pro', name, permissions, ...more })
  const revoked = await issue('Revoked', ['read'])
  await store.revokeKey(contract.name, revoked.key.id, Date.now(), null)
  const deleted = await issue('Deleted', ['read'])
  await store.deleteKey(contract.name, deleted.key.id)
  return {
    read: (await issue('Read-only', ['read'])).text,
    write: (await issue('Writer', ['write'])).text,
    admin: (await issue('Admin', ['admin'])).text,
    webhook: (await issue('Webhooks', ['webhook'])).text,
    readWrite: (await issue('Development', ['read', 'write'])).text,
    free: (await issue('Free', ['read'], { accountId: 'acct_free' })).text,
    expired: (await issue('Expired', ['read'], { expiresAt: Date.UTC(2024, 0, 1) })).text,
    revoked: revoked.text,
    deleted: deleted.text,
    suspended: (await issue('Suspended', ['read'], { accountId: 'acct_suspended' })).text,
    quotaExhausted: (await issue('Exhausted', ['read'], { accountId: 'acct_exhausted' })).text,
  }
}
