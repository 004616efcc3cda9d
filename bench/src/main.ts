import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { benchGrowth } from './growth.ts'
import { benchHttp } from './http.ts'
import { benchKeys } from './keys.ts'
import { benchLimits } from './limits.ts'
import { type Report, targetTable } from './markdown.ts'
import { benchMemory } from './memory.ts'
import { benchStart } from './start.ts'
import { benchStores } from './stores.ts'
import { benchTokens } from './tokens.ts'

/** What can be measured, by name. */
const BENCHES: Readonly<Record<string, (quick: boolean) => Promise<Report>>> = {
  keys: benchKeys,
  tokens: benchTokens,
  http: benchHttp,
  growth: benchGrowth,
  memory: benchMemory,
  stores: benchStores,
  limits: benchLimits,
  start: benchStart,
}

const USAGE = `Usage: npx pnpm bench [${Object.keys(BENCHES).join('|')}…] [--quick]

Measures, and prints tables in Markdown: what was found, then which of the targets it reaches. Without a name it measures
all. --quick takes smaller sizes, fewer rounds and fewer peers.`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } },
})
const names = positionals.length === 0 ? Object.keys(BENCHES) : positionals
const unknown = names.find((name) => !Object.hasOwn(BENCHES, name))

if (values.help) console.log(USAGE)
else if (unknown !== undefined) {
  console.error(`bench: there is no ${unknown}\n\n${USAGE}`)
  process.exitCode = 1
} else {
  const [cpu] = cpus()
  const day = new Date().toISOString().slice(0, 10)
  console.log(`${cpus().length} × ${cpu?.model.trim()}, Node ${process.versions.node}, ${day}\n`)
  const reports: Report[] = []
  for (const name of names) {
    const report = await BENCHES[name]?.(values.quick)
    if (report === undefined) continue
    reports.push(report)
    console.log(`${report.markdown}\n`)
  }
  console.log(`## Targets\n\n${targetTable(reports.flatMap(({ targets }) => targets))}`)
}
