/** The samples of a document, each as a program of its own. */

/** What stands around them: declared where a sample uses it and does not say itself what it is. */
const AROUND: Readonly<Record<string, string>> = {
  accountId: 'declare const accountId: string',
  app: "declare const app: import('hono').Hono",
  auth: `declare const auth: import('@latchkey/core').Auth<'free' | 'pro', 'read' | 'write', never, import('@latchkey/core').KeyedPrincipal<'free' | 'pro', 'read' | 'write'>>`,
  by: 'declare const by: string',
  contract: `declare const contract: import('@latchkey/core').Contract<'free' | 'pro', 'read' | 'write'>`,
  createAuth: "import { createAuth } from '@latchkey/core'",
  digest: 'declare const digest: string',
  generate: 'declare function generate(prompt: unknown): Promise<{ tokens: number }>',
  id: 'declare const id: string',
  idempotencyKey: 'declare const idempotencyKey: string',
  log: 'declare const log: Record<"info" | "warn", (what: unknown) => void>',
  manageKeys: "import { manageKeys } from '@latchkey/core'",
  openPostgres: "import { openPostgres } from '@latchkey/store-sql'",
  page: 'declare function page(cause: unknown): void',
  problemDetails: "import { problemDetails } from '@latchkey/contracts'",
  remind: 'declare function remind(accountId: string, what: number): void',
  store: "declare const store: import('@latchkey/core').KeyStore",
  url: 'declare const url: string',
}

/** Samples of Hono's words that do not say so, and what `app` is where it is another framework's. */
const HONO = "import { authenticate, requires } from '@latchkey/hono'"
const APPS: readonly (readonly [from: string, app: string])[] = [
  ['@latchkey/express', "declare const app: import('express').Express"],
  ['@latchkey/koa', "declare const app: import('koa')"],
]

export function samplesOf(markdown: string): readonly string[] {
  return [...markdown.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, sample = '']) => whole(sample))
}

function whole(sample: string): string {
  const uses = (name: string) => new RegExp(`(?<![.\\w'/@-])${name}\\b(?!:)`).test(sample)
  const says = (name: string) =>
    new RegExp(`(import [^\\n]*\\b${name}\\b[^\\n]* from)|((const|function) (\\{ [^}]*\\b)?${name}\\b)`).test(sample)
  const own = APPS.find(([from]) => sample.includes(from))?.[1]
  const around = Object.entries(AROUND)
    .filter(([name]) => uses(name) && !says(name))
    .map(([name, line]) => (name === 'app' ? (own ?? line) : line))
  const hono =
    /\b(authenticate|requires)\(/.test(sample) && !/import .*(authenticate|requires)/.test(sample) ? [HONO] : []
  return [...around, ...hono, sample, 'export {}'].join('\n')
}
