import type { Answered, Ending } from '@latchkey/core'
import { whenAnswered, whenEnded } from '@latchkey/core/node'
import type { Context } from 'hono'
import { matchedRoutes } from 'hono/route'
import { outgoingOf } from './node-server.ts'

type Tell = (how: Ending) => void

interface Waiting {
  readonly ended: Tell[]
  readonly answered: ((answer: Answered) => void)[]
  /** The middleware furthest out that has something to wait for waits for all: nothing takes the answer from behind it. */
  isOwned: boolean
}

const waiting = new WeakMap<Context, Waiting>()

/** Tells how an answer has ended. On Node the server knows; elsewhere the answer's body is watched, see {@link ownEnding}. */
export function onEnd(c: Context, tell: Tell): void {
  const outgoing = outgoingOf(c)
  if (outgoing !== undefined) whenEnded(outgoing, tell)
  else waitingOf(c).ended.push(tell)
}

/** Tells what was answered: on Node when it was sent, elsewhere when the middleware has it. */
export function onAnswer(c: Context, tell: (answer: Answered) => void): void {
  const outgoing = outgoingOf(c)
  if (outgoing !== undefined) whenAnswered(outgoing, c, routeOf, tell)
  else waitingOf(c).answered.push(tell)
}

function waitingOf(c: Context): Waiting {
  const known = waiting.get(c) ?? { ended: [], answered: [], isOwned: false }
  waiting.set(c, known)
  return known
}

/** By route of the app: the text is made once, and the same one is found again sooner. */
const names = new WeakMap<object, string>()

/** The route that has answered, as it was written. Its own method: a client's may be any text. */
function routeOf(c: Context): string | undefined {
  const route = matchedRoutes(c)[c.req.routeIndex]
  if (route === undefined) return undefined
  const known = names.get(route)
  if (known !== undefined) return known
  const name = `${route.method} ${route.path}`
  names.set(route, name)
  return name
}

/** What a middleware has to tell of the answer that it has got from behind it, or gives itself. */
export interface OwnEnding {
  /** It has thrown. */
  failed(): void
  /** Nothing was begun: a denial. */
  denied(status: number): void
  /** It stands in the context. */
  answered(): void
}

/** `undefined`: nothing. */
export function ownEnding(c: Context): OwnEnding | undefined {
  // There the server tells.
  if (outgoingOf(c) !== undefined) return undefined
  const known = waiting.get(c)
  if (known === undefined || known.isOwned) return undefined
  known.isOwned = true
  const tellAnswered = (status: number) => {
    for (const tell of known.answered.splice(0)) tell({ route: routeOf(c), status })
  }
  const tellEnded = (how: Ending) => {
    for (const tell of known.ended.splice(0)) tell(how)
  }
  return {
    failed() {
      tellAnswered(500)
      tellEnded('failed')
    },
    denied(status) {
      tellAnswered(status)
      tellEnded('finished')
    },
    answered() {
      tellAnswered(c.res.status)
      if (known.ended.length > 0) watchBody(c, tellEnded)
    },
  }
}

/** Tells when the answer's body has been read whole, or nobody reads it any more. */
function watchBody(c: Context, tell: Tell): void {
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
