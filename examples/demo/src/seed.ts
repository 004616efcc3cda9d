import { digestKey, type KeyStore, memoryStore, type Records } from '@latchkey/core'
import type { Credentials, ServiceName } from './service.ts'
import { seedAiApi } from './services/ai-api.ts'
import { seedViddyscribe } from './services/viddyscribe.ts'
import { seedViesus } from './services/viesus.ts'
import { seedViralsync } from './services/viralsync.ts'
import { seedVisualLayer } from './services/visual-layer.ts'
import { StoreProblem } from './store.ts'

export interface Seeded {
  readonly credentials: Readonly<Record<ServiceName, Credentials>>
  /** The id of ViralSync's key `live`. */
  readonly liveKeyId: string | undefined
}

/**
 * Makes the accounts and keys of all services, at once or not at all: of several demos that start on one store, one does.
 * `undefined`: they are there already, and their texts are known to the demo that made them.
 */
export async function seed(store: KeyStore, masterKey: string): Promise<Seeded | undefined> {
  const seeds = memoryStore()
  const credentials = {
    viesus: await seedViesus(seeds),
    viralsync: await seedViralsync(seeds),
    aiApi: await seedAiApi(seeds),
    viddyscribe: await seedViddyscribe(seeds),
    visualLayer: await seedVisualLayer(seeds, masterKey),
  }
  const live = seeds.findByDigest('viralsync', digestKey(credentials.viralsync.live ?? ''))
  return (await insertAll(store, seeds.records())) ? { credentials, liveKeyId: live?.key.id } : undefined
}

async function insertAll(store: KeyStore, records: Records): Promise<boolean> {
  try {
    return await store.insertAll(records)
  } catch (error) {
    throw new StoreProblem('the store cannot be filled', error)
  }
}
