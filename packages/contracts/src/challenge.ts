/** The parameters of a Bearer challenge (RFC 6750 §3). */
export interface BearerError {
  /** Only when a credential was sent (RFC 6750 §3.1). */
  readonly error?: 'invalid_request' | 'invalid_token' | 'insufficient_scope'
  readonly scope?: string
}

/** `Bearer realm="…"`, for `WWW-Authenticate`. @throws TypeError when realm or scope cannot stand between quotes. */
export function bearerChallenge(realm: string, { error, scope }: BearerError = {}): string {
  // RFC 6750 §3: %x20-21 / %x23-5B / %x5D-7E, so no quote and no backslash.
  for (const [name, value] of Object.entries({ realm, ...(scope !== undefined && { scope }) })) {
    if (!/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/.test(value)) {
      throw new TypeError(`${name} must be printable ASCII without quote and backslash`)
    }
  }
  const parameters = [`realm="${realm}"`]
  if (error !== undefined) parameters.push(`error="${error}"`)
  if (scope !== undefined) parameters.push(`scope="${scope}"`)
  return `Bearer ${parameters.join(', ')}`
}
