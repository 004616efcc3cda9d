import { viddyscribe, viddyscribeErrors } from '@latchkey/contracts'
import { balanceOf, createAuth, issueKey, type KeyStore, type Limiter, rotateKey } from '@latchkey/core'
import { BadRequest, jsonOf, provenBy, type Route, type Service } from '../service.ts'

const contract = viddyscribe()

export function viddyscribeService(store: KeyStore, limiter: Limiter): Service {
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
    auth: createAuth({ contract, store, limiter }),
    limiter,
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

export async function seedViddyscribe(store: KeyStore, limiter: Limiter): Promise<Record<string, string>> {
  const teams = { team_enterprise: 'enterprise', team_starter: 'starter', team_exhausted: 'enterprise' } as const
  for (const [id, plan] of Object.entries(teams)) {
    await store.insertAccount({ id, plan, status: 'active', email: null, metadata: {} })
  }
  await limiter.setBalance(balanceOf(contract.name, 'team_exhausted'), { remaining: 0, used: 500 })

  const issue = (name: string, accountId = 'team_enterprise') => issueKey(store, contract, { accountId, name })
  const rotated = await issue('Rotated')
  await rotateKey(store, contract, rotated.key.id, 0)
  return {
    live: (await issue('production')).text,
    live2: (await issue('staging')).text,
    rotated: rotated.text,
    starter: (await issue('starter', 'team_starter')).text,
    exhausted: (await issue('exhausted', 'team_exhausted')).text,
  }
}
