import type { AnyContract, TokenRules } from '@latchkey/core'
import type { Command } from 'commander'
import { type Call, type Handle, print } from '../call.ts'
import { Failure } from '../failure.ts'
import { readText } from '../read-stdin.ts'
import { contractOf, noSuchKey, withKeys } from '../session.ts'
import { signToken } from '../sign-token.ts'
import { parseDuration } from '../times.ts'
import { collect, parseJson } from '../values.ts'
import { type VerifyOptions, verify, withVerifyOptions } from './verify.ts'

interface SignOptions {
  readonly key?: string
  readonly expiresIn: string
  readonly claim?: readonly string[]
  readonly secretStdin?: boolean
}

export function addTokens(program: Command, handle: Handle): void {
  const tokens = program.command('tokens').description("tokens that a key's secret signs (HS256)")

  tokens
    .command('sign')
    .description("sign a token as the service's clients do, to try it")
    .argument('[id]', 'whose secret signs: the kid')
    .option('--key <id>', 'the same')
    .option('--expires-in <duration>', 'such as 600s or 1h', '10m')
    .option('--claim <name=json>', 'a claim, such as role=\'"viewer"\'; several times', collect)
    .option('--secret-stdin', 'the secret comes on standard input; no store is needed')
    .addHelpText(
      'after',
      `
Examples:
  $ latchkey tokens sign --service visual-layer --key 7f0c…
  $ latchkey tokens sign --service visual-layer --key 7f0c… --expires-in 1h --secret-stdin < secret.txt
  $ latchkey tokens sign --service visual-layer --key 7f0c… | latchkey tokens verify --service visual-layer

Without --secret-stdin the secret is read from the store and opened with LATCHKEY_MASTER_KEY; that is recorded as a
reveal. iss, sub, iat and exp (and aud) are what the contract asks for; --claim may put others in their place.`,
    )
    .action(handle<SignOptions>(sign))

  withVerifyOptions(tokens.command('verify'))
    .argument('[token]', 'better on standard input, where nobody else sees it')
    .description('decide about a token as the API would, and say why')
    .addHelpText(
      'after',
      `
Examples:
  $ latchkey tokens verify --service visual-layer --explain < token.txt
  $ latchkey tokens verify --service visual-layer --json < token.txt

Exit code 0: allowed; 1: denied; 3: the store is unavailable.`,
    )
    .action(handle<VerifyOptions>(verifyToken))
}

async function verifyToken(call: Call<VerifyOptions>): Promise<number> {
  const contract = await contractOf(call)
  if (contract.token === undefined && !contract.identity?.length) throw noTokens(contract)
  return verify(call, contract)
}

async function sign(call: Call<SignOptions>): Promise<void> {
  const { options, world } = call
  const expiresIn = parseDuration('--expires-in', options.expiresIn)
  const claims = Object.fromEntries((options.claim ?? []).map(parseClaim))
  const contract = await contractOf(call)
  const rules = rulesOf(contract)
  const secret = await secretFor(call)
  const now = world.now()
  const keyId = keyOf(call)
  const signed = signToken({ keyId, secret, rules, now, expiresIn, claims })
  const { token } = signed
  print(call, { token, keyId, service: contract.name, claims: signed.claims }, `${token}\n`)
}

function secretFor(call: Call<SignOptions>): Promise<string> {
  if (call.options.secretStdin === true) return readSecret(call)
  return withKeys(call, async (keys, contract) => {
    const secrets = await keys.reveal(keyOf(call))
    if (secrets === undefined) throw noSuchKey(contract)
    const [newest] = secrets
    if (newest === undefined) throw new Failure('refused', 'no secret of this key still works')
    return newest
  })
}

function keyOf({ words, options }: Call<SignOptions>): string {
  const id = words[0] ?? options.key
  if (id === undefined) throw new Failure('usage', 'whose secret signs is missing: the id of a key; --help tells more')
  return id
}

async function readSecret({ world }: Call): Promise<string> {
  const secret = await readText(world, 'signing secret')
  // RFC 7518 §3.2: no service accepts what a shorter one signs.
  if (Buffer.byteLength(secret) < 32) throw new Failure('usage', 'a signing secret must have at least 32 bytes')
  return secret
}

function rulesOf(contract: AnyContract): TokenRules {
  if (contract.token === undefined) throw noTokens(contract)
  return contract.token
}

function noTokens({ name }: AnyContract): Failure {
  return new Failure('usage', `${name} has no tokens; its keys are looked at by verify`)
}

function parseClaim(text: string): [name: string, value: unknown] {
  const [, name = '', json = ''] = /^([^=]+)=(.*)$/s.exec(text) ?? []
  const value = parseJson(json)
  if (value !== undefined) return [name, value]
  throw new Failure('usage', `--claim must be written name=JSON, a text in quotes: role='"viewer"'`)
}
