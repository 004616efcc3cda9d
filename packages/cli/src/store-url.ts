/** Names of parameters that hold a secret, such as pg's `password` and `sslpassword`. */
const SECRET_PARAMETER = /([?&;][^=&;#]*(?:pass|pwd|secret|token|key)[^=&;#]*=)[^&;#]*/gi

/**
 * A store's URL for people and logs: without its password. Does not say that a store opens it. Of a text that is not
 * written like a URL and holds an `@`, only what follows the last one is left.
 */
export function printableUrl(url: string): string {
  if (/^(sqlite|memory):/i.test(url)) return url
  // By the last @: a password that was not encoded may hold any of : @ / ? #, and a parser would cut it in two.
  const [, scheme = '', user = ''] = /^([a-z][a-z0-9+.-]*:\/\/)([^:@]*)?.*@/is.exec(url) ?? []
  const rest = url.slice(url.lastIndexOf('@') + 1)
  const address = !url.includes('@')
    ? url
    : scheme === '' || user === ''
      ? `${scheme}${rest}`
      : `${scheme}${user}@${rest}`
  return address.replace(SECRET_PARAMETER, '$1…')
}

/** An error's text without the URL's secrets, whoever repeated them: a driver, a parser. */
export function withoutSecrets(message: string, url: string): string {
  const secrets = [/^[a-z][a-z0-9+.-]*:\/\/[^:@]*:(.*)@/is.exec(url)?.[1], ...parametersOf(url)]
  const written = secrets.flatMap((secret) =>
    secret ? [secret, decoded(secret), encodeURIComponent(decoded(secret))] : [],
  )
  return written
    .toSorted((a, b) => b.length - a.length)
    .reduce((text, secret) => text.replaceAll(secret, '…'), message.replaceAll(url, printableUrl(url)))
}

function parametersOf(url: string): string[] {
  return [...url.matchAll(SECRET_PARAMETER)].map(([whole, name = '']) => whole.slice(name.length))
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
