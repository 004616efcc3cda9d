/** A name in Redis as the store has it, written down a second time: what is at rest there must not move unnoticed. */
export function nameOf(prefix: string, kind: string, ...texts: readonly string[]): string {
  return `{${prefix}}:${kind}${texts.map((text) => `:${Buffer.byteLength(text)}:${text}`).join('')}`
}
