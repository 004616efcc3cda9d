import type { AuthEvents, KeyEvents, Listeners } from '@latchkey/core'
import { metrics } from '@opentelemetry/api'

/** Counts what an auth and its keys tell, with whatever meter provider the program has set up. */
export function measured(): Listeners<AuthEvents & KeyEvents> {
  const meter = metrics.getMeter('latchkey')
  const allowed = meter.createCounter('latchkey.requests.allowed')
  const denied = meter.createCounter('latchkey.requests.denied')
  const revoked = meter.createCounter('latchkey.keys.revoked')
  // 1 for as long as a process knows that its store is down.
  const storeDown = meter.createUpDownCounter('latchkey.store.down')
  return {
    allowed: ({ service, principal }) => allowed.add(1, { service, via: principal.via, plan: principal.plan }),
    // What was left out was of the same code.
    denied: ({ service, denied: { code }, leftOut }) => denied.add(1 + leftOut, { service, code }),
    keyRevoked: ({ service }) => revoked.add(1, { service }),
    storeDown: ({ service }) => storeDown.add(1, { service }),
    storeUp: ({ service }) => storeDown.add(-1, { service }),
  }
}
