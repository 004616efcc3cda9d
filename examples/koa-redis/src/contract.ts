import { problemDetails } from '@latchkey/contracts'
import type { Contract } from '@latchkey/core'

/** In a module of its own, so that the command line can be told of it: `--contract dist/contract.js`. */
export const contract: Contract<'free' | 'pro', 'read' | 'write', never> = problemDetails({
  name: 'acme',
  key: { prefix: 'acme_live_', length: 32, alphabet: 'base62', checksum: true },
  plans: ['free', 'pro'],
  permissions: { read: [], write: ['read'] },
})
