import { visualLayer, visualLayerErrors } from '@latchkey/contracts'
import {
  type Access,
  type Answer,
  createAuth,
  type Everyone,
  type KeyStore,
  manageAccounts,
  manageKeys,
  type Principal,
} from '@latchkey/core'
import { issue } from '../issue.ts'
import { answerTo, type Call, type Credentials, type Page, type Service } from '../service.ts'
import { sessionsWith } from '../session.ts'

const contract = visualLayer()

interface Dataset {
  readonly owner: string
  readonly viewers: readonly string[]
  readonly body: Readonly<Record<string, unknown>>
}

/** On premises there is no authentication at all. */
export function visualLayerService(store: KeyStore, masterKey: string, onPrem: boolean): Service {
  const auth = createAuth({ contract, store, masterKey, insecureAllowEveryone: onPrem })
  const keys = manageKeys({ contract, store, masterKey, by: 'demo' })
  const sessions = sessionsWith(masterKey)
  const datasets = new Map<string, Dataset>([
    ['abc-123-def-456', { owner: 'vl_owner', viewers: ['vl_viewer'], body: dataset('abc-123-def-456', 'My Dataset') }],
    ['private-000', { owner: 'vl_stranger', viewers: [], body: dataset('private-000', 'Private Dataset') }],
  ])

  function access(principal: Principal | Everyone, id: string, action: 'view' | 'delete'): Access {
    const found = datasets.get(id)
    if (found === undefined) return 'hide'
    if (principal.via === 'none' || principal.account.id === found.owner) return 'allow'
    if (!found.viewers.includes(principal.account.id)) return 'hide'
    return action === 'view' ? 'allow' : 'forbid'
  }

  const credentials: Page = {
    path: '/api/v1/api_credentials',
    handle: async (call) => {
      if (onPrem) return visualLayerErrors.not_found
      const accountId = sessions.accountOf(sessionOf(call) ?? '')
      if (accountId === undefined) return visualLayerErrors.no_session
      if (call.method !== 'GET' && call.method !== 'HEAD') return visualLayerErrors.not_found
      try {
        return await credentialsOf(accountId, call)
      } catch (cause) {
        // A TypeError is a bug; whatever else fails is the store.
        if (cause instanceof TypeError) throw cause
        return answerTo({ kind: 'denied', code: 'unavailable', cause }, { auth }, call)
      }
    },
  }

  async function credentialsOf(accountId: string, call: Call): Promise<Answer> {
    const existing = (await keys.list({ accountId, limit: 1 })).items[0]
    if (existing !== undefined) return shown(existing.key.id, null)
    // A GET that creates must not be one that the user did not make.
    if (!isOwnNavigation(call)) return visualLayerErrors.forbidden
    const { key, secret } = await keys.create({ accountId, name: 'API credentials' }, { onlyFirst: true })
    return shown(key.id, secret)
  }

  return {
    prefix: '/visual-layer',
    auth,
    errors: visualLayerErrors,
    // The browser's session opens this page, not a key: neither a token nor an API key is a way in.
    ownGuard: [credentials],
    routes: [
      {
        method: 'GET',
        path: '/api/v1/dataset/:id',
        resource: (principal, { id = '' }) => access(principal, id, 'view'),
        handle: ({ parameters: { id = '' } }) => ({ status: 200, body: datasets.get(id)?.body }),
      },
      {
        method: 'DELETE',
        path: '/api/v1/dataset/:id',
        resource: (principal, { id = '' }) => access(principal, id, 'delete'),
        handle: ({ parameters: { id = '' } }) => {
          datasets.delete(id)
          return { status: 204, body: undefined }
        },
      },
    ],
  }
}

const SUPPORT = 'If you need to access your secret again, contact Visual Layer support at support@visual-layer.com.'

function shown(apiKey: string, secret: string | null): Answer {
  const message =
    secret === null
      ? `API key already exists. The secret was only shown once. ${SUPPORT}`
      : `API key created. Write down the secret – it's only shown once! ${SUPPORT}`
  return {
    status: 200,
    headers: { 'Cache-Control': 'no-store' },
    body: { api_key: apiKey, api_secret: secret, message },
  }
}

/** What `Sec-Fetch-Site` says of a navigation that did not begin at another site. */
const OWN_SITES = ['none', 'same-origin', 'same-site']

function isOwnNavigation(call: Call): boolean {
  const purpose = `${call.header('sec-purpose') ?? ''} ${call.header('purpose') ?? ''}`
  const site = call.header('sec-fetch-site') ?? 'none'
  return call.method === 'GET' && !purpose.includes('prefetch') && OWN_SITES.includes(site)
}

/** The value of the one `SESSION` cookie. Two are none: which of them counts would be a choice of the sender. */
function sessionOf(call: Call): string | undefined {
  const cookies = (call.header('cookie') ?? '').split(/[;,]/).map((cookie) => cookie.trim())
  const values = cookies.filter((cookie) => cookie.startsWith('SESSION=')).map((cookie) => cookie.slice(8))
  return values.length === 1 ? values[0] : undefined
}

function dataset(id: string, name: string): Readonly<Record<string, unknown>> {
  return {
    id,
    display_name: name,
    status: 'READY',
    progress: 100,
    owned_by: 'VL',
    created_at: '2025-10-30T10:00:00.000000',
  }
}

export async function seedVisualLayer(store: KeyStore, masterKey: string): Promise<Credentials> {
  const accounts = manageAccounts({ store, by: 'demo' })
  for (const id of ['vl_new', 'vl_owner', 'vl_viewer']) await accounts.create({ id, plan: 'cloud' })
  const keys = manageKeys({ contract, store, masterKey, by: 'demo' })
  const owner = await issue(keys, { accountId: 'vl_owner', name: 'Owner' })
  const viewer = await issue(keys, { accountId: 'vl_viewer', name: 'Viewer' })
  const revoked = await issue(keys, { accountId: 'vl_owner', name: 'Revoked' })
  await keys.revoke(revoked.id)
  return {
    session: sessionsWith(masterKey).cookieOf('vl_new'),
    apiKey: owner.id,
    apiSecret: owner.text,
    viewerApiKey: viewer.id,
    viewerApiSecret: viewer.text,
    revokedApiKey: revoked.id,
    revokedApiSecret: revoked.text,
  }
}
