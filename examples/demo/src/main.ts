import { type Demo, startDemo } from './demo.ts'
import { type DemoOptions, parseOptions, USAGE } from './options.ts'
import { page } from './page.ts'
import { StoreProblem } from './store.ts'

/** How long a store that hangs is waited for at the end, in milliseconds. */
const PATIENCE = 3000

function say(message: string): void {
  process.stderr.write(`demo: ${message}\n`)
}

function fail(message: string): never {
  say(message)
  process.exit(1)
}

function optionsFrom(words: readonly string[]): DemoOptions {
  try {
    return parseOptions(words, process.env)
  } catch (error) {
    return fail((error as Error).message)
  }
}

function explain(error: NodeJS.ErrnoException): never {
  if (error instanceof StoreProblem) return fail(error.message)
  if (error.code === 'EADDRINUSE')
    return fail(`port ${options.port} is taken; choose another with --port=N, or --port=0`)
  if (error.code === 'EACCES') return fail(`port ${options.port} is not allowed; choose another with --port=N`)
  const [, problem] = /^masterKey (must .*)/.exec(error.message) ?? []
  if (error instanceof TypeError && problem !== undefined) return fail(`LATCHKEY_MASTER_KEY ${problem}`)
  throw error
}

async function stop(starting: Promise<Demo>): Promise<void> {
  const demo = await starting
  const late = setTimeout(() => {
    say('the store does not answer, and is left as it is')
    process.exit(0)
  }, PATIENCE)
  await demo.close().catch((error: Error) => fail(`it did not stop cleanly: ${error.message}`))
  clearTimeout(late)
  process.exit(0)
}

const options = optionsFrom(process.argv.slice(2))
if (options.help) {
  console.log(USAGE)
  process.exit(0)
}

const starting = startDemo(options)
let isStopping = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // Not `once`: a second signal would end it halfway.
  process.on(signal, () => {
    if (!isStopping) stop(starting)
    isStopping = true
  })
}

const demo = await starting.catch(explain)
for (const warning of demo.warnings) say(warning)
console.log(options.json ? JSON.stringify(demo.info) : page(demo, options))
