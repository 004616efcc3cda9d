import { problemDetails } from '@latchkey/contracts'
import type { Contract } from '@latchkey/core'

/** With a permission to take away and a plan to lower. Keys that were deleted may be imported again. */
export const contract: Contract<'free' | 'pro', 'read' | 'write', never> = problemDetails({
  name: 'faults',
  plans: ['free', 'pro'],
  permissions: { read: [], write: [] },
  imported: true,
})
