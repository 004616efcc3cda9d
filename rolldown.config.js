/**
 * What is published of a package: one file for each of its doors, and one for what they share. A process loads each file
 * anew from the disk, and seventy take longer than a frugal framework. Run in the package's own directory.
 */
import { readFileSync } from 'node:fs'
import { defineConfig } from 'rolldown'

const { exports, bin = {} } = JSON.parse(readFileSync('package.json', 'utf8')).publishConfig
const files = [...Object.values(exports).map((door) => door.default), ...Object.values(bin)]
const names = files.map((file) => file.replace(/^(\.\/)?bundle\//, '').replace(/\.js$/, ''))

export default defineConfig({
  input: Object.fromEntries(names.map((name) => [name, `src/${name}.ts`])),
  // Whoever installs it has those, by the package's own list.
  external: /^[^./]/,
  platform: 'neutral',
  output: {
    dir: 'bundle',
    format: 'esm',
    sourcemap: true,
    sourcemapExcludeSources: true,
    chunkFileNames: 'shared.js',
    cleanDir: true,
  },
})
