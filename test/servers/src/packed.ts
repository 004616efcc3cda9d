import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, realpathSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const PACKAGES = fileURLToPath(new URL('../../../packages', import.meta.url))

interface Manifest {
  readonly name: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

/**
 * Installs packages of this workspace in a directory outside of it, as they are published: packed and unpacked, beside what
 * they depend on.
 *
 * @param folders in `packages`; what they need of each other has to be among them
 */
export function installPacked(directory: string, folders: readonly string[]): void {
  for (const folder of folders) {
    const archive = join(directory, `${folder}.tgz`)
    // What it prints is in the error, if it fails.
    execFileSync('npx', ['-y', 'pnpm', '--dir', join(PACKAGES, folder), 'pack', '--out', archive], { stdio: 'pipe' })
    const text = execFileSync('tar', ['-xzOf', archive, 'package/package.json'], { encoding: 'utf8' })
    const { name, dependencies, peerDependencies } = JSON.parse(text) as Manifest
    const place = join(directory, 'node_modules', name)
    mkdirSync(place, { recursive: true })
    execFileSync('tar', ['-xzf', archive, '-C', place, '--strip-components=1'])
    for (const other of Object.keys({ ...dependencies, ...peerDependencies })) {
      link(join(PACKAGES, folder, 'node_modules', other), join(directory, 'node_modules', other))
    }
  }
}

/** Packages of the workspace itself are installed, not linked. */
function link(from: string, to: string): void {
  const path = realpathSync(from)
  if (path.startsWith(PACKAGES) || existsSync(to)) return
  mkdirSync(dirname(to), { recursive: true })
  symlinkSync(path, to)
}
