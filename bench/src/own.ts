import type { Awaitable } from '@latchkey/core'
import { rawFields } from '@latchkey/core/node'
import type { Incoming } from './fixtures.ts'
import type { Row } from './rounds.ts'

interface Decision {
  readonly kind: string
}

/** What `auth.authenticator` or `auth.authorizer` makes. */
export type Decide = (request: object, fields: ReturnType<typeof rawFields>) => Awaitable<Decision>

/** A decision of ours from a request's raw header fields, as the adapters ask for it. */
export function ownRow(name: string, decide: Decide, request: (i: number) => Incoming): Row {
  return {
    name,
    run(i) {
      const outcome = decide({}, rawFields(request(i)))
      return outcome instanceof Promise ? outcome.then(isAllowed) : isAllowed(outcome)
    },
  }
}

function isAllowed({ kind }: Decision): boolean {
  return kind === 'allowed'
}
