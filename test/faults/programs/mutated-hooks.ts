/** Runs in the thread that loads modules. */
import { readFileSync } from 'node:fs'
import type { InitializeHook, LoadHook } from 'node:module'

let paths: ReadonlyMap<string, string> = new Map()

export const initialize: InitializeHook<string> = (data) => {
  paths = new Map(JSON.parse(data))
}

export const load: LoadHook = (url, context, next) => {
  const path = paths.get(url)
  if (path === undefined) return next(url, context)
  return { format: 'module', source: readFileSync(path, 'utf8'), shortCircuit: true }
}
