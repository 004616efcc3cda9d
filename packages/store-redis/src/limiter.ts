import { randomUUID } from 'node:crypto'
import type { Charge, Limiter, LimitState, Slots, Taken } from '@latchkey/core'
import type { Connection } from './connection.ts'
import type { Names } from './names.ts'
import * as limits from './scripts/limits.ts'

/** Where a charge is found again. */
interface Receipt {
  /** When it was taken, by the server's clock. */
  readonly at: string
  readonly slot: string | undefined
}

type State = readonly [count: string, resetAt: string]

type Reply =
  | readonly [kind: 'taken' | 'slots', clock: string, states: readonly State[]]
  | readonly [kind: 'window', clock: string, states: readonly State[], refusedBy: number, resetAt: string]

/** Counts for all processes on the store, by the server's clock. */
export function redisLimiter(connection: Connection, names: Names): Limiter {
  const slotsName = ({ name, bucket }: Slots) => names.of('slots', name, bucket)

  function keysOf({ windows, slots }: Charge): readonly string[] {
    const keys = windows.map(({ name, seconds, bucket }) => names.of('window', name, String(seconds), bucket))
    return slots === undefined ? [names.meta, ...keys] : [names.meta, ...keys, slotsName(slots)]
  }

  return {
    async take(charge: Charge, now: number): Promise<Taken> {
      const { windows, slots } = charge
      const id = slots && randomUUID()
      const input = {
        windows: windowsOf(charge),
        slots: slots && { limit: String(slots.limit), seconds: String(slots.seconds), id },
      }
      const reply = (await connection.run(limits.take, keysOf(charge), input)) as Reply
      const clock = reply[1]
      // In the caller's time, so that how long there is to wait is right whatever its clock shows.
      const timeOf = (at: string) => Number(at) - Number(clock) + now
      const states = windows.map(({ name, limit, seconds }, i): LimitState => {
        const [count, resetAt] = reply[2][i] as State
        return { name, limit, seconds, remaining: Math.max(0, limit - Number(count)), resetAt: timeOf(resetAt) }
      })
      if (reply[0] === 'window') {
        const [, , , refusedBy, resetAt] = reply
        return { taken: false, states, refusedBy: { ...(states[refusedBy] as LimitState), resetAt: timeOf(resetAt) } }
      }
      if (reply[0] === 'slots') return { taken: false, states, refusedBy: 'slots' }
      return { taken: true, states, receipt: { at: clock, slot: id } satisfies Receipt }
    },

    async undo(charge: Charge, receipt: unknown): Promise<void> {
      const { at, slot } = receipt as Receipt
      await connection.run(limits.undo, keysOf(charge), { windows: windowsOf(charge), at, slot })
    },

    async leave({ slots }: Charge, receipt: unknown): Promise<void> {
      const { slot } = receipt as Receipt
      if (slots !== undefined) await connection.run(limits.leave, [names.meta, slotsName(slots)], { slot })
    },
  }
}

function windowsOf({ windows }: Charge) {
  return windows.map(({ limit, seconds, cost }) => ({
    limit: String(limit),
    seconds: String(seconds),
    cost: String(cost),
  }))
}
