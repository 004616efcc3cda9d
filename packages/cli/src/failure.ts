import { CommanderError } from 'commander'

/** What a command ends with instead of an answer, and the exit code that says so. */
const EXIT_CODES = { not_found: 1, exists: 1, refused: 1, usage: 2, unavailable: 3 } as const

/** One line for people, a code for programs. The message holds no secret, token, digest or password. */
export class Failure extends Error {
  readonly code: keyof typeof EXIT_CODES

  constructor(code: keyof typeof EXIT_CODES, message: string) {
    super(message)
    this.code = code
  }

  get exitCode(): number {
    return EXIT_CODES[this.code]
  }
}

/** What the options of core are called here. */
const NAMES: Readonly<Record<string, string>> = {
  accountId: '--account',
  after: '--after',
  by: '--by',
  digest: '--digest',
  email: '--email',
  environment: '--environment',
  expiresAt: '--expires',
  id: 'the id',
  idempotencyKey: '--idempotency-key',
  kind: '--kind',
  limit: '--limit',
  masterKey: 'LATCHKEY_MASTER_KEY',
  metadata: '--metadata',
  name: '--name',
  overlap: '--overlap',
  pepper: 'LATCHKEY_PEPPER',
  permissions: '--permission',
  plan: '--plan',
  reason: '--reason',
  'requirement.cost': '--cost',
  'requirement.feature': '--feature',
  'requirement.permission': '--permission',
  'requirement.plan': '--plan',
  status: '--status',
  text: 'the text',
}

/** The failure that an error of the parser, or of an option's value, stands for. `undefined`: none of the caller's. */
export function failureOf(error: unknown): Failure | undefined {
  if (error instanceof Failure) return error
  if (error instanceof CommanderError) return new Failure('usage', wordsOf(error))
  if (error instanceof TypeError) return new Failure('usage', translated(error.message))
  return undefined
}

function translated(message: string): string {
  return message
    .replace(/^[\w.]+(?=[: ])/, (name) => (Object.hasOwn(NAMES, name) ? (NAMES[name] as string) : name))
    .replace('dangerouslyAllowGuessableText', '--dangerously-allow-guessable-text')
    .replace(/ "([^"]*)"/g, (quoted, text) => (NAME.test(text) ? quoted : ''))
}

/** Only what looks like a name is repeated: what was typed in the wrong place may be a key. */
function wordsOf(error: CommanderError): string {
  // It prints the help where a command is missing, and says nothing.
  if (error.code === 'commander.help') return 'a command is missing; --help lists them'
  const line = error.message
    .replace(/^error: /, '')
    .replace(/\s*\n\s*/g, ' ')
    .replace(/ '([^']*)'/g, (quoted, text) => (NAME.test(text) ? quoted : ''))
  return `${line.replace(/\.$/, '')}; --help tells more`
}

const NAME = /^(-\w, )?(--[a-z-]{1,40}|[a-z-]{1,20})( <[\w:. -]{1,20}>)?$/
