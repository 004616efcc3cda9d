import type { AnyContract, KeyRecord, Secret } from '@latchkey/core'
import { type Command, Option } from 'commander'
import { type Call, type Handle, note, print } from '../call.ts'
import { Failure } from '../failure.ts'
import { type PermissionOptions, permissionsOf, withPermissions } from '../permissions.ts'
import { readText } from '../read-stdin.ts'
import { withKeys } from '../session.ts'
import { keyJson, keyText, secretJson } from '../show-key.ts'
import { parseWhen } from '../times.ts'
import { parseObject } from '../values.ts'

interface KeyOptions extends PermissionOptions {
  readonly account: string
  readonly name: string
  readonly kind?: Secret['kind']
  readonly environment?: string
  readonly expires?: string
  readonly metadata?: string
}

interface CreateOptions extends KeyOptions {
  readonly idempotencyKey?: string
}

interface ImportOptions extends KeyOptions {
  readonly text?: string
  readonly textStdin?: boolean
  readonly digest?: string
  readonly id?: string
  readonly dangerouslyAllowGuessableText?: boolean
}

export function addCreateKey(keys: Command, handle: Handle): void {
  withKeyOptions(keys.command('create'))
    .description('make a key; its text is shown this once')
    .option('--idempotency-key <text>', 'with the same one, a key is made once; again, its text is null')
    .addHelpText(
      'after',
      `
Examples:
  $ latchkey keys create --service viralsync --account acme --name Backend
  $ latchkey keys create --service ai-api --account acme --name CI --permission read,write --expires 90d
  $ latchkey keys create --service visual-layer --account acme --name SDK --json

The last line of standard output is the key; with --json it is the member "key", or "secret" where the service's keys
sign tokens.`,
    )
    .action(handle<CreateOptions>(createKey))
}

async function createKey(call: Call<CreateOptions>): Promise<void> {
  const { options } = call
  const details = detailsOf(call)
  await withKeys(call, async (keys, contract, store) => {
    await checkAccount(options.account, (id) => store.findAccount(id))
    const created = await keys.create(details, { idempotencyKey: options.idempotencyKey })
    printNewSecret(call, kindOf(contract, options.kind), created.secret, created.key)
    if (created.secret === null)
      note(call, 'It was made before with this idempotency key; its text is not shown again.')
  })
}

export function printNewSecret(call: Call, kind: Secret['kind'], secret: string | null, key: KeyRecord): void {
  const now = call.world.now()
  const text = keyText(key, now)
  print(call, secretJson(kind, secret, key, now), secret === null ? text : `${text}\n${secret}\n`)
  if (secret !== null) note(call, `The ${kind === 'key' ? 'key' : 'signing secret'} is shown only once: keep it now.`)
}

export function addImportKey(keys: Command, handle: Handle): void {
  withKeyOptions(keys.command('import'))
    .description('take over a key that was made elsewhere')
    .option('--text-stdin', 'its text, or signing secret, comes on standard input')
    .option('--digest <hex>', 'the SHA-256 digest of its text')
    .option('--text <text>', 'its text; seen by others in the list of processes, and kept in the history of the shell')
    .option('--id <kid>', 'the id that clients have; signing keys only')
    .option('--dangerously-allow-guessable-text', 'take a text that is estimated to have fewer than 128 random bits')
    .addHelpText(
      'after',
      `
Examples:
  $ latchkey keys import --service viralsync --account acme --name Old --text-stdin < key.txt
  $ latchkey keys import --service viralsync --account acme --name Old --digest "$(printf %s "$KEY" | sha256sum | cut -c-64)"
  $ latchkey keys import --service visual-layer --account acme --name SDK --id 7f0c --text-stdin < secret.txt

Texts outside the service's own format are taken where its contract is \`imported\`: describe it in a module of your
own and give that as --contract.`,
    )
    .action(handle<ImportOptions>(importKey))
}

async function importKey(call: Call<ImportOptions>): Promise<void> {
  const { options, world } = call
  const { id, dangerouslyAllowGuessableText, account } = options
  const details = { ...detailsOf(call), id, dangerouslyAllowGuessableText }
  const source = await sourceOf(call)
  await withKeys(call, async (keys, _contract, store) => {
    await checkAccount(account, (it) => store.findAccount(it))
    const key = await keys.import({ ...details, ...source })
    if (key === undefined) throw new Failure('exists', 'there is such a key already: nothing was imported')
    print(call, keyJson(key, world.now()), keyText(key, world.now()))
  })
}

async function sourceOf({ options, world }: Call<ImportOptions>): Promise<{ text: string } | { digest: string }> {
  const { text, textStdin, digest } = options
  if ([text, textStdin, digest].filter((given) => given !== undefined).length !== 1) {
    throw new Failure('usage', 'one of --text-stdin, --digest and --text must be given')
  }
  if (digest !== undefined) return { digest }
  return { text: text ?? (await readText(world, 'key')) }
}

function withKeyOptions(command: Command): Command {
  return withPermissions(
    command
      .requiredOption('--account <id>', 'whose key it is')
      .requiredOption('--name <name>', 'for people to tell keys apart'),
    'what the key may do',
  )
    .option('--environment <name>', 'such as production')
    .option('--expires <when>', 'a duration such as 30d or 12h, a date, or epoch milliseconds (default: never)')
    .option('--metadata <json>', 'a JSON object that is kept with the key')
    .addOption(new Option('--kind <kind>', 'where a service has both (default: key)').choices(['key', 'signing']))
}

function detailsOf({ options, world }: Call<KeyOptions>) {
  const { account, name, kind, environment, expires, metadata } = options
  return {
    accountId: account,
    name,
    kind,
    environment,
    permissions: permissionsOf(options),
    expiresAt: expires === undefined ? undefined : parseWhen('--expires', expires, world.now()),
    metadata: parseObject('--metadata', metadata),
  }
}

function kindOf({ key }: AnyContract, kind: Secret['kind'] | undefined): Secret['kind'] {
  return kind ?? (key === undefined ? 'signing' : 'key')
}

async function checkAccount(id: string, find: (id: string) => unknown): Promise<void> {
  if ((await find(id)) !== undefined) return
  throw new Failure('not_found', 'there is no such account; latchkey accounts create makes one')
}
