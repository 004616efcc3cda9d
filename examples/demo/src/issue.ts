import type { Keys, NewKey } from '@latchkey/core'

export interface Issued {
  readonly id: string
  /** The key's text, or its signing secret: it is never shown again. */
  readonly text: string
}

export async function issue<Permission extends string>(
  keys: Keys<Permission>,
  details: NewKey<Permission>,
): Promise<Issued> {
  const { key, secret } = await keys.create(details)
  if (secret === null) throw new Error(`the key "${details.name}" was there before`)
  return { id: key.id, text: secret }
}
