import { type Command, Option } from 'commander'
import { collect } from './values.ts'

export interface PermissionOptions {
  /** False: none at all. */
  readonly permission?: readonly string[] | false | undefined
  readonly permissions?: readonly string[] | undefined
}

/** Adds `--permission`; a list with commas, and the plural, are taken too. */
export function withPermissions(command: Command, description: string): Command {
  return command
    .option('--permission <name>', `${description}; several times, or with commas`, collect)
    .addOption(new Option('--permissions <names>').argParser(collect).hideHelp())
}

/** `undefined`: not given. */
export function permissionsOf({ permission, permissions }: PermissionOptions): readonly string[] | undefined {
  if (permission === undefined && permissions === undefined) return undefined
  const names = [...(permission || []), ...(permissions ?? [])].flatMap((list) => list.split(','))
  return [...new Set(names.map((name) => name.trim()).filter((name) => name !== ''))]
}
