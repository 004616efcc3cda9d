import type { Fields } from './credential.ts'

/** Written by the proxies in front, each of which adds who is connected to it at the end. */
const FORWARDED_FOR = 'X-Forwarded-For'

/**
 * The address that a request comes from, as limits are counted by it: of IPv6 its /64, which is what one customer has.
 * Behind `trustedHops` proxies it is what the first of them has seen; what a client writes into the field stands further
 * left. `peer`: who is connected to this server. `undefined`: not known.
 */
export function clientIp(fields: Fields, peer: string | undefined, trustedHops: number): string | undefined {
  if (trustedHops > 0) {
    const seen = (fields.get(FORWARDED_FOR) ?? '').split(',')
    // Of fewer entries than there are proxies, any may be the client's own: it has come by another way.
    const text = seen.length >= trustedHops ? networkOf(seen[seen.length - trustedHops] ?? '') : undefined
    if (text !== undefined) return text
  }
  if (peer === undefined) return undefined
  // A promise, say: nobody waits for it.
  if (typeof peer !== 'string') throw new TypeError('the address of who is connected must be a text')
  return networkOf(peer)
}

/**
 * An IPv4 address, also from its IPv6 form (RFC 4291 §2.5.5.2), or the /64 of an IPv6 address, each in one spelling.
 * Proxies write a port too. `undefined`: it is no address.
 */
export function networkOf(text: string): string | undefined {
  const trimmed = text.trim()
  const v4 = /^(\d{1,3}(?:\.\d{1,3}){3})(?::\d+)?$/.exec(trimmed)?.[1]
  if (v4 !== undefined) return v4.split('.').every((part) => Number(part) < 256) ? v4 : undefined
  const v6 = /^\[?([\da-f:.]+)(?:%[^\]]*)?(?:\](?::\d+)?)?$/i.exec(trimmed)?.[1]
  return v6 === undefined ? undefined : networkOfV6(v6)
}

function networkOfV6(address: string): string | undefined {
  const host = `http://[${address}]`
  // The one parser of IPv6 that every runtime has. It knows the short forms, and writes the shortest.
  if (!URL.canParse(host)) return undefined
  const [before = '', behind] = new URL(host).hostname.slice(1, -1).split('::')
  const head = before === '' ? [] : before.split(':')
  const tail = behind === undefined || behind === '' ? [] : behind.split(':')
  const groups = [...head, ...new Array<string>(8 - head.length - tail.length).fill('0'), ...tail]
  const isMapped = groups.slice(0, 5).every((group) => group === '0') && groups[5] === 'ffff'
  if (!isMapped) return `${groups.slice(0, 4).join(':')}::/64`
  const bytes = groups.slice(6).flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255])
  return bytes.join('.')
}
