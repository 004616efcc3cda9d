/** Holds the imports of the packages to the picture of the house. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..')

interface Import {
  /** The file that imports, from its package's `src`. */
  readonly file: string
  readonly from: string
  /** Gone after compilation. */
  readonly typeOnly: boolean
  /** Loaded by `import()`, when it is asked for. */
  readonly onDemand: boolean
}

interface Manifest {
  readonly name: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

interface Package {
  readonly name: string
  readonly manifest: Manifest
  /** Of the sources, without tests. */
  readonly imports: readonly Import[]
  readonly testImports: readonly Import[]
  readonly files: readonly string[]
}

/** What may stand in core beside its own files, by file. */
const CORE_EXTERNALS: readonly [file: RegExp, from: RegExp][] = [
  [/^platform\/web\.ts$/, /^@noble\/hashes\//],
  [/^platform\/node\.ts$/, /^node:/],
  [/^node\//, /^node:/],
  [/^identity\.ts$/, /^jose(\/|$)/],
  [/^(prove-signed|cache|brake|parse-token|seen-tokens|tell)\.ts$/, /^lru-cache$/],
]

/** What an adapter may import, beside the types of its framework. */
const ADAPTERS = ['hono', 'express', 'koa']

/** What a server may do without: drivers and all. */
const STORES = ['@latchkey/store-sql', '@latchkey/store-redis']

/**
 * The layers of core, from the bottom: a file runs the code of files in lower layers alone. Types may come from anywhere.
 * A new file has to be given its place.
 */
const LAYERS: readonly (readonly string[])[] = [
  // Words and values: nothing behind them.
  [
    'awaitable',
    'store',
    'proving',
    'principal',
    'outcome',
    'contract',
    'known',
    'limiter',
    'ledger',
    'sliding-log',
    'period',
    'record',
    'credential',
    'entropy',
    'parse-object',
    'keys',
    'epochs',
    'timer',
    'slot',
    'memory-pages',
    'memory-usage',
  ],
  ['platform/node', 'platform/web', 'key-memo'],
  // One step each.
  [
    'digest',
    'key-format',
    'parse-token',
    'seen-tokens',
    'events',
    'attempt',
    'render',
    'memory-store',
    'memory-limiter',
    'memory-ledger',
    'check-limits',
    'charge',
    'allowance',
    'client-ip',
  ],
  ['verify-key', 'seal', 'uses', 'tell', 'manage', 'lease', 'count', 'reservation'],
  ['verify-token', 'cache', 'brake', 'take', 'text-denials'],
  ['identity', 'options', 'new-secret', 'lookups'],
  ['define-contract'],
  ['authorize', 'manage-accounts', 'manage-balances', 'manage-keys'],
  // The steps in order.
  ['prove-key', 'prove-signed', 'prove-identity'],
  ['prove-token'],
  ['prove', 'admit', 'deciding'],
  ['authenticator'],
  ['authorizer'],
  ['auth', 'guard'],
  // The doors.
  ['index', 'node/index'],
  // Behind a door of its own, so that nothing else runs it: what proves stores.
  ['testing/equal', 'testing/subject'],
  ['testing/world', 'testing/framework'],
  ['testing/group', 'testing/limiter-cases', 'testing/ledger-cases'],
  [
    'testing/cases/accounts',
    'testing/cases/audit',
    'testing/cases/changes',
    'testing/cases/changing',
    'testing/cases/connections',
    'testing/cases/damage',
    'testing/cases/decisions',
    'testing/cases/durability',
    'testing/cases/finding',
    'testing/cases/isolation',
    'testing/cases/once',
    'testing/cases/pages',
    'testing/cases/races',
    'testing/cases/revocation',
    'testing/cases/rotation',
    'testing/cases/seals',
    'testing/cases/uniqueness',
    'testing/cases/uses',
    'testing/cases/values',
    'testing/cases/whole-sets',
  ],
  ['testing/store-cases'],
  ['testing/index'],
]

const packages = readdirSync(join(ROOT, 'packages')).map(packageOf)
const core = packageNamed('core')

describe('core', () => {
  test('imports nothing from outside but hashes, and node: where Node is meant', () => {
    const outside = core.imports.filter(({ from }) => !isInner(from))
    const strays = outside.filter(
      ({ file, from }) => !CORE_EXTERNALS.some(([where, what]) => where.test(file) && what.test(from)),
    )
    expect(strays).toEqual([])
  })

  test('gives each file a layer', () => {
    const placed = new Set(LAYERS.flat().map((name) => `${name}.ts`))
    expect(core.files.filter((file) => !placed.has(file))).toEqual([])
  })

  test('runs only what is in lower layers', () => {
    const layerOf = (file: string) => LAYERS.findIndex((layer) => layer.includes(file.replace(/\.ts$/, '')))
    const upwards = innerEdges(core).filter(([from, to]) => layerOf(to) >= layerOf(from))
    expect(upwards.map(([from, to]) => `${from} → ${to}`)).toEqual([])
  })

  test('has no circle of imports', () => {
    expect(circles(innerEdges(core))).toEqual([])
  })
})

test('contracts take only types from core, and nothing else', () => {
  const outside = packageNamed('contracts').imports.filter(({ from }) => !isInner(from))
  expect(outside.filter(({ from, typeOnly }) => from !== '@latchkey/core' || !typeOnly)).toEqual([])
})

describe('store-sql', () => {
  const storeSql = packageNamed('store-sql')
  const running = storeSql.imports.filter(({ from, typeOnly }) => !isInner(from) && !typeOnly)

  /** Plain JavaScript, on every runtime. */
  const isEverywhere = (from: string) => ['kysely', '@noble/hashes'].includes(nameOf(from))

  test('takes only types from core', () => {
    expect(running.filter(({ from }) => nameOf(from) === '@latchkey/core')).toEqual([])
  })

  test('has each driver, and what is of Node, in the file of its database alone', () => {
    const drivers = running.filter(({ from }) => !isEverywhere(from)).map(({ file, from }) => `${file}: ${from}`)
    expect([...new Set(drivers)]).toEqual([
      'postgres-pool.ts: node:net',
      'postgres-pool.ts: pg',
      'sqlite.ts: node:fs',
      'sqlite.ts: node:path',
      'sqlite.ts: libsql',
    ])
  })

  test('runs D1 where there is neither a driver nor Node', () => {
    const files = reachedFrom('d1.ts', innerEdges(storeSql))
    expect(running.filter(({ file, from }) => files.has(file) && !isEverywhere(from))).toEqual([])
    expect([...files].filter((file) => /^(postgres|sqlite|index)/.test(file))).toEqual([])
  })
})

describe('store-redis', () => {
  const running = packageNamed('store-redis').imports.filter(({ from, typeOnly }) => !isInner(from) && !typeOnly)

  test('takes only types from core', () => {
    expect(running.filter(({ from }) => nameOf(from) === '@latchkey/core')).toEqual([])
  })

  test('loads the client when it is asked for, and beside it what is of Node alone', () => {
    expect(running.filter(({ from }) => !from.startsWith('node:'))).toEqual([
      { file: 'redis.ts', from: 'redis', typeOnly: false, onDemand: true },
    ])
  })
})

/** What of a framework runs in its adapter: Hono tells which route has answered by a function. */
const RUN_BY_ADAPTERS = ['hono/route']

test.each(ADAPTERS)('%s imports core and the types of its framework alone', (name) => {
  const strays = packageNamed(name).imports.filter(({ from, typeOnly }) => {
    if (isInner(from) || from === '@latchkey/core' || from === '@latchkey/core/node') return false
    if (RUN_BY_ADAPTERS.includes(from)) return false
    return nameOf(from) !== name || !typeOnly
  })
  expect(strays).toEqual([])
})

test('hono runs nothing of Node: it runs where there is none', () => {
  expect(packageNamed('hono').imports.filter(({ from }) => /^node:/.test(from))).toEqual([])
})

test('the command line imports core, contracts and its parser, and stores when they are asked for', () => {
  const strays = packageNamed('cli').imports.filter(({ from, typeOnly, onDemand }) => {
    if (isInner(from) || /^node:/.test(from)) return false
    if (STORES.includes(from)) return !typeOnly && !onDemand
    return !['@latchkey/core', '@latchkey/contracts', 'commander'].includes(from)
  })
  expect(strays).toEqual([])
})

test('no package imports an adapter', () => {
  const adapters = ADAPTERS.map((name) => `@latchkey/${name}`)
  const strays = packages.flatMap(({ imports }) => imports.filter(({ from }) => adapters.includes(nameOf(from))))
  expect(strays).toEqual([])
})

test('no package reaches into another one by a path', () => {
  const strays = packages.flatMap(({ imports, testImports }) =>
    [...imports, ...testImports].filter(({ file, from }) => posix.join(dirname(file), from).startsWith('..')),
  )
  expect(strays).toEqual([])
})

describe.each(packages)('the manifest of $name', ({ manifest, imports, testImports }) => {
  const { dependencies = {}, peerDependencies = {}, devDependencies = {} } = manifest
  const shipped = { ...dependencies, ...peerDependencies }
  const used = new Set(imports.filter(isOutside).map(({ from }) => nameOf(from)))
  const usedByTests = new Set(testImports.filter(isOutside).map(({ from }) => nameOf(from)))

  test('lists every import', () => {
    expect([...used].filter((name) => !(name in shipped))).toEqual([])
  })

  test('lists every import of the tests, or the workspace does', () => {
    // A package's tests may import it by its own name.
    const listed = { [manifest.name]: '', ...shipped, ...devDependencies, ...manifestAt('.').devDependencies }
    expect([...usedByTests].filter((name) => !(name in listed))).toEqual([])
  })

  test('lists nothing that is not imported', () => {
    const idle = Object.keys(shipped).filter((name) => !used.has(typed(name)))
    expect(idle).toEqual([])
    const idleInTests = Object.keys(devDependencies).filter(
      (name) => !usedByTests.has(typed(name)) && !used.has(typed(name)),
    )
    expect(idleInTests).toEqual([])
  })
})

describe('the check itself', () => {
  test('reads every form of import', () => {
    const source = [
      "import a from 'a'",
      "import b, { type B } from 'b'",
      "import { type C, type D } from 'c'",
      "import {\n  type E,\n  f,\n} from 'd'",
      "import * as g from 'e'",
      "import type { H } from 'f'",
      "import 'g'",
      "export { i } from 'h'",
      "export type { J } from 'i'",
      "export * from 'j'",
      "const k = await import('k')",
      "type L = import('l').L",
      "export const m = 'm'",
      "// import n from 'n'",
    ].join('\n')
    expect(importsOf('x.ts', source).map(({ from, typeOnly }) => (typeOnly ? `type ${from}` : from))).toEqual([
      'a',
      'b',
      'type c',
      'd',
      'e',
      'type f',
      'g',
      'h',
      'type i',
      'j',
      'k',
      'type l',
    ])
  })

  test('finds a circle', () => {
    expect(
      circles([
        ['a', 'b'],
        ['b', 'c'],
        ['c', 'b'],
      ]),
    ).toEqual([['b', 'c', 'b']])
  })
})

function packageNamed(name: string): Package {
  const found = packages.find((it) => it.name === name)
  if (found === undefined) throw new Error(`no package ${name}`)
  return found
}

function packageOf(name: string): Package {
  const src = join(ROOT, 'packages', name, 'src')
  const all = readdirSync(src, { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => file.endsWith('.ts'))
  const read = (file: string) => importsOf(file, readFileSync(join(src, file), 'utf8'))
  const isTest = (file: string) => file.endsWith('.test.ts') || file.startsWith('fixtures/')
  const files = all.filter((file) => !isTest(file))
  const tests = all.filter(isTest)
  return {
    name,
    manifest: manifestAt(`packages/${name}`),
    files,
    imports: files.flatMap(read),
    testImports: tests.flatMap(read),
  }
}

function manifestAt(folder: string): Manifest {
  return JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as Manifest
}

function importsOf(file: string, source: string): Import[] {
  const names = String.raw`\*(?:\s+as\s+\w+)?|\{[^}]*\}|\w+(?:\s*,\s*\{[^}]*\})?`
  const statement = new RegExp(
    String.raw`^(?:import|export)\s+(?:(?<type>type\s+)?(?<names>${names})\s+from\s+)?'(?<from>[^']+)'`,
    'gm',
  )
  const call = /^(?!\s*(?:\/\/|\*))(?<before>.*)\bimport\('(?<from>[^']+)'\)(?<after>\.?)/gm
  const found = [...source.matchAll(statement)].map(({ groups = {} }) => ({
    file,
    from: groups.from ?? '',
    typeOnly: groups.type !== undefined || onlyTypes(groups.names),
    onDemand: false,
  }))
  // `import('x').T` is a type, `import('x')` alone loads.
  const calls = [...source.matchAll(call)].map(({ groups = {} }) => ({
    file,
    from: groups.from ?? '',
    typeOnly: groups.after === '.' && !/\bawait\s*\(?$/.test(groups.before ?? ''),
    onDemand: true,
  }))
  return [...found, ...calls].filter(({ from }) => from !== '')
}

function onlyTypes(names: string | undefined): boolean {
  if (!names?.startsWith('{')) return false
  const items = names.slice(1, -1).split(',')
  return items.every((item) => item.trim() === '' || item.trim().startsWith('type '))
}

function isInner(from: string): boolean {
  return from.startsWith('.') || from.startsWith('#')
}

function isOutside({ from }: Import): boolean {
  return !isInner(from) && !from.startsWith('node:')
}

/** `@scope/name/deep` and `name/deep` without what is inside. */
function nameOf(from: string): string {
  return from
    .split('/')
    .slice(0, from.startsWith('@') ? 2 : 1)
    .join('/')
}

/** What a package of types is about. */
function typed(name: string): string {
  return name.replace(/^@types\//, '')
}

/** Who runs the code of whom, within a package. */
function innerEdges({ imports }: Package): [from: string, to: string][] {
  return imports
    .filter(({ from, typeOnly }) => isInner(from) && !typeOnly)
    .flatMap(({ file, from }) =>
      from === '#platform'
        ? ['platform/node.ts', 'platform/web.ts'].map((to): [string, string] => [file, to])
        : [[file, posix.join(posix.dirname(file), from)] as [string, string]],
    )
}

/** The file, and all whose code it runs. */
function reachedFrom(file: string, edges: readonly (readonly [string, string])[]): ReadonlySet<string> {
  const reached = new Set([file])
  for (const from of reached) for (const edge of edges) if (edge[0] === from) reached.add(edge[1])
  return reached
}

/** Each circle once, as the path that closes it. */
function circles(edges: readonly (readonly [string, string])[]): string[][] {
  const found: string[][] = []
  const done = new Set<string>()
  function visit(file: string, path: readonly string[]): void {
    const start = path.indexOf(file)
    if (start >= 0) found.push([...path.slice(start), file])
    if (start >= 0 || done.has(file)) return
    for (const [from, to] of edges) if (from === file) visit(to, [...path, file])
    done.add(file)
  }
  for (const [from] of edges) visit(from, [])
  return found
}
