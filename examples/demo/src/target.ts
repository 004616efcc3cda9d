/** The path and query of a request target, or `undefined` when it is none that a URL could have. */
export function originForm(target: string): string | undefined {
  // The absolute form is for proxies, but every server must take it (RFC 9112 §3.2.2).
  const origin = target.replace(/^https?:\/\/[^/?#]*/i, '').replace(/#.*$/, '')
  const [path = '', ...query] = origin.split('?')
  const whole = path === '' && origin !== target ? '/' : path
  if (!/^\/[A-Za-z0-9\-._~!$&'()*+,;=:@%/]*$/.test(whole) || !isPercentEncoded(whole)) return undefined
  return [whole, ...query].join('?')
}

/** Whether it is what a URL says its host is; none at all is for HTTP/1.0. */
export function isHost(host: string): boolean {
  if (host === '') return true
  try {
    return new URL(`http://${host}`).hostname === host.replace(/:\d*$/, '').toLowerCase()
  } catch {
    return false
  }
}

function isPercentEncoded(path: string): boolean {
  try {
    decodeURIComponent(path)
    return true
  } catch {
    return false
  }
}
