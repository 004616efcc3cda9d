/** How long an import takes in a fresh process, and how large it is in a bundle. */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { installPacked } from '@latchkey/test-servers'
import { build } from 'rolldown'
import { inChild } from './child.ts'
import { number, type Report, table } from './markdown.ts'
import { exactly, medianOf, ratioOf, type Target } from './statistics.ts'

/** What is used of each, as a program would import it. */
const OURS = `export { createAuth } from '@latchkey/core'
export { authenticate, principalOf, requires } from '@latchkey/hono'`
const SIZES: Readonly<Record<string, string>> = {
  'Latchkey, core and hono': OURS,
  'hono bearerAuth': "export { bearerAuth } from 'hono/bearer-auth'",
  'hono/jwt': "export { jwt } from 'hono/jwt'",
  'jose, jwtVerify': "export { jwtVerify } from 'jose/jwt/verify'",
  'fast-jwt': "export { createVerifier } from 'fast-jwt'",
  'prefixed-api-key': "export { checkAPIKey } from 'prefixed-api-key'",
  'express-jwt': "export { expressjwt } from 'express-jwt'",
  'koa-jwt': "export { default } from 'koa-jwt'",
  'passport, passport-headerapikey':
    "export { default } from 'passport'; export { HeaderAPIKeyStrategy } from 'passport-headerapikey'",
  'Better Auth, API keys': "export { betterAuth } from 'better-auth'; export { apiKey } from '@better-auth/api-key'",
}

const FRAMEWORKS = ['hono', 'koa', 'express']
const PEERS: Readonly<Record<string, readonly string[]>> = {
  'hono bearerAuth': ['hono/bearer-auth'],
  'hono/jwt': ['hono/jwt'],
  jose: ['jose'],
  'fast-jwt': ['fast-jwt'],
  'prefixed-api-key': ['prefixed-api-key'],
  'express-jwt': ['express-jwt'],
  'koa-jwt': ['koa-jwt'],
  'passport, passport-headerapikey': ['passport', 'passport-headerapikey'],
  'Better Auth, API keys': ['better-auth', '@better-auth/api-key'],
}

export async function benchStart(quick: boolean): Promise<Report> {
  const imports: readonly (readonly [string, readonly string[]])[] = [
    ['lru-cache', ['lru-cache']],
    ...FRAMEWORKS.flatMap((framework): readonly (readonly [string, readonly string[]])[] => [
      [bareOf(framework), ['lru-cache', framework]],
      [oursOf(framework), [framework, '@latchkey/core', `@latchkey/${framework}`]],
    ]),
    ...(quick ? [] : Object.entries(PEERS)),
  ]
  const times = new Map<string, number[]>(imports.map(([name]) => [name, []]))
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-bench-'))
  try {
    installPacked(directory, ['core', ...FRAMEWORKS])
    const packed = join(directory, 'start-import.mjs')
    copyFileSync(fileURLToPath(new URL('./start-import.js', import.meta.url)), packed)
    copyFileSync(fileURLToPath(new URL('./child.js', import.meta.url)), join(directory, 'child.js'))
    for (let round = 0; round < (quick ? 5 : 21); round++) {
      for (const [name, modules] of imports) {
        const program = Object.hasOwn(PEERS, name) ? './start-import.js' : pathToFileURL(packed).href
        times.get(name)?.push(await inChild(program, modules))
      }
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
  const timesOf = (name: string) => times.get(name) ?? []

  const sizes = new Map<string, number>()
  for (const [name, code] of Object.entries(SIZES)) {
    if (!quick || code === OURS) sizes.set(name, await bundledSize(code))
  }
  return {
    markdown: [
      '## Start',
      'Milliseconds of an import in a fresh process, medians of interleaved rounds. Ours as it is published, with the framework.',
      table(
        ['', 'ms'],
        imports.map(([name]) => [name, number(medianOf(timesOf(name)))]),
      ),
      `Bundled, minified and compressed by gzip, in kB; frameworks, jose where it is loaded on demand, and Node's own modules
are left out.`,
      table(
        ['', 'kB'],
        [...sizes].map(([name, bytes]) => [name, number(bytes / 1000)]),
      ),
    ].join('\n\n'),
    targets: [
      ...FRAMEWORKS.map((framework): Target => {
        const measured = ratioOf(timesOf(oursOf(framework)), timesOf(bareOf(framework)))
        return { what: `import with ${framework}`, measured, limit: 1.5, direction: 'at most', unit: 'of bare' }
      }),
      {
        what: 'core and hono, minified and compressed',
        measured: exactly((sizes.get('Latchkey, core and hono') ?? 0) / 1000),
        limit: 10,
        direction: 'at most',
        unit: 'kB',
      },
    ],
  }
}

function bareOf(framework: string): string {
  return `lru-cache, ${framework}`
}

function oursOf(framework: string): string {
  return `Latchkey, ${framework}`
}

/** Where the entry would lie: from there its imports are found. */
const ENTRY = fileURLToPath(new URL('./entry.js', import.meta.url))

async function bundledSize(code: string): Promise<number> {
  const { output } = await build({
    input: ENTRY,
    platform: 'node',
    write: false,
    logLevel: 'silent',
    external: code === OURS ? [/^jose\//] : [],
    plugins: [
      { name: 'entry', resolveId: (id) => (id === ENTRY ? id : null), load: (id) => (id === ENTRY ? code : null) },
    ],
    output: { format: 'esm', minify: true, codeSplitting: false },
  })
  return gzipSync(output[0].code, { level: 9 }).length
}
