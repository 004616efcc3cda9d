import type { Ending } from '@latchkey/core'
import { whenEnded } from '@latchkey/core/node'
import type { Context } from 'hono'

type Tell = (how: Ending) => void

interface Waiting {
  readonly tells: Tell[]
  /** The middleware furthest out that has something to wait for waits for all: nothing takes the answer from behind it. */
  isOwned: boolean
}

const waiting = new WeakMap<Context, Waiting>()

/** Tells how an answer has ended. On Node the server knows; elsewhere the answer's body is watched, see {@link ownEnding}. */
export function onEnd(c: Context, tell: Tell): void {
  const { outgoing }: { readonly outgoing?: Parameters<typeof whenEnded>[0] } = c.env ?? {}
  const known = waiting.get(c)
  if (outgoing !== undefined) whenEnded(outgoing, tell)
  else if (known !== undefined) known.tells.push(tell)
  else waiting.set(c, { tells: [tell], isOwned: false })
}

/** What a middleware has to tell of the answer that it has got from behind it. `undefined`: nothing. */
export function ownEnding(c: Context): Tell | undefined {
  const known = waiting.get(c)
  if (known === undefined || known.isOwned) return undefined
  known.isOwned = true
  return (how) => {
    for (const tell of known.tells.splice(0)) tell(how)
  }
}

/** Tells when the answer's body has been read whole, or nobody reads it any more. */
export function watchBody(c: Context, tell: Tell): void {
  const { body, status } = c.res
  const whole: Ending = status >= 500 ? 'failed' : 'finished'
  // Hono takes the body from an answer to HEAD, and reads it not.
  if (body === null || c.req.method === 'HEAD') {
    tell(whole)
    return
  }
  const reader = body.getReader()
  const watched = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read()
        if (done) {
          controller.close()
          tell(whole)
        } else {
          controller.enqueue(value)
        }
      } catch (error) {
        tell('broken')
        controller.error(error)
      }
    },
    cancel(reason) {
      tell('broken')
      return reader.cancel(reason)
    },
  })
  c.res = new Response(watched, c.res)
}
