import { parseArgs } from 'node:util'

export const FRAMEWORKS = ['hono', 'express', 'koa'] as const
export type Framework = (typeof FRAMEWORKS)[number]

export interface DemoOptions {
  readonly framework: Framework
  /** 0: any free port. */
  readonly port: number
  /** Where keys are kept, as `openStore` takes it. Default: a new SQLite file, gone with the demo. */
  readonly store?: string | undefined
  /** Seals Visual Layer's signing secrets and its sessions; several demos on one store share it. Default: a random one. */
  readonly masterKey?: string | undefined
  /** Print one line of JSON instead of the page for people. */
  readonly json: boolean
  /** Visual Layer's on-premises mode: no authentication there. */
  readonly onPrem: boolean
  readonly help: boolean
}

export const USAGE = `Usage: npx pnpm start [options]

  --framework=hono|express|koa   the web framework that serves the demo (default hono)
  --port=N                       the port on 127.0.0.1, 0 for any free one (default 8787)
  --store=URL                    where keys are kept: memory:, sqlite:PATH, postgres://… or redis://…
                                 (default a new SQLite file, removed when the demo stops)
  --on-prem                      Visual Layer's on-premises mode: no authentication there
  --json                         print one line of JSON once it listens
  -h, --help                     print this

LATCHKEY_MASTER_KEY, at least 32 bytes, is what demos share that share a store (default a random one).`

/** @throws TypeError with one line for the terminal. */
export function parseOptions(words: readonly string[], environment: NodeJS.ProcessEnv): DemoOptions {
  const { values } = parse(words)
  const framework = FRAMEWORKS.find((name) => name === values.framework)
  if (framework === undefined) {
    throw new TypeError(`--framework must be one of ${FRAMEWORKS.join(', ')}, not "${values.framework}"`)
  }
  if (!/^\d{1,5}$/.test(values.port) || Number(values.port) > 65_535) {
    throw new TypeError(`--port must be a number from 0 to 65535, not "${values.port}"`)
  }
  return {
    framework,
    port: Number(values.port),
    store: values.store,
    // Empty counts as absent.
    masterKey: environment.LATCHKEY_MASTER_KEY || undefined,
    json: values.json,
    onPrem: values['on-prem'],
    help: values.help,
  }
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      options: {
        framework: { type: 'string', default: 'hono' },
        port: { type: 'string', default: '8787' },
        store: { type: 'string' },
        json: { type: 'boolean', default: false },
        'on-prem': { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
  } catch (error) {
    // Node's message goes on to explain `--`; the first sentence says it all.
    throw new TypeError(`${(error as Error).message.split(/\. |\n/)[0]}; --help lists the options`)
  }
}
