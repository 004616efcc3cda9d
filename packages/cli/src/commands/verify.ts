import type { AnyContract } from '@latchkey/core'
import type { Command } from 'commander'
import { type Call, type Handle, print } from '../call.ts'
import { type Asked, decide } from '../decide.ts'
import { explain } from '../explain.ts'
import { isCarried, present } from '../presented.ts'
import { readText } from '../read-stdin.ts'
import { contractOf, reasonOf, secretsOf, TIMEOUT, withStore } from '../session.ts'
import { verdictJson, verdictText } from '../show-verdict.ts'
import { collect, parseWhole } from '../values.ts'

export interface VerifyOptions {
  readonly plan?: string
  readonly feature?: string
  readonly permission?: string
  readonly cost?: string
  readonly header?: readonly string[]
  readonly explain?: boolean
}

export function addVerify(program: Command, handle: Handle): void {
  withVerifyOptions(program.command('verify'))
    .argument('[text]', 'a key or a token; better on standard input, where nobody else sees it')
    .description('decide as the API would, and say why')
    .addHelpText(
      'after',
      `
Examples:
  $ latchkey verify --service viralsync --plan pro < key.txt
  $ latchkey verify --service ai-api --permission write --explain < key.txt
  $ latchkey verify --service viesus --header "x-api-key: $KEY" --json

Exit code 0: allowed; 1: denied; 3: the store is unavailable. Rate limits and balances are counted by the servers, and
are not seen here. It is not noted as a use of the key.`,
    )
    .action(handle<VerifyOptions>(async (call) => verify(call, await contractOf(call))))
}

export function withVerifyOptions(command: Command): Command {
  return command
    .option('--plan <name>', 'the lowest plan that is enough')
    .option('--feature <name>', 'a feature that the plan must have')
    .option('--permission <name>', "a permission that the key's must cover")
    .option('--cost <n>', 'units that the request takes from the balance')
    .option('--header <line>', "a header field, 'Name: value', beside the text or in its place; several times", collect)
    .option('--explain', 'list the checks in order: passed, decided here, not reached')
}

/** Decides, prints, and answers with the exit code. */
export async function verify(call: Call<VerifyOptions>, contract: AnyContract): Promise<number> {
  const { options, world, words } = call
  const { plan, feature, permission, header: headers = [] } = options
  const asked: Asked = { plan, feature, permission, cost: parseWhole('--cost', options.cost) }
  const text = words[0] ?? (isCarried(contract, headers) ? undefined : await readText(world, 'key or token'))
  const presented = present(contract, text?.trim(), headers)
  return withStore(call, async (store) => {
    const settings = { contract, store, ...secretsOf(call, contract), now: world.now, timeout: TIMEOUT }
    const decision = await decide(settings, presented, asked)
    const checks = options.explain === true ? explain({ contract, presented, asked, decision }) : undefined
    print(call, verdictJson(contract, decision, checks), verdictText(contract, decision, checks))
    const { outcome } = decision
    if (outcome.kind === 'allowed') return 0
    // The answer is what callers see; why it is so is for the operator alone.
    if (outcome.code === 'unavailable') throw new Error(reasonOf(outcome.cause))
    return 1
  })
}
