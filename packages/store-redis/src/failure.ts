/**
 * What the client throws, as it may go on: its message and its code. A server quotes what it was asked where it does not
 * know the command, a digest among it; other errors hold how the connection was made, a password with it.
 */
export function plainError(error: unknown): Error {
  const { message, code } = (error ?? {}) as { readonly message?: unknown; readonly code?: unknown }
  const [text] = String(message || code || 'Redis failed').split(', with args')
  const plain = new Error(text)
  return typeof code === 'string' ? Object.assign(plain, { code }) : plain
}
