/** Serves the app on Bun, Deno and Node until its input ends, and says where and with which build. */
import process from 'node:process'
import app from './app.ts'

/** What a runtime serves with, as far as it is used here. */
interface ServeOptions {
  readonly port: number
  readonly hostname: string
  readonly fetch: (request: Request) => Response | Promise<Response>
}
declare const Bun: { serve(options: ServeOptions): { readonly port: number } } | undefined
declare const Deno:
  | {
      serve(
        options: Omit<ServeOptions, 'fetch'> & { readonly onListen: (address: { readonly port: number }) => void },
        fetch: ServeOptions['fetch'],
      ): unknown
    }
  | undefined

export interface Serving {
  readonly port: number
  /** The file that `@latchkey/core` is. */
  readonly core: string
}

const options = { port: 0, hostname: '127.0.0.1' }
const fetch = (request: Request) => app.fetch(request)

function listening({ port }: { readonly port: number }): void {
  console.log(JSON.stringify({ port, core: import.meta.resolve('@latchkey/core') } satisfies Serving))
}

if (typeof Bun !== 'undefined') listening(Bun.serve({ ...options, fetch }))
else if (typeof Deno !== 'undefined') Deno.serve({ ...options, onListen: listening }, fetch)
else {
  const { serve } = await import('@hono/node-server')
  serve({ ...options, fetch }, listening)
}

process.stdin.on('end', () => process.exit()).resume()
