import { randomUUID } from 'node:crypto'
import type { Charge, Limiter, LimitState, Slots, Taken, Window } from '@latchkey/core'
import type { Connection } from './connection.ts'
import type { Names } from './names.ts'
import * as limits from './scripts/limits.ts'

/** Where a charge is found again. */
interface Receipt {
  /** When it was taken, by the server's clock. */
  readonly at: number
  readonly slot: string | undefined
}

type State = readonly [count: number, resetAt: number]

type Reply =
  | readonly [kind: 'taken', states: readonly State[], at: number]
  | readonly [kind: 'window', states: readonly State[], refusedBy: number, resetAt: number]
  | readonly [kind: 'slots', states: readonly State[]]

/** Counts for all processes on the store, by the server's clock. */
export function redisLimiter(connection: Connection, names: Names): Limiter {
  const slotsName = ({ name, bucket }: Slots) => names.of('slots', name, bucket)

  function keysOf({ windows, slots }: Charge): readonly string[] {
    const keys = windows.map(({ name, seconds, bucket }) => names.of('window', name, String(seconds), bucket))
    return slots === undefined ? [names.meta, ...keys] : [names.meta, ...keys, slotsName(slots)]
  }

  return {
    async take(charge: Charge): Promise<Taken> {
      const { windows, slots } = charge
      const id = slots && randomUUID()
      const input = {
        windows: windowsOf(charge),
        slots: slots && { limit: String(slots.limit), seconds: String(slots.seconds), id },
      }
      const reply = (await connection.run(limits.take, keysOf(charge), input)) as Reply
      const states = windows.map((window, i) => stateOf(window, reply[1][i] as State))
      if (reply[0] === 'taken') return { taken: true, states, receipt: { at: reply[2], slot: id } satisfies Receipt }
      if (reply[0] === 'slots') return { taken: false, states, refusedBy: 'slots' }
      const [, , refusedBy, resetAt] = reply
      return { taken: false, states, refusedBy: { ...(states[refusedBy] as LimitState), resetAt } }
    },

    async undo(charge: Charge, receipt: unknown): Promise<void> {
      const { at, slot } = receipt as Receipt
      await connection.run(limits.undo, keysOf(charge), { windows: windowsOf(charge), at: String(at), slot })
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

function stateOf({ name, limit, seconds }: Window, [count, resetAt]: State): LimitState {
  return { name, limit, seconds, remaining: Math.max(0, limit - count), resetAt }
}
