import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { handling } from './call.ts'
import { addAccounts } from './commands/accounts.ts'
import { addKeys } from './commands/keys.ts'
import { addSchema } from './commands/schema.ts'
import { addTokens } from './commands/tokens.ts'
import { addUsage } from './commands/usage.ts'
import { addVerify } from './commands/verify.ts'
import type { World } from './world.ts'

const WIDTH = 100

/** All commands. What a command ends with is told to `finish`; what goes wrong is thrown. */
export function makeProgram(world: World, finish: (exitCode: number) => void): Command {
  const program = new Command('latchkey')
    .description('Keys and accounts of APIs that Latchkey guards.')
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this')
    .option('--store <url>', 'where keys are kept: sqlite:PATH, postgres://… or redis://… (default: $LATCHKEY_STORE)')
    .option('--service <name>', 'viesus, viralsync, ai-api, viddyscribe, visual-layer, or one of --contract')
    .option('--contract <module>', 'an ES module that exports contracts of your own (default: $LATCHKEY_CONTRACT)')
    .option('--by <name>', 'who is recorded to have made a change (default: cli: and your user name)')
    .option('--no-wait', 'for bulk work: end when a change is made, not when every server acts on it')
    .option('--json', 'print JSON, on one line')
    .addHelpText('after', EPILOGUE)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => world.stdout.write(text),
      writeErr: (text) => world.stderr.write(text),
      // Said by whoever runs the program, once.
      outputError: () => {},
      getOutHelpWidth: () => WIDTH,
      getErrHelpWidth: () => WIDTH,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .exitOverride()
  const handle = handling(world, finish)
  addKeys(program, handle)
  addAccounts(program, handle)
  addTokens(program, handle)
  addUsage(program, handle)
  addVerify(program, handle)
  addSchema(program, handle)
  return program
}

const EPILOGUE = `
Environment:
  LATCHKEY_STORE       the store, where --store is not given
  LATCHKEY_CONTRACT    the module, where --contract is not given
  LATCHKEY_PEPPER      the pepper of the servers, if they have one
  LATCHKEY_MASTER_KEY  what signing secrets are sealed with, at least 32 bytes: openssl rand -base64 32. Several with
                       commas between: the first one seals, all open

Exit codes:
  0  done, or allowed
  1  denied, not there, there already, or refused
  2  called wrongly
  3  the store is unavailable

Errors are one line on standard error: "latchkey: …", or with --json {"error":{"code":…,"message":…}}.

Examples:
  $ export LATCHKEY_STORE=sqlite:keys.db
  $ latchkey accounts create acme --plan pro
  $ latchkey keys create --service viralsync --account acme --name Backend
  $ latchkey verify --service viralsync --explain < key.txt`

function version(): string {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
  return manifest.version
}
