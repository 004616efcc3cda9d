import { digestKey, equalDigests } from '@latchkey/core'

/** A user's session, as the application's login would make it. Nothing is kept: every demo with the master key takes it. */
export interface Sessions {
  /** The value of the cookie. */
  cookieOf(accountId: string): string
  /** Whose session it is. */
  accountOf(cookie: string): string | undefined
}

/** @param masterKey of several with commas between, the first one makes sessions, and all open them */
export function sessionsWith(masterKey: string): Sessions {
  // A key of its own for each purpose: a session tells nothing that opens a seal.
  const secrets = masterKey.split(',').map((text) => digestKey('sessions of the demo', text.trim()))
  const [newest = ''] = secrets

  // 128 bits of it.
  const macOf = (accountId: string, secret: string) => digestKey(accountId, secret).slice(0, 32)

  return {
    cookieOf: (accountId) => `${accountId}.${macOf(accountId, newest)}`,
    accountOf(cookie) {
      const end = cookie.lastIndexOf('.')
      const accountId = cookie.slice(0, Math.max(0, end))
      const mac = cookie.slice(end + 1)
      return secrets.some((secret) => equalDigests(macOf(accountId, secret), mac)) ? accountId : undefined
    },
  }
}
