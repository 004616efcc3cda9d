import { createHmac } from 'node:crypto'
import type { TokenRules } from '@latchkey/core'

export interface SignOptions {
  readonly keyId: string
  readonly secret: string
  readonly rules: TokenRules
  /** Milliseconds since the epoch. */
  readonly now: number
  /** Milliseconds. */
  readonly expiresIn: number
  /** Beside the claims that the rules ask for, or in their place. */
  readonly claims: Readonly<Record<string, unknown>>
}

export interface SignedToken {
  readonly token: string
  readonly claims: Readonly<Record<string, unknown>>
}

/** Signs an HS256 token (RFC 7515) with the claims that the rules ask for. */
export function signToken({ keyId, secret, rules, now, expiresIn, claims: given }: SignOptions): SignedToken {
  const iat = Math.floor(now / 1000)
  const claims = {
    iss: rules.issuer,
    sub: keyId,
    ...(rules.audience !== undefined && { aud: rules.audience }),
    iat,
    exp: iat + Math.floor(expiresIn / 1000),
    ...given,
  }
  const signingInput = `${encode({ alg: 'HS256', typ: 'JWT', kid: keyId })}.${encode(claims)}`
  const signature = createHmac('sha256', secret).update(signingInput).digest('base64url')
  return { token: `${signingInput}.${signature}`, claims }
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
