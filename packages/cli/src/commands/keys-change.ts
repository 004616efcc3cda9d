import type { Command } from 'commander'
import { type Call, type Handle, note, print, wordAt } from '../call.ts'
import { Failure } from '../failure.ts'
import { type PermissionOptions, permissionsOf, withPermissions } from '../permissions.ts'
import { printable } from '../printable.ts'
import { askYes } from '../read-stdin.ts'
import { noSuchKey, withKeys } from '../session.ts'
import { keyJson, keyText } from '../show-key.ts'
import { parseDuration, parseWhen } from '../times.ts'
import { parseObject } from '../values.ts'
import { printNewSecret } from './keys-create.ts'

interface ChangeOptions extends PermissionOptions {
  readonly name?: string
  readonly environment?: string | false
  readonly expires?: string
  readonly metadata?: string
}

export function addChangeKey(keys: Command, handle: Handle): void {
  withPermissions(
    keys
      .command('change')
      .argument('<id>', "the key's id")
      .description('change what is given, and leave the rest; holds from the next request')
      .option('--name <name>', 'for people to tell keys apart'),
    'what the key may do, in place of what it could',
  )
    .option('--no-permission', 'take all permissions away')
    .option('--environment <name>', 'such as production')
    .option('--no-environment', 'without one')
    .option('--expires <when>', 'a duration from now, a date, epoch milliseconds, or never')
    .option('--metadata <json>', 'a JSON object, in place of what was kept')
    .addHelpText(
      'after',
      `
Examples:
  $ latchkey keys change key_0123456789 --service ai-api --permission read
  $ latchkey keys change key_0123456789 --service ai-api --expires never`,
    )
    .action(handle<ChangeOptions>(changeKey))
}

async function changeKey(call: Call<ChangeOptions>): Promise<void> {
  const { options, world } = call
  const { name, environment, expires, metadata } = options
  const change = {
    name,
    environment: environment === false ? null : environment,
    permissions: permissionsOf(options),
    expiresAt: expires === 'never' ? null : expires && parseWhen('--expires', expires, world.now()),
    metadata: parseObject('--metadata', metadata),
  }
  const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined))
  if (Object.keys(given).length === 0)
    throw new Failure('usage', 'nothing to change was given; --help lists what can be')
  await withKeys(call, async (keys, contract) => {
    const key = await keys.change(wordAt(call, 0), given)
    if (key === undefined) throw noSuchKey(contract)
    print(call, keyJson(key, world.now()), keyText(key, world.now()))
  })
}

export function addRevokeKey(keys: Command, handle: Handle): void {
  keys
    .command('revoke')
    .argument('<id>', "the key's id")
    .description('end a key for good, and keep it on record')
    .option('--reason <text>', 'kept with the key')
    .addHelpText(
      'after',
      `
Example:
  $ latchkey keys revoke key_0123456789 --service ai-api --reason "leaked in a log"

A revocation is not undone. A second one changes nothing.`,
    )
    .action(handle<{ readonly reason?: string }>(revokeKey))
}

async function revokeKey(call: Call<{ readonly reason?: string }>): Promise<void> {
  await withKeys(call, async (keys, contract) => {
    const key = await keys.revoke(wordAt(call, 0), call.options.reason)
    if (key === undefined) throw noSuchKey(contract)
    print(call, keyJson(key, call.world.now()), keyText(key, call.world.now()))
  })
}

export function addDeleteKey(keys: Command, handle: Handle): void {
  keys
    .command('delete')
    .argument('<id>', "the key's id")
    .description('remove a key: afterwards it is unknown; asks before')
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      `
Examples:
  $ latchkey keys delete key_0123456789 --service ai-api
  $ latchkey keys delete key_0123456789 --service ai-api --yes --json

To end a key and keep it on record, revoke it. Without a terminal to ask at, --yes must be given.`,
    )
    .action(handle<{ readonly yes?: boolean }>(deleteKey))
}

async function deleteKey(call: Call<{ readonly yes?: boolean }>): Promise<void> {
  const { world, options } = call
  if (options.yes !== true && world.stdin.isTTY !== true) {
    throw new Failure(
      'usage',
      'a deletion is not undone, and there is no terminal to ask at: give --yes, or revoke the key',
    )
  }
  await withKeys(call, async (keys, contract) => {
    const id = wordAt(call, 0)
    const found = await keys.find(id)
    if (found === undefined) throw noSuchKey(contract)
    const { name, accountId } = found.key
    const question = printable(`Delete ${id} (${name}, of account ${accountId})? It cannot be undone.`)
    if (options.yes !== true && !(await askYes(world, question))) throw new Failure('refused', 'nothing was deleted')
    if (!(await keys.delete(id))) throw noSuchKey(contract)
    print(call, { id, service: contract.name, deleted: true }, `${id} is deleted\n`)
  })
}

export function addRotateKey(keys: Command, handle: Handle): void {
  keys
    .command('rotate')
    .argument('<id>', "the key's id")
    .description('give a key a new text or secret, shown this once; its id, permissions and history stay')
    .option('--overlap <duration>', 'how long the old one still works (default: 0, it is dead at once)')
    .addHelpText(
      'after',
      `
Examples:
  $ latchkey keys rotate key_0123456789 --service ai-api
  $ latchkey keys rotate key_0123456789 --service ai-api --overlap 24h --json`,
    )
    .action(handle<{ readonly overlap?: string }>(rotateKey))
}

async function rotateKey(call: Call<{ readonly overlap?: string }>): Promise<void> {
  const { overlap = '0' } = call.options
  const milliseconds = parseDuration('--overlap', overlap)
  await withKeys(call, async (keys, contract) => {
    const id = wordAt(call, 0)
    const found = await keys.find(id)
    if (found === undefined) throw noSuchKey(contract)
    const rotated = await keys.rotate(id, milliseconds)
    if (rotated === undefined) throw new Failure('refused', 'the key is revoked: it gets no new text')
    printNewSecret(call, found.kind, rotated.secret, rotated.key)
    note(call, milliseconds === 0 ? 'The old one is dead.' : `The old one works for another ${overlap}.`)
  })
}
