/**
 * What some suites need beside Node. Where it is not there the suite is left out, by name in the closing lines of the
 * run (`left-out.ts`); `LATCHKEY_REQUIRE=python,php` turns that into a failure.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { findPgBouncer, findPostgres, findRedis } from '@latchkey/test-servers'
import { describe, it } from 'vitest'

interface Requirement {
  /** What the suite works with (a program, a directory), or `undefined` where it is not there. */
  readonly find: () => string | undefined
  /** Said of a suite that is left out: what is not there, and how it gets there. */
  readonly otherwise: string
}

export const REQUIREMENTS = {
  curl: {
    find: () => program(['curl'], ['--version']),
    otherwise: 'curl is not installed; apt-get install curl',
  },
  python: {
    find: () => program(['/usr/bin/python3', 'python3'], ['-c', 'import requests, jwt']),
    otherwise: 'python3 with requests and PyJWT is not installed; apt-get install python3-requests python3-jwt',
  },
  gql: {
    find: () => program(['/usr/bin/python3', 'python3'], ['-c', 'import gql.transport.requests']),
    otherwise: "python3 with gql is not installed; pip install 'gql[requests]'",
  },
  php: {
    find: () => program(['php'], ['-r', "require 'GuzzleHttp/autoload.php'; new GuzzleHttp\\Client();"]),
    otherwise: 'php with Guzzle is not installed; apt-get install php-cli php-curl php-guzzlehttp-guzzle',
  },
  go: {
    find: () => program(['go'], ['version']),
    otherwise: 'go is not installed; apt-get install golang-go',
  },
  workerd: {
    find: () => packaged(['miniflare', 'workerd'], 'bin/workerd'),
    otherwise: 'workerd is not installed; pnpm has no binary of it for this machine',
  },
  bun: {
    find: () => packaged(['bun'], 'bin/bun'),
    otherwise: 'Bun is not installed; pnpm has no binary of it for this machine',
  },
  deno: {
    find: () => packaged(['deno'], 'deno'),
    otherwise: 'Deno is not installed; pnpm has no binary of it for this machine',
  },
  nodes: {
    find: () => directory(process.env.LATCHKEY_NODES),
    otherwise: 'LATCHKEY_NODES does not name a directory with node-22, node-24 and node-26',
  },
  postgres: {
    find: findPostgres,
    otherwise: 'Postgres is not installed (apt-get install postgresql), and DATABASE_URL names none',
  },
  pgbouncer: {
    find: findPgBouncer,
    otherwise: 'PgBouncer is not installed; apt-get install pgbouncer',
  },
  faketime: {
    find: () => library('faketime/libfaketime.so.1'),
    otherwise: 'libfaketime is not installed; apt-get install faketime',
  },
  redis: {
    find: findRedis,
    otherwise: 'Redis is not installed (apt-get install redis-server), and REDIS_URL names none',
  },
  vectors: {
    find: () => directory(process.env.LATCHKEY_VECTORS),
    otherwise: 'LATCHKEY_VECTORS does not name a directory',
  },
} satisfies Record<string, Requirement>

export type RequirementName = keyof typeof REQUIREMENTS

/** The names in `LATCHKEY_REQUIRE`. */
export const required: readonly string[] = (process.env.LATCHKEY_REQUIRE ?? '').split(',').filter((name) => name !== '')

/** A suite that is there only with what it needs; it is handed what was found. */
export function describeWith(name: RequirementName, suite: string, body: (found: string) => void): void {
  const { find, otherwise } = REQUIREMENTS[name]
  const found = find()
  describe(suite, () => {
    if (found !== undefined) body(found)
    else if (required.includes(name)) {
      it('is not left out', () => {
        throw new Error(`${otherwise} (LATCHKEY_REQUIRE names ${name})`)
      })
    } else it('is left out', ({ skip }) => skip(otherwise))
  })
}

/** The first of the commands that runs these words. */
function program(commands: readonly string[], words: readonly string[]): string | undefined {
  return commands.find((command) => spawnSync(command, words, { stdio: 'ignore' }).status === 0)
}

/**
 * The binary that a package brings in an optional dependency, one for each kind of machine.
 *
 * @param path the package, behind those that it is a dependency of
 */
function packaged(path: readonly string[], binary: string): string | undefined {
  let manifest = import.meta.filename
  for (const name of path) {
    const found = manifestOf(name, manifest)
    if (found === undefined) return undefined
    manifest = found
  }
  const { optionalDependencies = {} } = createRequire(manifest)(manifest) as {
    readonly optionalDependencies?: Readonly<Record<string, string>>
  }
  const manifests = Object.keys(optionalDependencies).flatMap((name) => manifestOf(name, manifest) ?? [])
  return program(
    manifests.map((it) => join(dirname(it), binary)),
    ['--version'],
  )
}

function manifestOf(name: string, from: string): string | undefined {
  try {
    return createRequire(from).resolve(`${name}/package.json`)
  } catch {
    return undefined
  }
}

/** Debian puts libraries into a folder for each kind of machine. */
function library(name: string): string | undefined {
  const folders = existsSync('/usr/lib') ? readdirSync('/usr/lib') : []
  return folders.map((folder) => join('/usr/lib', folder, name)).find((path) => existsSync(path))
}

function directory(path: string | undefined): string | undefined {
  return path && statSync(path, { throwIfNoEntry: false })?.isDirectory() ? resolve(path) : undefined
}
