import type { Account, KeyMatch, KeyRecord, SigningKeyMatch, SigningSecret } from './store.ts'

/*
 * What a store returns is looked at before it is believed: a row of an older schema, or a date that became NaN, would
 * otherwise make a key that never expires. Only what decisions rest on is checked.
 */

export function isKeyMatch(value: KeyMatch): boolean {
  const { key, secret } = value ?? {}
  return isKey(key) && typeof secret?.digest === 'string' && isTimeOrNull(secret.expiresAt)
}

export function isSigningKeyMatch(value: SigningKeyMatch): boolean {
  const { key, secrets } = value ?? {}
  return isKey(key) && Array.isArray(secrets) && secrets.every(isSigningSecret)
}

function isSigningSecret(secret: SigningSecret | undefined): boolean {
  return (
    typeof secret?.version === 'string' &&
    typeof secret.sealed === 'string' &&
    typeof secret.masterKeyId === 'string' &&
    isTimeOrNull(secret.expiresAt)
  )
}

export function isAccount(value: Account | null | undefined): value is Account {
  const { id, plan, status } = value ?? {}
  return typeof id === 'string' && typeof plan === 'string' && (status === 'active' || status === 'suspended')
}

function isKey(key: KeyRecord | undefined): boolean {
  return (
    typeof key?.id === 'string' &&
    typeof key.service === 'string' &&
    typeof key.accountId === 'string' &&
    Array.isArray(key.permissions) &&
    key.permissions.every((permission) => typeof permission === 'string') &&
    isTimeOrNull(key.expiresAt) &&
    isTimeOrNull(key.revokedAt)
  )
}

function isTimeOrNull(value: unknown): boolean {
  return value === null || Number.isFinite(value)
}

/**
 * Whether it is a text that every store can hold, index and print: not blank, at most 255 characters, no control
 * characters, and no lone surrogate, which UTF-8 cannot write.
 */
export function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '' && value.length <= 255 && !/[\p{Cc}\p{Cs}]/u.test(value)
}

/** Made so that nobody can write to it, nor to what is in it: many requests share it. */
export function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const part of Object.values(value)) frozen(part)
  }
  return value
}
