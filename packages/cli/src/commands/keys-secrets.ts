import type { Command } from 'commander'
import { type Call, type Handle, note, print, wordAt } from '../call.ts'
import { Failure } from '../failure.ts'
import { noSuchKey, withKeys } from '../session.ts'

export function addRevealKey(keys: Command, handle: Handle): void {
  keys
    .command('reveal')
    .argument('<id>', "the key's id")
    .description('show the signing secrets that still work, newest first, for support; it is recorded who did')
    .addHelpText(
      'after',
      `
Example:
  $ latchkey keys reveal 7f0c… --service visual-layer --by "support: ticket 4711"

With --json: "secret" is the newest; "previousSecrets" are those that a rotation's overlap keeps alive. Of API keys
only digests are kept: nobody can show them. Needs LATCHKEY_MASTER_KEY.`,
    )
    .action(handle(revealKey))
}

async function revealKey(call: Call): Promise<void> {
  await withKeys(call, async (keys, contract) => {
    const id = wordAt(call, 0)
    const found = await keys.find(id)
    if (found === undefined) throw noSuchKey(contract)
    if (found.kind === 'key') throw new Failure('refused', 'only digests of API keys are kept: nobody can show them')
    const [secret = null, ...previousSecrets] = (await keys.reveal(id)) ?? []
    const lines = secret === null ? [] : [secret, ...previousSecrets]
    print(call, { id, service: contract.name, secret, previousSecrets }, lines.map((line) => `${line}\n`).join(''))
    note(call, secret === null ? 'No secret of this key still works.' : 'It is on record that this was shown.')
  })
}

export function addResealKeys(keys: Command, handle: Handle): void {
  keys
    .command('reseal')
    .description('seal all signing secrets with the first master key, while requests go on')
    .addHelpText(
      'after',
      `
Example:
  $ LATCHKEY_MASTER_KEY="$NEW,$OLD" latchkey keys reseal --service visual-layer

To change the master key: put the new one in front on every server, run this, and take the old one away.`,
    )
    .action(handle(resealKeys))
}

async function resealKeys(call: Call): Promise<void> {
  await withKeys(call, async (keys, { name }) => {
    const resealed = await keys.reseal()
    print(call, { service: name, resealed }, `${resealed} sealed anew\n`)
  })
}
