import { aiApi, aiApiErrors } from '@latchkey/contracts'
import { createAuth, type KeyStore, manageAccounts, manageKeys, type NewKey } from '@latchkey/core'
import type { Counting } from '../counting.ts'
import { issue } from '../issue.ts'
import { type Credentials, jsonOf, provenBy, type Service } from '../service.ts'

const contract = aiApi({ monthlyQuota: { free: 1000, pro: 10_000 } })

export function aiApiService(store: KeyStore, counting: Counting): Service {
  const auth = createAuth({ contract, store, ...counting })
  const resources = new Map([['res_1', { accountId: 'acct_pro', body: { id: 'res_1', name: 'First resource' } }]])
  const owns = (accountId: string, id: string) => resources.get(id)?.accountId === accountId

  return {
    prefix: '/ai-api',
    auth,
    balances: { acct_exhausted: { used: 10_000 } },
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

export async function seedAiApi(store: KeyStore): Promise<Credentials> {
  const accounts = manageAccounts({ store, by: 'demo', plans: contract.plans })
  await accounts.create({ id: 'acct_pro', plan: 'pro' })
  await accounts.create({ id: 'acct_free', plan: 'free' })
  await accounts.create({ id: 'acct_exhausted', plan: 'pro' })
  await accounts.create({ id: 'acct_suspended', plan: 'pro', status: 'suspended' })

  type Permission = 'read' | 'write' | 'admin' | 'webhook'
  const keys = manageKeys({ contract, store, by: 'demo' })
  const holding = (permissions: Permission[], name: string, more: Partial<NewKey<Permission>> = {}) =>
    issue(keys, { accountId: 'acct_pro', name, permissions, ...more })
  const revoked = await holding(['read'], 'Revoked')
  await keys.revoke(revoked.id)
  const deleted = await holding(['read'], 'Deleted')
  await keys.delete(deleted.id)
  return {
    read: (await holding(['read'], 'Read-only')).text,
    write: (await holding(['write'], 'Writer')).text,
    admin: (await holding(['admin'], 'Admin')).text,
    webhook: (await holding(['webhook'], 'Webhooks')).text,
    readWrite: (await holding(['read', 'write'], 'Development')).text,
    free: (await holding(['read'], 'Free', { accountId: 'acct_free' })).text,
    expired: (await holding(['read'], 'Expired', { expiresAt: Date.UTC(2024, 0, 1) })).text,
    revoked: revoked.text,
    deleted: deleted.text,
    suspended: (await holding(['read'], 'Suspended', { accountId: 'acct_suspended' })).text,
    quotaExhausted: (await holding(['read'], 'Exhausted', { accountId: 'acct_exhausted' })).text,
  }
}
