import { startDemo } from './demo.ts'
import { type DemoOptions, parseOptions, USAGE } from './options.ts'
import { page } from './page.ts'

function fail(message: string): never {
  process.stderr.write(`demo: ${message}\n`)
  process.exit(1)
}

function optionsFrom(words: readonly string[]): DemoOptions {
  try {
    return parseOptions(words)
  } catch (error) {
    return fail((error as Error).message)
  }
}

const options = optionsFrom(process.argv.slice(2))
if (options.help) {
  console.log(USAGE)
  process.exit(0)
}

const demo = await startDemo(options).catch((error: NodeJS.ErrnoException) => {
  if (error.code === 'EADDRINUSE')
    return fail(`port ${options.port} is taken; choose another with --port=N, or --port=0`)
  if (error.code === 'EACCES') return fail(`port ${options.port} is not allowed; choose another with --port=N`)
  throw error
})

console.log(options.json ? JSON.stringify(demo.info) : page(demo.info, options.onPrem))

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    demo.close().then(() => process.exit(0))
  })
}
