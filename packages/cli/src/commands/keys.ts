import type { Command } from 'commander'
import type { Handle } from '../call.ts'
import { addChangeKey, addDeleteKey, addRevokeKey, addRotateKey } from './keys-change.ts'
import { addCreateKey, addImportKey } from './keys-create.ts'
import { addAuditKeys, addListKeys, addShowKey } from './keys-list.ts'
import { addResealKeys, addRevealKey } from './keys-secrets.ts'

export function addKeys(program: Command, handle: Handle): void {
  const keys = program.command('keys').description("a service's API keys and signing keys")
  addCreateKey(keys, handle)
  addImportKey(keys, handle)
  addListKeys(keys, handle)
  addShowKey(keys, handle)
  addChangeKey(keys, handle)
  addRotateKey(keys, handle)
  addRevokeKey(keys, handle)
  addDeleteKey(keys, handle)
  addRevealKey(keys, handle)
  addResealKeys(keys, handle)
  addAuditKeys(keys, handle)
}
