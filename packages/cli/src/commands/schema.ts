import { type Command, Option } from 'commander'
import { type Call, type Handle, print, settingOf } from '../call.ts'
import { Failure } from '../failure.ts'
import { schemeOf } from '../open-store.ts'

const ENGINES = ['postgres', 'sqlite'] as const
type Engine = (typeof ENGINES)[number]

interface SchemaOptions {
  readonly print?: Engine
}

export function addSchema(program: Command, handle: Handle): void {
  program
    .command('schema')
    .description('print the SQL of the tables, for people who apply migrations with a tool of their own')
    .addOption(new Option('--print <engine>', "whose SQL (default: the store's)").choices(ENGINES))
    .addHelpText(
      'after',
      `
Examples:
  $ latchkey schema --print postgres > latchkey.sql
  $ latchkey schema --print sqlite --json

A store makes its tables itself unless it is told not to. With --json: {"engine", "migrations": [{"version", "sql"}]}.`,
    )
    .action(handle<SchemaOptions>(printSchema))
}

async function printSchema(call: Call<SchemaOptions>): Promise<void> {
  const engine = call.options.print ?? engineOf(call.options.store ?? settingOf(call, 'LATCHKEY_STORE') ?? '')
  const { migrations } = await import('@latchkey/store-sql')
  const all = migrations(engine)
  const text = all.map(({ version, sql }) => `-- version ${version}\n${sql.trimEnd()}\n`).join('\n')
  print(call, { engine, migrations: all }, text)
}

function engineOf(url: string): Engine {
  const scheme = schemeOf(url)
  const engine = ENGINES.find((name) => name === scheme || (name === 'postgres' && scheme === 'postgresql'))
  if (engine === undefined) throw new Failure('usage', `--print must be one of ${ENGINES.join(', ')}`)
  return engine
}
