import { apiKey } from '@better-auth/api-key'
import { betterAuth } from 'better-auth'
import { memoryAdapter } from 'better-auth/adapters/memory'
import type { KeyPeer } from './peer-keys.ts'

/**
 * Better Auth with its API keys over its adapter for memory, its rate limits off. It uses an `AsyncLocalStorage`, which makes
 * every `await` of the process dearer on Node 20, so it is measured in a process of its own.
 */
export async function betterAuthPeer(count: number): Promise<KeyPeer> {
  const auth = betterAuth({
    secret: 'a secret of the benchmarks, in no use',
    baseURL: 'http://127.0.0.1',
    database: memoryAdapter({ user: [], session: [], account: [], verification: [], apikey: [] }),
    emailAndPassword: { enabled: true },
    telemetry: { enabled: false },
    logger: { disabled: true },
    plugins: [apiKey({ rateLimit: { enabled: false } })],
  })
  const { user } = await auth.api.signUpEmail({
    body: { email: 'you@example.com', name: 'You', password: 'a password in no use' },
  })
  const make = async () => (await auth.api.createApiKey({ body: { userId: user.id } })).key
  const texts: string[] = []
  for (let i = 0; i < count; i++) texts.push(await make())
  return {
    name: 'Better Auth, memory adapter',
    texts,
    stranger: `${texts[0]?.slice(0, -4)}none`,
    check: async (key) => (await auth.api.verifyApiKey({ body: { key } })).valid,
  }
}
