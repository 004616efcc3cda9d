import { parseArgs } from 'node:util'

export const FRAMEWORKS = ['hono', 'express', 'koa'] as const
export type Framework = (typeof FRAMEWORKS)[number]

export interface DemoOptions {
  readonly framework: Framework
  /** 0: any free port. */
  readonly port: number
  readonly store: 'memory:'
  /** Print one line of JSON instead of the page for people. */
  readonly json: boolean
  /** Visual Layer's on-premises mode: no authentication there. */
  readonly onPrem: boolean
  readonly help: boolean
}

export const USAGE = `Usage: npx pnpm start [options]

  --framework=hono|express|koa   the web framework that serves the demo (default hono)
  --port=N                       the port on 127.0.0.1, 0 for any free one (default 8787)
  --store=memory:                where keys are kept (default memory:)
  --on-prem                      Visual Layer's on-premises mode: no authentication there
  --json                         print one line of JSON once it listens
  -h, --help                     print this`

/** @throws TypeError with one line for the terminal. */
export function parseOptions(words: readonly string[]): DemoOptions {
  const { values } = parse(words)
  const framework = FRAMEWORKS.find((name) => name === values.framework)
  if (framework === undefined) {
    throw new TypeError(`--framework must be one of ${FRAMEWORKS.join(', ')}, not "${values.framework}"`)
  }
  if (!/^\d{1,5}$/.test(values.port) || Number(values.port) > 65_535) {
    throw new TypeError(`--port must be a number from 0 to 65535, not "${values.port}"`)
  }
  if (values.store !== 'memory:') throw new TypeError('--store must be memory:')
  return {
    framework,
    port: Number(values.port),
    store: values.store,
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
        store: { type: 'string', default: 'memory:' },
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
