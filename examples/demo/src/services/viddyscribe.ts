import { viddyscribe, viddyscribeErrors } from '@latchkey/contracts'
import { createAuth, type KeyStore, manageAccounts, manageKeys } from '@latchkey/core'
import type { Counting } from '../counting.ts'
import { issue } from '../issue.ts'
import { BadRequest, type Credentials, jsonOf, provenBy, type Route, type Service } from '../service.ts'

const contract = viddyscribe()

export function viddyscribeService(store: KeyStore, counting: Counting): Service {
  const jobs = new Map([['task_123', { team: 'team_enterprise', status: 'completed' }]])

  /** Accepts work: one unit of the team's plan, charged once nothing else refuses. */
  function accepts(path: string, requires: Route['requires'] = {}): Route {
    return {
      method: 'POST',
      path,
      requires: { ...requires, cost: 1 },
      handle: async (call) => {
        // Media comes as multipart or bytes and is not looked at here; everything else is JSON.
        const media = path.endsWith('/upload_media') && !call.header('content-type')?.includes('json')
        if (!media) await jsonOf(call)
        const id = `task_${crypto.randomUUID()}`
        jobs.set(id, { team: provenBy(call).account.id, status: 'queued' })
        return { status: 202, body: { job_id: id, status: 'queued' } }
      },
    }
  }

  return {
    prefix: '/viddyscribe',
    auth: createAuth({ contract, store, ...counting }),
    balances: { team_exhausted: { limit: 500, used: 500 } },
    errors: viddyscribeErrors,
    routes: [
      {
        method: 'GET',
        path: '/enterprise/api/get_results',
        handle: (call) => {
          const id = call.query.get('job_id')
          if (id === null) throw new BadRequest('job_id is missing')
          const job = jobs.get(id)
          // Another team's job is answered as one that does not exist.
          if (job === undefined || job.team !== provenBy(call).account.id) return viddyscribeErrors.not_found
          return { status: 200, body: { job_id: id, status: job.status } }
        },
      },
      accepts('/enterprise/api/upload_media'),
      accepts('/enterprise/api/generate_ad_text'),
      accepts('/enterprise/api/generate_ad_audio', { feature: 'allow_api_ad_audio_generation' }),
      accepts('/enterprise/api/generate_ad_video', { feature: 'allow_api_ad_video_generation' }),
    ],
  }
}

export async function seedViddyscribe(store: KeyStore): Promise<Credentials> {
  const accounts = manageAccounts({ store, by: 'demo', plans: contract.plans })
  await accounts.create({ id: 'team_enterprise', plan: 'enterprise' })
  await accounts.create({ id: 'team_starter', plan: 'starter' })
  await accounts.create({ id: 'team_exhausted', plan: 'enterprise' })

  const keys = manageKeys({ contract, store, by: 'demo' })
  const ofTeam = (name: string, accountId = 'team_enterprise') => issue(keys, { accountId, name })
  const rotated = await ofTeam('Rotated')
  await keys.rotate(rotated.id)
  return {
    live: (await ofTeam('production')).text,
    live2: (await ofTeam('staging')).text,
    rotated: rotated.text,
    starter: (await ofTeam('starter', 'team_starter')).text,
    exhausted: (await ofTeam('exhausted', 'team_exhausted')).text,
  }
}
